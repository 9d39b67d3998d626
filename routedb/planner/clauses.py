"""Where the clauses of one SELECT stand in its text."""

from __future__ import annotations

import re

from routedb.planner.joins import NotSpread
from routedb.planner.source_text import SourceText

_CLAUSES = re.compile(
    r"[(),]|\b(?:SELECT|FROM|GROUP|HAVING|ORDER|LIMIT|OFFSET|FETCH|WINDOW)\b",
    re.IGNORECASE,
).finditer
_ALL = re.compile(r"\s*ALL\b", re.IGNORECASE).match  # no part of a column's name
_MARKS = ("%", "--", "/*", "#")  # one or two of them, and comments
_LONGEST_NAME = 60


def rows_span(text: SourceText) -> tuple[int, int]:
    """Return from and up to where FROM, its joins and WHERE stand in `text`. Raises
    NotSpread."""
    found = _clauses(text)
    start = next((at for word, at in found if word == "FROM"), None)
    if start is None:
        raise NotSpread("FROM stands where it is not looked for")
    ends = [at for word, at in found if at > start and word not in (",", "FROM")]
    return start, ends[0] if ends else len(text.source.rstrip("; \n\t"))


def column_texts(text: SourceText, columns: int) -> list[str] | None:
    """Return the text of each of so many `columns` of the result of `text`: SQLite and
    MySQL call it so. None where that is not certain."""
    found = _clauses(text)
    if not found or found[0][0] != "SELECT":
        return None
    ends = [at for word, at in found if word in (",", "FROM")][:columns]
    start = found[0][1] + len("SELECT")
    if says_all := _ALL(text.masked.code, start):
        start = says_all.end()
    pieces = []
    for end in ends:
        pieces.append(text.source[start:end].strip())
        start = end + 1
    is_plain = len(pieces) == columns and all(
        len(piece) <= _LONGEST_NAME and not any(mark in piece for mark in _MARKS)
        for piece in pieces
    )
    return pieces if is_plain else None


def _clauses(text: SourceText) -> list[tuple[str, int]]:
    """Return the words that begin clauses, and commas, outside of brackets."""
    depth, found = 0, []
    for match in _CLAUSES(text.masked.code):
        if match[0] in "()":
            depth += 1 if match[0] == "(" else -1
        elif depth == 0:
            found.append((match[0].upper(), match.start()))
    return found
