"""Long texts: of the rows of a run, and the items of a list, keep one of each kind.

A row is classified as a thousand like it are. So what stands in a long
`VALUES (…), (…)`, `IN (…)` or `ARRAY[…]` is read by `distinct_rows`, piece by piece,
and the rest of the text, which is short, is left as it is. Where it is not certain that
a piece is whole rows the run ends: what follows is scanned.
"""

from __future__ import annotations

import re

from routedb.sql.scanner import scan_nested
from routedb.sql.scanner.distinct_rows import Rows
from routedb.sql.scanner.patterns import PATTERNS

LONG = 1_000
_LONGEST_HEAD = 16_000  # what is looked through for the next run
_MOST_RUNS = 64
_WORTH_CUTTING = 200
_FIRST_PIECE = 512
_LARGEST_PIECE = 65_536
_SMALLEST_PIECE = 128
_MOST_HEADS = 16
_MOST_TRIES = 8
_FAR = 2_000  # where the second row begins, if there is one

_OPENER = re.compile(
    r"(?<![\w$.])(?:VALUES?(?:\s*(?=\()|\s+(?=ROW\s*\())|IN\s*\((?:\s*(?=\())?"
    r"|ARRAY\s*\[)",
    re.IGNORECASE,
).search
_EXECUTABLE = re.compile(r"/\*M?!").search
# Between rows, with a comment that is no hint.
_HINT = r"\s*routedb:"
_GAP = rf"\s*(?:(?:/\*(?![!M+]|{_HINT})[^*]*\*/|--(?!{_HINT})[ \w][^\n]*\n)\s*)*"
_NEXT = re.compile(rf"{_GAP},{_GAP}").match
_JOINT = re.compile(rf"(\)+)({_GAP},{_GAP})(?:(ROW\s*\()|\(+)", re.IGNORECASE).search
# Ends a run, if it is one of plain strings and few brackets.
_STRING = r"'[^'\\]*'"
_PLAIN = r"[^()\[\]'\"`;$/#\\{}-]|-(?!-)"
_IN_BRACKETS = rf"[(\[](?:{_PLAIN}|{_STRING}|\((?:{_PLAIN}|{_STRING})*\))*[)\]]"
_LAST_ROW = re.compile(rf"(?:ROW\s*)?{_IN_BRACKETS}", re.IGNORECASE).match
_SHORT_LIST = re.compile(rf"(?:[^'()]|{_STRING})*\)").match
_STRINGS = re.compile(r"'(\s*,\s*)'").search
_LAST_ITEM = re.compile(
    rf"(?:[^()\[\]'\"`;$/#\\{{}},-]|-(?!-)|{_STRING}|{_IN_BRACKETS})+(?=[)\]])"
).match


def shorten(sql: str, dialect: str) -> str | None:
    """Return `sql`, a text of `dialect`, with one row of each kind for each long run of
    rows. None when it has none."""
    pieces: list[str] = []
    done = at = heads = 0
    for _ in range(_MOST_RUNS):
        opener = _OPENER(sql, at, at + _LONGEST_HEAD)
        if opener is None or heads == _MOST_HEADS:
            break
        at = opener.end()
        run = _Run(sql, opener, dialect)
        if run.is_short():
            continue
        heads += 1
        if not _is_code(sql[done:at], opener[0], dialect):
            continue
        run.go_on()
        if run.end - at < _WORTH_CUTTING:
            continue
        pieces += (sql[done:at], run.rows.text)
        done = at = run.end
    return "".join((*pieces, sql[done:])) if pieces else None


def _is_code(head: str, opener: str, dialect: str) -> bool:
    """Tell whether `head`, which begins in code, ends in code too: with `opener`."""
    parts = PATTERNS[dialect].split(head)
    if "/*" in parts or "$" in head:
        if dialect == "mysql" and _EXECUTABLE(head):
            return False
        parts, _ = scan_nested.split_nested(head, dialect)
    return parts[-1].endswith(opener)


class _Run:
    """Rows, or the items of a list: `end` is where those end that have been read."""

    def __init__(self, sql: str, opener: re.Match[str], dialect: str) -> None:
        self.end = opener.end()
        self._sql = sql
        self._is_rows = opener[0][0] in "vV" or sql.startswith("(", self.end)
        self._joint = ","
        self._ahead = 0  # of the joint that belong to the row before it
        opening, between = "", ","
        if self._is_rows:
            first = _LAST_ROW(sql, self.end)
            start = first.end() - 1 if first else self.end
            while start > self.end and sql[start - 1] == ")":
                start -= 1
            joint = _JOINT(sql, start, self.end + _FAR)
            self._joint = joint[0] if joint else ""
            if joint is not None:
                opening, between = "ROW(" if joint[3] else "(", joint[2]
                self._ahead = len(joint[1])
        elif strings := _STRINGS(sql, self.end, self.end + _FAR):
            self._joint, between, self._ahead = strings[0], strings[1], 1
        elif sql.startswith(", ", sql.find(",", self.end)):
            between = ", "
        self.rows = Rows(dialect, opening, between)

    def is_short(self) -> bool:
        """Tell quickly whether it is hardly worth to be read."""
        if self._is_rows:
            return not self._joint
        end = self.end + _WORTH_CUTTING
        return _SHORT_LIST(self._sql, self.end, end) is not None

    def go_on(self) -> None:
        """Read rows up to the last, or where it is not certain that they are some."""
        sql, size, at = self._sql, _FIRST_PIECE, self.end
        while size >= _SMALLEST_PIECE:
            end = self._boundary(at, size)
            if end > at and self.rows.take(sql[at:end]):
                self.end = end
                size = min(4 * size, _LARGEST_PIECE)
                comma = _NEXT(sql, end)
                at = comma.end() if comma is not None else end
            else:
                size //= 4
        last = (_LAST_ROW if self._is_rows else _LAST_ITEM)(sql, at)
        if at > self.end and last is not None and self.rows.take(last[0].rstrip()):
            self.end = last.end()

    def _boundary(self, at: int, size: int) -> int:
        """Return where the last row ends that does so within `size` characters, and in
        no string, as far as quotes can be counted."""
        sql, stop = self._sql, at + size
        likely = -1
        for _ in range(_MOST_TRIES):
            end = sql.rfind(self._joint, at, stop)
            if end < 0:
                break
            stop = end + self._ahead
            if not sql.count("'", at, stop) & 1:
                return stop
            likely = max(likely, stop)
        if likely < 0:
            closing = ")" if self._is_rows else ""
            return sql.rfind(f"{closing},", at, at + size) + len(closing)
        return likely
