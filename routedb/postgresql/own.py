"""The virtual cursor's own C half as a raw cursor, for the link that is the identity.

What runs on the identity handle needs no second cursor: the virtual one is a psycopg2
cursor of just that connection. `Own` stands for it in the engine's hands and holds it
weakly, so that a cursor which nobody uses frees its result at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from psycopg2 import extensions as ext

from routedb.face import Half

_execute: Any = ext.cursor.execute
_next: Any = ext.cursor.__next__
_NEVER = object()


class Own(Half):
    """psycopg2's half of a virtual cursor."""

    __slots__ = ()

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run a statement on the identity handle."""
        _execute(self._cursor(), query, vars)

    def __iter__(self) -> Iterator[Any]:
        return iter(partial(_next, self._cursor()), _NEVER)

    def close(self) -> None:
        """Leave it to the virtual cursor, which closes itself."""
