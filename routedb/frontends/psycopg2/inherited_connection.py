"""The identity handle as a raw connection of the engine.

The virtual connection is a psycopg2 connection whose methods are overridden. An
`InheritedConnection` has the methods that they override.
"""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import extensions as ext

from routedb.adapters import sockets
from routedb.engine.pool.refcount import OwnRef
from routedb.frontends.connection import Connection


class InheritedConnection:
    """The psycopg2 connection that a virtual connection is, with psycopg2's methods.

    Its reference to the connection is weak: an unused connection is closed at once, as
    psycopg2's is, and does not wait for a garbage collection.
    """

    __slots__ = ("__weakref__", "_connection")

    def __init__(self, connection: Connection) -> None:
        object.__setattr__(self, "_connection", OwnRef(connection))

    @property
    def keeper(self) -> Connection:
        """The connection, which a pool that lends the handle must reference."""
        return self._alive()

    def __getattr__(self, name: str) -> Any:
        return getattr(super(Connection, self._alive()), name)

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(ext.connection, name).__set__(self._alive(), value)

    def close(self) -> None:
        """Close with the virtual connection. While that exists, only end the session:
        the object is still used for quoting, which a closed one refuses."""
        connection: Any = self._alive()
        if connection.is_closed:
            ext.connection.close(connection)
        elif not self.closed:
            sockets.shut_down(self.fileno())
            try:
                ext.connection.poll(connection)
            except psycopg2.Error:
                return

    def _alive(self) -> Connection:
        connection: Connection | None = self._connection()
        if connection is None:
            raise psycopg2.InterfaceError("connection already closed")
        return connection
