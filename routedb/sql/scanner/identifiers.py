"""How each dialect folds the names of schemas, tables, functions and columns."""

from __future__ import annotations

# MySQL's names of databases and tables are case-sensitive on Linux.
FOLDS_CASE = {"postgresql": True, "mysql": False, "sqlite": True}


def fold_identifier(word: str, dialect: str, *, is_quoted: bool) -> str:
    """Return the name of a schema, a table or a function as the database knows it.

    `word` is the name without its quotes in a text of `dialect`, `is_quoted` tells
    whether it had some: only SQLite folds the case of those, too.
    """
    if is_quoted and dialect == "postgresql":
        return word
    return lower_ascii(word) if FOLDS_CASE[dialect] else word


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
