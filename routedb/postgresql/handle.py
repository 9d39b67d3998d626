"""The identity handle as the engine knows it: a raw connection among others.

The virtual connection is a psycopg2 connection whose methods are overridden. Behind a
`Handle` stand the methods that they override.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import extensions as ext

from routedb.adapters import sockets
from routedb.connection import Connection
from routedb.engine.pool.refcount import OwnRef

if TYPE_CHECKING:
    from routedb.postgresql.identity import Identified


class Handle:
    """psycopg2's half of a virtual connection.

    It holds the connection weakly: a connection that nobody uses is closed at once, as
    psycopg2's is, and does not wait for a garbage collection.
    """

    __slots__ = ("__weakref__", "_face")

    def __init__(self, face: Identified) -> None:
        object.__setattr__(self, "_face", OwnRef(face))

    @property
    def keeper(self) -> Identified:
        """The connection: a pool that lends the handle must hold that."""
        return self._alive()

    def __getattr__(self, name: str) -> Any:
        return getattr(super(Connection, self._alive()), name)

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(ext.connection, name).__set__(self._alive(), value)

    def close(self) -> None:
        """Close with the virtual connection. While that lives, only end the session:
        the object goes on to serve quoting, which a closed one refuses."""
        face = self._alive()
        if face.is_closed:
            ext.connection.close(face)
        elif not self.closed:
            sockets.shut_down(self.fileno())
            try:
                ext.connection.poll(face)
            except psycopg2.Error:
                return

    def _alive(self) -> Identified:
        face: Identified | None = self._face()
        if face is None:
            raise psycopg2.InterfaceError("connection already closed")
        return face
