"""The virtual cursor's own C half as a raw cursor, for the link that is the identity.

What runs on the identity handle needs no second cursor: the virtual one is a psycopg2
cursor of just that connection. `Own` stands for it in the engine's hands and holds it
weakly, so that a cursor which nobody uses frees its result at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from psycopg2 import extensions as ext

from routedb.cursor import Cursor

if TYPE_CHECKING:
    from routedb.postgresql.cursor import PostgreSQLCursor

_execute: Any = ext.cursor.execute
_next: Any = ext.cursor.__next__
_NEVER = object()


class Own:
    """psycopg2's half of a virtual cursor."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: PostgreSQLCursor) -> None:
        self._cursor = ref(cursor)

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run a statement on the identity handle."""
        _execute(self._cursor(), query, vars)

    def __getattr__(self, name: str) -> Any:
        return getattr(super(Cursor, self._cursor()), name)

    def __iter__(self) -> Iterator[Any]:
        return iter(partial(_next, self._cursor()), _NEVER)

    def close(self) -> None:
        """Leave it to the virtual cursor, which closes itself."""
