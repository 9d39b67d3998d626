"""What one group says of one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from routedb.planner import TableInfo

Ask: TypeAlias = Callable[[str], list[tuple[Any, ...]]]  # a text without parameters
Shape: TypeAlias = list[tuple[str, str]]  # columns: names, and types with collations


class TableAnswer(NamedTuple):
    """The table, and what the planner does not ask for.

    `order` is the order of texts without a collation of their own, "" where there is
    but one. `odd` are the columns whose values are not carried, by name: the type.
    `hidden` are those that INSERT takes no value for, where it names none; `defaults`
    are the columns' defaults that are constants, as `constant` has them. `required` are
    columns without NULL, `unfilled` those that get no value where none is given,
    `counted` those that are numbered by the engine, and `computed` those by others.
    `query` is a view's, where it is known what that shows to everybody; `is_opaque`: it
    is a view of which not all is known that a table's columns tell.
    """

    info: TableInfo
    order: str = ""
    odd: tuple[tuple[str, str], ...] = ()
    hidden: frozenset[str] = frozenset()
    defaults: tuple[tuple[str, str], ...] = ()
    required: frozenset[str] = frozenset()
    unfilled: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset()
    query: str | None = None
    is_opaque: bool = False


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?").fullmatch
# No backslash, which not all engines take for itself, and nothing of a placeholder.
_STRING = re.compile(r"('(?:[^'\\%]|'')*')(?:::[\w .\"()\[\],]+)?").fullmatch


def constant(text: str | None) -> str | None:
    """Return a default of the DDL's `text` as a literal, when it is one; None when it
    may give each row another value, or is not certain."""
    if text is None:
        return None
    if _NUMBER(text):
        return text
    string = _STRING(text)
    return None if string is None else string[1]


def constants(
    defaults: Iterable[tuple[str, str | None]],
) -> tuple[tuple[str, str], ...]:
    """Return those of the `defaults`, by column, that are constants."""
    found = ((column, constant(text)) for column, text in defaults)
    return tuple((column, text) for column, text in found if text is not None)


def quoted(text: str) -> str:
    """Return `text` as an SQL string, as every engine reads it that does not take
    backslashes for more: names with one are refused by who asks."""
    return "'" + text.replace("'", "''") + "'"
