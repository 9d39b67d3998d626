"""Rows of SQLite as lines, which are made here: it has no server to do it.

A chunk is read to its end at once. While a statement is being read nobody can commit to
a file that has no write-ahead log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import md5
from typing import Any

from routedb.adapters.base import Raw

_BLOCK_ROWS = 2_000
_DIGITS = 15  # of a digest, that are added: 60 bits


def prepare(raw: Raw) -> None:
    """Give `raw` the functions that the verifier's texts use."""
    connection: Any = raw
    connection.create_function("routedb_md5", 1, _md5, deterministic=True)
    connection.create_aggregate("routedb_sum", 1, _Sum)


def _md5(text: str) -> str:
    return md5(text.encode()).hexdigest()


class _Sum:
    """Adds digests, beyond the integers that SQLite has."""

    def __init__(self) -> None:
        self._total = 0

    def step(self, digest: str) -> None:
        """Add a digest."""
        self._total += int(digest[:_DIGITS], 16)

    def finalize(self) -> str:
        """Return the sum, as a text."""
        return str(self._total)


def read(
    raw: Raw,
    select: str,
    sink: Callable[[bytes], object],
    spell: Callable[[tuple[Any, ...]], bytes],
) -> None:
    """Give the rows of `select`, as `spell` writes them, to `sink`, in blocks of whole
    lines."""
    connection: Any = raw
    rows = connection.execute(select).fetchall()
    for place in range(0, len(rows), _BLOCK_ROWS):
        sink(b"".join(spell(row) for row in rows[place : place + _BLOCK_ROWS]))


def write(
    raw: Raw,
    table: str,
    columns: str,
    blocks: Iterable[bytes],
    maker: Callable[[bytes], list[tuple[Any, ...]]],
) -> None:
    """Insert `blocks` of lines into `table`, as SQL, for its `columns`, as the values
    that `maker` makes of them."""
    connection: Any = raw
    marks = ", ".join("?" * (columns.count(",") + 1))
    for block in blocks:
        if block:
            text = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
            connection.executemany(text, maker(block))
