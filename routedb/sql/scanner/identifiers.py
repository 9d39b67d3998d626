"""How each dialect folds and quotes the names of schemas, tables, functions and
columns."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

# MySQL's names of databases and tables are case-sensitive on Linux.
FOLDS_CASE = {"postgresql": True, "mysql": False, "sqlite": True}


@lru_cache(maxsize=4096)  # a text is asked for the same few names over and over
def fold_identifier(word: str, dialect: str, *, is_quoted: bool) -> str:
    """Return the name of a schema, a table or a function as the database knows it.

    `word` is the name without its quotes in a text of `dialect`, `is_quoted` tells
    whether it had some: only SQLite folds the case of those, too.
    """
    if dialect == "postgresql":
        return cut_name(word if is_quoted else lower_ascii(word))
    return lower_ascii(word) if FOLDS_CASE[dialect] else word


def quote_identifier(name: str, dialect: str) -> str:
    """Return `name` as it stands in a text of `dialect` that takes it as it is."""
    mark = "`" if dialect == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def quote_path(path: Iterable[str | None], dialect: str) -> str:
    """Return the names of `path` quoted for `dialect`, with dots between: a schema,
    where it is not None, and what is in it."""
    return ".".join(
        quote_identifier(name, dialect) for name in path if name is not None
    )


LONGEST_NAME = 63  # bytes of UTF-8, on PostgreSQL


def cut_name(name: str) -> str:
    """Return what PostgreSQL keeps of `name`: 63 bytes, and no part of a character."""
    if len(name) * 4 <= LONGEST_NAME:
        return name
    encoded = name.encode("utf-8", "surrogateescape")
    end = LONGEST_NAME
    if len(encoded) <= end:
        return name
    while encoded[end] & 0xC0 == 0x80:
        end -= 1
    return encoded[:end].decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def fold_column(word: str, dialect: str, *, is_quoted: bool) -> str:
    """Return the name of a column as the database knows it.

    `word`, `dialect` and `is_quoted` are those of `fold_identifier`; MySQL folds the
    case of columns.
    """
    if dialect == "mysql":
        return word.casefold()
    return fold_identifier(word, dialect, is_quoted=is_quoted)


def lower_ascii(name: str) -> str:
    """Fold as PostgreSQL does in UTF-8: letters beyond ASCII stay what they are."""
    return (
        name.lower()
        if name.isascii()
        else "".join(c.lower() if c.isascii() else c for c in name)
    )
