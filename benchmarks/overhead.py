"""What a statement costs through routedb, against the raw driver in the same run.

For each of the three drivers, on real servers: a SELECT by key through a connection
with a writer and replicas, `SELECT 1`, a write, and fetching many rows. On the fake
adapter: the CPU time that routedb itself adds to `execute`.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import routedb
from benchmarks.timing import Row, interleave, ratio
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql

KEYS = 1000
FETCHED = 100_000
ROUNDS = 150


def run() -> list[Row]:
    """Measure everything; takes about two minutes."""
    rows = [*fake()]
    reaper = Reaper()
    try:
        with on_one_core():
            rows += postgresql(reaper)
            rows += mariadb(reaper)
    finally:
        reaper.close()
    return rows + sqlite()


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, and the servers it starts, on one core.

    Where the scheduler puts a backend changes the time of a statement threefold
    (20 us on the client's core, 60 us on another that must be woken first), and a raw
    connection may be given the one and ours the other for minutes.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def postgresql(reaper: Reaper) -> list[Row]:
    """Against raw psycopg2, on a writer with two streaming replicas."""
    import psycopg2  # noqa: PLC0415

    with closing(start_postgresql(open_place("postgres", reaper))) as servers:
        name = servers.create_database()
        dsns = [node.dsn(name) for node in servers.nodes]
        servers.writer.execute(
            "CREATE TABLE item (id int PRIMARY KEY, name text, price numeric)",
            dbname=name,
        )
        servers.writer.execute(
            "INSERT INTO item SELECT i, 'item ' || i, i "
            f"FROM generate_series(1, {KEYS}) i",
            dbname=name,
        )
        servers.wait_replayed()
        # The raw connection is to a replica too: all nodes share the machine, but a
        # replica's plan cache and memory are its own.
        raw = psycopg2.connect(dsns[1])
        raw.autocommit = True
        ours = routedb.connect(dsns, autocommit=True)
        try:
            return [
                *_statements("psycopg2", raw.cursor(), ours.cursor(), (1.04, 1.08)),
                _fetching("psycopg2", raw.cursor(), ours.cursor(), 1.01),
            ]
        finally:
            raw.close()
            ours.close()


def mariadb(reaper: Reaper) -> list[Row]:
    """Against raw mysqlclient, on a writer with a GTID replica."""
    import MySQLdb  # noqa: PLC0415

    with closing(start_mariadb(open_place("mysql", reaper))) as servers:
        name = servers.create_database()
        dsns = [node.dsn(name) for node in servers.nodes]
        servers.writer.execute(
            "CREATE TABLE item (id int PRIMARY KEY, name text, price decimal(10))",
            dbname=name,
        )
        servers.writer.execute(
            "INSERT INTO item SELECT seq, concat('item ', seq), seq "
            f"FROM seq_1_to_{KEYS}",
            dbname=name,
        )
        servers.wait_replayed()
        node = servers.replicas[0]
        raw = MySQLdb.connect(
            host=node.host,
            port=node.port,
            user=node.user,
            password=node.password,
            database=name,
            autocommit=True,
        )
        ours = routedb.connect(dsns, autocommit=True)
        try:
            return _statements("mysqlclient", raw.cursor(), ours.cursor())
        finally:
            raw.close()
            ours.close()


def sqlite() -> list[Row]:
    """Against raw sqlite3, on a writer and a read-only replica of the same file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL)")
        raw.executemany(
            "INSERT INTO item VALUES (?, ?, ?)",
            [(i, f"item {i}", i) for i in range(1, KEYS + 1)],
        )
        ours = routedb.connect(
            [f"sqlite:///{path}", f"sqlite:///{path}?mode=ro"], autocommit=True
        )
        try:
            return _statements("sqlite3", raw.cursor(), ours.cursor(), mark="?")
        finally:
            raw.close()
            ours.close()


