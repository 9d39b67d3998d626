"""The driver's methods that a virtual cursor inherits, as a raw cursor."""

from __future__ import annotations

from typing import Any
from weakref import ref

from routedb.frontends.cursor import Cursor


class InheritedCursor:
    """Behind a virtual cursor's methods stand those of the driver that they override.

    It holds the cursor weakly: one that nobody uses frees its rows at once.
    """

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = ref(cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(super(Cursor, self._cursor()), name)
