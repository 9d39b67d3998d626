"""psycopg2's cursor as a raw cursor of a link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2 import extensions as ext

from routedb.adapters.postgresql import joined_begin


class LinkCursor(ext.cursor):
    """A cursor of a link, used by the virtual cursor that the user has."""

    __slots__ = ("virtual_cursor",)

    # The class's own may be guarded: routedb/frontends/psycopg2/guarded_types.py.
    __init__ = ext.cursor.__init__

    virtual_cursor: Callable[[], Any]


class JoiningCursor(LinkCursor):
    """One of a link whose transactions begin with their first statement."""

    __slots__ = ("link",)

    link: joined_begin.Joining

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query` with parameters `vars`."""
        joined_begin.execute(self.link, ext.cursor.execute, self, query, vars)