def fake() -> list[Row]:
    """The CPU time added to one `execute`, everything else being nearly free."""
    from routedb.adapters import fake  # noqa: PLC0415

    with fake_cluster(fake) as (dsns, raw):
        ours = routedb.connect(dsns, autocommit=True).cursor()
        sql, params = "SELECT name FROM item WHERE id = %s", (7,)
        blocks = {
            "raw": lambda: _repeat(raw, sql, params),
            "routedb": lambda: _repeat(ours, sql, params),
        }
        seconds: dict[str, list[float]] = {name: [] for name in blocks}
        for _ in range(60):
            for name, block in blocks.items():
                start = time.process_time()
                block()
                seconds[name].append((time.process_time() - start) / 1000)
        medians = {name: statistics.median(some) for name, some in seconds.items()}
        added = medians["routedb"] - medians["raw"]
        return [Row("fake adapter: CPU added per execute", added * 1e6, "us", 1.2)]


@contextmanager
def fake_cluster(fake: Any) -> Iterator[tuple[list[str], Any]]:
    """A scripted writer with two replicas, and a raw cursor on one of them."""
    names = ["bench-writer", "bench-1", "bench-2"]
    servers = [
        fake.Server(name, role="writer" if n == 0 else "replica")
        for n, name in enumerate(names)
    ]
    for server in servers:
        server.answer("SELECT", rows=[("item",)], columns=["name"])
    adapter = fake.ADAPTER
    try:
        yield [f"fake://{name}" for name in names], adapter.cursor(servers[1].connect())
    finally:
        for server in servers:
            server.close()


def _repeat(cursor: Any, sql: str, params: Any, times: int = 1000) -> None:
    execute = cursor.execute
    for _ in range(times):
        execute(sql, params)


def _statements(
    driver: str,
    raw: Any,
    ours: Any,
    bars: tuple[float | None, float | None] = (None, None),
    mark: str = "%s",
) -> list[Row]:
    by_key = f"SELECT id, name, price FROM item WHERE id = {mark}"
    ours_by_key = "SELECT id, name, price FROM item WHERE id = %s"
    calls: dict[str, Callable[[], object]] = {
        "raw by key": lambda: (raw.execute(by_key, (7,)), raw.fetchone()),
        "ours by key": lambda: (ours.execute(ours_by_key, (7,)), ours.fetchone()),
        "raw 1": lambda: (raw.execute("SELECT 1"), raw.fetchone()),
        "ours 1": lambda: (ours.execute("SELECT 1"), ours.fetchone()),
    }
    times = interleave(calls, ROUNDS)
    rows = []
    for what, bar in zip(("by key", "1"), bars, strict=True):
        mine, theirs = times[f"ours {what}"], times[f"raw {what}"]
        note = (
            f"median {theirs.median * 1e6:.1f} -> {mine.median * 1e6:.1f} us, "
            f"p99 {theirs.p99 * 1e6:.0f} -> {mine.p99 * 1e6:.0f} us"
        )
        value = ratio(times, f"ours {what}", f"raw {what}")
        rows.append(Row(f"{driver}: SELECT {what}, of raw", value, "x", bar, note))
    return rows


def _fetching(driver: str, raw: Any, ours: Any, bar: float | None) -> Row:
    sql = f"SELECT i, 'row ' || i FROM generate_series(1, {FETCHED}) i"
    calls: dict[str, Callable[[], object]] = {
        "raw": lambda: (raw.execute(sql), raw.fetchall()),
        "ours": lambda: (ours.execute(sql), ours.fetchall()),
    }
    times = interleave(calls, rounds=12, block=1)
    raw_ms, ours_ms = times["raw"].median * 1e3, times["ours"].median * 1e3
    note = f"median {raw_ms:.1f} -> {ours_ms:.1f} ms"
    value = ratio(times, "ours", "raw")
    return Row(f"{driver}: {FETCHED:,} rows fetched, of raw", value, "x", bar, note)
