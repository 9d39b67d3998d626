"""Numbers for the nodes that make keys, borrowed from a table of a database.

A number is borrowed for some time. Its keys carry times before that one's end only, and
whoever borrows it next makes keys from that end on: so they never meet, however wrong a
clock is, and however long a process was stopped. Time is the database's: each process
measures from its answer on, by a clock that nobody sets.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from routedb import errors
from routedb.config.model import ClusterConfig, DatabaseConfig
from routedb.frontends.connection import Connection
from routedb.numbering.generator import Borrowed, Generator
from routedb.numbering.layout import MOST_NODES

TABLE = "routedb_id_nodes"
DDL = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (node INTEGER PRIMARY KEY, "
    "holder VARCHAR(255) NOT NULL, until_ms BIGINT NOT NULL)"
)
_NOW = {  # milliseconds of Unix time
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    "mysql": "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
}
_TRIES = 50  # each loses to another process that borrows at the same moment


class Lending:
    """Lends numbers to `Generator`s, from the table `routedb_id_nodes` of the default
    database, or the one of `state`.

    `connect` opens a connection to it. A number is lent for `seconds`; each process
    asks once in that time. Raises ValueError for less than a second.
    """

    def __init__(
        self, connect: Callable[[], Connection], seconds: float = 120.0
    ) -> None:
        if seconds < 1:
            raise ValueError(
                f"a number cannot be lent for {seconds:g} s: that is short"
            )
        self._connect = connect
        self._lent_ms = int(seconds * 1000)

    def borrow(self, before: Borrowed | None) -> Borrowed:
        """Return a number; that of `before` again where nobody else has borrowed it.

        Raises OperationalError when all 1,024 are lent, and what the database raises:
        without the right to make the table, ProgrammingError with what to run.
        """
        with closing(self._connect()) as connection:
            try:
                return self._try_often(connection, before)
            except errors.Error as exc:
                is_ours = type(exc).__module__ == errors.__name__
                if is_ours or TABLE not in str(exc):
                    raise
            connection.rollback()
            refusal = self._make_table(connection)
            try:
                return self._try_often(connection, before)
            except errors.Error as exc:
                raise errors.ProgrammingError(
                    f"table {TABLE} is not there, and this user could not make it: "
                    f"run {DDL}"
                ) from refusal or exc

    def _make_table(self, connection: Connection) -> errors.Error | None:
        """Make the table; return why that failed, as it does when another process makes
        it at the same moment."""
        try:
            _run(connection, DDL)
            connection.commit()
        except errors.Error as exc:
            connection.rollback()
            return exc
        return None

    def _try_often(self, connection: Connection, before: Borrowed | None) -> Borrowed:
        for _ in range(_TRIES):
            found = self._try(connection, before)
            if found is not None:
                return found
        raise errors.OperationalError(
            f"no number was borrowed from {TABLE} in {_TRIES} tries: others were first"
        )

    def _try(self, connection: Connection, before: Borrowed | None) -> Borrowed | None:
        """Borrow one; None where another process was first."""
        [(now_ms,)] = _rows(connection, f"SELECT {_now(connection)}")
        asked_at = time.monotonic()
        until_ms = now_ms + self._lent_ms
        node, from_ms = self._free(connection, before, now_ms)
        holder = f"{socket.gethostname()[:200]} process {os.getpid()}"
        if from_ms is None:
            sql = f"INSERT INTO {TABLE} (holder, until_ms, node) VALUES (%s, %s, %s)"
            values: tuple[Any, ...] = (holder, until_ms, node)
        else:
            sql = (
                f"UPDATE {TABLE} SET holder = %s, until_ms = %s "
                "WHERE node = %s AND until_ms = %s"
            )
            values = (holder, until_ms, node, from_ms)
        try:
            rows = _run(connection, sql, values)
            connection.commit()
        except errors.IntegrityError:  # another process has inserted it
            connection.rollback()
            return None
        if rows != 1:
            return None

        def now() -> int:
            return int(now_ms + (time.monotonic() - asked_at) * 1000)

        return Borrowed(node, now_ms if from_ms is None else from_ms, until_ms, now)

    def _free(
        self, connection: Connection, before: Borrowed | None, now_ms: int
    ) -> tuple[int, int | None]:
        """Return a number that may be borrowed, and until when it was lent; None for
        one that never was."""
        if before is not None:
            lent = _rows(
                connection,
                f"SELECT until_ms FROM {TABLE} WHERE node = %s AND until_ms = %s",
                (before.node, before.until_ms),
            )
            if lent:
                return before.node, lent[0][0]
        over = _rows(
            connection,
            f"SELECT node, until_ms FROM {TABLE} WHERE until_ms < %s "
            "ORDER BY until_ms LIMIT 1",
            (now_ms,),
        )
        if over:
            node, until_ms = over[0]
            return node, until_ms
        [(highest,)] = _rows(connection, f"SELECT max(node) FROM {TABLE}")
        node = 0 if highest is None else highest + 1
        if node >= MOST_NODES:
            raise errors.OperationalError(
                f"all {MOST_NODES} numbers of {TABLE} are lent: a key has room for no "
                "more nodes at a time"
            )
        return node, None


def _database(connection: Connection) -> DatabaseConfig:
    """Return the database with the table."""
    config = connection.session.core.config
    if config.state is not None:
        return config.databases[config.state]
    return config.default_database


def _now(connection: Connection) -> str:
    return _NOW[_database(connection).dialect]


def _placed(connection: Connection, sql: str) -> str:
    """Return `sql` for the database with the table: on its first shard, where it has
    several."""
    database = _database(connection)
    if connection.session.core.config.state is None and not database.is_sharded:
        return sql
    shard = " shard=0" if database.is_sharded else ""
    return f"/* routedb: database={database.name}{shard} */ {sql}"


def _run(connection: Connection, sql: str, values: Any = None) -> int:
    with closing(connection.cursor()) as cursor:
        cursor.execute(_placed(connection, sql), values)
        return cursor.rowcount


def _rows(connection: Connection, sql: str, values: Any = None) -> list[Any]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(_placed(connection, sql), values)
        return cursor.fetchall()


def generator_for(
    config: ClusterConfig, connect: Callable[[], Connection]
) -> Generator:
    """Return what makes the keys that rules of `config` fill in; `connect` opens a
    connection, to borrow a number where none is configured."""
    return Generator(Lending(connect) if config.id_node is None else config.id_node)
