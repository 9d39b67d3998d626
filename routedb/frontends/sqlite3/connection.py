"""The virtual connection of the SQLite frontend, used as sqlite3's are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from routedb import errors
from routedb.adapters.base import Raw, TxMode
from routedb.adapters.sqlite.sqlite3 import Sqlite3Adapter
from routedb.config.model import NodeConfig
from routedb.engine.route.explain import Explanation
from routedb.engine.shared.core import Core
from routedb.engine.shared.error_texts import joined_class
from routedb.frontends.base import DriverConnection
from routedb.frontends.connection import Connection
from routedb.frontends.sqlite3.cursor import SQLiteCursor, cursor_class
from routedb.frontends.sqlite3.registrations import Registrations
from routedb.sql.scanner.own_placeholders import to_pyformat

_BEGINS = ("", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")


class SQLiteConnection(Registrations, DriverConnection, driver=sqlite3):
    """A routedb connection with all that a `sqlite3.Connection` has.

    "The backend" is the driver's connection that has the transaction, else one to the
    default database's writer.
    """

    def __init__(
        self,
        core: Core,
        adapter: Sqlite3Adapter,
        mode: TxMode,
        on_close: Callable[[Connection], None],
    ) -> None:
        DriverConnection.__init__(self, core, adapter, mode, on_close)
        Registrations.__init__(self)
        self.row_factory: Any = None  # of cursors made later

    # -- links -------------------------------------------------------------------------

    def configure_raw(self, raw: Raw, node: NodeConfig) -> None:
        """Register on `raw`, a connection to `node`, what was registered on this
        one."""
        self.register_on(raw)

    def backend(self) -> Raw:
        """Return the driver's connection of the backend."""
        session = self.usable_session()
        link = session.transaction.home_link
        if link is None or link.adapter is not self._adapter:
            link = session.default_link()
        return link.raw

    # -- cursors, and statements without one -------------------------------------------

    def cursor(  # type: ignore[override]  # Connection has the arguments of all drivers
        self, factory: Any = None
    ) -> SQLiteCursor:
        """Return a new cursor, of a subclass of `sqlite3.Cursor` when one is given."""
        self.usable_session()
        made: SQLiteCursor = cursor_class(factory or sqlite3.Cursor)(self)
        return made

    def execute(self, sql: Any, parameters: Any = None, /) -> SQLiteCursor:
        """Run `sql` with `parameters` in a new cursor, and return that."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: Any, parameters: Iterable[Any], /) -> SQLiteCursor:
        """Run `sql` for every set in `parameters` in a new cursor, and return that."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> SQLiteCursor:
        """Commit, then run the statements of a text in a new cursor."""
        return self.cursor().executescript(sql_script)

    def explain(
        self,
        query: Any,
        vars: Any = None,  # noqa: A002
        analyze: bool = False,
    ) -> Explanation:
        """Return the route of `query` with `vars`, whatever its placeholders; `analyze`
        has it run. See `Connection.explain`."""
        if type(query) is str:
            query, vars = to_pyformat(query, vars)
        return super().explain(query, vars, analyze)

    # -- transactions ------------------------------------------------------------------

    @property
    def isolation_level(self) -> str | int | None:
        """How sqlite3 begins before a write: "" or DEFERRED, IMMEDIATE, EXCLUSIVE;
        None is autocommit."""
        mode = self.session.links.mode
        if mode.autocommit:
            return None
        return mode.isolation if mode.isolation in _BEGINS else ""

    @isolation_level.setter
    def isolation_level(self, level: str | int | None) -> None:
        session = self.usable_session()
        name = None if level is None else _begin(level)
        if level is None or not self.in_transaction:
            session.commit()
            self._change_mode(autocommit=level is None, isolation=name)
        else:  # it holds from the next transaction on
            mode = session.links.mode
            session.links.set_mode(mode._replace(autocommit=False, isolation=name))

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open that a commit would end."""
        transaction = self.session.transaction
        waits = transaction.is_begun and not transaction.is_bound
        return waits or any(raw.in_transaction for raw in self.raw_connections())

    @property
    def total_changes(self) -> int:
        """The rows changed since the links were opened."""
        return sum(raw.total_changes for raw in self.raw_connections())

    # -- the whole database ------------------------------------------------------------

    def backup(self, target: Any, **options: Any) -> None:
        """Copy the default database into `target`, a connection of routedb or sqlite3;
        `options` are sqlite3's."""
        into = target.backend() if isinstance(target, SQLiteConnection) else target
        self.call_driver(self.backend().backup, into, **options)

    def iterdump(self) -> Iterator[str]:
        """Return the default database as SQL text, line by line."""
        lines: Iterator[str] = self.backend().iterdump()
        return lines

    def serialize(self, **options: Any) -> bytes:
        """Return the default database as bytes (Python 3.11)."""
        content: bytes = self.call_driver(self.backend().serialize, **options)
        return content

    def blobopen(self, *args: Any, **options: Any) -> Any:
        """Open a blob of the default database (Python 3.11)."""
        return self.call_driver(self.backend().blobopen, *args, **options)

    def interrupt(self) -> None:
        """Make the statements that run now fail; from another thread."""
        for raw in self.raw_connections():
            raw.interrupt()


def _begin(level: str | int) -> str | None:
    """Return the word after BEGIN that an isolation level of sqlite3 asks for."""
    word = str(level).upper()
    if word not in _BEGINS:
        wrong = ValueError if isinstance(level, str) else TypeError
        ours = errors.ProgrammingError
        raise joined_class(wrong, ours, ours)(
            f"isolation_level must be None, '', {', '.join(_BEGINS[1:])}; not {level!r}"
        )
    return word or None
