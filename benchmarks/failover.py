"""How soon writes go on after a promotion: from the moment in which a raw connection
sees the new writer, to the first write of those who wait, and to the last one's.

The writer is killed while eight connections write; a replica is promoted. The raw probe
asks the promoted node every millisecond over a link of its own, which no program could
do better. What a promotion itself takes is not routedb's, and not counted. On a busy
machine most of what follows is connecting; what a plain connection and write take that
begin at the same moment is shown beside it.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import routedb
from benchmarks.timing import Row
from tests.support.servers import Database, Reaper, Server, open_place, start_postgresql

ROUNDS = 5
WRITERS = 8
BAR_MS = 100.0


def run() -> list[Row]:
    """Measure everything; takes about two minutes."""
    reaper = Reaper()
    try:
        with closing(start_postgresql(open_place("postgres", reaper))) as servers:
            rounds = []
            for _ in range(ROUNDS):
                with servers.database() as database:
                    rounds.append(_round(database))
    finally:
        reaper.close()
    plain, known, first, last = zip(*rounds, strict=True)
    return [
        _row("connect and write by psycopg2", plain, None),
        _row("the new writer is known", known, BAR_MS),
        _row("first write", first, BAR_MS),
        _row(f"all {WRITERS} that wait have written", last, None),
    ]


def _row(what: str, times: Sequence[float], bar: float | None) -> Row:
    note = f"median of {ROUNDS} promotions, worst {max(times):.0f} ms"
    return Row(f"failover: {what}", statistics.median(times), "ms", bar, note)


def _round(database: Database) -> tuple[float, float, float, float]:
    """Return the milliseconds until each of what `run` names."""
    database.execute("CREATE TABLE t (id serial, at float)")
    database.wait_replayed()
    writer, heir = database.cluster.nodes[:2]
    main = {"nodes": list(database.dsns), "failover_timeout": "60s"}
    with routedb.Cluster({"databases": {"main": main}}) as cluster:
        clerks = [Clerk(cluster.connect(autocommit=True)) for _ in range(WRITERS)]
        while not all(clerk.done_at for clerk in clerks):
            time.sleep(0.01)
        database.wait_replayed()
        writer.kill()
        time.sleep(1.0)
        seen = Probe(heir, database.name, cluster)
        heir.promote()
        seen.end()
        after = [clerk.next_after(seen.at) for clerk in clerks]
        for clerk in clerks:
            clerk.end()
    moments = (seen.wrote_at, seen.known_at, min(after), max(after))
    plain, known, first, last = ((moment - seen.at) * 1000 for moment in moments)
    return plain, known, first, last


class Probe:
    """Notes when a node is a writer, as soon as anybody can tell; when a plain
    connection made then has written; and when the cluster knows it."""

    def __init__(self, server: Server, dbname: str, cluster: routedb.Cluster) -> None:
        self.at = self.wrote_at = self.known_at = 0.0
        self._server, self._dbname, self._cluster = server, dbname, cluster
        self._raw = server.connect()
        self._threads = [threading.Thread(target=t) for t in (self._look, self._wait)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait until all three are known."""
        for thread in self._threads:
            thread.join()
        self._raw.close()

    def _look(self) -> None:
        cursor = self._raw.cursor()
        while True:
            cursor.execute("SELECT pg_is_in_recovery()")
            if cursor.fetchone() == (False,):
                break
            time.sleep(0.001)
        self.at = time.perf_counter()
        self._server.execute("INSERT INTO t (at) VALUES (1)", dbname=self._dbname)
        self.wrote_at = time.perf_counter()

    def _wait(self) -> None:
        core = self._cluster.runtime.core
        while True:
            seen = core.topology
            if seen.groups[0].writer is not None:
                self.known_at = time.perf_counter()
                return
            core.await_news(seen.version, core.clock() + 60)


class Clerk:
    """One connection that writes all the time, and notes when a write has ended."""

    def __init__(self, connection: Any) -> None:
        self.done_at = 0.0
        self._times: list[float] = []
        self._connection = connection
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def next_after(self, moment: float) -> float:
        """Return when the first write has ended after a moment."""
        while self.done_at <= moment:
            time.sleep(0.01)
        return min(at for at in self._times if at > moment)

    def end(self) -> None:
        """Stop writing."""
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        cursor = self._connection.cursor()
        while not self._is_over.is_set():
            try:
                cursor.execute("INSERT INTO t (at) VALUES (0)")
            except routedb.OperationalError:
                continue
            self._times.append(time.perf_counter())
            self.done_at = self._times[-1]
            time.sleep(0.002)
