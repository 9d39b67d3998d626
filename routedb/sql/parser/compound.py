"""MariaDB's compound statements outside of a routine, and SET STATEMENT … FOR.

`BEGIN NOT ATOMIC … END`, `IF … END IF`, the loops, and `DECLARE … BEGIN … END`, which
sql_mode = ORACLE has: what is inside is read statement by statement, and all of it
counts, whichever way is taken when it runs. What is not understood makes the whole
unreadable: its tables would be missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_query
from routedb.sql.parser.session_settings import set_
from routedb.sql.parser.transaction_control import begin
from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.lexer import Tokens, UnreadableStatement
from routedb.sql.scanner.splitter import PROGRAM_STARTS
from routedb.sql.statement import Kind, SessionEffect

Readers = Mapping[str, Callable[[Tokens, StatementBuilder], None]]

_ENDS = word_set("IF CASE LOOP WHILE REPEAT FOR")
_COLON = ("^", ":")  # the first in a shape
# Statements of a program that name no table and call nothing but what is read anyway.
_SILENT = word_set(
    """
    LEAVE ITERATE EXIT CONTINUE GOTO NULL RETURN OPEN FETCH CLOSE SIGNAL RESIGNAL RAISE
    GET
    """
)


def with_compounds(readers: Readers) -> Readers:
    """Return `readers`, those of MySQL by first word, with what runs other statements:
    these are read by `readers` as well."""
    known = dict(readers)

    def program(tokens: Tokens, builder: StatementBuilder) -> None:
        _Program(tokens, builder, known).read()

    def begin_or_program(tokens: Tokens, builder: StatementBuilder) -> None:
        (begin if tokens.upper[1] in ("", "WORK") else program)(tokens, builder)

    def set_or_statement(tokens: Tokens, builder: StatementBuilder) -> None:
        if tokens.upper[1] == "STATEMENT":
            _set_statement(tokens, builder, known)
        else:
            set_(tokens, builder)

    known.update(dict.fromkeys(PROGRAM_STARTS, program))
    known["BEGIN"] = begin_or_program
    known["SET"] = set_or_statement
    return known


def _read_with(readers: Readers, tokens: Tokens, builder: StatementBuilder) -> None:
    builder.verb = tokens.upper[0]
    read = readers.get(builder.verb)
    if read is None:
        raise UnreadableStatement(f"{tokens.raw[0][:40]!r} begins no statement")
    read(tokens, builder)


def _set_statement(tokens: Tokens, builder: StatementBuilder, readers: Readers) -> None:
    """`SET STATEMENT a = 1, b = 2 FOR …`: settings for one statement, which is all that
    matters; but a value may ask, too."""
    upper = tokens.upper
    at = 2
    while upper[at] and upper[at] != "FOR":
        at = tokens.close.get(at, at) + 1
    if not upper[at]:
        raise UnreadableStatement("SET STATEMENT for no statement")
    read_query(tokens.part(2, at), builder)
    tokens.take(0, 2)
    tokens.take(at, at + 1)
    _read_with(readers, tokens.part(at + 1, tokens.end), builder)


class _Program:
    """Reads one compound statement: `at` goes from statement to statement."""

    def __init__(
        self, tokens: Tokens, builder: StatementBuilder, readers: Readers
    ) -> None:
        self.tokens = tokens
        self.upper = tokens.upper
        self.builder = builder
        self.readers = readers
        self.at = 0
        self.is_declaring = False  # between Oracle's DECLARE and BEGIN
        self.variables: set[str] = set()  # of its own: no setting is meant

    def read(self) -> None:
        """Read it to its end."""
        self.builder.mark(Kind.CALL, "runs a block of statements")
        last = ""
        while word := self.upper[self.at]:
            last = last if word == ";" else word
            step, start = _STEPS.get(word), self.at
            if step is not None:
                step(self)
            elif self._is_label() or word == "<<":
                self.at += 3 if word == "<<" else 2
                self.tokens.take(start, self.at)
            elif self.is_declaring:
                self._declared()
            else:
                self._statement()
        if last != "END":
            raise UnreadableStatement("END is missing")

    def skip(self) -> None:
        """Pass over a word that has no more to it."""
        self.at += 1
        self.tokens.take(self.at - 1, self.at)

    def begin(self) -> None:
        start = self.at
        self.at += 1
        self.is_declaring = False
        if self.upper[self.at : self.at + 2] == ["NOT", "ATOMIC"]:
            self.at += 2
        self.tokens.take(start, self.at)

    def end(self) -> None:
        """`END IF`, `END label`: then a semicolon, or nothing more."""
        start = self.at
        self.at += 1
        self.at += self.upper[self.at] in _ENDS
        is_label = self.upper[self.at] != "END"
        self.at += is_label and self.tokens.names[self.at] is not None
        if self.upper[self.at] not in ("", ";"):
            raise UnreadableStatement(f"END {self.tokens.raw[self.at]!r}")
        self.tokens.take(start, self.at)

    def condition(self) -> None:
        """`IF … THEN`, `WHEN … THEN`, `WHILE … DO`: an expression."""
        self.expression(self.at + 1, "THEN", "DO", "LOOP")
        self.skip()

    def case(self) -> None:
        """`CASE WHEN …`, `CASE x WHEN …`."""
        self.expression(self.at + 1, "WHEN")

    def until(self) -> None:
        self.expression(self.at + 1, "END")

    def for_(self) -> None:
        """`FOR i IN 1..2 DO`, `FOR r IN (SELECT …) DO`, `FOR r IN cursor DO`."""
        name = self.tokens.names[self.at + 1]
        if name is None or self.upper[self.at + 2] != "IN":
            raise UnreadableStatement("FOR without IN")
        self.variables.add(name.lower())
        self.expression(self.at + 3, "DO", "LOOP")
        self.skip()

    def expression(self, start: int, *ends: str) -> None:
        """Read from `start` up to one of the words `ends`, and stand there."""
        self.tokens.take(self.at, start)
        upper, at, depth = self.upper, start, 0
        while upper[at] not in ends or depth:
            if upper[at] in ("", ";"):
                raise UnreadableStatement(f"{ends[0]} is missing")
            # END is a name, too.
            depth += (upper[at] == "CASE") - (upper[at] == "END" and depth > 0)
            at = self.tokens.close.get(at, at) + 1
        self.ask(start, at)
        self.at = at

    def ask(self, start: int, end: int) -> None:
        """Read what is between `start` and `end` for the tables and calls in it."""
        if start < end:
            read_query(self.tokens.part(start, end), self.builder)

    def declare(self) -> None:
        """`DECLARE x INT DEFAULT …`, `… CURSOR FOR …`, `… HANDLER FOR …`."""
        self.skip()
        if self.upper[self.at + 1] == "HANDLER":
            self._handler()
        elif self.at == 1:
            self.is_declaring = True
        else:
            self._declared()

    def _declared(self) -> None:
        """One declaration, of variables, a condition or a cursor."""
        upper, end = self.upper, self._end()
        if upper[self.at] in ("TYPE", "PROCEDURE", "FUNCTION"):
            raise UnreadableStatement(f"declares a {upper[self.at]}")
        if upper[self.at] == "HANDLER":
            self._handler()
            return
        words = upper[self.at : end]
        is_cursor = "CURSOR" in words[:2]
        query = next((w for w in ("FOR", "IS") if is_cursor and w in words), None)
        if query is not None:
            start = self.at + words.index(query) + 1
            self.tokens.take(self.at, start)
            self.ask(start, end)
        else:
            self._variables(end)
        self.at = end

    def _variables(self, end: int) -> None:
        """`a, b TYPE OF t.x DEFAULT (SELECT …)`; Oracle's `a t.x%TYPE := …`."""
        at, names = self.at, self.tokens.names
        while (name := names[at]) is not None:
            self.variables.add(name.lower())
            at += 1
            if self.upper[at] != ",":
                break
            at += 1
        words = self.upper[at:end]  # its DEFAULT (…) is not the function of that name
        value = words.index("DEFAULT") + 1 if "DEFAULT" in words else 0
        self.tokens.take(self.at, at + value)
        self.ask(at + value, end)

    def _handler(self) -> None:
        """`EXIT HANDLER FOR a, b statement`: the statement is read next."""
        upper, start = self.upper, self.at
        while upper[self.at] not in ("FOR", ""):
            self.at += 1
        while upper[self.at] in ("FOR", ","):
            self.at += 1
            if upper[self.at] == "SQLSTATE":
                self.at += 1 + (upper[self.at + 1] == "VALUE")
            self.at += 2 if upper[self.at : self.at + 2] == ["NOT", "FOUND"] else 1
        self.tokens.take(start, self.at)

    def _is_label(self) -> bool:
        at = self.at
        is_name = self.tokens.names[at] is not None
        return is_name and self.upper[at + 1] in _COLON and self.upper[at + 2] != "="

    def _end(self) -> int:
        """Return where the present statement ends."""
        at = self.at
        while self.upper[at] not in ("", ";"):
            at = self.tokens.close.get(at, at) + 1
        return at

    def _statement(self) -> None:
        """One that could stand alone, or assigns, calls, leaves or fetches."""
        end, start = self._end(), self.at
        self.at = end
        word = self.upper[start]
        if word in _SILENT:
            self.tokens.take(start, start + 1)
            self.ask(start + 1, end)
            return
        inner = StatementBuilder(self.builder.dialect, self.builder.functions)
        part = self.tokens.part(start, end)
        if word == "SET":
            self._set(part, inner)
        elif word in self.readers:
            _read_with(self.readers, part, inner)
        elif self.tokens.names[start] is not None and self._is_oracle(start):
            self.ask(start, end)  # x := …, or a call of a procedure
        else:
            raise UnreadableStatement(
                f"{self.tokens.raw[start][:40]!r} begins no statement"
            )
        self.builder.include(inner)

    def _set(self, part: Tokens, inner: StatementBuilder) -> None:
        """SET of the program's own variables is none of a setting."""
        _read_with(self.readers, part, inner)
        for name in self.variables & inner.settings.keys():
            del inner.settings[name]
        if not inner.settings:
            inner.session.pop(SessionEffect.SET, None)
        if part.upper[1] != "STATEMENT":
            at = part.upper.index("=") + 1 if "=" in part.upper else 1
            read_query(part, inner, at)

    def _is_oracle(self, start: int) -> bool:
        _, at = self.tokens.read_name(start)
        following = self.upper[at]
        return following in ("", ";", "(", ":=") or self.upper[at : at + 2] == [
            ":",
            "=",
        ]


_STEPS: dict[str, Callable[[_Program], None]] = {
    ";": _Program.skip,
    "ELSE": _Program.skip,
    "LOOP": _Program.skip,
    "REPEAT": _Program.skip,
    "EXCEPTION": _Program.skip,
    "BEGIN": _Program.begin,
    "END": _Program.end,
    **dict.fromkeys(("IF", "ELSEIF", "ELSIF", "WHEN", "WHILE"), _Program.condition),
    "CASE": _Program.case,
    "UNTIL": _Program.until,
    "FOR": _Program.for_,
    "DECLARE": _Program.declare,
}
