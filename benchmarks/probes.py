"""How often nodes are probed, and what part of the reads replicas answer.

On a writer with its replicas, of PostgreSQL and of MariaDB: a process that writes so
many times a second, alone and beside reads. Reads are those of the connection that
writes, at a pace and without a pause, and under `consistency = "process"` those of
another connection. Probes are counted by node, and apart from them the questions that
connections put to their own nodes.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import routedb
from benchmarks.timing import Row
from routedb import adapters
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql

RATES = (1, 5, 20, 100)  # writes a second
READ_GAP_S = 0.005  # between the reads of a connection that reads at a pace
MEASURED_S = 4.0
SETTLE_S = 1.5
PROCESSES, PROCESS_RATE = 30, 20
MOST_ALONE, MOST_WAITING, MOST_IN_ALL, MOST_AT_FIRST = 5.0, 20.0, 100.0, 3.0
WRITE = "UPDATE item SET number = number + 1 WHERE id = 1"
READ = "SELECT number FROM item WHERE id = 1"
_MONITOR = "routedb-monitor-"  # what its threads' names begin with


def run() -> list[Row]:
    """Measure everything; takes about four minutes."""
    rows = []
    reaper = Reaper()
    try:
        for engine, start in (
            ("postgres", start_postgresql),
            ("mysql", start_mariadb),
        ):
            servers = start(open_place(engine, reaper))
            with closing(servers), servers.database() as database:
                database.execute(
                    "CREATE TABLE item (id int PRIMARY KEY, number int NOT NULL)"
                )
                database.execute("INSERT INTO item VALUES (1, 0)")
                database.wait_replayed()
                scheme = servers.writer.scheme
                rows += measure(scheme, list(database.dsns))
    finally:
        reaper.close()
    return rows


def measure(engine: str, dsns: list[str]) -> list[Row]:
    """Measure on these nodes of one group, the writer first."""
    rows = [at_first(engine, dsns)]
    for rate in (0, *RATES):
        rows.append(alone(engine, dsns, rate))
    for rate in RATES:
        for reads in (_own_paced, _own_tight, _of_process):
            rows += beside(engine, dsns, rate, reads)
    rows.append(in_all(engine, dsns))
    return rows


class Probes:
    """Counts probes by node, while a block runs; those of connections are of None."""

    def __init__(self, engine: str) -> None:
        self._adapter = adapters.load(engine)
        self.counts: Counter[str | None] = Counter()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is probed during the block."""
        plain = self._adapter.probe

        def probe(raw: Any) -> Any:
            name = threading.current_thread().name
            is_monitor = name.startswith(_MONITOR)
            self.counts[name.removeprefix(_MONITOR) if is_monitor else None] += 1
            return plain(raw)

        self._adapter.probe = probe  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self._adapter.probe  # type: ignore[method-assign]  # the class's

    @property
    def most(self) -> int:
        """Return the probes of the node that was probed most."""
        return max((n for name, n in self.counts.items() if name), default=0)


def cluster(dsns: list[str], **options: Any) -> routedb.Cluster:
    """Return a cluster of these nodes, the first of which is called `w`."""
    nodes = [
        {"dsn": dsn, "name": f"r{number}" if number else "w"}
        for number, dsn in enumerate(dsns)
    ]
    main = {"nodes": nodes, **options}
    return routedb.Cluster({"default": "main", "databases": {"main": main}})


def at_first(engine: str, dsns: list[str]) -> Row:
    """Probes of a node in the first five seconds of a process that does nothing."""
    probes = Probes(engine)
    with probes.counted(), closing(cluster(dsns)) as one, closing(one.connect()):
        time.sleep(5.0)
    name = f"{engine}: probes of a node in the first 5 s, idle"
    return Row(name, probes.most, "", MOST_AT_FIRST, "")


def alone(engine: str, dsns: list[str], rate: int) -> Row:
    """Probes of a node by a process that only writes."""
    probes = Probes(engine)
    with closing(cluster(dsns)) as one, closing(one.connect(autocommit=True)) as link:
        time.sleep(SETTLE_S)
        with probes.counted():
            _write(link, rate, MEASURED_S)
    name = f"{engine}: probes/s of a node, {rate} writes/s"
    return Row(name, probes.most / MEASURED_S, "/s", MOST_ALONE, "")


