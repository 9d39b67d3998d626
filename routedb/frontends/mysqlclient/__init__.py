"""The MySQL frontend: connections and cursors as users of mysqlclient (MySQLdb) have.

Nothing in mysqlclient checks for its own connection, so the virtual one only offers the
same names. A cursor is of the user's class and runs MySQLdb's own code, which is Python
throughout; it is given the driver's connection that each statement is for.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters.base import TxMode
from routedb.adapters.mysql import mysqlclient
from routedb.engine.shared.core import Core
from routedb.frontends.connection import Connection
from routedb.frontends.mysqlclient.connection import MySQLConnection
from routedb.frontends.mysqlclient.cursor import MySQLCursor

__all__ = ["MySQLConnection", "MySQLCursor", "open_connection"]


def open_connection(
    core: Core,
    mode: TxMode,
    on_close: Callable[[Connection], None],
    on_open: Callable[[Connection], None],
) -> MySQLConnection:
    """Open a virtual connection. Raises OperationalError when no node answers."""
    made = MySQLConnection(core, mysqlclient.ADAPTER, mode, on_close)
    on_open(made)
    return made
