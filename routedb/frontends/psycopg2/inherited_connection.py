"""The identity handle as a raw connection of the engine.

The virtual connection is a psycopg2 connection whose methods are overridden. An
`InheritedConnection` has the methods that they override.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extensions as ext

from routedb.adapters import sockets
from routedb.adapters.tracing import unwrapped
from routedb.engine.pool.refcount import OwnRef
from routedb.frontends.connection import Connection

_BASE: Any = ext.connection
_CLOSED, _AUTOCOMMIT = _BASE.closed.__get__, _BASE.autocommit.__get__
_STATUS = _BASE.status.__get__
_commit = _BASE.commit


def is_identity(raw: Any) -> bool:
    """Tell whether `raw` is an identity handle, or a tracing tool's proxy of one."""
    return type(raw) is not _BASE and type(unwrapped(raw)) is InheritedConnection


class InheritedConnection:
    """The psycopg2 connection that a virtual connection is, with psycopg2's methods.

    Its reference to the connection is weak: an unused connection is closed at once, as
    psycopg2's is, and does not wait for a garbage collection.
    """

    __slots__ = ("__weakref__", "_connection")
    __wrapped__ = None  # nor is this one unwrapped: routedb/adapters/tracing.py
    async_ = 0  # `routedb.connect` refuses it

    def __init__(self, connection: Connection) -> None:
        object.__setattr__(self, "_connection", OwnRef(connection))

    @property
    def keeper(self) -> Connection:
        """The connection, which a pool that lends the handle must reference."""
        return self._alive()

    # What each transaction asks for, without the search that `__getattr__` is.

    @property
    def closed(self) -> int:
        """psycopg2's word on the handle itself."""
        return int(_CLOSED(self._connection() or self._alive()))

    @property
    def autocommit(self) -> bool:
        """The mode of the handle itself."""
        return bool(_AUTOCOMMIT(self._connection() or self._alive()))

    @property
    def status(self) -> int:
        """psycopg2's word on the transaction of the handle itself."""
        return int(_STATUS(self._connection() or self._alive()))

    @staticmethod
    def is_quiet(has_input: Callable[[], object], raw: InheritedConnection) -> bool:
        """Tell what `liveness.watch` says of other connections, with fewer calls, of
        `raw`: `has_input` tells whether anything has arrived on its socket."""
        try:
            return not (_CLOSED(raw._connection() or raw._alive()) or has_input())
        except (psycopg2.Error, RuntimeError):  # another thread is looking
            return False

    def fileno(self) -> int:
        """Return the descriptor of the handle's socket."""
        return int(_BASE.fileno(self._alive()))

    def commit(self) -> None:
        """Commit on the handle itself."""
        _commit(self._connection() or self._alive())

    def cursor(self, *args: Any, **more: Any) -> Any:
        """Return psycopg2's own cursor on the handle, of whatever class."""
        connection: Any = self._connection() or self._alive()
        connection.takes_plain_cursors = True
        try:
            return _BASE.cursor(connection, *args, **more)
        finally:
            connection.takes_plain_cursors = False

    def __getattr__(self, name: str) -> Any:
        return getattr(super(Connection, self._alive()), name)

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(_BASE, name).__set__(self._connection() or self._alive(), value)

    def close(self) -> None:
        """Close with the virtual connection. While that exists, only end the session:
        the object is still used for quoting, which a closed one refuses."""
        connection: Any = self._alive()
        if connection.is_closed:
            _BASE.close(connection)
        elif not self.closed:
            sockets.shut_down(self.fileno())
            try:
                _BASE.poll(connection)
            except psycopg2.Error:
                return

    def _alive(self) -> Connection:
        connection: Connection | None = self._connection()
        if connection is None:
            raise psycopg2.InterfaceError("connection already closed")
        return connection
