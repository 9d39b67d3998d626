"""What a short-lived connection costs with a pool: connect, one SELECT, close.

Against a plain connect each time, and against the driver's own pool, from one thread.
Beside a read, a write. And what it costs to reset the session each time: against the
same without that, as it would be if the text of a read could be believed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import psycopg2.pool

import routedb
from benchmarks.server import one_server
from benchmarks.timing import Row, interleave, ratio
from routedb.adapters.mysql.mysqlclient import ADAPTER as MYSQL
from routedb.adapters.postgresql.psycopg2 import ADAPTER as POSTGRESQL
from tests.support.servers import start_mariadb

READ = "SELECT name FROM item WHERE id = 1"
WRITE = "UPDATE item SET name = 'x' WHERE id = 1"
TABLE = (
    "CREATE TABLE item (id int PRIMARY KEY, name text)",
    "INSERT INTO item VALUES (1, 'x')",
)


def run() -> list[Row]:
    """Measure everything; takes about a minute."""
    with one_server(*TABLE) as dsn:
        rows = [*measure(dsn), reset(dsn, "PostgreSQL", POSTGRESQL)]
    with one_server(*TABLE, user="mysql", start=start_mariadb) as dsn:
        return [*rows, reset(dsn, "MariaDB", MYSQL)]


def measure(dsn: str) -> list[Row]:
    """Measure against one node."""
    pool = psycopg2.pool.ThreadedConnectionPool(1, 10, dsn)
    with closing(routedb.Cluster(dsn, pool={"max": 10})) as cluster:
        calls: dict[str, Callable[[], None]] = {
            "raw": lambda: _use(psycopg2.connect(dsn), READ),
            "psycopg2.pool": lambda: _lend(pool, READ),
            "ours": lambda: _use(cluster.connect(), READ),
            "psycopg2.pool, write": lambda: _lend(pool, WRITE),
            "ours, write": lambda: _use(cluster.connect(), WRITE),
        }
        times = interleave(calls, rounds=30, block=10)
    pool.closeall()
    return [
        _row(times, "pool: connect, read, close, of raw", "ours", "raw", 0.2),
        _row(times, "pool: the same, of psycopg2.pool", "ours", "psycopg2.pool"),
        _row(
            times,
            "pool: with a write, of psycopg2.pool",
            "ours, write",
            "psycopg2.pool, write",
        ),
    ]


def reset(dsn: str, server: str, adapter: Any) -> Row:
    """Measure what a reset by `adapter` adds to connect, read, close."""

    def without() -> None:
        adapter.reset = lambda raw, node: True
        try:
            _use(cluster.connect(), READ)
        finally:
            del adapter.reset

    with closing(routedb.Cluster(dsn, pool={"max": 1})) as cluster:
        # In this order: the first reset of a session also asks what it cannot reach.
        calls = {"with": lambda: _use(cluster.connect(), READ), "without": without}
        times = interleave(calls, rounds=30, block=10)
    return _row(times, f"pool: with the reset, {server}", "with", "without")


def _use(connection: Any, sql: str) -> None:
    _run(connection, sql)
    connection.close()


def _lend(pool: Any, sql: str) -> None:
    connection = pool.getconn()
    _run(connection, sql)
    pool.putconn(connection)


def _run(connection: Any, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.commit()


def _row(times: Any, name: str, mine: str, other: str, bar: float | None = None) -> Row:
    shown = f"{times[other].median * 1e6:.0f} -> {times[mine].median * 1e6:.0f} us"
    return Row(name, ratio(times, mine, other), "x", bar, shown)
