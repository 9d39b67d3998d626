"""Rows by COPY, as lines of its text format, in UTF-8 whatever the session has.

Lines come and go as they are: no value is looked at. psycopg2 has no COPY under a wait
callback, and tracing tools do not note it: `can_copy` says whether to go without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from psycopg2 import extensions as ext

from routedb.adapters.base import Raw
from routedb.adapters.postgresql.link_cursor import LinkCursor
from routedb.adapters.tracing import unwrapped

_READ_BYTES = 65_536  # at once, from a file
_UTF8 = "ENCODING 'UTF8'"


class Readable(Protocol):
    """What COPY reads lines from."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class CopyingCursor(LinkCursor):
    """A cursor whose queries give their rows to `write`, as they come, in bytes of
    whole lines: psycopg2 calls it so, for each row, and nothing of ours lies between.
    It must not raise: the rest would stay on the line."""

    __slots__ = ("write",)

    write: Callable[[bytes], object]
    form = "ENCODING 'UTF8'"  # COPY's options

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002
        """Run `query`, which has rows, with parameters `vars`."""
        text = self.mogrify(query, vars)
        form = self.form.encode()
        self.copy_expert(b"COPY (" + text + b"\n) TO STDOUT (" + form + b")", self)


class CsvCursor(CopyingCursor):
    """The same, where each call of `write` is one row of CSV: NULL is nothing, and an
    empty text is in quotes."""

    __slots__ = ()

    form = "ENCODING 'UTF8', FORMAT csv"


def can_copy(raw: Raw) -> bool:
    """Tell whether rows can go over `raw` by COPY, unnoticed by nobody."""
    return ext.get_wait_callback() is None and unwrapped(raw) is raw


def copying_cursor(raw: Raw, sink: Callable[[bytes], object]) -> CopyingCursor:
    """Open a cursor on `raw` that gives rows to `sink`."""
    cursor: CopyingCursor = raw.cursor(cursor_factory=CopyingCursor)
    cursor.write = sink
    return cursor


def csv_cursor(raw: Raw, sink: Callable[[bytes], object]) -> CsvCursor:
    """Open a cursor on `raw` that gives rows of CSV to `sink`."""
    cursor: CsvCursor = unwrapped(raw).cursor(cursor_factory=CsvCursor)
    cursor.write = sink
    return cursor


def copy_in(raw: Raw, table: str, lines: Readable, how: str = _UTF8) -> int:
    """Fill `table`, as SQL, with `lines`, or with what is in another form, `how`;
    return the number of rows. Raises what the driver raises."""
    with unwrapped(raw).cursor(cursor_factory=LinkCursor) as cursor:
        sql = f"COPY {table} FROM STDIN ({how})"
        cursor.copy_expert(sql, lines, _READ_BYTES)
        return int(cursor.rowcount)


def table_text(table: str) -> str:
    """Return a `table` as `copy_to()` writes it in its COPY. Raises TypeError for what
    is no text."""
    if not isinstance(table, str):
        raise TypeError(f"a table must be str, not {type(table).__name__}")
    return '"' + table.replace('"', '""') + '"'


def copy_from_text(table: str, sep: object, null: object, columns: Any) -> str:
    """Return the COPY of `copy_from()`, for its `table`, with `sep` between values,
    `null` for NULL, and its `columns`, if any. Raises TypeError where the table is no
    text; what else is wrong the driver says."""
    head = f"COPY {table_text(table)}"
    if isinstance(columns, list | tuple) and all(isinstance(c, str) for c in columns):
        head += f" ({', '.join(map(table_text, columns))})" if columns else ""
    text = f"{head} FROM STDIN"
    if isinstance(sep, str) and isinstance(null, str):
        text += f" WITH DELIMITER AS {_literal(sep)} NULL AS {_literal(null)}"
    return text


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
