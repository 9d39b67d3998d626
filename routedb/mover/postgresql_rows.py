"""Rows of PostgreSQL as lines, by COPY."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from routedb.adapters.base import Raw
from routedb.adapters.postgresql.copying import copy_in, copying_cursor

_BLOCK_BYTES = 1 << 18
_KEPT = 4  # blocks that are remembered, for the row of an error
_LINE = re.compile(r"COPY .*, line (\d+)")


def read(raw: Raw, select: str, sink: Callable[[bytes], object]) -> None:
    """Give the rows of `select` to `sink`, in blocks of whole lines."""
    _read(raw, f"COPY ({select}) TO STDOUT (ENCODING 'UTF8')", sink)


def read_binary(raw: Raw, select: str, sink: Callable[[bytes], object]) -> None:
    """Give the rows of `select` to `sink`, in PostgreSQL's own form."""
    _read(raw, f"COPY ({select}) TO STDOUT (FORMAT binary)", sink)


def _read(raw: Raw, text: str, sink: Callable[[bytes], object]) -> None:
    gathered = _Gathered(sink)
    with copying_cursor(raw, gathered.add) as cursor:
        cursor.copy_expert(text, cursor)
    gathered.flush()


def write_binary(raw: Raw, table: str, columns: str, blocks: Iterable[bytes]) -> int:
    """Insert `blocks` of what `read_binary` gives into `table`, as SQL, for its
    `columns`; return the number of rows."""
    file = _Blocks(iter(blocks))
    try:
        return copy_in(raw, f"{table} ({columns})", file, "FORMAT binary")
    except Exception:
        if file.failure is not None:  # COPY's error only says that there was one
            raise file.failure from None
        raise


def write(
    raw: Raw,
    table: str,
    columns: str,
    blocks: Iterable[bytes],
    maker: Callable[[bytes], bytes],
) -> None:
    """Insert `blocks` of lines into `table`, as SQL, for its `columns`; COPY reads them
    as they are, without `maker`. An error has the line in `routedb_row`."""
    file = _Blocks(iter(blocks))
    try:
        copy_in(raw, f"{table} ({columns})", file)
    except Exception as exc:
        if file.failure is not None:  # COPY's error only says that there was one
            raise file.failure from None
        said = getattr(getattr(exc, "diag", None), "context", None) or ""
        found = _LINE.search(said)
        exc.routedb_row = file.line(int(found[1])) if found else None  # type: ignore[attr-defined]
        raise


class _Gathered:
    """Lines, given on in blocks."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            self._sink(b"".join(self._lines))
        self._lines, self._size = [], 0


class _Blocks:
    """Blocks as a file that COPY reads."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.failure: Exception | None = None  # of who makes the blocks
        self._rest = b""
        self._kept: list[tuple[int, bytes]] = []  # number of the first line, block
        self._lines = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""
        while not self._rest:
            try:
                block = next(self._blocks, None)
            except Exception as exc:
                self.failure = exc
                raise
            if block is None:
                return b""
            self._kept = [*self._kept[1 - _KEPT :], (self._lines + 1, block)]
            self._lines += block.count(b"\n")
            self._rest = block
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def line(self, number: int) -> bytes | None:
        """Return the line of this `number`, as long as it is remembered."""
        for first, block in self._kept:
            lines = block.split(b"\n")
            if first <= number < first + len(lines) - 1:
                return lines[number - first]
        return None
