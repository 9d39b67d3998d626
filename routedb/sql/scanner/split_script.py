"""Cut a script into its statements, as a command line needs them.

The scan tells code from quotes, dollar quotes and comments; in code a semicolon ends a
statement, except in brackets and in the body of a routine (BEGIN … END).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from routedb.sql.scanner.patterns import COMMENT, MARKS
from routedb.sql.scanner.shape import scan

_WORDS = re.compile(r"[^\W\d][\w$]*|[;()]").finditer
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE"})
_NOT_CLOSED_BY = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})
_NAME_WITHIN = 12  # CREATE OR REPLACE DEFINER = … SQL SECURITY … PROCEDURE


def split(sql: str, dialect: str) -> list[str]:
    """Return the statements of a script, each as written, without its semicolon.

    What stands before a statement, such as a hint in a comment, stays with it; a piece
    of nothing but comments is left out. Never raises: of a text that cannot be read
    (an open quote) the last piece reaches to its end.
    """
    parts = scan(sql, dialect).parts
    found: list[str] = []
    begin = 0
    for end in (*_ends(parts), len(sql)):
        piece = sql[begin:end].strip()
        if not _is_empty(piece, dialect):
            found.append(piece)
        begin = end + 1
    return found


def _ends(parts: Sequence[str]) -> Iterator[int]:
    """Yield where the semicolons stand that end a statement."""
    at = 0
    words = _Words()
    for index, part in enumerate(parts):
        if index % 2 == 0:
            for match in _WORDS(part):
                if words.end_at(match[0].upper()):
                    yield at + match.start()
                    words = _Words()
        at += len(part)


def _is_empty(piece: str, dialect: str) -> bool:
    """Tell whether there is nothing but comments and white space."""
    marks = MARKS[dialect]
    return not any(
        # A prefix, as of E'…', is no key of the marks.
        marks.get(part[0], part) != COMMENT if index % 2 else part.strip()
        for index, part in enumerate(scan(piece, dialect).parts)
    )


class _Words:
    """Where the words of one statement are: how deep in brackets and in a body."""

    def __init__(self) -> None:
        self._first: list[str] = []  # they tell what the statement creates
        self._before = ""
        self._brackets = 0
        self._bodies = 0

    def end_at(self, word: str) -> bool:
        """Take in the next word or mark; tell whether it ends the statement."""
        if self._before == "END" and self._bodies:
            self._bodies -= word not in _NOT_CLOSED_BY
        if word == ";" and self._brackets <= 0 and not self._bodies:
            return True
        self._brackets += (word == "(") - (word == ")")
        if word == "BEGIN" or (word == "CASE" and self._before != "END"):
            self._bodies += bool(self._bodies) or self._is_routine()
        if len(self._first) < _NAME_WITHIN:
            self._first.append(word)
        self._before = word
        return False

    def _is_routine(self) -> bool:
        return self._first[:1] == ["CREATE"] and not _ROUTINES.isdisjoint(self._first)