Reads = Callable[[routedb.Cluster, int, Counter[str]], None]


def beside(engine: str, dsns: list[str], rate: int, reads: Reads) -> list[Row]:
    """The share of reads on replicas, and probes of a node, of a process that reads
    as well."""
    probes, answered = Probes(engine), Counter[str]()
    consistency = "process" if reads is _of_process else "session"
    with closing(cluster(dsns, consistency=consistency)) as one, closing(one.connect()):
        time.sleep(SETTLE_S)
        with probes.counted():
            reads(one, rate, answered)
    share = 1 - answered["w"] / max(sum(answered.values()), 1)
    what = f"{engine}: {rate} writes/s, {_KINDS[reads]}"
    note = f"{sum(answered.values())} reads, {probes.counts[None]} asked by connections"
    return [
        Row(f"{what}: on replicas", 100 * share, "%", None, note),
        Row(f"{what}: probes/s", probes.most / MEASURED_S, "/s", MOST_WAITING, ""),
    ]


def _own_paced(one: routedb.Cluster, rate: int, answered: Counter[str]) -> None:
    with closing(one.connect(autocommit=True)) as link:
        _write(link, rate, MEASURED_S, partial(_read_until, link, answered, READ_GAP_S))


def _own_tight(one: routedb.Cluster, rate: int, answered: Counter[str]) -> None:
    with closing(one.connect(autocommit=True)) as link:
        _write(link, rate, MEASURED_S, partial(_read_until, link, answered, 0.0))


def _of_process(one: routedb.Cluster, rate: int, answered: Counter[str]) -> None:
    until = time.monotonic() + MEASURED_S
    with (
        closing(one.connect(autocommit=True)) as writer,
        closing(one.connect(autocommit=True)) as reader,
    ):
        thread = threading.Thread(
            target=_read_until, args=[reader, answered, READ_GAP_S, until]
        )
        thread.start()
        _write(writer, rate, MEASURED_S)
        thread.join()


_KINDS: dict[Reads, str] = {
    _own_paced: "own reads",
    _own_tight: "own reads without a pause",
    _of_process: "another's reads",
}


def _write(
    link: Any,
    rate: int,
    seconds: float,
    meanwhile: Callable[[float], None] | None = None,
) -> None:
    """Write at this rate; between two writes do something until a time."""
    cursor, began = link.cursor(), time.monotonic()
    number, over = 0, began + seconds
    while (now := time.monotonic()) < over:
        if rate and now >= began + number / rate:
            cursor.execute(WRITE)
            number += 1
        due = min(over, began + number / rate) if rate else over
        if meanwhile is None:
            time.sleep(max(0.0, due - time.monotonic()))
        else:
            meanwhile(due)


def _read_until(link: Any, answered: Counter[str], gap_s: float, until: float) -> None:
    cursor = link.cursor()
    while (now := time.monotonic()) < until:
        cursor.execute(READ)
        cursor.fetchall()
        answered[cursor.node.name] += 1
        if gap_s:
            time.sleep(max(0.0, min(gap_s, until - now)))


def in_all(engine: str, dsns: list[str]) -> Row:
    """Probes of the writer by many processes that write."""
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    processes = [
        fork.Process(target=_one_of_many, args=[engine, dsns, results])
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    total = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    name = f"{engine}: probes/s of the writer, {PROCESSES} x {PROCESS_RATE} writes/s"
    return Row(name, total / MEASURED_S, "/s", MOST_IN_ALL, "")


def _one_of_many(engine: str, dsns: list[str], results: Any) -> None:
    probes = Probes(engine)
    with closing(cluster(dsns)) as one, closing(one.connect(autocommit=True)) as link:
        time.sleep(SETTLE_S * 2)
        with probes.counted():
            _write(link, PROCESS_RATE, MEASURED_S)
    results.put(probes.counts["w"])
