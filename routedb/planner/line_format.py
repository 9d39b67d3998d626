"""A COPY from the client, in its parts, as values."""

from __future__ import annotations

from typing import NamedTuple


class LineFormat(NamedTuple):
    """What the lines of a file are like: its `name` is "text", "csv" or "binary"."""

    name: str
    delimiter: str
    null: str
    quote: str
    escape: str
    has_header: bool


class CopiedIn(NamedTuple):
    """The whole `sql`, the `columns` that it lists, folded, None where it lists none;
    they would stand at the place `listed_at` of the text."""

    sql: str
    columns: tuple[str, ...] | None
    listed_at: int
    format: LineFormat
