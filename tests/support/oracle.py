"""Four SQLite databases: one that holds everything, and the three shards of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from routedb import errors
from routedb.sharding import ShardPlan, Target
from routedb.sql import Scan
from tests.support.sharded import plan

SHARDS = 3
KEYS = (None, 0, 1, 2, 3, 4, 5)
IDS = (None, 0, 1, 2)
_TABLES = ("orders", "items")


def home(key: int | None) -> int:
    """Return the shard of a key; a row without one lies somewhere."""
    return 1 if key is None else key % SHARDS


def databases() -> list[sqlite3.Connection]:
    """Return the shards, and after them the whole."""
    found = [sqlite3.connect(":memory:") for _ in range(SHARDS + 1)]
    for number, database in enumerate(found):
        for table in _TABLES:
            database.execute(f"create table {table} (customer_id int, id int, note)")
            rows = [
                (key, id_, f"{key}")
                for key in KEYS
                for id_ in IDS
                if number in (home(key), SHARDS)
                # The tables differ, so that outer joins have something to fill.
                and (key, id_, table) not in ((3, 0, "items"), (4, None, "orders"))
                and (table == "orders" or key not in (2, 5))
            ]
            database.executemany(f"insert into {table} values (?, ?, ?)", rows)
        database.execute("create table countries (id int, name text)")
        database.executemany(
            "insert into countries values (?, ?)", [(0, "a"), (1, "b"), (None, "c")]
        )
        database.commit()
    return found


def analysed(sql: str) -> tuple[ShardPlan, Scan] | None:
    """Analyse a text as SQLite's; None when it is refused."""
    try:
        return plan(sql, "sqlite")
    except errors.ShardError:
        return None


def located(sql: str, params: Any) -> Target | None:
    """Return the target, which may be several shards; None when it is refused."""
    known = analysed(sql)
    if known is None:
        return None
    try:
        return known[0].locate(sql, known[1], params, SHARDS)
    except errors.ShardError:
        return None


def resolved(sql: str, params: Any) -> Target | None:
    """Return where a statement runs as it is; None when it is refused."""
    known = analysed(sql)
    if known is None:
        return None
    try:
        return known[0].resolve(sql, known[1], params, SHARDS)
    except errors.ShardError:
        return None


def run(database: sqlite3.Connection, sql: str, params: Any) -> list[tuple[Any, ...]]:
    """Run a statement whose parameters are `%s`. Returns its rows, sorted."""
    rows = database.execute(sql.replace("%s", "?"), params or ()).fetchall()
    return sorted(rows, key=repr)


def contents(all_: Sequence[sqlite3.Connection]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the sharded tables in these databases."""
    for database in all_:
        for table in _TABLES:
            for row in database.execute(f"select '{table}', * from {table}"):
                yield tuple(row)
