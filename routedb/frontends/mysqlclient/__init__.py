"""The MySQL frontend: connections and cursors as users of mysqlclient (MySQLdb) have.

No code of mysqlclient checks for its own connection class, so the virtual one only has
the same names. A cursor is of the user's class and runs MySQLdb's own code, which is
all Python, with the driver's connection that each statement is routed to.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters.base import TxMode
from routedb.adapters.mysql import mysqlclient
from routedb.engine.shared.core import Core
from routedb.frontends.base import opened
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
    """Open a virtual connection to the cluster of `core`.

    `mode` is how its transactions run. `on_open` and `on_close` are called with it when
    it was made and when it is closed. Raises OperationalError when no node answers.
    """
    return opened(MySQLConnection(core, mysqlclient.ADAPTER, mode, on_close), on_open)
