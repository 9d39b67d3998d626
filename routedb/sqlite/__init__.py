"""The SQLite face: connections and cursors as users of sqlite3 know them.

C code in sqlite3 checks that a cursor is its own (`sqlite3.Row`), and Django passes its
own subclass of `sqlite3.Cursor`, so a virtual cursor is one: it runs each statement in
itself, on the driver's connection that the statement is for. A virtual connection is no
`sqlite3.Connection`, it only offers the same names.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters import sqlite3
from routedb.adapters.base import TxMode
from routedb.connection import Connection
from routedb.engine.shared.core import Core
from routedb.sqlite.connection import SQLiteConnection
from routedb.sqlite.cursor import SQLiteCursor

__all__ = ["SQLiteConnection", "SQLiteCursor", "make"]


def make(
    core: Core,
    mode: TxMode,
    leave: Callable[[Connection], None],
    greet: Callable[[Connection], None],
) -> SQLiteConnection:
    """Open a virtual connection. Raises OperationalError when no node answers."""
    made = SQLiteConnection(core, sqlite3.ADAPTER, mode, leave)
    greet(made)
    return made
