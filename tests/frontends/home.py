"""A place for the tables of a test, on one engine, seen by routedb and past it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.servers import Database

# The same table as each engine spells it. `t` has a row for every number from 1 to 5;
# `kinds` is empty and has a column of each kind.
PLAIN = "CREATE TABLE t (id integer PRIMARY KEY, name varchar(50))"
ROWS = "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')"
KINDS = {
    "postgresql": "CREATE TABLE kinds (id serial PRIMARY KEY, words text, price "
    "numeric(20, 5), day date, clock time, moment timestamp, raw bytea, part float8)",
    # MySQL says of a text column what it says of a blob: the words are a varchar.
    "mysql": "CREATE TABLE kinds (id integer AUTO_INCREMENT PRIMARY KEY, words "
    "varchar(99), price decimal(20, 5), day date, clock time, moment datetime, raw "
    "blob, part double) CHARACTER SET utf8mb4",
    "sqlite": "CREATE TABLE kinds (id integer PRIMARY KEY AUTOINCREMENT, words text, "
    "price text, day text, clock text, moment text, raw blob, part real)",
}


@dataclass(frozen=True)
class Home:
    """One database on one engine. `source` is its configuration, the writer last."""

    engine: str
    source: dict[str, Any]
    nodes: list[dict[str, Any]]
    run: Callable[..., list[tuple[Any, ...]]]  # on the writer, past routedb
    settle: Callable[[], None]  # wait until the replicas hold what was run

    @property
    def writer_dsn(self) -> str:
        """The writer's URL."""
        return str(self.nodes[-1]["dsn"])

    @property
    def dsns(self) -> list[str]:
        """The URLs of all nodes, the writer's last."""
        return [str(node["dsn"]) for node in self.nodes]

    def rows(self) -> list[tuple[Any, ...]]:
        """The table's rows as a stranger sees them."""
        return [tuple(row) for row in self.run("SELECT id, name FROM t ORDER BY id")]


def postgresql_home(database: Database) -> Home:
    """Return a home on PostgreSQL."""
    return _served("postgresql", database)


def mysql_home(database: Database) -> Home:
    """Return a home on MariaDB."""
    return _served("mysql", database)


def sqlite_home(folder: Path, name: str = "home") -> Home:
    """Return a home in one file; its replica opens it read-only."""
    path = folder / f"{name}.db"

    def run(sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as raw, raw:
            return raw.execute(sql, params).fetchall()

    run("PRAGMA journal_mode = WAL")
    nodes = [
        {"dsn": f"sqlite:///{path}?mode=ro", "name": "replica1"},
        {"dsn": f"sqlite:///{path}?mode=rw", "name": "writer"},
    ]
    return _filled("sqlite", nodes, run, lambda: None)


def _served(engine: str, database: Database) -> Home:
    names = [server.name for server in database.cluster.nodes]
    nodes = [
        {"dsn": dsn, "name": name}
        for dsn, name in zip(database.dsns, names, strict=True)
    ]
    nodes.reverse()
    return _filled(engine, nodes, database.execute, database.wait_replayed)


def _filled(
    engine: str,
    nodes: list[dict[str, Any]],
    run: Callable[..., list[tuple[Any, ...]]],
    settle: Callable[[], None],
) -> Home:
    for sql in (PLAIN, ROWS, KINDS[engine]):
        run(sql)
    settle()
    source = {"default": "main", "databases": {"main": {"nodes": nodes}}}
    return Home(engine, source, nodes, run, settle)
