"""A column that a rule fills, written into the text of an INSERT that leaves it out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from routedb.sharding.refusals import refuse
from routedb.sharding.rewrite.masking import NAME, MaskedText, mask
from routedb.sharding.rewrite.rows import RowSpan, find_rows, rows_start, whole_scan
from routedb.sql import Scan
from routedb.sql.scanner.identifiers import fold_column, quote_identifier

_ONE = rf"(?:[A-Za-z_\u0080-\uffff][\w$]*|{NAME}+)"
_HEAD = re.compile(
    r"\b(?:INSERT|REPLACE)(?:\s+(?:OR\s+\w+|IGNORE|LOW_PRIORITY|HIGH_PRIORITY))?"
    rf"(?:\s+INTO)?\s+{_ONE}(?:\s*\.\s*{_ONE})?(?:\s+AS\s+{_ONE})?"
    rf"()\s*(?:\((\s*|(?:\s*{_ONE}\s*,)*\s*{_ONE}\s*)\))?\s*"
    r"(?:OVERRIDING\s+\w+\s+VALUE\s+)?(DEFAULT\s+VALUES\b|VALUES?\b|SET\b)?",
    re.IGNORECASE,
).search
_NOTHING = frozenset({"DEFAULT", "NULL"})


class Filled(NamedTuple):
    """The text with the column in it, and how many rows it has. `places` are those of
    new placeholders among those of the text, where they are numbered."""

    sql: str
    rows: int
    places: tuple[int, ...] = ()


def fill(
    source: str,
    scanned: Scan,
    column: str,
    dialect: str,
    written: Callable[[], str],
) -> Filled | None:
    """Return the INSERT `source` of `dialect` with a value of `column` in each row:
    what `written` returns for it. None where it has that column.

    `scanned` may be the scan of its ends only. Raises ShardError where the column has
    no certain place.
    """
    masked = mask(source, whole_scan(source, scanned))
    head = _HEAD(masked.code)
    if head is None or (head[3] or "").upper() == "SET":
        return refuse(
            f"its rule fills {column}: write INSERT INTO … (…) VALUES, or give it", ""
        )
    listed = head[2]
    names = [] if listed is None else _names(source, head, dialect)
    word = " ".join((head[3] or "").upper().split())
    if column in names:
        at = names.index(column)
        return _replaced(masked, at, written) if word.startswith("VALUE") else None
    if word == "DEFAULT VALUES":
        value = f"({_quoted(column, dialect)}) VALUES ({written()})"
        sql = source[: head.start(3)] + value + source[head.end(3) :]
        return Filled(sql, 1, (_count(masked, head.start(3)),))
    if listed is None:
        return None  # each column has a value
    if not word.startswith("VALUE"):
        return refuse(
            f"its rule fills {column}, which INSERT … SELECT leaves out: give it", ""
        )
    return _added(masked, head, column, dialect, written)


def _names(source: str, head: re.Match[str], dialect: str) -> list[str]:
    start, end = head.span(2)
    found = [name.strip() for name in source[start:end].split(",")]
    return [_folded(name, dialect) for name in found if name]


def _folded(name: str, dialect: str) -> str:
    mark = name[0]
    if mark not in '"`':
        return fold_column(name, dialect, is_quoted=False)
    plain = name[1:-1].replace(mark * 2, mark)
    return fold_column(plain, dialect, is_quoted=True)


def _added(
    masked: MaskedText,
    head: re.Match[str],
    column: str,
    dialect: str,
    written: Callable[[], str],
) -> Filled:
    """Return the text with the column behind those that it lists."""
    source, code = masked.source, masked.code
    rows = find_rows(code, rows_start(code))
    comma = ", " if head[2].strip() else ""
    pieces = [source[: head.end(2)], comma, _quoted(column, dialect)]
    at = head.end(2)
    places: list[int] = []
    for row in rows:
        end = row.end - 1
        comma = ", " if code[row.start + 1 : end].strip() else ""
        pieces += [source[at:end], comma, written()]
        places.append(_count(masked, end) + len(places))
        at = end
    return Filled("".join([*pieces, source[at:]]), len(rows), tuple(places))


def _replaced(
    masked: MaskedText, ordinal: int, written: Callable[[], str]
) -> Filled | None:
    """Return the text with values for DEFAULT and NULL in the column at `ordinal`."""
    source, code = masked.source, masked.code
    rows = find_rows(code, rows_start(code))
    cells = [row.cell(ordinal) for row in rows if _has(row, ordinal)]
    chosen = [each for each in cells if code[slice(*each)].strip().upper() in _NOTHING]
    if not chosen:
        return None
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for start, end in chosen:
        pieces += [source[at:start], " ", written()]
        places.append(_count(masked, start) + len(places))
        at = end
    return Filled("".join([*pieces, source[at:]]), len(chosen), tuple(places))


def _has(row: RowSpan, ordinal: int) -> bool:
    return ordinal <= len(row.commas)


def _count(masked: MaskedText, end: int) -> int:
    """Return how many placeholders without a name stand before `end`."""
    return sum(masked.source.startswith("%s", token.start)
               for token in masked.value_tokens if token.start < end)  # fmt: skip


def with_values(
    params: Sequence[object], filled: Filled, values: Sequence[object]
) -> tuple[object, ...]:
    """Return the positional `params` of a text with those of what was `filled` in, the
    `values`, among them."""
    found = list(params)
    for place, value in zip(filled.places, values, strict=True):
        found.insert(place, value)
    return tuple(found)


def _quoted(name: str, dialect: str) -> str:
    return quote_identifier(name, dialect).replace("%", "%%")
