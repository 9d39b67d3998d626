"""What one group says of one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from routedb.planner import TableInfo

Ask: TypeAlias = Callable[[str], list[tuple[Any, ...]]]  # a text without parameters


class TableAnswer(NamedTuple):
    """The table, and what the planner does not ask for.

    `order` is the order of texts without a collation of their own, "" where there is
    but one. `odd` are the columns whose values are not carried, by name: the type.
    """

    info: TableInfo
    order: str = ""
    odd: tuple[tuple[str, str], ...] = ()


def quoted(text: str) -> str:
    """Return `text` as an SQL string, as every engine reads it that does not take
    backslashes for more: names with one are refused by who asks."""
    return "'" + text.replace("'", "''") + "'"
