"""The psycopg2 cursor that a virtual cursor is, as a raw cursor of the identity handle.

What runs on the identity handle needs no second cursor: the virtual one is a psycopg2
cursor of just that connection. `InheritedPsycopg2Cursor` references it weakly, so that
an unused cursor frees its result at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from psycopg2 import extensions as ext

from routedb.adapters.postgresql import joined_begin
from routedb.engine.links.link import Link
from routedb.frontends.base import InheritedCursor
from routedb.frontends.cursor import Cursor

_execute: Any = ext.cursor.execute
_next: Any = ext.cursor.__next__
_NEVER = object()


class InheritedPsycopg2Cursor(InheritedCursor):
    """A virtual cursor with psycopg2's methods; its identity handle is that of
    `link`."""

    __slots__ = ("_link",)

    def __init__(self, cursor: Cursor, link: Link) -> None:
        super().__init__(cursor)
        self._link = link

    @staticmethod
    def on(cursor: Cursor, link: Link) -> InheritedPsycopg2Cursor:
        """Return what stands for `cursor` on `link`, by how that begins."""
        kind = InheritedJoiningCursor if link.joins_begin else InheritedPsycopg2Cursor
        return kind(cursor, link)

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query` with parameters `vars` on the identity handle."""
        _execute(self._cursor(), query, vars)

    def __iter__(self) -> Iterator[Any]:
        return iter(partial(_next, self._cursor()), _NEVER)

    def close(self) -> None:
        """Do nothing: the virtual cursor closes itself."""


class InheritedJoiningCursor(InheritedPsycopg2Cursor):
    """The same where transactions begin with their first statement."""

    __slots__ = ()

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query` with parameters `vars` on the identity handle."""
        joined_begin.execute(self._link, _execute, self._cursor(), query, vars)
