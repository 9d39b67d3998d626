"""Find the rows of INSERT … VALUES in its text, and the key in each.

The text is walked, not parsed: an INSERT may hold ten thousand rows. What stands before
and after the rows is left to sqlglot.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, NamedTuple

from routedb.sharding.keys.value_terms import (
    BoundValues,
    CastTerm,
    ConstantTerm,
    LiteralTerm,
    NegatedTerm,
    ShardKey,
    ValueTerm,
    check_params,
)
from routedb.sharding.refusals import refuse
from routedb.sharding.rewrite.completion import Completion
from routedb.sharding.rewrite.masking import NAME, MaskedText, mask
from routedb.sql import Scan, scan
from routedb.sql.scanner.patterns import DIALECT_OF


class RowSpan(NamedTuple):
    """One row with its brackets; `commas` are those between its values."""

    start: int
    end: int
    commas: tuple[int, ...]

    def cell(self, ordinal: int) -> tuple[int, int]:
        """Return where the value at `ordinal` stands."""
        edges = (self.start, *self.commas, self.end - 1)
        return edges[ordinal] + 1, edges[ordinal + 1]


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Where the key stands in the rows of an INSERT, `width` values each.

    `terms` None: texts of this shape differ in the number of rows, so each is walked.
    """

    key: ShardKey
    ordinal: int
    width: int
    terms: tuple[ValueTerm, ...] | None
    whole_because: str = ""  # why the rows cannot be split over shards
    completion: Completion | None = None  # what the text leaves to the catalog

    @property
    def can_split(self) -> bool:
        """Tell whether the rows may be sent in several statements."""
        return not self.whole_because


_VALUES = re.compile(r"[()]|(?<![\w$.])VALUES?(?=[\s(])", re.IGNORECASE).finditer
# MySQL's VALUES(column) stands after an operator.
_ENDS_NAME = re.compile(rf"[\w$){NAME}]").fullmatch
_OPENS = re.compile(r"\s*\(").match
_NEXT = re.compile(r"\s*,\s*(?=\()").match
_MARK = re.compile(r"%\([^()]*\)s|[()\[\],;]").finditer
_WORDS = {"NULL": None, "TRUE": True, "FALSE": False}
_CAST = re.compile(r"(.*?)\s*::\s*(\w+)", re.DOTALL).fullmatch
_CASTS = (
    dict.fromkeys(("int", "integer", "bigint", "smallint", "int2"), "integer")
    | dict.fromkeys(("int4", "int8"), "integer")
    | dict.fromkeys(("text", "varchar"), "text")
    | {"uuid": "uuid", "date": "date"}
)


def rows_start(code: str) -> int:
    """Return where the first row after VALUES opens; -1 when there is none."""
    depth = 0
    for match in _VALUES(code):
        if match[0] in "()":
            depth += 1 if match[0] == "(" else -1
        elif not depth and _ENDS_NAME(code[: match.start()].rstrip()[-1:]):
            opening = _OPENS(code, match.end())
            if opening:
                return opening.end() - 1
    return -1


def find_rows(code: str, start: int) -> list[RowSpan]:
    """Return the rows of VALUES in the masked `code`, the first at or behind `start`.

    Raises ShardError for brackets left open.
    """
    rows: list[RowSpan] = []
    commas: list[int] = []
    depth = 0
    for match in _MARK(code, start):
        mark = match[0]
        if mark in "([":
            if not depth:
                start = match.start()
            depth += 1
        elif mark == "," and depth == 1:
            commas.append(match.start())
        elif mark in ")]":
            depth -= 1
            if not depth:
                rows.append(RowSpan(start, match.end(), tuple(commas)))
                commas.clear()
                if not _NEXT(code, match.end()):
                    return rows
        elif mark == ";":
            break
    return refuse("the brackets of the rows do not close")


def row_terms(
    masked: MaskedText,
    rows: list[RowSpan],
    key: ShardKey,
    ordinal: int,
    width: int,
    constant: ConstantTerm | None,
) -> tuple[ValueTerm, ...]:
    """Return the term of `key` in each of the `rows` of `masked`.

    `ordinal` is its place among the columns, `width` their number; `constant` is the
    term where it has no place. Raises ShardError for a row of other width and for a key
    that is an expression.
    """
    starts = [token.start for token in masked.value_tokens]
    terms: list[ValueTerm] = []
    for number, row in enumerate(rows, 1):
        if len(row.commas) + 1 != width:
            refuse(
                f"row {number} has {len(row.commas) + 1} values for {width} columns", ""
            )
        if constant is not None:
            terms.append(constant)
            continue
        start, end = row.cell(ordinal)
        term = _term(masked, starts, start, end)
        if term is None:
            refuse(
                f"{key} in row {number} is an expression or a default, so its shard "
                "is not known before it runs: give a plain value or a parameter",
                "",
            )
        terms.append(term)
    return tuple(terms)


class InsertText(NamedTuple):
    """The text of an INSERT, taken apart."""

    scan: Scan  # of all of it
    masked: MaskedText
    rows: list[RowSpan]


def read_text(source: str, scanned: Scan) -> InsertText:
    """Take the INSERT `source` apart; `scanned` may be that of its ends only.

    Raises ShardError when it cannot be told where its rows are.
    """
    whole = whole_scan(source, scanned)
    masked = mask(source, whole)
    return InsertText(whole, masked, find_rows(masked.code, rows_start(masked.code)))


def read_long(
    plan: RowPlan, text: InsertText, params: Any
) -> tuple[BoundValues, tuple[ValueTerm, ...]]:
    """Return the values of a long text, and the key's term in each of its rows.

    `plan` says which column it is, `text` is the INSERT taken apart. Raises ShardError
    for a row without a plain key, and ProgrammingError when `params` do not fit.
    """
    scan, masked, rows = text
    check_params(params, masked.positional_count, masked.has_named)
    constant = None if plan.completion is None else plan.completion.constant
    terms = row_terms(masked, rows, plan.key, plan.ordinal, plan.width, constant)
    return BoundValues(DIALECT_OF[scan.dialect], scan.literals, params), terms


def whole_scan(source: str, scanned: Scan) -> Scan:
    """Return the scan of all of `source`.

    That is `scanned`, except that it leaves out the middle of a very long INSERT.
    """
    return scanned if scanned.is_whole else scan(source, scanned.dialect)


def _term(
    masked: MaskedText, starts: list[int], start: int, end: int
) -> ValueTerm | None:
    """Return what a cell is when it is one value, with a sign or a cast at most."""
    text = masked.code[start:end].strip()
    cast = _CAST(text)
    if cast is not None:
        type_ = _CASTS.get(cast[2].lower())
        inner = _plain(masked, starts, start, end, cast[1])
        return CastTerm(inner, type_) if inner is not None and type_ else None
    return _plain(masked, starts, start, end, text)


def _plain(
    masked: MaskedText, starts: list[int], start: int, end: int, text: str
) -> ValueTerm | None:
    if text.upper() in _WORDS:
        return ConstantTerm(_WORDS[text.upper()])
    at = bisect_left(starts, start)
    if at == len(starts) or starts[at] >= end or NAME in text:
        return None
    token = masked.value_tokens[at]
    written = masked.code[token.start : token.end]
    if text == written:
        return token.term
    if text[:1] == "-" and text[1:].lstrip() == written:
        return NegatedTerm(token.term) if isinstance(token.term, LiteralTerm) else None
    return None
