"""A hundred constructs of SQL over four shards: the rows of one database, or refused.

What is refused is in a table by name, so that it is seen when that changes.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import MySQLdb
import psycopg2

import routedb
from tests.frontends.constructs import (
    ALL,
    LITE,
    MYSQL,
    NOT_MYSQL,
    POSTGRESQL,
    ROWS,
    TABLES,
)

SHARDS = 4
REFUSED_LITE: dict[str, str] = {}
REFUSED_MYSQL = {"values": "its grammar is not understood: write it more simply"}
REFUSED_POSTGRESQL = {
    "rows from": "ROWS FROM (GENERATE_SERIES(1, 2), UNNEST(ARRAY('a', 'b'))) "
    "AS f(a, b): a function in FROM",
    "order using an operator": "its grammar is not understood: write it more simply",
    "tablesample of everything": "table orders: what is written after its name",
}


def _dealt() -> list[dict[str, list[tuple[Any, ...]]]]:
    """Return the rows of each shard, then those of the other database, then all."""
    shards = [
        {
            "orders": [row for row in ROWS["orders"] if row[1] % SHARDS == number],
            "items": [row for row in ROWS["items"] if row[1] % SHARDS == number],
            "regions": ROWS["regions"],
        }
        for number in range(SHARDS)
    ]
    return [*shards, {"leads": ROWS["leads"]}, ROWS]


def _fill(raw: Any, tables: Mapping[str, list[tuple[Any, ...]]], mark: str) -> None:
    cursor = raw.cursor()
    for table, rows in tables.items():
        cursor.execute(f"CREATE TABLE {table} ({TABLES[table]})")
        marks = ", ".join([mark] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    raw.commit()


def _routed(dsns: list[str], stack: ExitStack) -> Any:
    rule = {"database": "shop", "shard_key": "cust", "function": "modulo"}
    source = {
        "default": "shop",
        "databases": {
            "shop": {"shards": [[dsn] for dsn in dsns[:SHARDS]]},
            "crm": {"nodes": [dsns[SHARDS]]},
        },
        "tables": {
            "orders": rule,
            "items": rule,
            "regions": {"database": "shop", "reference": True},
            "leads": "crm",
        },
    }
    cluster = stack.enter_context(routedb.Cluster(source))
    return stack.enter_context(closing(cluster.connect(autocommit=True)))


def _compare(routed: Any, one: Any, constructs: Mapping[str, str]) -> dict[str, str]:
    """Compare each answer with that of one database; return what is refused, and
    why."""
    refused: dict[str, str] = {}
    for name, sql in constructs.items():
        asked = one.cursor()
        asked.execute(sql)
        cursor = routed.cursor()
        try:
            cursor.execute(sql)
        except (routedb.ShardError, routedb.CrossDatabaseError) as refusal:
            refused[name] = str(refusal).rpartition("It is not merged, either: ")[2]
            continue
        rows, wanted = _typed(cursor.fetchall()), _typed(asked.fetchall())
        if "ORDER BY" in sql.rpartition(")")[2] and "TIES" not in sql:
            assert rows == wanted, f"{name}: {sql}"
        assert Counter(rows) == Counter(wanted), f"{name}: {sql}"
    return refused


def _typed(rows: Any) -> list[str]:
    return [repr([(type(value), value) for value in row]) for row in rows]


def test_constructs_over_shards_in_sqlite(tmp_path: Path) -> None:
    paths = [tmp_path / f"part{number}.db" for number in range(SHARDS + 2)]
    with ExitStack() as stack:
        raws = [stack.enter_context(closing(sqlite3.connect(path))) for path in paths]
        for raw, tables in zip(raws, _dealt(), strict=True):
            _fill(raw, tables, "?")
        routed = _routed([f"sqlite:///{path}" for path in paths], stack)
        refused = _compare(routed, raws[-1], {**ALL, **LITE})
    assert refused == REFUSED_LITE


def test_constructs_over_shards_in_postgresql(postgresql: Any) -> None:
    with ExitStack() as stack:
        dsns = [
            stack.enter_context(postgresql.database()).writer_dsn
            for _ in range(SHARDS + 2)
        ]
        raws = [stack.enter_context(closing(psycopg2.connect(dsn))) for dsn in dsns]
        for raw, tables in zip(raws, _dealt(), strict=True):
            _fill(raw, tables, "%s")
        raws[-1].autocommit = True
        refused = _compare(_routed(dsns, stack), raws[-1], {**ALL, **POSTGRESQL})
    assert refused == REFUSED_POSTGRESQL


def test_constructs_over_shards_in_mariadb(mariadb: Any) -> None:
    own = {name: sql for name, sql in ALL.items() if name not in NOT_MYSQL}
    with ExitStack() as stack:
        dsns = [
            stack.enter_context(mariadb.database()).writer_dsn
            for _ in range(SHARDS + 2)
        ]
        raws = [stack.enter_context(closing(_mysql(dsn))) for dsn in dsns]
        for raw, tables in zip(raws, _dealt(), strict=True):
            _fill(raw, tables, "%s")
        refused = _compare(_routed(dsns, stack), raws[-1], {**own, **MYSQL})
    assert refused == REFUSED_MYSQL


def _mysql(dsn: str) -> Any:
    with closing(routedb.connect(dsn)) as found:
        return MySQLdb.connect(**found.session.core.nodes[0].options)


def test_the_table_is_of_a_hundred() -> None:
    assert len(ALL) + len(LITE) >= 100
    assert len(ALL) + len(POSTGRESQL) >= 100
