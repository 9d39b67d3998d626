"""The virtual connection of the SQLite face, used as sqlite3's are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from routedb import errors
from routedb.adapters.base import Raw, TxMode
from routedb.adapters.sqlite3 import Sqlite3Adapter
from routedb.config.model import NodeConfig
from routedb.connection import Connection
from routedb.engine.shared.core import Core
from routedb.face import Faced
from routedb.sqlite.cursor import SQLiteCursor, cursor_class
from routedb.sqlite.registered import Registered

_BEGINS = ("", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")


class SQLiteConnection(Registered, Faced, driver=sqlite3):
    """A routedb connection with all that a `sqlite3.Connection` has.

    What is said of "the backend" is said of the one that has the transaction, else of
    the default database's writer.
    """

    def __init__(
        self,
        core: Core,
        adapter: Sqlite3Adapter,
        mode: TxMode,
        leave: Callable[[Connection], None],
    ) -> None:
        Faced.__init__(self, core, adapter, mode, leave)
        Registered.__init__(self)
        self.row_factory: Any = None  # of cursors made later

    # -- links -------------------------------------------------------------------------

    def dress(self, raw: Raw, node: NodeConfig) -> bool:
        """Give a raw connection what was registered on this one."""
        return self.register_on(raw)

    def backend(self) -> Raw:
        """Return the driver's connection that speaks for this one."""
        dispatcher = self.usable()
        link = dispatcher.transaction.home_link
        if link is None or link.adapter is not self._adapter:
            link = dispatcher.default_link()
        link.needs_reset = True  # whatever is done with it
        return link.raw

    # -- cursors, and statements without one -------------------------------------------

    def cursor(  # type: ignore[override]  # Connection has the arguments of all drivers
        self, factory: Any = None
    ) -> SQLiteCursor:
        """Return a new cursor, of a subclass of `sqlite3.Cursor` when one is given."""
        self.usable()
        made: SQLiteCursor = cursor_class(factory or sqlite3.Cursor)(self)
        return made

    def execute(self, sql: Any, parameters: Any = None, /) -> SQLiteCursor:
        """Run a statement in a new cursor, and return that."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: Any, parameters: Iterable[Any], /) -> SQLiteCursor:
        """Run a statement for every set of parameters in a new cursor."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> SQLiteCursor:
        """Commit, then run the statements of a text in a new cursor."""
        return self.cursor().executescript(sql_script)

    # -- transactions ------------------------------------------------------------------

    @property
    def isolation_level(self) -> str | int | None:
        """How sqlite3 begins before a write: "" or DEFERRED, IMMEDIATE, EXCLUSIVE;
        None is autocommit."""
        mode = self.dispatcher.links.mode
        if mode.autocommit:
            return None
        return mode.isolation if mode.isolation in _BEGINS else ""

    @isolation_level.setter
    def isolation_level(self, level: str | int | None) -> None:
        dispatcher = self.usable()
        name = None if level is None else _begin(level)
        if level is None or not self.in_transaction:
            dispatcher.commit()
            self._change(autocommit=level is None, isolation=name)
        else:  # it counts from the next transaction on
            mode = dispatcher.links.mode
            dispatcher.links.mode = mode._replace(autocommit=False, isolation=name)

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open that a commit would end."""
        transaction = self.dispatcher.transaction
        waits = transaction.is_begun and not transaction.is_bound
        return waits or any(raw.in_transaction for raw in self.raws())

    @property
    def total_changes(self) -> int:
        """The rows changed since the links were opened."""
        return sum(raw.total_changes for raw in self.raws())

    # -- the whole database ------------------------------------------------------------

    def backup(self, target: Any, **options: Any) -> None:
        """Copy the default database into `target`, a connection of either kind."""
        into = target.backend() if isinstance(target, SQLiteConnection) else target
        self.guarded(self.backend().backup, into, **options)

    def iterdump(self) -> Iterator[str]:
        """Return the default database as SQL text, line by line."""
        lines: Iterator[str] = self.backend().iterdump()
        return lines

    def serialize(self, **options: Any) -> bytes:
        """Return the default database as bytes (Python 3.11)."""
        content: bytes = self.guarded(self.backend().serialize, **options)
        return content

    def blobopen(self, *args: Any, **options: Any) -> Any:
        """Open a blob of the default database (Python 3.11)."""
        return self.guarded(self.backend().blobopen, *args, **options)

    def interrupt(self) -> None:
        """Make the statements that run now fail; from another thread."""
        for raw in self.raws():
            raw.interrupt()


def _begin(level: str | int) -> str | None:
    """Return the word after BEGIN that an isolation level of sqlite3 asks for."""
    word = str(level).upper()
    if word not in _BEGINS:
        raise errors.ProgrammingError(
            f"isolation_level must be None, '', {', '.join(_BEGINS[1:])}; not {level!r}"
        )
    return word or None
