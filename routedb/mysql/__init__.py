"""The MySQL face: connections and cursors as users of mysqlclient (MySQLdb) know them.

Nothing in mysqlclient checks for its own connection, so the virtual one only offers the
same names. A cursor is of the user's class and runs MySQLdb's own code, which is Python
throughout; it is given the driver's connection that each statement is for.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters import mysqlclient
from routedb.adapters.base import TxMode
from routedb.connection import Connection
from routedb.engine.shared.core import Core
from routedb.mysql.connection import MySQLConnection
from routedb.mysql.cursor import MySQLCursor

__all__ = ["MySQLConnection", "MySQLCursor", "make"]


def make(
    core: Core,
    mode: TxMode,
    leave: Callable[[Connection], None],
    greet: Callable[[Connection], None],
) -> MySQLConnection:
    """Open a virtual connection. Raises OperationalError when no node answers."""
    made = MySQLConnection(core, mysqlclient.ADAPTER, mode, leave)
    greet(made)
    return made
