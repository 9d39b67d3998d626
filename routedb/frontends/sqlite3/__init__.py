"""The SQLite frontend: connections and cursors like those of sqlite3.

C code in sqlite3 checks that a cursor is its own (`sqlite3.Row`), and Django passes its
own subclass of `sqlite3.Cursor`, so a virtual cursor is one: it runs each statement in
itself, on the driver's connection that the statement is for. A virtual connection is no
`sqlite3.Connection`, it only has the same names.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters.base import TxMode
from routedb.adapters.sqlite import sqlite3
from routedb.engine.shared.core import Core
from routedb.frontends.base import opened
from routedb.frontends.connection import Connection
from routedb.frontends.sqlite3.connection import SQLiteConnection
from routedb.frontends.sqlite3.cursor import SQLiteCursor

__all__ = ["SQLiteConnection", "SQLiteCursor", "open_connection"]


def open_connection(
    core: Core,
    mode: TxMode,
    on_close: Callable[[Connection], None],
    on_open: Callable[[Connection], None],
) -> SQLiteConnection:
    """Open a virtual connection to the cluster of `core`.

    `mode` is how its transactions run. `on_open` and `on_close` are called with it when
    it was made and when it is closed. Raises OperationalError when no node answers.
    """
    return opened(SQLiteConnection(core, sqlite3.ADAPTER, mode, on_close), on_open)
