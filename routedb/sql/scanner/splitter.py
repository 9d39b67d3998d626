"""Cut a text of several statements into them.

A semicolon ends a statement, except in brackets, in the body of a routine (BEGIN …
END), and in MariaDB's compound statements. `statement_ends` says which ones do, among
the words of a shape (`lexer`) as among those of a script; quotes, dollar quotes and
comments are told from code by the scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routedb.sql.scanner.patterns import COMMENT, MARKS, MYSQL
from routedb.sql.scanner.placeholders import count_positional
from routedb.sql.scanner.shape import Scan
from routedb.sql.scanner.shape import scan as scan_text

_WORDS = re.compile(r"\w[\w$]*|[;()]|[^\w\s;()]+").finditer
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE"})
_ROUTINE_WITHIN = 12  # CREATE OR REPLACE DEFINER = … SQL SECURITY … PROCEDURE
_NOT_CLOSED_BY = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})

# What begins a compound statement of MariaDB's where a statement may begin, and behind
# what one may begin inside of it. A label's colon is ^ among the words of a shape.
PROGRAM_STARTS = frozenset({"BEGIN", "DECLARE", "CASE", *_NOT_CLOSED_BY})
_BEFORE_STATEMENT = frozenset(
    (
        *(";", "BEGIN", "ATOMIC", "THEN", "ELSE", "DO", "LOOP", "REPEAT"),
        *(":", "^", ">>", "FOUND", "SQLEXCEPTION", "SQLWARNING"),
    )
)

Piece = tuple[str, Any]


def statement_ends(words: Sequence[str], dialect: str) -> Iterator[int]:
    """Yield the indices of the semicolons in `words` that end a statement.

    `words` are the tokens of a text of `dialect` in capitals, brackets and semicolons
    each alone.
    """
    start = depth = blocks = 0
    program: _Program | None = None
    for index, word in enumerate(words):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif program is not None:
            program.take(words, index)
            if word == ";" and depth <= 0 and not program.is_open:
                yield index
                start = index + 1
                depth, program = 0, None
        elif dialect in MYSQL and _begins_program(words, start, index):
            program = _Program(word)
        elif word == "BEGIN" or (word == "CASE" and blocks):
            if blocks or _is_routine(words, start, index):
                blocks += word == "BEGIN" or words[index - 1] != "END"
        elif word == "END" and blocks:
            following = words[index + 1] if index + 1 < len(words) else ""
            blocks -= following not in _NOT_CLOSED_BY
        elif word == ";" and depth <= 0 and not blocks:
            yield index
            start = index + 1
            depth = 0


def _is_routine(words: Sequence[str], start: int, index: int) -> bool:
    return words[start] == "CREATE" and not _ROUTINES.isdisjoint(
        words[start : min(index, start + _ROUTINE_WITHIN)]
    )


def _begins_program(words: Sequence[str], start: int, index: int) -> bool:
    """Tell whether MariaDB's compound statement, outside of a routine, begins here."""
    word = words[index]
    if word not in PROGRAM_STARTS:
        return False
    following = words[index + 1] if index + 1 < len(words) else ""
    if word == "BEGIN" and following in ("", ";", "WORK"):
        return False
    if following == "NOT" and list(words[index + 2 : index + 3]) != ["ATOMIC"]:
        return False
    is_set = list(words[start : start + 2]) == ["SET", "STATEMENT"]
    return index == start or (is_set and words[index - 1] == "FOR")


class _Program:
    """A compound statement that is being passed over: how much of it is open."""

    def __init__(self, word: str) -> None:
        self._is_declaring = word == "DECLARE"  # sql_mode = ORACLE: until BEGIN
        self._blocks = int(word in ("BEGIN", "CASE"))
        self._loops = int(word in _NOT_CLOSED_BY)

    @property
    def is_open(self) -> bool:
        return self._is_declaring or self._blocks > 0 or self._loops > 0

    def take(self, words: Sequence[str], index: int) -> None:
        """Take the word at `index` of `words`."""
        word, before = words[index], words[index - 1]
        if word == "BEGIN":
            self._blocks += 1
            self._is_declaring = False
        elif word == "CASE":
            self._blocks += before != "END"
        elif word in _NOT_CLOSED_BY:
            is_statement = before in _BEFORE_STATEMENT
            self._loops += is_statement and not _is_call(words, index)
        elif word == "END":
            following = words[index + 1] if index + 1 < len(words) else ""
            if following in _NOT_CLOSED_BY:
                self._loops -= 1
            else:
                self._blocks -= 1


def _is_call(words: Sequence[str], at: int) -> bool:
    """Tell the functions IF(a, b, c) and REPEAT(a, b) from the statements."""
    if list(words[at + 1 : at + 2]) != ["("]:
        return False
    depth = 0
    for index in range(at + 1, len(words)):
        word = words[index]
        depth += (word == "(") - (word == ")")
        if "," in word and depth == 1:
            return True
        if not depth:
            break
    return False


def split(sql: str, dialect: str) -> list[str]:
    """Return the statements of the script `sql` in `dialect`, as written.

    Their semicolons are left out. What stands before a statement, such as a hint in a
    comment, stays with it; a piece of nothing but comments is left out. Never raises:
    of a text that cannot be read (an open quote) the last piece reaches to its end.
    """
    return [
        text.strip() for text, is_empty in _cut(scan_text(sql, dialect)) if not is_empty
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
    words, places = _words(scan if scan.is_whole else scan_text(sql, scan.dialect))
    first = begin = 0
    for index in (*statement_ends(words, scan.dialect), len(words)):
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
