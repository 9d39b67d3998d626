"""Rows of MariaDB as lines, which the server makes itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from routedb import errors
from routedb.adapters.base import Raw
from routedb.adapters.mysql.filling import reading_cursor, run_bytes

_FETCHED = 2_000
_MOST_BYTES = 1 << 20  # in one INSERT: max_allowed_packet is 4 MB and more
_ROW = re.compile(r"at row (\d+)")


def read(raw: Raw, select: str, sink: Callable[[bytes], object]) -> None:
    """Give the rows of `select`, a line each, to `sink`, in blocks. Raises
    DataError where the server cannot send one."""
    cursor = reading_cursor(raw)
    try:
        cursor.execute(select)
        while rows := cursor.fetchmany(_FETCHED):
            if any(row[0] is None for row in rows):
                raise errors.DataError(
                    "a row is longer than max_allowed_packet of the source"
                )
            sink(b"\n".join(row[0] for row in rows) + b"\n")
    finally:
        cursor.close()


def write(
    raw: Raw,
    table: str,
    columns: str,
    blocks: Iterable[bytes],
    maker: Callable[[bytes], bytes],
) -> None:
    """Insert `blocks` of lines into `table`, as SQL, for its `columns`, as the VALUES
    that `maker` makes of them. An error has the line in `routedb_row`."""
    head = f"INSERT INTO {table} ({columns}) VALUES ".encode()
    for block in parts(blocks):
        try:
            run_bytes(raw, head + maker(block))
        except Exception as exc:
            found = _ROW.search(str(exc))
            lines = block.split(b"\n")
            exc.routedb_row = lines[int(found[1]) - 1] if found else None  # type: ignore[attr-defined]
            raise


def parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of `blocks`, in blocks that one INSERT can have: two thousand
    long rows are more than a server takes."""
    for block in blocks:
        start = 0
        while len(block) - start > _MOST_BYTES:
            end = block.rfind(b"\n", start, start + _MOST_BYTES) + 1
            end = end or block.index(b"\n", start) + 1  # a line that is longer
            yield block[start:end]
            start = end
        if start < len(block):
            yield block[start:]
