"""A database with all rows, and the same rows over several groups, on each engine."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import MySQLdb
import psycopg2
import pytest
from MySQLdb import connections as mysql_raw

import routedb

TABLES = {
    "items": "id integer PRIMARY KEY, owner integer, price decimal(10, 2), "
    "name varchar(9), seen date",
    "places": "id integer PRIMARY KEY, name varchar(9)",
    "leads": "id integer PRIMARY KEY, owner integer, src varchar(9)",
}
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "items": [
        (n, n % 5, f"{n}.50", None if n == 4 else f"n{n % 3}", f"2024-01-{n + 1:02}")
        for n in range(12)
    ],
    "places": [(1, "here"), (2, "there")],
    "leads": [(1, 1, "web"), (2, 3, "mail"), (3, 9, "web"), (4, None, "fair")],
}


class World(NamedTuple):
    """A connection over the groups, and the driver's to the one database."""

    routed: Any
    one: Any


def _fill(raw: Any, tables: dict[str, list[tuple[Any, ...]]]) -> None:
    cursor = raw.cursor()
    for table, rows in tables.items():
        cursor.execute(f"CREATE TABLE {table} ({TABLES[table]})")
        for row in rows:
            values = ", ".join("NULL" if v is None else repr(v) for v in row)
            cursor.execute(f"INSERT INTO {table} VALUES ({values})")
    raw.commit()


def _shard(number: int) -> dict[str, list[tuple[Any, ...]]]:
    items = [row for row in ROWS["items"] if row[1] % 2 == number]
    return {"items": items, "places": ROWS["places"]}


_DEALT = [_shard(0), _shard(1), {"leads": ROWS["leads"]}, ROWS]


def _connected(dsns: list[str], stack: ExitStack, **options: Any) -> Any:
    rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
    source = {
        "default": "shop",
        "databases": {
            "shop": {"shards": [[dsns[0]], [dsns[1]]], **options},
            "crm": {"nodes": [dsns[2]], **options},
        },
        "tables": {
            "items": rule,
            "places": {"database": "shop", "reference": True},
            "leads": "crm",
        },
    }
    cluster = stack.enter_context(closing(routedb.Cluster(source)))
    return stack.enter_context(closing(cluster.connect(autocommit=True)))


def lite_world(folder: Path, stack: ExitStack) -> World:
    """On SQLite files."""
    paths = [folder / f"merged{number}.db" for number in range(4)]
    raws = [stack.enter_context(closing(sqlite3.connect(path))) for path in paths]
    for raw, tables in zip(raws, _DEALT, strict=True):
        _fill(raw, tables)
    return World(_connected([f"sqlite:///{path}" for path in paths], stack), raws[-1])


def postgresql_world(servers: Any, stack: ExitStack, **options: Any) -> World:
    """On databases of PostgreSQL `servers`, with these `options`."""
    return _on_servers(servers, psycopg2.connect, stack, **options)


def mysql_world(servers: Any, stack: ExitStack) -> World:
    """On databases of MariaDB `servers`."""

    def connect(dsn: str) -> Any:
        with closing(routedb.connect(dsn)) as found:
            return MySQLdb.connect(**found.session.core.nodes[0].options)

    return _on_servers(servers, connect, stack)


def _on_servers(servers: Any, connect: Any, stack: ExitStack, **options: Any) -> World:
    dsns = [stack.enter_context(servers.database()).writer_dsn for _ in range(4)]
    raws = [stack.enter_context(closing(connect(dsn))) for dsn in dsns]
    for raw, tables in zip(raws, _DEALT, strict=True):
        _fill(raw, tables)
    return World(_connected(dsns, stack, **options), raws[-1])


def compare(world: World, sql: str, params: Any) -> None:
    """Compare what a statement answers: rows and types, their order where it has one,
    the columns, the count; or that it fails, with the same class of the driver's."""
    cursor, its = world.routed.cursor(), world.one.cursor()
    error = _error_of(world.one, its, sql, params)
    if error is not None:
        with pytest.raises(error):
            cursor.execute(sql, params)
        return
    cursor.execute(sql, params)
    rows, expected_rows = list(cursor.fetchall()), list(its.fetchall())
    typed = [[(type(value), value) for value in row] for row in rows]
    wanted = [[(type(value), value) for value in row] for row in expected_rows]
    if "ORDER BY" in sql:
        assert typed == wanted, sql
    assert Counter(map(str, typed)) == Counter(map(str, wanted)), sql
    assert cursor.rowcount == its.rowcount, sql
    told = 6 if isinstance(world.one, mysql_raw.Connection) else 7  # all but null_ok
    shown = [tuple(each)[:told] for each in cursor.description]
    assert shown == [tuple(each)[:told] for each in its.description], sql
    first = cursor.route.reasons[0][0]
    assert first in (routedb.Reason.SEVERAL_GROUPS, routedb.Reason.TABLE), sql


def _error_of(one: Any, its: Any, sql: str, params: Any) -> type[Exception] | None:
    """Execute a statement on the one database; return the class of its error."""
    text = sql
    if isinstance(its, sqlite3.Cursor) and params is not None:
        text, names = routedb.sql.to_qmark(sql)
        params = [params[name] for name in names] if names else params
    try:
        its.execute(text, *(() if params is None else (params,)))
    except Exception as exc:
        one.rollback()
        return type(exc)
    return None
