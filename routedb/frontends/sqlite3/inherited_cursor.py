"""The sqlite3 cursor that a virtual cursor is, as a raw cursor of one link.

`InheritedSqlite3Cursor` references the virtual cursor weakly: an unused one ends its
statement at once, and with it the lock that SQLite holds while rows are left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from routedb import errors
from routedb.adapters.base import Raw
from routedb.adapters.sqlite.sqlite3 import arguments, native
from routedb.frontends.base import InheritedCursor
from routedb.frontends.cursor import Cursor
from routedb.sql.scanner.placeholders import to_qmark

_execute: Any = sqlite3.Cursor.execute
_next: Any = sqlite3.Cursor.__next__
_NEVER = object()
_SEQUENCES = (tuple, list)  # taken as they are, by `?`


def _as_str(query: Any) -> str:
    return query if isinstance(query, str) else bytes(query).decode()


class InheritedSqlite3Cursor(InheritedCursor):
    """`cursor`, a virtual one, with sqlite3's methods, on `db`, one link's
    connection."""

    __slots__ = ("_db", "arraysize")

    def __init__(self, cursor: Cursor, db: Raw) -> None:
        super().__init__(cursor)
        self._db = db

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query` with parameters `vars`; texts of a user's own cursor class are
        sqlite3's already, unless several groups are asked."""
        cursor: Any = self._cursor()
        if cursor.attached_to is not self._db:
            cursor.attach_to(self._db)
        text = query if type(query) is str else _as_str(query)
        if vars is None:
            _execute(cursor, text)
        elif cursor.is_plain or (vars and cursor.is_over_groups):
            text, order = to_qmark(text)
            if order is not None or type(vars) not in _SEQUENCES:
                vars = arguments(order, vars)  # noqa: A001
            _execute(cursor, text, vars)
        else:
            _execute(cursor, text, vars)

    def executemany(self, query: Any, rows: Iterable[Any]) -> None:
        """Run `query` for every set of parameters in `rows`."""
        cursor = self._attached_cursor()
        text = _as_str(query)
        if cursor.is_plain or cursor.is_over_groups:
            made = [native(text, row) for row in rows]
            text = made[0][0] if made else native(text, ())[0]
            rows = [row for _, row in made]
        sqlite3.Cursor.executemany(cursor, text, rows)

    def executescript(self, script: str) -> None:
        """Run a text of several statements."""
        sqlite3.Cursor.executescript(self._attached_cursor(), script)

    def callproc(self, name: str, parameters: Any = ()) -> Any:
        """Raise NotSupportedError for `name`, whatever the `parameters`."""
        raise errors.NotSupportedError(f"{name}: SQLite has no stored procedures")

    def __iter__(self) -> Iterator[Any]:
        return iter(partial(_next, self._cursor()), _NEVER)

    def close(self) -> None:
        """Do nothing: the virtual cursor closes itself."""

    def _attached_cursor(self) -> Any:
        cursor: Any = self._cursor()
        cursor.attach_to(self._db)
        return cursor
