"""Many rows from and to MySQL and MariaDB: a cursor that reads as they come, and lines
into a table.

A line has tabs between its values, `\\N` for NULL, and a backslash before what could be
mistaken. `LOAD DATA LOCAL` reads just that, from a file with a name. A client that has
it enabled sends any of its files to a server that asks, so it is used where the user
has (`local_infile`), and nowhere enabled. Else lines become the rows of an INSERT: its
strings have the same escapes.
"""

from __future__ import annotations

from collections.abc import Iterable
from tempfile import NamedTemporaryFile
from typing import Any

import MySQLdb.cursors

from routedb.adapters.base import Raw, RawCursor
from routedb.adapters.tracing import unwrapped

# How texts become values here, whatever the session of the user's has.
MODE = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO"


def reading_cursor(raw: Raw) -> RawCursor:
    """Open a cursor on `raw` that fetches from the server, not from memory."""
    cursor: RawCursor = raw.cursor(MySQLdb.cursors.SSCursor)
    return cursor


class _TextCursor(MySQLdb.cursors.SSCursor):
    """Fetches from the server, and makes nothing of what it sends."""

    def _do_get_result(self, db: Any) -> None:
        kept = db.converter
        db.converter = {}
        try:
            super()._do_get_result(db)  # type: ignore[misc]  # has no types
        finally:
            db.converter = kept


def text_cursor(raw: Raw) -> RawCursor:
    """Open a cursor on `raw` that fetches from the server; all values are the bytes of
    the server's text."""
    cursor: RawCursor = unwrapped(raw).cursor(_TextCursor)
    return cursor


def insert_lines(raw: Raw, table: str, blocks: Iterable[bytes]) -> None:
    """Insert `blocks` of whole lines into `table`, as SQL, in the mode of MODE. Raises
    what the driver raises."""
    with _cursor(raw) as cursor:
        for block in blocks:
            cursor.execute(b"INSERT INTO " + table.encode() + b" VALUES " + rows(block))


def load_lines(raw: Raw, table: str, blocks: Iterable[bytes]) -> None:
    """Put `blocks` of lines into `table` by LOAD DATA LOCAL. Raises what the driver
    raises."""
    with NamedTemporaryFile(prefix="routedb-") as file, _cursor(raw) as cursor:
        file.writelines(blocks)
        file.flush()
        name = file.name.replace("\\", "/").replace("'", "''")
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{name}' INTO TABLE {table} "
            r"CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ESCAPED BY '\\' "
            r"LINES TERMINATED BY '\n'"
        )


def run_bytes(raw: Raw, text: bytes) -> None:
    """Run a `text` that is encoded already. Raises what the driver raises."""
    with _cursor(raw) as cursor:
        cursor.execute(text)


def rows(block: bytes) -> bytes:
    """Return the lines of `block` as the rows of an INSERT."""
    quoted = block[:-1].replace(b"'", b"\\'").replace(b"\t", b"','")
    listed = b"('" + quoted.replace(b"\n", b"'),('") + b"')"
    # A backslash of a value is two: this is none.
    return listed.replace(b"'\\N'", b"NULL")


def _cursor(raw: Raw) -> Any:
    return unwrapped(raw).cursor(MySQLdb.cursors.Cursor)
