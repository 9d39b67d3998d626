"""Long texts: take the runs of literals out without looking at each of them.

A row of literals is classified as a thousand are, and so is a list. So what stands in a
long `VALUES (…), (…)`, `IN (…)` or `ARRAY[…]` is cut from the text, and the rest, which
is short, is scanned. Each run is walked word by word where it begins and where it ends;
of what is between `literal_rows` proves that it holds literals. Where that cannot be
proven, the run ends there.
"""

from __future__ import annotations

import re

from routedb.sql.scanner import scan_nested
from routedb.sql.scanner.literal_rows import (
    DEEPEST,
    LITERAL_WORDS,
    MOST_WORDS,
    TELLING,
    prove,
)
from routedb.sql.scanner.patterns import PATTERNS

LONG = 1_000
_LONGEST_HEAD = 16_000  # what is looked through for the next run
_MOST_RUNS = 64
_WORTH_CUTTING = 200
_CHUNK = 65_536
_WALKED = 32  # at the begin of a run, and where a proof fails
_MOST_WALKS = 64  # of one run: where little can be proven, all of it is scanned
_MOST_HEADS = 16

_OPENER = re.compile(
    r"(?<![\w$.])(?:VALUES?(?:\s*(?=\()|\s+(?=ROW\s*\())|IN\s*\((?:\s*(?=\())?"
    r"|ARRAY\s*\[)",
    re.IGNORECASE,
).search
_IS_INSERT = re.compile(
    r"\s*(?:/\*[^*]*\*+(?:[^/*][^*]*\*+)*/\s*)*(?:INSERT|REPLACE)\b", re.IGNORECASE
).match
_OPENS = re.compile(r"\s*\(").match
_EXECUTABLE = re.compile(r"/\*M?!").search

_STANDARD = r"'[^']*(?:''[^']*)*'"
_ESCAPED = r"'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'"
_STRINGS = {
    "postgresql": rf"[eE]{_ESCAPED}|[bBxXnN]?{_STANDARD}",
    "mysql": rf'[bBxXnN]?{_ESCAPED}|"[^"\\]*(?:(?:\\[\s\S]|"")[^"\\]*)*"',
    "sqlite": rf"[xX]?{_STANDARD}",
}
_OPEN = {"postgresql": r"[(\[]", "mysql": r"\(", "sqlite": r"\("}
_CLOSE = {"postgresql": r"[)\]]", "mysql": r"\)", "sqlite": r"\)"}
_NUMBER = r"(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w$.])"
_TOKENS = {
    dialect: re.compile(
        rf"\s*(?:(?P<value>(?:{_STRINGS[dialect]})(?!\s*')|[+-]?{_NUMBER}|%s(?![\w(]|\s+\()"
        r"|%\(\w+\)s(?!\w)|\?(?!\?))|(?P<comma>,)"
        rf"|(?P<open>{_OPEN[dialect]})|(?P<close>{_CLOSE[dialect]})"
        r"|(?P<type>::\s*(?:date|time|timestamp|timestamptz|interval|numeric|int|integer"
        r"|bigint|smallint|int[248]|text|varchar|uuid|boolean|bool|float[48]|real|jsonb?"
        r"|bytea|inet)(?:\[\])?(?![\w$.(\[\s]*[(\[])(?![\w$.]))"
        r"|(?P<word>::\s*[A-Za-z_]+(?![\w$.])|[A-Za-z_]+(?![\w$.])))",
        re.IGNORECASE,
    ).match
    for dialect in _STRINGS
}


