"""Rows in the order of ORDER BY, by values that Python orders as the engines do.

Which types those are is the planner's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from routedb.merge.refused import NotMerged
from routedb.planner import OrderTerm

_NUMBERS = (bool, int, float, Decimal)


def sort_rows(rows: list[Any], order: Sequence[OrderTerm], width: int) -> None:
    """Put `rows`, of `width` columns, in `order`; equal ones stay as they are. Raises
    NotMerged for rows by name where two columns have one."""
    values = reader(rows, width)
    for term in reversed(order):
        key: Callable[[Any], Any]
        if _are_of_one_type(rows, term.column):
            key = itemgetter(term.column)
        else:
            key = _key(term, values)
        rows.sort(key=key, reverse=term.is_descending)


def rank_of(order: Sequence[OrderTerm], width: int) -> Callable[[Any], Any]:
    """Return a function of a row, of `width` columns, whose results compare as rows
    stand in `order`."""
    keys = [_key(term, lambda row: reader((row,), width)(row)) for term in order]

    def rank(row: Any) -> tuple[Any, ...]:
        ranks = (key(row) for key in keys)
        return tuple(
            _Down(each) if term.is_descending else each
            for term, each in zip(order, ranks, strict=True)
        )

    return rank


class _Down:
    """A value that compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]


def _are_of_one_type(rows: Sequence[Any], column: int) -> bool:
    """Tell whether the values in `column` compare without looking at each: the usual
    case, as columns have types."""
    if not rows or isinstance(rows[0], dict):
        return False
    types = set(map(type, map(itemgetter(column), rows)))
    return len(types) == 1 and not types & {type(None), memoryview}


def _key(
    term: OrderTerm, values: Callable[[Any], Any]
) -> Callable[[Any], tuple[int, Any]]:
    # Turned round with the rest when descending.
    is_first = term.nulls_first != term.is_descending

    def key(row: Any) -> tuple[int, Any]:
        value = values(row)[term.column]
        if value is None:
            return (-1 if is_first else 9, 0)
        return comparable(value)

    return key


def comparable(value: Any) -> tuple[int, Any]:
    """Return what puts a value in order: SQLite has several types in one column."""
    if isinstance(value, _NUMBERS):
        return 0, value
    if isinstance(value, str):
        return 1, value
    if isinstance(value, (bytes, memoryview)):
        return 2, bytes(value)
    return 3, value


def reader(rows: Sequence[Any], width: int) -> Callable[[Any], Any]:
    """Return what returns the values of one of `rows`, which have `width` columns.
    Raises NotMerged for rows by name where two columns have one."""
    if rows and isinstance(rows[0], dict):
        if len(rows[0]) != width:
            raise NotMerged("two columns of its result have one name, in rows by name")
        return lambda row: tuple(row.values())
    return lambda row: row
