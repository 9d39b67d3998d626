"""One database, and groups that have the same rows: sharded, or dealt by table.

A file's statements run on the one database. Its tables are made on the groups as well,
and before the next query their rows are dealt anew where they have changed: writes are
not what is judged here.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import MySQLdb
import psycopg2

import routedb
from routedb.config.model import ShardFunction
from routedb.sharding import shard_of
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql

SHARDS, DEALT = 4, 3
_FUNCTION = ShardFunction("modulo", "integer")
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
_TABLE = re.compile(r"\s*CREATE\s+TABLE\s+(\w+)", re.IGNORECASE)
_VIEW = re.compile(r"\s*CREATE\s+VIEW\s+(\w+)(.*)", re.IGNORECASE | re.DOTALL)
_ERRORS = (sqlite3.Error, psycopg2.Error, MySQLdb.Error)
_LISTED = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    "mysql": "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = database() AND table_type = 'BASE TABLE'",
}


class Databases(Protocol):
    """Where databases of an engine come from."""

    dialect: str

    def make(self) -> str:
        """Make an empty one, and return its DSN."""

    def connect(self, dsn: str) -> Any:
        """Open it by the plain driver, in autocommit."""


class World:
    """The one database as `one`, and `routed` over groups with the same rows."""

    def __init__(
        self, databases: Databases, is_sharded: bool, stack: ExitStack
    ) -> None:
        """Make them empty; tables are sharded, or dealt over several databases."""
        self.dialect = databases.dialect
        self._is_sharded = is_sharded
        self._stack = stack
        self.one = stack.enter_context(closing(databases.connect(databases.make())))
        groups = SHARDS if is_sharded else DEALT
        self._dsns = [databases.make() for _ in range(groups)]
        self._raws = [
            stack.enter_context(closing(databases.connect(dsn))) for dsn in self._dsns
        ]
        self._homes: dict[str, int] = {}  # of dealt tables, as they came up
        self._views: dict[str, str] = {}  # their queries
        self._dealt: dict[str, list[Any]] = {}  # the rows that the groups have
        self._is_stale = True
        self._routed: Any = None

    def run(self, sql: str) -> None:
        """Run a statement of the file."""
        with suppress(*_ERRORS):  # the file expects it, or its queries tell
            self.one.cursor().execute(sql)
        self._is_stale = True
        word = sql.split(None, 1)[0].upper()
        if word in _WRITES or "TRIGGER" in sql.upper().split():
            return
        if "INDEX" not in sql.upper().split()[:3]:
            self._routed = None  # nobody tells its catalog
            self._dealt.clear()
        created = _TABLE.match(sql)
        view = _VIEW.match(sql)
        if view is not None:
            self._views[view[1].lower()] = view[2]
        for raw in self._holders(created[1].lower()) if created else self._raws:
            with suppress(*_ERRORS):  # of a table that is elsewhere
                raw.cursor().execute(sql)

    def _below(self, view: str, known: Mapping[str, Any]) -> str | None:
        """Return the first of the tables and views that are `known` in a view."""
        words = self._views[view].lower().replace(",", " ").split()
        return next((word for word in words if word in known), None)

    @property
    def routed(self) -> Any:
        """The connection over the groups, which have all rows by then."""
        if self._is_stale:
            self._deal()
            self._is_stale = False
        if self._routed is None:
            cluster = self._stack.enter_context(
                closing(routedb.Cluster(self._source()))
            )
            connection = cluster.connect(autocommit=True)
            self._routed = self._stack.enter_context(closing(connection))
        return self._routed

    def _holders(self, table: str) -> Sequence[Any]:
        if self._is_sharded:
            return self._raws
        home = self._homes.setdefault(table, len(self._homes) % DEALT)
        return self._raws[home : home + 1]

    def _deal(self) -> None:
        for table in self._tables():
            cursor = self.one.cursor()
            cursor.execute(f"SELECT * FROM {table}")
            rows = cursor.fetchall()
            if self._dealt.get(table) == rows:
                continue
            key = self._key(table)
            holders = self._holders(table)
            for number, raw in enumerate(holders):
                mine = rows
                if self._is_sharded:
                    mine = [row for row in rows if _shard(row[key[0]]) == number]
                _fill(raw, table, mine, len(cursor.description))
            self._dealt[table] = rows

    def _tables(self) -> list[str]:
        cursor = self.one.cursor()
        cursor.execute(_LISTED[self.dialect])
        return [name for (name,) in cursor.fetchall()]

    def _key(self, table: str) -> tuple[int, str]:
        """Return the number and the name of the column that a table is sharded by: the
        first of whole numbers without NULL, else the first."""
        cursor = self.one.cursor()
        cursor.execute(f"SELECT * FROM {table}")
        rows = cursor.fetchall()
        names = [column[0] for column in cursor.description]
        for number, name in enumerate(names):
            if all(isinstance(row[number], int) for row in rows):
                return number, name
        return 0, names[0]

    def _source(self) -> dict[str, Any]:
        tables: dict[str, Any] = {}
        for table in self._tables():
            if self._is_sharded:
                tables[table] = {
                    "database": "all",
                    "shard_key": self._key(table)[1],
                    "function": _FUNCTION.name,
                    "key_type": _FUNCTION.type,
                }
            else:
                self._holders(table)
                tables[table] = f"d{self._homes[table]}"
        for view in self._views:  # in the order that they were made in
            below = self._below(view, tables)
            if below is not None:
                tables[view] = tables[below]
        if self._is_sharded:
            databases = {"all": {"shards": [[dsn] for dsn in self._dsns]}}
        else:
            databases = {
                f"d{number}": {"nodes": [dsn]} for number, dsn in enumerate(self._dsns)
            }
        return {
            "default": next(iter(databases)),
            "databases": databases,
            "tables": tables,
        }


def _shard(key: Any) -> int:
    return 0 if not isinstance(key, int) else shard_of(_FUNCTION, key, SHARDS)


def _fill(raw: Any, table: str, rows: Sequence[Any], width: int) -> None:
    cursor = raw.cursor()
    cursor.execute(f"DELETE FROM {table}")
    mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
    if rows:
        marks = ", ".join([mark] * width)
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


# -- engines ---------------------------------------------------------------------------


class _Files:
    dialect = "sqlite"

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._numbers = count()

    def make(self) -> str:
        return f"sqlite:///{Path(self._folder) / str(next(self._numbers))}.db"

    def connect(self, dsn: str) -> Any:
        path = dsn.removeprefix("sqlite:///")
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("PRAGMA synchronous = off")
        raw.execute("PRAGMA journal_mode = memory")
        return raw


class _Servers:
    def __init__(self, dialect: str, servers: Any, stack: ExitStack) -> None:
        self.dialect = dialect
        self._servers = servers
        self._stack = stack

    def make(self) -> str:
        dsn: str = self._stack.enter_context(self._servers.database()).writer_dsn
        return dsn

    def connect(self, dsn: str) -> Any:
        if self.dialect == "postgresql":
            raw = psycopg2.connect(dsn)
            raw.autocommit = True
            return raw
        with closing(routedb.connect(dsn)) as found:
            options = found.session.core.nodes[0].options
        return MySQLdb.connect(**options, autocommit=True)


_STARTS: dict[str, tuple[str, Callable[..., Any], str]] = {
    "postgresql": ("postgresql", start_postgresql, "postgres"),
    "mariadb": ("mysql", start_mariadb, "mysql"),
}
ENGINES = ("sqlite", *_STARTS)
Make = Callable[[], Any]  # a context manager that gives a World


@contextmanager
def worlds(engine: str, is_sharded: bool) -> Iterator[Make]:
    """Start an engine; give what makes a world on it for each file."""

    @contextmanager
    def make() -> Iterator[World]:
        with ExitStack() as stack:
            if servers is None:
                databases: Databases = _Files(stack.enter_context(TemporaryDirectory()))
            else:
                databases = _Servers(_STARTS[engine][0], servers, stack)
            yield World(databases, is_sharded, stack)

    servers: Any = None
    with ExitStack() as outer:
        if engine != "sqlite":
            _, start, user = _STARTS[engine]
            reaper = outer.enter_context(closing(Reaper()))
            servers = outer.enter_context(closing(start(open_place(user, reaper))))
        yield make
