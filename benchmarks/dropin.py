"""What it costs to stand in the place of psycopg2, on one node: connecting, fetching
100,000 rows in every way, a named cursor, `execute_values`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

import routedb
from benchmarks.overhead import FETCHED
from benchmarks.server import one_server
from benchmarks.timing import Row, interleave, ratio

ROWS = f"SELECT i, 'row ' || i FROM generate_series(1, {FETCHED}) i"
VALUES = [(i, f"row {i}") for i in range(FETCHED)]


def run() -> list[Row]:
    """Measure everything; takes about a minute."""
    with one_server(
        "CREATE TABLE item (id int, name text)",
    ) as dsn:
        return measure(dsn)


def measure(dsn: str) -> list[Row]:
    """Measure against one node."""
    raw, ours = psycopg2.connect(dsn), routedb.connect(dsn)
    try:
        rows = [_row("connect", 1.3, connect, psycopg2.connect, routedb.connect, dsn)]
        for what, bar, use in USES:
            rows.append(_row(what, bar, use, raw, ours))
        return rows
    finally:
        raw.close()
        ours.close()


def connect(make: Callable[[str], Any], dsn: str) -> None:
    """Open and close."""
    make(dsn).close()


def fetch_all(connection: Any) -> None:
    """Fetch all rows in one call."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        cursor.fetchall()
    connection.commit()


def fetch_one(connection: Any) -> None:
    """Fetch row by row."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        while cursor.fetchone():
            pass
    connection.commit()


def fetch_many(connection: Any) -> None:
    """Fetch by hundreds."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        while cursor.fetchmany(100):
            pass
    connection.commit()


def iterate(connection: Any) -> None:
    """Walk over the cursor."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        for _ in cursor:
            pass
    connection.commit()


def named(connection: Any) -> None:
    """Walk over a cursor on the server."""
    with connection.cursor("named") as cursor:
        cursor.execute(ROWS)
        for _ in cursor:
            pass
    connection.commit()


def values(connection: Any) -> None:
    """Insert many rows with execute_values."""
    with connection.cursor() as cursor:
        execute_values(cursor, "INSERT INTO item VALUES %s", VALUES, page_size=1000)
    connection.rollback()


USES: tuple[tuple[str, float, Callable[[Any], None]], ...] = (
    ("fetchall", 1.02, fetch_all),
    ("fetchone", 1.02, fetch_one),
    ("fetchmany", 1.02, fetch_many),
    ("iteration", 1.02, iterate),
    ("named cursor", 1.05, named),
    ("execute_values", 1.05, values),
)


def _row(
    what: str, bar: float, use: Callable[..., None], raw: Any, ours: Any, *more: Any
) -> Row:
    calls = {"raw": lambda: use(raw, *more), "ours": lambda: use(ours, *more)}
    times = interleave(calls, rounds=15, block=1 if what != "connect" else 3)
    shown = " -> ".join(f"{times[who].median * 1e3:.1f}" for who in ("raw", "ours"))
    value = ratio(times, "ours", "raw")
    return Row(f"psycopg2, one node: {what}, of raw", value, "x", bar, f"{shown} ms")
