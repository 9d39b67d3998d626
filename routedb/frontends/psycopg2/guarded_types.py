"""What psycopg2 makes by hand on a connection of ours is refused.

`psycopg2.extensions.cursor(connection)`, a cursor class of `psycopg2.extras` or a large
object called like that, is an object in C that sends on the connection's own C
connection, past all that routedb knows: what it wrote would be read stale. C code asks
for nothing on the way, so the class itself is asked, when such an object is made. It is
made in C too and takes no attribute: the flag that says so is lifted for a moment.
Cursors of psycopg2's own connections cost half a microsecond more each, and their
statements nothing.
"""

from __future__ import annotations

import ctypes
from typing import Any

from psycopg2 import extensions as ext
from psycopg2._psycopg import ReplicationCursor

from routedb import errors
from routedb.adapters.postgresql.psycopg2 import ADAPTER
from routedb.frontends.psycopg2.identity import IdentityConnection

_CURSOR = "connection.cursor(cursor_factory=…)"
_IMMUTABLE = 1 << 8  # Include/object.h: Py_TPFLAGS_IMMUTABLETYPE
# Include/cpython/object.h: tp_flags stands behind 18 pointers and the header.
_FLAGS = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t) * 19


def guard(kind: Any, init: Any, instead: str) -> None:
    """Have `kind`, a class of psycopg2's in C, refuse connections of ours, and call
    `init` with others. `instead` says in the error what to write. Our own subclasses
    have the `__init__` from before.

    Where the interpreter lays out its types in another way, nothing is guarded.
    """

    def __init__(self: Any, *args: Any, **more: Any) -> None:  # noqa: N807
        made_on: Any = args[0] if args else more.get("conn")
        is_ours = isinstance(made_on, IdentityConnection)
        if is_ours and not made_on.takes_plain_cursors:
            name = type(self).__name__
            raise ADAPTER.error_class(errors.NotSupportedError)(
                f"{name}(connection) made by hand would send its statements past "
                f"routedb, and what they write would be read stale: use {instead}"
            )
        init(self, *args, **more)

    flags = ctypes.c_ulong.from_address(id(kind) + _FLAGS)
    if flags.value != kind.__flags__:
        return
    flags.value &= ~_IMMUTABLE
    try:
        kind.__init__ = __init__
    finally:
        flags.value |= _IMMUTABLE


def guard_types() -> None:
    """Guard psycopg2's cursors and large objects."""
    cursors: Any = ext.cursor.__init__
    large_objects: Any = ext.lobject.__init__
    # Its own in C sets fields to the 0 that they are, and asks the class of its
    # parent, which would ask it again.
    guard(ReplicationCursor, cursors, _CURSOR)
    guard(ext.cursor, cursors, _CURSOR)
    guard(ext.lobject, large_objects, "connection.lobject(…)")
