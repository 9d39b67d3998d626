"""Cut a text of several statements into them.

A semicolon ends a statement, except in brackets and in the body of a routine (BEGIN …
END). `statement_ends` says which ones do, among the words of a shape (`lexer`) as among
those of a script; quotes, dollar quotes and comments are told from code by the scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routedb.sql.scanner.patterns import COMMENT, MARKS
from routedb.sql.scanner.placeholders import count_positional
from routedb.sql.scanner.shape import Scan
from routedb.sql.scanner.shape import scan as take_apart

_WORDS = re.compile(r"\w[\w$]*|[;()]|[^\w\s;()]+").finditer
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE"})
_ROUTINE_WITHIN = 12  # CREATE OR REPLACE DEFINER = … SQL SECURITY … PROCEDURE
_NOT_CLOSED_BY = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})

Piece = tuple[str, Any]


def statement_ends(words: Sequence[str]) -> Iterator[int]:
    """Yield the indices of the semicolons in `words` that end a statement.

    `words` are the tokens of a text in capitals, brackets and semicolons each alone.
    """
    start = depth = blocks = 0
    for index, word in enumerate(words):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif word == "BEGIN" or (word == "CASE" and blocks):
            if blocks or _is_block(words, start, index):
                blocks += word == "BEGIN" or words[index - 1] != "END"
        elif word == "END" and blocks:
            following = words[index + 1] if index + 1 < len(words) else ""
            blocks -= following not in _NOT_CLOSED_BY
        elif word == ";" and depth <= 0 and not blocks:
            yield index
            start = index + 1
            depth = 0


def _is_block(words: Sequence[str], start: int, index: int) -> bool:
    if index == start:  # MariaDB's block outside of a routine
        return words[start + 1 : start + 3] == ["NOT", "ATOMIC"]
    return words[start] == "CREATE" and not _ROUTINES.isdisjoint(
        words[start : min(index, start + _ROUTINE_WITHIN)]
    )


def split(sql: str, dialect: str) -> list[str]:
    """Return the statements of the script `sql` in `dialect`, as written.

    Their semicolons are left out. What stands before a statement, such as a hint in a
    comment, stays with it; a piece of nothing but comments is left out. Never raises:
    of a text that cannot be read (an open quote) the last piece reaches to its end.
    """
    return [
        text.strip()
        for text, is_empty in _cut(take_apart(sql, dialect))
        if not is_empty
    ]


def pieces(scan: Scan, params: Any) -> list[Piece]:
    """Return the statements that `scan` has taken apart, each with its `params`.

    Positional parameters are dealt out by placeholders; named ones, and what is no
    sequence, every statement gets as they are.
    """
    is_dealt = isinstance(params, Sequence) and not isinstance(params, Mapping)
    found: list[Piece] = []
    start = 0
    for text, is_empty in _cut(scan):
        end = start + count_positional(text)
        if not is_empty:
            its = tuple(params[start:end]) if is_dealt else params
            found.append((text.strip(), its))
        start = end
    return found


def _cut(scan: Scan) -> Iterator[tuple[str, bool]]:
    """Yield what the ends of statements separate, and whether it holds no word."""
    sql = "".join(scan.parts)
    words, places = _words(scan if scan.is_whole else take_apart(sql, scan.dialect))
    first = begin = 0
    for index in (*statement_ends(words), len(words)):
        end = places[index] if index < len(words) else len(sql)
        yield sql[begin:end], index == first
        first, begin = index + 1, end + 1


def _words(scan: Scan) -> tuple[list[str], list[int]]:
    """Return the words of the code in capitals, and where each begins.

    A literal or a quoted name is one word, whatever it holds.
    """
    marks = MARKS[scan.dialect]
    words: list[str] = []
    places: list[int] = []
    at = 0
    for index, part in enumerate(scan.parts):
        if not index % 2:
            for match in _WORDS(part):
                words.append(match[0].upper())
                places.append(at + match.start())
        elif marks.get(part[0]) != COMMENT:  # the prefix of E'…' is no key of them
            words.append(part[0])
            places.append(at)
        at += len(part)
    return words, places
