"""The driver's methods that a virtual cursor inherits, as a raw cursor."""

from __future__ import annotations

from typing import Any
from weakref import ref

from routedb.frontends.cursor import Cursor


class InheritedCursor:
    """A virtual cursor with the driver's methods, which its own override.

    The reference to the cursor is weak: an unused one frees its rows at once.
    """

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = ref(cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(super(Cursor, self._cursor()), name)