def shorten(sql: str, dialect: str) -> str | None:
    """Return `sql`, a text of `dialect`, with one literal for each long run of them.

    None when it has none. In an INSERT other words than literals in the rows are
    written as calls into the row that is left: they are functions, or names of types
    and keywords, for which that does no harm. Elsewhere they end the run.
    """
    is_insert = _IS_INSERT(sql) is not None
    pieces: list[str] = []
    done = at = heads = 0
    for _ in range(_MOST_RUNS):
        opener = _OPENER(sql, at, at + _LONGEST_HEAD)
        if opener is None or heads == _MOST_HEADS:
            break
        at = opener.end()
        run = _Run(sql, opener, dialect, is_insert)
        run.walk(_WALKED)
        if run.is_at_end and run.end - at < _WORTH_CUTTING:
            at = run.end
            continue
        heads += 1
        if not _is_code(sql[done:at], opener[0], dialect):
            continue
        run.go_on()
        if run.end == at:  # nor is it likely that others hold literals only
            break
        pieces += (sql[done:at], run.stand_in)
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
    """Rows, or the items of a list: `end` is where those end that are literals."""

    def __init__(
        self, sql: str, opener: re.Match[str], dialect: str, is_free: bool
    ) -> None:
        self.end = self._at = opener.end()
        self.is_at_end = False
        self._sql = sql
        self._dialect = dialect
        self._is_free = is_free  # to hold other words than literals
        self._is_rows = opener[0][0] in "vV" or sql.startswith("(", self.end)
        self._depth = 0
        self._was_value = False
        self._casts: set[bytes] = set()
        self._words: frozenset[bytes] = frozenset()  # up to `end`
        self._new_words: set[bytes] = set()

    @property
    def stand_in(self) -> str:
        """What stands for the run in the shortened text."""
        calls = "".join(f", {word.decode()}()" for word in sorted(self._words))
        return f"(0{calls})" if self._is_rows else f"0{calls}"

    def go_on(self) -> None:
        """Go to the end of the run, by proof where there is one."""
        size, walks = _CHUNK, 0
        while not self.is_at_end:
            if size >= _WALKED and len(self._sql) - self._at > _WALKED:
                size = min(2 * size, _CHUNK) if self._prove(size) else size // 4
            elif walks < _MOST_WALKS:
                self.walk(2 * _WALKED)
                size = 4 * _WALKED
                walks += 1
            else:
                return

    def _prove(self, size: int) -> bool:
        """Go on about `size` characters at once; False when they are not certain."""
        sql, at = self._sql, self._at
        if self._is_rows:
            end = sql.rfind("),", at, at + size) + 1
        else:
            end = sql.rfind(",", at, at + size)
        if end <= at:
            return False
        words = self._words | self._new_words
        casts = frozenset(self._casts)
        proven = prove(
            sql[at:end], self._dialect, self._depth, words, casts, self._is_free
        )
        if proven is None or len(proven.words | words) > MOST_WORDS:
            return False
        self._at, self._depth, self._was_value = end, proven.depth, True
        self._new_words |= proven.words
        if not self._depth:
            self._settle(end)
        return True

    def walk(self, length: int) -> None:
        """Go on word by word, for about `length` characters."""
        token, sql = _TOKENS[self._dialect], self._sql
        limit = self._at + length
        while self._at < limit:
            match = token(sql, self._at)
            if match is None or not self._take(match.lastgroup, match):
                self.is_at_end = True
                return
            self._at = match.end()

    def _take(self, kind: str | None, match: re.Match[str]) -> bool:
        """Take one token; False when the run ends before it."""
        is_between = self._is_rows and not self._depth
        if kind == "open":
            if self._was_value or self._depth == DEEPEST:
                return False
            self._depth += 1
            self._was_value = False
        elif kind == "close":
            if not self._depth:
                return False
            self._depth -= 1
            self._was_value = True
            if is_between or not self._depth:
                self._settle(match.end())
        elif kind == "comma":
            if is_between and not self._was_value:
                return False
            self._was_value = False
        elif is_between:
            return kind == "word" and match["word"].upper() == "ROW"
        elif kind == "value":
            if self._was_value:
                return False
            self._was_value = True
            if not self._depth:
                self._settle(match.end())
        elif kind == "type":
            self._casts.add(match["type"].encode())
            if not self._depth:
                self._settle(match.end())
        else:
            return self._take_word(match["word"], match.end())
        return True

    def _take_word(self, word: str, end: int) -> bool:
        name = word.lstrip(":").strip().upper().encode()
        is_call = _OPENS(self._sql, end) is not None
        if name in LITERAL_WORDS and is_call == (name == b"ROW"):
            self._was_value = name != b"ROW"
            if not self._depth:
                self._settle(end)
            return True
        self._new_words.add(name)
        self._was_value = False
        is_known = self._is_free and name not in TELLING
        return is_known and len(self._words | self._new_words) <= MOST_WORDS

    def _settle(self, end: int) -> None:
        self.end = end
        self._words |= self._new_words
        self._new_words.clear()
