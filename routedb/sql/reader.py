"""Read a query: which tables it names, which functions it calls, what it locks.

No tree is built. One pass over the tokens keeps a stack of frames, one per bracket, and
each frame knows whether a table is due (after FROM, JOIN, or a comma among tables).
What a word does is in `clauses` and, for the verbs that change data, in `change`; names
that no word explains are tables, aliases, columns or calls, by the state of the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto

from routedb.sql.facts import Facts
from routedb.sql.lex import LITERAL, STRING, Tokens, Unreadable
from routedb.sql.names import fold, is_name, read_name
from routedb.sql.scope import Scope
from routedb.sql.statement import Table
from routedb.sql.words import (
    AFTER_CALL,
    CONTEXTUAL,
    GROUPINGS,
    NAMES_TOO,
    NO_ALIAS,
    NO_CALLS,
    NO_TABLES,
    STARTS_EXPRESSION,
)


class State(Enum):
    """What a frame expects."""

    EXPRESSION = auto()
    TABLE = auto()  # a table is due
    TABLES = auto()  # behind a table: its alias, a comma, JOIN
    ON = auto()  # the condition of a join: an expression that a comma ends
    CTE = auto()  # the name of a common table expression is due
    CTES = auto()  # behind one: a comma, or the statement they are for


_NAME_DUE = (State.TABLE, State.CTE)
_OPERANDS = frozenset({")", LITERAL, STRING})


class Frame:
    """One bracket, or the whole statement."""

    __slots__ = ("clause", "cte", "is_query", "is_set", "scope", "state", "verb")

    def __init__(self, scope: Scope, state: State, is_query: bool) -> None:
        self.scope = scope
        self.state = state
        self.is_query = is_query  # FROM begins a list of tables
        self.is_set = False  # the SET of this UPDATE has been read
        self.verb = ""
        self.clause = ""  # the word that began the present clause
        self.cte = ""  # the name that this bracket defines


class Reader:
    """Reads one statement's queries into `facts`.

    `words` says what each word does where it stands, `heads` how a statement that
    begins with a verb is read up to its first clause. Both move the reader on.
    """

    __slots__ = (
        "at",
        "dialect",
        "facts",
        "frame",
        "frames",
        "heads",
        "raw",
        "scopes",
        "tokens",
        "up",
        "words",
    )

    def __init__(
        self, tokens: Tokens, facts: Facts, words: Handlers, heads: Handlers
    ) -> None:
        self.words = words
        self.heads = heads
        self.tokens = tokens
        self.up = tokens.up
        self.raw = tokens.raw
        self.facts = facts
        self.dialect = facts.dialect
        self.at = 0
        self.scopes = [Scope(None)]
        self.frame = Frame(self.scopes[0], State.EXPRESSION, is_query=True)
        self.frames: list[Frame] = []

    def read(self, at: int) -> None:
        """Read from `at` to the end of the statement."""
        self.at = at
        self.begin()
        self.run()
        for scope in self.scopes:
            scope.settle(self.facts)

    def run(self) -> None:
        """Read on from where the reader stands."""
        up = self.up
        words = self.words
        names_too = NAMES_TOO[self.dialect]
        while token := up[self.at]:
            handler = words.get(token)
            if handler is not None and not (
                token in names_too and self.frame.state in _NAME_DUE
            ):
                handler(self)
            elif is_name(token):
                self.name()
            else:
                self.at += 1

    def begin(self) -> None:
        """Read the verb that begins a query or a data-modifying statement."""
        verb = self.up[self.at]
        self.frame.verb = verb
        head = self.heads.get(verb)
        if head is not None:
            head(self)

    def table(self, table: Table, at: int) -> None:
        """Note a table that is named at `at`, with the alias that follows."""
        self.frame.scope.name(table, at, self.alias())

    def alias(self) -> str:
        """Read the alias behind a table, and its columns; "" when there is none."""
        up = self.up
        if up[self.at] == "*":
            self.at += 1
        if up[self.at] == "AS":
            self.at += 1
        elif up[self.at] in NO_ALIAS:
            return ""
        if not is_name(up[self.at]):
            return ""
        name = fold(self.tokens, self.at, self.dialect)
        self.at += 1
        self.skip_bracket()
        return name

    def skip_bracket(self) -> None:
        """Pass over a bracket that holds only names or types."""
        if self.up[self.at] == "(":
            self.at = self.tokens.close[self.at] + 1

    def name_at(self) -> Table:
        """Read a name that must be here."""
        table, self.at = read_name(self.tokens, self.at, self.dialect)
        if table is None:
            raise Unreadable(f"a name is missing before {self.raw[self.at]!r}")
        return table

    def name(self) -> None:
        """Read a name that no word explains."""
        start = self.at
        frame = self.frame
        if frame.state is State.CTE:
            self._cte()
            return
        name = self.name_at()
        is_call = self.up[self.at] == "("
        if frame.state is State.TABLE:
            frame.state = State.TABLES
            if is_call:
                self._call(name, start)
            elif self.up[start] not in NO_TABLES[self.dialect] or name.schema:
                self.table(name, start)
        elif frame.state is State.TABLES:
            self._behind_table(start)
        elif is_call:
            self._call(name, start)

    def _behind_table(self, start: int) -> None:
        """An alias with its columns, a partition, an index: no arguments."""
        if self.up[start - 1] != "TABLESAMPLE":
            self.skip_bracket()

    def _call(self, name: Table, start: int) -> None:
        if name.schema is None and self._is_keyword(start):
            return
        close = self.tokens.close[self.at]
        is_local = self.up[close - 1] == "TRUE"
        self.facts.call(name, is_local, is_bare=close == self.at + 1)

    def _is_keyword(self, at: int) -> bool:
        """Tell whether the word before a bracket is the grammar's, not a function."""
        word = self.up[at]
        before = self.up[at - 1]
        if word in CONTEXTUAL:
            is_operand = is_name(before) or before in _OPERANDS
            return is_operand and before not in STARTS_EXPRESSION
        if word in GROUPINGS:
            return self.frame.clause == "GROUP"
        if word in AFTER_CALL:
            return before in (")", "NULLS")
        return word in NO_CALLS[self.dialect]

    def _cte(self) -> None:
        """`name (columns) AS [NOT MATERIALIZED] (`: open the frame that defines it."""
        if not self.is_cte(self.at):  # SEARCH … BY a, b
            self.frame.state = State.CTES
            self.at += 1
            return
        name = fold(self.tokens, self.at, self.dialect)
        self.at += 1
        self.skip_bracket()
        while self.up[self.at] in ("AS", "NOT", "MATERIALIZED"):
            self.at += 1
        if self.up[self.at] != "(":
            raise Unreadable(f"WITH {name} is not followed by a bracket")
        self.frame.state = State.CTES
        self.frame.scope.defines(name)
        self.open(State.EXPRESSION, is_query=True, cte=name)

    def open(self, state: State, is_query: bool, cte: str = "") -> None:
        """Open a frame at the bracket where the reader stands."""
        self.frames.append(self.frame)
        scope = self.frame.scope
        if is_query and state is State.EXPRESSION:
            scope = Scope(scope)
            self.scopes.append(scope)
        clause = self.frame.clause
        self.frame = Frame(scope, state, is_query)
        self.frame.clause = clause
        self.frame.cte = cte
        self.at += 1
        if is_query and state is State.EXPRESSION:
            self.begin()

    def is_cte(self, at: int) -> bool:
        """Tell whether the WITH before `at` begins common table expressions."""
        up = self.up
        if not is_name(up[at]):
            return False
        at += 1
        if up[at] == "(":
            at = self.tokens.close[at] + 1
        return up[at] == "AS" and up[at + 1] in ("(", "NOT", "MATERIALIZED")


Handlers = Mapping[str, Callable[[Reader], None]]
