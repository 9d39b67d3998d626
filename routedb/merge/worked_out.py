"""Texts by which PostgreSQL works out the values of another engine's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb.merge.change_queries import strung
from routedb.merge.stored import shown
from routedb.merge.targets import Target
from routedb.planner import Bound, Cell, Column

_UNTYPED = (str, type(None))  # psycopg2 writes literals without a type of these
_PLAIN = (int, float, *_UNTYPED)


def worked_out(
    target: Target, params: Any, column: Column, cell: Cell
) -> tuple[Bound, Bound]:
    """Return the text that a new value of a `column` of `target` is read as, `cell`
    with these `params`, and one whose type is that of the expression: NULL where
    there is nothing to check."""
    type_ = target.type_of(column)
    before, after = shown("\0", type_).split("\0")
    value = strung(Bound(before), cell.text, Bound(after))
    return value, Bound("NULL") if _is_fitting(cell, type_, params) else cell.text


def assigned(
    target: Target,
    params: Any,
    columns: Sequence[Column],
    cells: Sequence[Cell | None],
) -> list[Bound]:
    """Return what a query of an UPDATE of `target` shows beside the keys of its rows,
    as the pieces of a text: both of `worked_out` for each of `columns`, which get these
    `cells` with `params`."""
    parts: list[Bound] = []
    for number, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        assert cell is not None  # no DEFAULT
        both = worked_out(target, params, column, cell)
        for name, part in zip(("v", "k"), both, strict=True):
            parts += (Bound(", "), part, Bound(f" AS routedb_{name}{number}"))
    return parts


def _is_fitting(cell: Cell, type_: str, params: Any) -> bool:
    """Tell whether a literal or a parameter certainly is assigned to `type_`."""
    if cell.slot is None:
        return cell.is_untyped
    value = cell.slot.value(params)
    if isinstance(value, _UNTYPED):
        return True
    is_number = type_ in ("text", "double precision") or "int" in type_
    is_number = is_number or type_.startswith("numeric")
    return type(value) in _PLAIN and is_number
