"""How soon writes go on after a promotion: from the moment in which a raw connection
sees the new writer, to the first write of those who wait, and to the last one's.

The writer is killed while eight connections write; a replica is promoted. The raw probe
asks the promoted node every millisecond over a link of its own, which no program could
do better. What a promotion itself takes is not routedb's, and not counted.
"""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import closing
from typing import Any

import routedb
from benchmarks.timing import Row
from tests.servers import Database, Reaper, Server, open_place, start_postgresql

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
    first, last = ([ms[which] for ms in rounds] for which in (0, 1))
    return [_row("first write", first), _row(f"all {WRITERS} waiting go on", last)]


def _row(what: str, times: list[float]) -> Row:
    median, worst = statistics.median(times), max(times)
    note = f"median {median:.1f} ms of {ROUNDS} promotions"
    return Row(f"failover: {what}", worst, "ms", BAR_MS, note)


def _round(database: Database) -> tuple[float, float]:
    """Return the milliseconds to the first and to the last connection's next write."""
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
        seen = Probe(heir)
        heir.promote()
        seen.thread.join()
        after = [clerk.next_after(seen.at) for clerk in clerks]
        for clerk in clerks:
            clerk.end()
    return (min(after) - seen.at) * 1000, (max(after) - seen.at) * 1000


class Probe:
    """Notes when a node is a writer, as soon as anybody can tell."""

    def __init__(self, server: Server) -> None:
        self.at = 0.0
        self._raw = server.connect()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self) -> None:
        cursor = self._raw.cursor()
        while True:
            cursor.execute("SELECT pg_is_in_recovery()")
            if cursor.fetchone() == (False,):
                self.at = time.perf_counter()
                return
            time.sleep(0.001)


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
