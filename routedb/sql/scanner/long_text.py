"""Long texts: of the rows of a run, and the items of a list, keep one of each kind.

A row is classified as a thousand like it are. So what stands in a long
`VALUES (…), (…)`, `IN (…)` or `ARRAY[…]` is read by `distinct_rows`, piece by piece,
and the rest of the text, which is short, is left as it is. Rows of a megabyte that are
more than plain literals are passed over by `row_kinds`, and a few that are of no kind
stay as they are written. Where it is not certain what follows the run ends: that is
scanned.
"""

from __future__ import annotations

import re

from routedb.sql.scanner import scan_nested
from routedb.sql.scanner.distinct_rows import Rows
from routedb.sql.scanner.patterns import PATTERNS
from routedb.sql.scanner.row_kinds import RowKinds
from routedb.sql.scanner.shape import take_apart

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
_LONG_RUN = 30_000  # to make patterns takes a millisecond
_SHORT_ROW = 32
_MOST_STEPS = 100
_MOST_PLAIN = 10  # of these, while nothing but plain literals has been read
_LONGEST_ROW = 4_000
_MOST_ODD = 16_000  # characters of rows that are left as they are

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
_ROW = re.compile(r"(?:ROW\s*)?\(", re.IGNORECASE).match
_BRACKETS = re.compile(r"[()]").finditer
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
        pieces += (sql[done:at], run.text)
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


def _row_end(sql: str, at: int, dialect: str) -> int:
    """Return where the row ends that begins at `at`, in code; -1 when it is not certain
    that there is one, or where it ends."""
    if _ROW(sql, at) is None:
        return -1
    plain = _LAST_ROW(sql, at)
    if plain is not None:
        return plain.end()
    depth = 0
    for number, part in enumerate(take_apart(sql[at : at + _LONGEST_ROW], dialect)[0]):
        if number % 2 == 0:
            if dialect == "mysql" and "/*" in part:
                return -1
            for bracket in _BRACKETS(part):
                depth += 1 if bracket[0] == "(" else -1
                if not depth:
                    return at + bracket.end()
        at += len(part)
    return -1


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
        self._rows = Rows(dialect, opening, between)
        self._odd: list[str] = []
        self._dialect = dialect
        self._begin = self.end

    @property
    def text(self) -> str:
        """What stands for what has been read."""
        return ", ".join((self._rows.text, *self._odd))

    def is_short(self) -> bool:
        """Tell quickly whether it is hardly worth to be read."""
        if self._is_rows:
            return not self._joint
        end = self.end + _WORTH_CUTTING
        return _SHORT_LIST(self._sql, self.end, end) is not None

    def go_on(self) -> None:
        """Read rows up to the last, or where it is not certain that they are some.

        Short rows of plain literals are quicker by pieces, and those of numbers; all
        others by their kinds.
        """
        is_long = self._is_rows and len(self._sql) - self.end > _LONG_RUN
        if not is_long or self._has_small_rows():
            self._by_pieces(is_long)
        if is_long and not self._by_rows():
            self._by_pieces(False)
        at = self._next()
        last = (_LAST_ROW if self._is_rows else _LAST_ITEM)(self._sql, at)
        if at > self.end and last is not None and self._rows.take(last[0].rstrip()):
            self.end = last.end()

    def _has_small_rows(self) -> bool:
        head = self._sql[self.end : self.end + _FAR]
        return "'" not in head or head.count(self._joint) * _SHORT_ROW > _FAR

    def _next(self) -> int:
        """Return where the next row begins, `end` when it is the last."""
        comma = _NEXT(self._sql, self.end) if self.end > self._begin else None
        return self.end if comma is None else comma.end()

    def _by_pieces(self, is_plain: bool) -> None:
        """Read pieces of many rows; with `is_plain` only such as hold nothing but plain
        literals, and the first that does not."""
        sql, size, rows = self._sql, _FIRST_PIECE, self._rows
        while size >= _SMALLEST_PIECE and (rows.is_literal or not is_plain):
            at = self._next()
            end = self._boundary(at, size)
            piece = sql[at:end]
            if is_plain and "\\" in piece:
                return
            if end > at and rows.take(piece):
                self.end = end
                size = min(4 * size, _LARGEST_PIECE)
            else:
                size //= 4

    def _by_rows(self) -> bool:
        """Read the rows of a kind at once, and leave some that are of none as they are
        written. False where there are too many of those, or it is not certain what
        follows."""
        sql, kinds = self._sql, RowKinds(self._dialect)
        for step in range(_MOST_STEPS):
            if step == _MOST_PLAIN and self._rows.is_literal:
                return False  # they differ in their spaces, perhaps
            self.end = kinds.pass_over(sql, self.end)
            at = self._next()
            if at == self.end > self._begin:
                return True
            end = _row_end(sql, at, self._dialect)
            if end < 0:
                return False
            if self._rows.take(sql[at:end]):
                kinds.learn(sql[self.end : end])
            elif not self._leave(sql[at:end]):
                return False
            self.end = end
        return False

    def _leave(self, row: str) -> bool:
        """Leave a row as it is written, unless too many are."""
        if len(row) + sum(map(len, self._odd)) > _MOST_ODD:
            return False
        self._odd.append(row)
        return True

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
