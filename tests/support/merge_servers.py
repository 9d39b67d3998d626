"""The worlds of `split_world` on servers: databases are made once, and filled anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, NamedTuple

import MySQLdb
import psycopg2

import routedb
from routedb.sql import to_qmark
from tests.support.split_world import WORLD, Answer, Home, SplitWorld


class Engine(NamedTuple):
    """What differs between servers: types of SQLite's as theirs, and the schema that
    tables without one are in, None where that is the database."""

    types: dict[str, str]
    schema: str | None


ENGINES = {
    "postgresql": Engine(
        {
            "INTEGER": "integer",
            "REAL": "double precision",
            "TEXT": "text",
            "DATE": "date",
            "DATETIME": "timestamp(6)",
            "DECIMAL(9,2)": "numeric(9,2)",
            "BOOLEAN": "boolean",
            "BLOB": "bytea",
        },
        "public",
    ),
    "mysql": Engine(
        {
            "INTEGER": "int",
            "REAL": "double",
            "TEXT": "varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "TEXT NOCASE": "varchar(9) CHARACTER SET utf8mb4 "
            "COLLATE utf8mb4_general_ci",
            "DATE": "date",
            "DATETIME": "datetime(6)",
            "DECIMAL(9,2)": "decimal(9,2)",
            "BOOLEAN": "tinyint(1)",
            "BLOB": "blob",
        },
        None,
    ),
    "sqlite": Engine(
        {
            name: name
            for name in ("INTEGER", "REAL", "TEXT", "DATE", "DATETIME", "DECIMAL(9,2)")
            + ("BOOLEAN", "BLOB")
        },
        None,
    ),
}
# Columns of `facts` where all tables are PostgreSQL's, and what they have.
_OWN = {
    "tags": ("integer[]", "ARRAY[cust, id]"),
    "doc": ("jsonb", "jsonb_build_object('a', cust, 'b', ok)"),
    "span": ("int4range", "int4range(id, id + 4)"),
    "uid": ("uuid", "md5(id::text)::uuid"),
    "at": ("timestamptz", "seen AT TIME ZONE 'UTC'"),
}
# Which database is of which engine: by the name of the whole, and the default one,
# whose dialect the texts are in.
MIXED = {
    "mixed": ("shop", {"shop": "postgresql", "crm": "mysql", "erp": "sqlite"}),
    "turned": ("crm", {"shop": "mysql", "crm": "postgresql", "erp": "sqlite"}),
    "filed": ("erp", {"shop": "sqlite", "crm": "mysql", "erp": "postgresql"}),
    "mixed_mysql": ("shop", {"shop": "mysql", "crm": "postgresql", "erp": "sqlite"}),
    "turned_mysql": ("crm", {"shop": "postgresql", "crm": "mysql", "erp": "sqlite"}),
    "filed_mysql": ("erp", {"shop": "sqlite", "crm": "postgresql", "erp": "mysql"}),
    "mixed_sqlite": ("shop", {"shop": "sqlite", "crm": "mysql", "erp": "postgresql"}),
    "turned_sqlite": ("crm", {"shop": "mysql", "crm": "sqlite", "erp": "postgresql"}),
    "filed_sqlite": ("erp", {"shop": "postgresql", "crm": "mysql", "erp": "sqlite"}),
}
# All tables are of one engine, the second, and an empty database of the first is the
# default: dealt as ever, or together in one database.
FOREIGN = {
    "moved": ("postgresql", "mysql"),
    "legacy": ("postgresql", "mysql"),
    "stored": ("postgresql", "sqlite"),
    "files": ("postgresql", "sqlite"),
    "moved_mysql": ("mysql", "postgresql"),
    "legacy_mysql": ("mysql", "postgresql"),
    "files_mysql": ("mysql", "sqlite"),
    "moved_sqlite": ("sqlite", "postgresql"),
    "legacy_sqlite": ("sqlite", "postgresql"),
    "files_sqlite": ("sqlite", "mysql"),
}
_TOGETHER = frozenset(name for name in FOREIGN if name.startswith(("legacy", "files")))
_LETTERS = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
# What the one database has for the types of tables that are at home elsewhere.
_CARRIED = {
    ("sqlite", "postgresql"): {"INTEGER": "bigint"},
    ("mysql", "postgresql"): {"TEXT NOCASE": "text", "BOOLEAN": "smallint"},
    ("sqlite", "mysql"): {"INTEGER": "bigint", "TEXT": f"longtext {_LETTERS}"},
    ("postgresql", "mysql"): {"TEXT": f"longtext {_LETTERS}"},
}


class ServerWorld:
    """A routed connection over the groups, and the driver's to the one database."""

    def __init__(
        self,
        engine: str,
        servers: Any,
        stack: ExitStack,
        merge: dict[str, Any] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        """Make the databases of an `engine` on `servers`: for one of `MIXED` or
        `FOREIGN`, those of each engine by its name, and for SQLite's a directory.
        `merge` is the option of each database, `more` are rules for tables that are
        made later."""
        self.is_foreign = engine in FOREIGN
        self.is_mixed = engine in MIXED
        self._default, self._engines = MIXED.get(engine, ("shop", {}))
        self._is_together = engine in _TOGETHER
        if self.is_foreign:
            self._default = "home"
            home, other = FOREIGN[engine]
            names = dict.fromkeys(("shop", "crm", "erp"), other)
            self._engines = {**names, "home": home}
        one = self._engines.get(self._default, engine)
        self._by_engine = servers if self._engines else {engine: servers}
        self._engine = ENGINES[one]
        self._name = one
        with closing(SplitWorld(_Least())) as shape:
            places = {name: len(groups) for name, groups in shape.groups.items()}
            source = shape.configuration
        if self.is_foreign:
            places["home"] = 1
            source["databases"]["home"] = {}
        if self._is_together:
            places = {"crm": 1, "home": 1}
            source["databases"] = {name: {} for name in places}
            source["tables"] = dict.fromkeys(WORLD, "crm")
        self._raws: dict[tuple[str, int], Any] = {}
        self._with_booleans: set[tuple[str, str]] = set()  # databases with tables
        dsns: dict[str, list[str]] = {}
        for name, groups in {**places, "one": 1}.items():
            for number in range(groups):
                dsn = self._dsn(f"{name}{number}", self._engine_of(name), stack)
                dsns.setdefault(name, []).append(dsn)
                raw = stack.enter_context(closing(self._connect(dsn)))
                self._raws[name, number] = raw
                self._create(raw, name)
        for name, database in source["databases"].items():
            nodes = [[dsn] for dsn in dsns[name]]
            source["databases"][name] = (
                {"shards": nodes} if "shards" in database else {"nodes": nodes[0]}
            )
            if merge is not None:
                source["databases"][name]["merge"] = merge
        source["default"] = self._default
        source["tables"] |= more or {}
        self.one = self._raws["one", 0]
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        self.connection = stack.enter_context(closing(cluster.connect(autocommit=True)))

    @property
    def dialect(self) -> str:
        """The one that the texts are in."""
        return self._name

    @property
    def has_own_types(self) -> bool:
        """Tell whether `facts` has columns that PostgreSQL alone has."""
        return self._name == "postgresql" and not self._engines

    def fill(self, rng: Any) -> None:
        """Put other rows into all tables, made by a generator of chance."""
        with closing(SplitWorld(rng)) as made:
            self._copy(made.whole, self.one, "one")
            if self._is_together:
                self._copy(made.whole, self._raws["crm", 0], "crm")
                return
            for name, groups in made.groups.items():
                for number, database in enumerate(groups):
                    self._copy(database, self._raws[name, number], name)

    def text(self, sql: str) -> str:
        """Return a text of SQLite's with this engine's schema, if all tables are in
        one."""
        schema = None if self._engines else self._engine.schema
        return sql.replace("main.", "" if schema is None else f"{schema}.")

    def expected(self, sql: str, params: Any) -> Answer:
        """The answer of the one database."""
        if self._name == "sqlite" and params is not None:
            sql, names = to_qmark(sql)
            params = [params[name] for name in names] if names else params
        return answer(self.one.cursor(), sql, params)

    def raws(self, name: str) -> list[Any]:
        """The driver's connections to the groups of a database."""
        return [raw for (each, _), raw in self._raws.items() if each == name]

    def _home(self, home: Home) -> str:
        """Return the database that a table is in."""
        return "crm" if self._is_together else home.placement.database

    def _engine_of(self, name: str) -> str:
        return self._engines.get(name, self._name)

    def _dsn(self, name: str, engine: str, stack: ExitStack) -> str:
        servers = self._by_engine[engine]
        if engine == "sqlite":
            return f"sqlite:///{servers}/{name}.db"
        dsn: str = stack.enter_context(servers.database()).writer_dsn
        return dsn

    def _connect(self, dsn: str) -> Any:
        if dsn.startswith("sqlite:"):
            return sqlite3.connect(dsn.removeprefix("sqlite:///"), isolation_level=None)
        if not dsn.startswith(("mysql:", "mariadb:")):
            raw = psycopg2.connect(dsn)
            raw.autocommit = True
            return raw
        with closing(routedb.connect(dsn)) as found:
            options = found.session.core.nodes[0].options
        return MySQLdb.connect(**options, autocommit=True)

    def _create(self, raw: Any, name: str) -> None:
        for table, home in WORLD.items():
            if name not in (self._home(home), "one"):
                continue
            lines = []
            for column in home.columns:
                spelled = f"{column.type} {column.collation or ''}".strip()
                types = ENGINES[self._engine_of(name)].types
                if name == "one":
                    owner = self._engine_of(home.placement.database)
                    types = _carried(types, owner, self._name)
                lines.append(f"{column.name} {types.get(spelled, types[column.type])}")
                if lines[-1].endswith(" boolean"):
                    self._with_booleans.add((name, table))
            if table == "facts" and self.has_own_types:
                lines += [f"{column} {type_}" for column, (type_, _) in _OWN.items()]
            ddl = f"CREATE TABLE {table} ({', '.join(lines)}, PRIMARY KEY (id))"
            raw.cursor().execute(ddl)

    def _copy(self, made: sqlite3.Connection, raw: Any, name: str) -> None:
        cursor = raw.cursor()
        for table, home in WORLD.items():
            if name not in (self._home(home), "one"):
                continue
            cursor.execute(f"DELETE FROM {table}")
            rows = made.execute(f"SELECT * FROM {table}").fetchall()
            mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
            marks = ", ".join([mark] * len(home.columns))
            types = [column.type for column in home.columns]
            if (name, table) in self._with_booleans:
                rows = [_with_booleans(row, types) for row in rows]
            if rows:
                several = ", ".join([f"({marks})"] * len(rows))
                flat = [value for row in rows for value in row]
                cursor.execute(f"INSERT INTO {table} VALUES {several}", flat)
            if table == "facts" and self.has_own_types:
                listed = ", ".join(
                    f"{each} = {made}" for each, (_, made) in _OWN.items()
                )
                cursor.execute(f"UPDATE facts SET {listed}")


def _with_booleans(row: Any, types: list[str]) -> list[Any]:
    return [
        bool(value) if type_ == "BOOLEAN" and value is not None else value
        for value, type_ in zip(row, types, strict=True)
    ]


def _carried(types: dict[str, str], owner: str, one: str) -> dict[str, str]:
    """The `types` of the one database for a table that is at home in an `owner`'s."""
    if owner == one:
        return types
    plain = {name: type_ for name, type_ in types.items() if "NOCASE" not in name}
    return plain | _CARRIED.get((owner, one), {})


class _Least:
    """A generator without chance: where only the shape of a world matters."""

    def randrange(self, *bounds: int) -> int:
        return bounds[0] if len(bounds) > 1 else 0

    def random(self) -> float:
        return 0.0


def answer(cursor: Any, sql: str, params: Any) -> Answer:
    """Return what a cursor answers, or that there is an error. Which, where a
    statement has several, depends on where it is read first."""
    try:
        if params is None:
            cursor.execute(sql)
        else:
            cursor.execute(sql, params)
        rows = tuple(cursor.fetchall())
        names = tuple(column[0] for column in cursor.description)
        if isinstance(cursor, psycopg2.extensions.cursor):  # types, too
            names = tuple(f"{c[0]}: {c[1]}" for c in cursor.description or ())
        return Answer(names, rows)
    except (routedb.ShardError, routedb.CrossDatabaseError):
        raise
    except (psycopg2.Error, MySQLdb.Error):
        return Answer(error="a server's")
    except sqlite3.Error as exc:
        return Answer(error=type(exc).__name__)


@contextmanager
def server_world(
    engine: str,
    servers: Any,
    merge: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
) -> Iterator[ServerWorld]:
    """Make the databases on the writer of `servers`, with this option `merge`, and
    rules for `more` tables."""
    with ExitStack() as stack:
        yield ServerWorld(engine, servers, stack, merge, more)
