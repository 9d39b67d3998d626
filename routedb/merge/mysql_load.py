"""Rows as a query of MySQL's and MariaDB's: JSON, taken apart by JSON_TABLE."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Ask
from routedb.planner import Written

# Codes of the protocol, which descriptions have.
_WHOLE = frozenset({1, 2, 3, 8, 9})  # tinyint to bigint
_DOUBLE, _YEAR, _DECIMAL = 5, 13, 246
# With what stands for the places behind the point: a text shows them.
_TYPES = {
    7: "DATETIME({})",  # timestamp
    10: "DATE",
    11: "TIME({})",
    12: "DATETIME({})",
    _YEAR: "YEAR",
    _DECIMAL: "DECIMAL(65, {})",
}
_MOST = 1e15  # a larger one with fixed places is written as another
_ANY_PLACES = 31  # of a DOUBLE: as many as it has
_TEXTS = frozenset({6, 15, 245, 249, 250, 251, 252, 253, 254})  # 6 is NULL
_UNSIGNED, _ZEROFILL, _ENUM, _SET = 32, 64, 256, 2048
_BINARY = "BINARY"  # a type of ours: text of digits, which UNHEX makes bytes of


def types_of(description: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return the types of a result's columns, by its `description` and `rows`. Raises
    NotMerged for those whose values do not say all that a column's do."""
    return [
        _type_of(column, [row[number] for row in rows])
        for number, column in enumerate(description)
    ]


def check_alike(
    ask: Ask, description: Sequence[Any], warnings: int, made: Written
) -> None:
    """Refuse queries that a server takes otherwise inside of a statement that writes,
    with NotMerged: `made` has the text, `description` the columns, `warnings` how many
    there were. `ask` runs a text."""
    if made.divides and any(map(_is_cut, description)):
        raise NotMerged(
            "more digits of an average or a quotient are written than shown"
        )
    if warnings:
        ((mode,),) = ask("SELECT @@sql_mode")
        if "STRICT" in mode:
            raise NotMerged("its query has warnings, which are errors where it writes")


def _is_cut(column: Sequence[Any]) -> bool:
    """Tell whether more digits of a value may be known to the server than it shows."""
    code = int(column[1])
    return code == _DECIMAL or (code == _DOUBLE and column[5] < _ANY_PLACES)


def _type_of(column: Sequence[Any], values: Sequence[Any]) -> str:
    code, flags = int(column[1]), column[1].flags
    if flags & (_ENUM | _SET | _ZEROFILL) and code != _YEAR:
        raise NotMerged(f"column {column[0]} is an ENUM, a SET or ZEROFILL")
    if code in _WHOLE:
        return "BIGINT UNSIGNED" if flags & _UNSIGNED else "BIGINT"
    if code in _TYPES:
        return _TYPES[code].format(column[5])
    if code == _DOUBLE:
        return _double(column, values)
    if code not in _TEXTS:
        raise NotMerged(f"column {column[0]} is of the protocol's type {code}")
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bytes}:
        return _BINARY
    return "LONGTEXT CHARACTER SET utf8mb4"


def _double(column: Sequence[Any], values: Sequence[Any]) -> str:
    places = column[5]
    if places >= _ANY_PLACES:
        return "DOUBLE"
    if any(value is not None and abs(value) >= _MOST for value in values):
        raise NotMerged(f"column {column[0]} has so many places, and a large number")
    return f"DOUBLE(255, {places})"


def inline(
    types: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[str, tuple[str, ...]]:
    """Return a query that has the `rows`, of these `types`, and its parameters: none.

    They are written in hexadecimal digits: whether a backslash means something in a
    string depends on the session.
    """
    shown, columns = [], []
    for number, type_ in enumerate(types):
        name, is_binary = f"c{number}", type_ == _BINARY
        shown.append(f"UNHEX({name}) AS {name}" if is_binary else name)
        columns.append(
            f"{name} {'LONGTEXT' if is_binary else type_} PATH '$[{number}]' "
            "NULL ON EMPTY ERROR ON ERROR"
        )
    plain = [list(map(_plain, row)) for row in rows]
    written = json.dumps(plain, ensure_ascii=False).encode().hex()
    source = f"JSON_TABLE(_utf8mb4 X'{written}', '$[*]' COLUMNS ({', '.join(columns)}))"
    return f"SELECT {', '.join(shown)} FROM {source} AS routedb_w", ()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int | float | Decimal | datetime.date):
        return repr(value) if isinstance(value, float) else str(value)
    raise NotMerged(f"a value came as {type(value).__name__}, not as text")
