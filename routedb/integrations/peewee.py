"""peewee databases whose connections are routedb's.

    database = PostgresqlDatabase("routedb.toml", max_lag="1s")

They are peewee's own except in how they connect. `Routed`, put before another class of
peewee's, does the same for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import peewee

from routedb.frontends.connection import Connection
from routedb.integrations.driver import connect, read

# peewee sets them, its oldest the last, too, and other drivers fail.
_MYSQL_S_OWN = ("charset", "sql_mode", "use_unicode")


class Routed:
    """The part of a peewee database that connects.

    Its first argument is what `routedb.connect()` takes: the path of a file, a DSN, a
    list of DSNs, a mapping; the options of a database and of the driver are keywords.
    """

    database: Any
    connect_params: Mapping[str, Any]

    def _connect(self) -> Connection:
        made: Connection
        made = connect(self.database, autocommit=True, **self.connect_params)
        return made


class PostgresqlDatabase(Routed, peewee.PostgresqlDatabase):
    """peewee's, on a configuration whose default database is PostgreSQL's."""

    def _connect(self) -> Connection:
        made: Any = super()._connect()
        if self._isolation_level:
            made.set_isolation_level(self._isolation_level)
            made.autocommit = True
        if self._encoding:
            made.set_client_encoding(self._encoding)
        return cast(Connection, made)


class MySQLDatabase(Routed, peewee.MySQLDatabase):
    """peewee's, on a configuration whose default database is MySQL's or MariaDB's."""

    def _connect(self) -> Connection:
        nodes = read(self.database, self.connect_params).nodes
        given = dict(self.connect_params)
        if any(node.engine != "mysql" for node in nodes):
            given = {k: v for k, v in given.items() if k not in _MYSQL_S_OWN}
        made: Connection = connect(self.database, autocommit=True, **given)
        return made


class SqliteDatabase(Routed, peewee.SqliteDatabase):
    """peewee's, on a configuration whose default database is SQLite's."""

    def _connect(self) -> Connection:
        made = super()._connect()
        try:
            self._add_conn_hooks(made)
        except BaseException:
            made.close()
            raise
        return made
