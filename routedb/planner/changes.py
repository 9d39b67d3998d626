"""A statement that changes a table of another dialect, taken apart: INSERT, UPDATE and
DELETE in PostgreSQL's dialect.

What it writes is worked out where its dialect is spoken: the values of an INSERT, and
of an UPDATE the new values of each row, beside the row's key. So the parts here are
texts of queries in the statement's own dialect. Only the text is divided: no part of it
is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from routedb.errors import ShardError
from routedb.planner.change import Cell, Change
from routedb.planner.pieces import piece
from routedb.planner.plans import Bound, Refusal, Slot
from routedb.planner.source_text import Refused, refuse
from routedb.sharding.rewrite.masking import FIRST, NAME, REST, MaskedText, mask
from routedb.sql import scan

_TOKENS = re.compile(
    rf"[A-Za-z_\u0080-\uffff][\w$]*|{NAME}+|{FIRST}{REST}*|%\([^)]*\)s|%s|[^\s]"
).finditer
_LOCKS = re.compile(
    r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b|\bFOR\s+(?:KEY\s+)?SHARE\b", re.I
)
_LOCKING = re.compile(
    rf"(?:{_LOCKS.pattern})(?:\s+OF\s+[\w$.,\s{NAME}]+?)?\s*;?\s*\Z", re.IGNORECASE
).search
_OPENING, _CLOSING = "([", ")]"
_CLAUSES = frozenset({"WHERE", "RETURNING", "FROM", "USING", "SET"})
_VERBS = frozenset({"INSERT", "UPDATE", "DELETE"})
_QUERY = frozenset({"SELECT", "WITH", "TABLE"})


class Token(NamedTuple):
    word: str  # in capitals; what is no code is as it is masked
    start: int
    end: int
    depth: int  # brackets around it


def change_of(source: str, dialect: str, is_own: bool = False) -> Change | Refusal:
    """Return the parts of the text `source` of `dialect`, which may be any where
    `is_own`: see `routedb.planner.take_change_apart`."""
    if dialect != "postgresql" and not is_own:
        return Refusal(
            "another dialect",
            f"a text in {dialect} that writes to another engine is not translated",
        )
    try:
        return _Reader(mask(source, scan(source, dialect))).change()
    except Refused as exc:
        return exc.refusal
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))


def unlocked_text(source: str, dialect: str) -> str | Refusal:
    """Return the text `source` of `dialect` without its locks: see
    `routedb.planner.unlocked`."""
    if dialect != "postgresql":
        return Refusal("locks", "locks in a text of another dialect than PostgreSQL's")
    try:
        code = mask(source, scan(source, dialect)).code
    except ShardError as exc:
        return Refusal("unknown grammar", str(exc))
    found = _LOCKING(code)
    if found is None or _LOCKS.search(code, 0, found.start()):
        return Refusal("locks", "locks that are not at the end of the text")
    return source[: found.start()]


class _Reader:
    """Reads the tokens of one text, from left to right."""

    def __init__(self, masked: MaskedText) -> None:
        self._masked = masked
        self._tokens = list(tokens_of(masked.code))
        if self._tokens and self._tokens[-1].word == ";":
            self._tokens.pop()
        self._at = 0
        self._end = self._tokens[-1].end if self._tokens else 0

    def change(self) -> Change:
        """Return the parts. Raises `Refused`."""
        verb = self._next()
        if verb not in _VERBS:
            refuse("unknown grammar", f"a text that begins with {verb}")
        return {
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
        }[verb]()

    def _update(self) -> Change:
        target, alias = self._target()
        self._expect("SET")
        columns, cells = self._assignments("WHERE", "RETURNING", "FROM")
        sources = self._sources("FROM")
        where, returning = self._rest(bool(sources.sql))
        return Change(
            "UPDATE", target, alias, columns, (cells,), None, where, returning, sources
        )

    def _assignments(
        self, *ends: str
    ) -> tuple[tuple[str, ...], tuple[Cell | None, ...]]:
        """Return the columns that SET names, up to one of the words, and the values."""
        columns, cells = [], []
        for part in self._pieces(*ends):
            if len(part) < 3 or part[1].word != "=" or not self._is_name(part[0]):
                refuse("UPDATE", "an assignment that is not of one column")
            columns.append(self._name(part[0]))
            cells.append(self._cell(part[2:]))
        if None in cells:
            refuse("DEFAULT", "DEFAULT in an UPDATE")
        return tuple(columns), tuple(cells)

    def _delete(self) -> Change:
        self._expect("FROM")
        target, alias = self._target()
        sources = self._sources("USING")
        where, returning = self._rest(bool(sources.sql))
        return Change(
            "DELETE", target, alias, None, (), None, where, returning, sources
        )

    def _insert(self) -> Change:
        self._expect("INTO")
        target, alias = self._target()
        columns = self._columns()
        word = self._peek()
        rows: list[tuple[Cell | None, ...]] = []
        query = None
        if word == "DEFAULT":
            self._next()
            self._expect("VALUES")
            columns, rows = (), [()]
        elif word == "VALUES":
            self._next()
            for part in self._pieces("ON", "RETURNING"):
                rows.append(self._row(part))
        elif word in _QUERY or word == "(":
            pieces = list(self._pieces("ON", "RETURNING", commas=False))
            query = self._bound(pieces[0][0].start, pieces[-1][-1].end)
        else:
            refuse("INSERT", f"INSERT with {word or 'nothing'} behind its columns")
        start, skipped_by, instead = self._at, None, None
        if self._peek() == "ON":
            skipped_by = self._conflict()
            instead = self._instead(target, alias)
        excluded = frozenset(self._excluded(start))
        where, returning = self._rest(False)
        return Change(
            "INSERT", target, alias, columns, tuple(rows), query, where, returning,
            skipped_by=skipped_by, instead=instead, excluded=excluded,
        )  # fmt: skip

    # -- parts -------------------------------------------------------------------------

    def _target(self) -> tuple[str, str]:
        """Return the table with its alias as both are written, and what its columns may
        be called by."""
        if self._peek() == "ONLY":
            refuse("ONLY", "ONLY is PostgreSQL's alone")
        first = self._take_name()
        last = first
        if self._peek() == ".":
            self._next()
            last = self._take_name()
        alias = self._written(last)
        end = last.end
        if self._peek() == "AS":
            self._next()
            last = self._take_name()
        elif self._is_alias():
            last = self._take_name()
        if last.end != end:
            end, alias = last.end, self._written(last)
        return self._masked.source[first.start : end], alias

    def _is_alias(self) -> bool:
        if self._at >= len(self._tokens) or not self._is_name(self._tokens[self._at]):
            return False
        word = self._tokens[self._at].word
        return word not in _CLAUSES | _QUERY | {"VALUES", "DEFAULT", "OVERRIDING", "ON"}

    def _columns(self) -> tuple[str, ...] | None:
        """Return the names of the columns that are listed, None where none are."""
        if self._peek() != "(":
            return None
        following = (
            self._tokens[self._at + 1].word if self._at + 1 < self._count else ""
        )
        if following in _QUERY or following == "(":
            return None
        self._next()
        names = []
        while True:
            names.append(self._name(self._take()))
            mark = self._next()
            if mark == ")":
                return tuple(names)
            if mark != ",":
                refuse("INSERT", "a column that is no name")

    def _conflict(self) -> tuple[str, ...]:
        """Return the columns of ON CONFLICT, up to what is to be done."""
        self._next()
        self._expect("CONFLICT")
        columns = self._columns()
        if self._peek() != "DO":
            refuse("ON CONFLICT", "ON CONFLICT of more than columns")
        self._next()
        return columns or ()

    def _instead(self, target: str, alias: str) -> Change | None:
        """Return what is done instead of an INSERT; None: nothing."""
        word = self._next()
        if word == "NOTHING":
            return None
        if word != "UPDATE":
            refuse("unknown grammar", f"{word} is not understood behind DO")
        self._expect("SET")
        columns, cells = self._assignments("WHERE", "RETURNING")
        where = Bound("")
        if self._peek() == "WHERE":
            start = self._at + 1
            self._at = start
            self._skip_to("RETURNING")
            if self._at == start:
                refuse("unknown grammar", "nothing stands behind WHERE")
            where = self._bound(
                self._tokens[start].start, self._tokens[self._at - 1].end
            )
        return Change("UPDATE", target, alias, columns, (cells,), None, where, None)

    def _excluded(self, start: int) -> Iterator[str]:
        """Yield the columns of the new row that are named from token `start` on."""
        rest = self._tokens[start:]
        for token, dot, name in zip(rest, rest[1:], rest[2:], strict=False):
            is_new = self._is_name(token) and self._name(token) == "excluded"
            if is_new and dot.word == ".":
                if not self._is_name(name):
                    refuse("ON CONFLICT", "all columns of the new row at once")
                yield self._name(name)

    def _sources(self, word: str) -> Bound:
        """Return what stands behind the `word`, behind a comma."""
        if self._peek() != word:
            return Bound("")
        self._next()
        start = self._at
        self._skip_to("WHERE", "RETURNING")
        if self._at == start:
            refuse("unknown grammar", f"nothing stands behind {word}")
        found = self._bound(self._tokens[start].start, self._tokens[self._at - 1].end)
        return found._replace(sql=f", {found.sql}")

    def _rest(self, has_sources: bool) -> tuple[Bound, Bound | None]:
        """Return WHERE with its condition, and what RETURNING lists."""
        where, returning = Bound(""), None
        if self._peek() == "WHERE":
            start = self._tokens[self._at].start
            self._next()
            if self._peek() == "CURRENT":
                refuse("CURRENT OF", "WHERE CURRENT OF a cursor")
            self._skip_to("RETURNING")
            where = self._bound(start, self._tokens[self._at - 1].end)
        if self._peek() == "RETURNING":
            if has_sources:
                refuse("RETURNING", "RETURNING of rows that other tables tell of")
            self._next()
            returning = self._bound(self._tokens[self._at].start, self._end)
            self._at = self._count
        if self._at < self._count:
            word = self._tokens[self._at].word
            refuse("unknown grammar", f"{word} is not understood where it stands")
        return where, returning

    def _pieces(self, *ends: str, commas: bool = True) -> Iterator[list[Token]]:
        """Yield what stands between commas up to one of the words, or the end."""
        part: list[Token] = []
        while self._at < self._count:
            token = self._tokens[self._at]
            is_end = token.depth == 0 and token.word in ends
            if is_end and not (token.word == "FROM" and self._before() == "DISTINCT"):
                break
            self._at += 1
            if commas and token.depth == 0 and token.word == ",":
                yield part
                part = []
            else:
                part.append(token)
        if not part:
            refuse("unknown grammar", "something is missing in a list")
        yield part

    def _row(self, part: list[Token]) -> tuple[Cell | None, ...]:
        if part[0].word != "(" or part[-1].word != ")" or part[-1].depth:
            refuse("VALUES", "a row that is not in brackets")
        cells: list[list[Token]] = [[]]
        for token in part[1:-1]:
            if token.depth == 1 and token.word == ",":
                cells.append([])
            else:
                cells[-1].append(token)
        if not all(cells):
            refuse("VALUES", "a row with nothing between two commas")
        return tuple(self._cell(cell) for cell in cells)

    def _cell(self, tokens: Sequence[Token]) -> Cell | None:
        """Return an expression; None for DEFAULT."""
        text = self._bound(tokens[0].start, tokens[-1].end)
        if len(tokens) > 1:
            return Cell(text)
        word = tokens[0].word
        if word == "DEFAULT":
            return None
        if word.startswith("%"):
            (slot,) = text.slots
            assert isinstance(slot, Slot)
            return Cell(text, slot=slot)
        is_string = word.startswith(FIRST) and text.sql[0] in "'eE$"
        return Cell(text, is_untyped=is_string or word == "NULL")

    # -- tokens ------------------------------------------------------------------------

    @property
    def _count(self) -> int:
        return len(self._tokens)

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at].word if at < self._count else ""

    def _before(self) -> str:
        return self._tokens[self._at - 1].word

    def _take(self) -> Token:
        if self._at >= self._count:
            refuse("unknown grammar", "the text ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next(self) -> str:
        return self._take().word

    def _expect(self, word: str) -> None:
        found = self._next()
        if found != word:
            refuse("unknown grammar", f"{found} stands where {word} is expected")

    def _skip_to(self, *words: str) -> None:
        while self._at < self._count:
            token = self._tokens[self._at]
            if token.depth == 0 and token.word in words:
                return
            self._at += 1

    def _take_name(self) -> Token:
        token = self._take()
        if not self._is_name(token):
            refuse("unknown grammar", f"{token.word} stands where a name is expected")
        return token

    @staticmethod
    def _is_name(token: Token) -> bool:
        return token.word[0] == NAME or token.word[0].isalpha() or token.word[0] == "_"

    def _written(self, token: Token) -> str:
        return self._masked.source[token.start : token.end]

    def _name(self, token: Token) -> str:
        """Return a column's name as PostgreSQL folds it."""
        if not self._is_name(token):
            refuse("unknown grammar", f"{token.word} stands where a name is expected")
        written = self._written(token)
        if token.word[0] != NAME:
            return written.lower()
        mark = written[0]
        if mark not in '"`' or mark != written[-1]:
            refuse("unknown grammar", f"the name {written}: write it plainly")
        return written[1:-1].replace(mark * 2, mark)

    def _bound(self, start: int, end: int) -> Bound:
        return piece(self._masked, start, end)


def tokens_of(code: str) -> Iterator[Token]:
    depth = 0
    for match in _TOKENS(code):
        word = match[0] if match[0].startswith("%") else match[0].upper()
        depth -= word in _CLOSING
        yield Token(word, match.start(), match.end(), depth)
        depth += word in _OPENING
