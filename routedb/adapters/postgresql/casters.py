"""One dict of type casters for several psycopg2 connections.

`register_type(caster, connection)` writes, in C, into the dict that the connection has
as `string_types`, and every result looks its casters up there when it arrives. So links
that are to know what is registered on one of them, whenever that is, have one dict in
common: a copy would be too old for a cursor that is there already, and comparing costs
each statement. psycopg2 lets Python read the attribute only, so the reference is
replaced in the object: its place is told by the descriptor of the attribute, and is
used only if the reference that stands there is the one that the attribute shows.
(`binary_types` is read by nothing in psycopg2.)
"""

from __future__ import annotations

import ctypes
from typing import Any

from psycopg2 import extensions as ext

from routedb import errors
from routedb.adapters.tracing import unwrapped

_MEMBER = ext.connection.__dict__["string_types"]
# Objects/descrobject.c: d_member stands behind the header, d_type, d_name, d_qualname.
_D_MEMBER = object.__basicsize__ + 3 * ctypes.sizeof(ctypes.c_void_p)


class _PyMemberDef(ctypes.Structure):
    """Include/structmember.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def share_casters(raw: Any, casters: dict[int, Any]) -> None:
    """Let `casters` be the dict of the connection `raw`, which no other thread uses.

    Raises NotSupportedError on an interpreter whose objects are laid out in another
    way.
    """
    before = raw.string_types
    if before is casters:
        return
    place = ctypes.c_void_p.from_address(id(unwrapped(raw)) + _offset())
    if place.value != id(before):
        raise errors.NotSupportedError(
            "the type casters of a psycopg2 connection are not where they are expected "
            "in this interpreter's objects"
        )
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(casters))
    place.value = id(casters)
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(before))


def forget_casters(raw: Any) -> None:
    """Leave no caster on `raw`, a connection or what stands for one; others that have
    had its dict keep theirs."""
    if isinstance(raw, ext.connection):
        share_casters(raw, {})
    else:  # the identity handle, whose dict is its own
        raw.string_types.clear()


def _offset() -> int:
    definition = ctypes.c_void_p.from_address(id(_MEMBER) + _D_MEMBER).value
    assert definition is not None  # the descriptor has one
    return int(_PyMemberDef.from_address(definition).offset)
