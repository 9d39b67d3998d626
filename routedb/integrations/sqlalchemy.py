"""SQLAlchemy dialects whose connections are routedb's.

    create_engine("routedb+postgresql://app:pw@db1/shop")
    create_engine("routedb:///routedb.toml")

Each is SQLAlchemy's own dialect of a driver (psycopg2, mysqldb, pysqlite), whose module
is unchanged except for `connect`. The execution options `routedb_using` and
`routedb_role` say where a statement runs, as `Connection.using()` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.dialects.mysql.mysqldb import MySQLDialect_mysqldb
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import QueuePool

from routedb import errors
from routedb.config.model import ClusterConfig
from routedb.config.options import OPTIONS
from routedb.integrations.driver import connect, read, with_connect
from routedb.integrations.reflection import Reflection, SeveralReflection
from routedb.routing import database_for

_MYSQL = "mysql://"  # a DSN without any parameter
_MYSQL_ALIASES = {"db": "database", "passwd": "password"}


class _Routed(DefaultDialect):
    """What the dialects share: how they connect, and the execution options."""

    engine: str
    given: Mapping[str, Any] = {}  # connect_args, when they came before the dialect

    # SQLAlchemy reads here which of the arguments of create_engine are the dialect's.
    def __init__(
        self,
        reads: str | None = None,
        consistency: str | None = None,
        transaction_reads: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        asked = {"reads": reads, "consistency": consistency}
        asked["transaction_reads"] = transaction_reads
        self._asked = {key: word for key, word in asked.items() if word is not None}

    def create_connect_args(self, url: URL) -> Any:
        """Return the keywords of `connect`; `source` in connect_args overrides the
        URL."""
        options = {key: value for key, value in url.query.items() if key in OPTIONS}
        rest = url.difference_update_query(list(options))
        if url.drivername == "routedb":
            address = (url.database, dict(rest.query))
        else:
            address = self.server_address(rest)
        return [], {"address": address, **options, **self._asked, **self.given}

    def connect(self, *_: Any, **keywords: Any) -> Any:
        """Open a routedb connection, to what `create_connect_args` returned."""
        source, options = keywords.pop("address")
        if keywords.get("source") is not None:
            source, options = keywords.pop("source"), {}
        options = {**options, **keywords}
        return connect(source, **self.driver_keywords(source, options), **options)

    def driver_keywords(
        self, source: Any, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the driver's keywords that the dialect adds to `options`, the keywords
        for `source`."""
        return {}

    def server_address(self, url: URL) -> tuple[Any, dict[str, Any]]:
        """Return the same for the URL of one server."""
        raise NotImplementedError

    def do_execute(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        """Run `statement` with `parameters` where the execution options of `context`
        say."""
        with _using_options(cursor, context):
            super().do_execute(cursor, statement, parameters, context)

    def do_execute_no_params(
        self, cursor: Any, statement: str, context: Any = None
    ) -> None:
        """Run `statement`, without parameters, where the options of `context` say."""
        with _using_options(cursor, context):
            super().do_execute_no_params(cursor, statement, context)

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        """Run `statement` for many sets of `parameters`, where the options of `context`
        say."""
        with _using_options(cursor, context):
            super().do_executemany(cursor, statement, parameters, context)


class PostgreSQL(SeveralReflection, _Routed, PGDialect_psycopg2):
    """`routedb+postgresql://`: SQLAlchemy's psycopg2 dialect."""

    engine = "postgresql"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return psycopg2 with `connect` of routedb."""
        return with_connect(PGDialect_psycopg2.import_dbapi(), connect)

    def server_address(self, url: URL) -> tuple[Any, dict[str, Any]]:
        """Return a DSN of libpq's keywords."""
        given, options = PGDialect_psycopg2.create_connect_args(self, url)
        dsn = self.loaded_dbapi.extensions.make_dsn(*given, **options)
        return dsn, {}


class MySQL(Reflection, _Routed, MySQLDialect_mysqldb):  # type: ignore[misc]  # more arguments
    """`routedb+mysql://`: SQLAlchemy's mysqldb dialect."""

    engine = "mysql"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return MySQLdb with `connect` of routedb."""
        return with_connect(MySQLDialect_mysqldb.import_dbapi(), connect)

    def server_address(self, url: URL) -> tuple[Any, dict[str, Any]]:
        """Return mysqlclient's keywords."""
        _, options = MySQLDialect_mysqldb.create_connect_args(self, url)
        return _MYSQL, {_MYSQL_ALIASES.get(k, k): v for k, v in options.items()}

    def driver_keywords(
        self, source: Any, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Add FOUND_ROWS to the `options` for `source`: the ORM counts the rows that an
        UPDATE matches. Other drivers do not have the flag."""
        if "client_flag" in options:
            return {}
        nodes = read(source, options).nodes
        if {node.engine for node in nodes} != {self.engine}:
            return {}
        return {"client_flag": self._found_rows_client_flag() or 0}


class SQLite(Reflection, _Routed, SQLiteDialect_pysqlite):
    """`routedb+sqlite:///`: SQLAlchemy's pysqlite dialect."""

    engine = "sqlite"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return sqlite3 with `connect` of routedb."""
        return with_connect(SQLiteDialect_pysqlite.import_dbapi(), connect)

    @classmethod
    def get_pool_class(cls, url: URL) -> Any:
        """A configuration is about files; connections to them are pooled."""
        if url.drivername == "routedb":
            return QueuePool
        return super().get_pool_class(url)

    def server_address(self, url: URL) -> tuple[Any, dict[str, Any]]:
        """Return a DSN."""
        query = f"?{urlencode(url.query, doseq=True)}" if url.query else ""
        return f"sqlite:///{quote(url.database or ':memory:', '/:')}{query}", {}


_DIALECTS: dict[str, Any] = {d.engine: d for d in (PostgreSQL, MySQL, SQLite)}


class Configured(DefaultDialect):
    """`routedb://`: the dialect is that of the configuration's default database.

    The configuration is the URL's path, or `source` in `connect_args`, or
    ROUTEDB_CONFIG. No engine has this dialect itself: making it makes the right one,
    with `json_serializer`, `json_deserializer`, routedb's `reads`, `consistency` and
    `transaction_reads`, and the other `options` of its own.
    """

    supports_statement_cache = True

    @classmethod
    def get_dialect_cls(cls, url: URL) -> Any:
        """Return the dialect, or this class while only connect_args tell which."""
        if url.database is None:
            return cls
        return _dialect(read(url.database, dict(url.query)))

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return no driver: the dialect that is made has it."""
        return None

    def __new__(cls, connect_args: Any = None, **options: Any) -> Any:
        """Return a dialect that connects as `connect_args` say."""
        given = dict(connect_args or {})
        dialect = _dialect(read(given.get("source"), _without(given, "source")))
        made = dialect(**{**options, "dbapi": dialect.import_dbapi()})
        made.given = given
        return made

    # SQLAlchemy reads here which of the arguments of create_engine are the dialect's.
    def __init__(
        self,
        connect_args: Any = None,
        json_serializer: Any = None,
        json_deserializer: Any = None,
        reads: str | None = None,
        consistency: str | None = None,
        transaction_reads: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)


@contextmanager
def _using_options(cursor: Any, context: Any) -> Iterator[None]:
    """Send what runs in the block where the execution options say."""
    options = context.execution_options if context is not None else {}
    database, role = options.get("routedb_using"), options.get("routedb_role")
    if database is None and role is None:
        yield
        return
    with cursor.connection.using(database, role=role):
        yield


def _dialect(config: ClusterConfig) -> Any:
    engine = database_for(config, None).groups[0].nodes[0].engine
    if engine not in _DIALECTS:
        raise errors.ConfigError(f"SQLAlchemy has no dialect for {engine}")
    return _DIALECTS[engine]


def _without(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}
