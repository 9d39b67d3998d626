"""Read a query: which tables it names, which functions it calls, what it locks.

No tree is built. One pass over the tokens keeps a stack of frames, one per bracket, and
each frame knows whether a table is due (after FROM, JOIN, or a comma among tables).
What a word does is in `clauses` and, for the verbs that change data, in `dml`; names
that no word explains are tables, aliases, columns or calls, by the state of the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.name_lists import names_end
from routedb.sql.scanner.keywords import (
    AFTER_CALL,
    CONTEXTUAL,
    GROUPINGS,
    NAMES_TOO,
    NO_ALIAS,
    NO_CALLS,
    NO_TABLES,
    PHRASES,
    STARTS_EXPRESSION,
)
from routedb.sql.scanner.lexer import (
    LITERAL,
    QUOTED,
    STRING,
    Tokens,
    UnreadableStatement,
)
from routedb.sql.statement import Kind, Table


class State(Enum):
    """What a frame expects."""

    EXPRESSION = auto()
    TABLE = auto()  # a table is due
    TABLES = auto()  # behind a table: its alias, a comma, JOIN
    ON = auto()  # the condition of a join: an expression that a comma ends
    CTE = auto()  # the name of a common table expression is due
    CTES = auto()  # behind one: a comma, or the statement they are for


_NAME_DUE = (State.TABLE, State.CTE)
_COLLATION_FOR = Table("pg_catalog", "pg_collation_for")
_FUNCTIONS_TOO = frozenset({"INSERT", "REPLACE"})
_OPERANDS = frozenset({")", LITERAL, STRING})
# Columns of a sequence, and the functions that do the same.
_SEQUENCE_COLUMNS = {"NEXTVAL": "nextval", "CURRVAL": "lastval"}
_MAY_BE_SEQUENCE = frozenset({*_SEQUENCE_COLUMNS, QUOTED})


class TableScope:
    """The common table expressions and the tables of one query.

    An expression hides the table of its name behind its own end: its body, and those
    before it, mean the table. WITH RECURSIVE makes all of them known everywhere.
    """

    __slots__ = ("ctes", "is_recursive", "outer", "references", "targets")

    def __init__(self, outer: TableScope | None) -> None:
        self.outer = outer
        self.is_recursive = False
        self.ctes: dict[str, int | None] = {}  # and where each ends, None as yet
        self.references: list[tuple[Table, int, str]] = []  # of FROM: where, and alias
        self.targets: list[Table] = []  # written: a table, or the alias of one here

    def settle(self, builder: StatementBuilder) -> None:
        """Tell `builder` the tables, when all of this query has been read.

        The queries around it come first: those that define nothing are passed over.
        """
        if self.outer is not None and not self.outer.ctes:
            self.outer = self.outer.outer
        has_ctes = self.ctes or self.outer is not None
        for table, at, _ in self.references:
            if has_ctes and table.schema is None and self._hides(table.name, at):
                continue
            if table.name.startswith("pragma_") and _is_pragma(table, builder):
                builder.call(Table(None, table.name))
                continue
            builder.tables[table] = None
            if table.schema == "pg_temp":
                builder.mark(Kind.READ, "reads a temporary table")
        if self.targets:
            known = self._resolvable()
            for target in self.targets:
                builder.write(known.get(target, target))

    def _hides(self, name: str, at: int) -> bool:
        scope: TableScope | None = self
        while scope is not None:
            if name in scope.ctes:
                end = scope.ctes[name]
                if scope.is_recursive or (end is not None and end <= at):
                    return True
            scope = scope.outer
        return False

    def _resolvable(self) -> dict[Table, Table]:
        """Return the tables by what a target may call them: an alias counts first."""
        known: dict[Table, Table] = {}
        for table, _, _ in reversed(self.references):
            known[table] = known[Table(None, table.name)] = table
        for table, _, alias in reversed(self.references):
            if alias:
                known[Table(None, alias)] = table
        return known


def _is_pragma(table: Table, builder: StatementBuilder) -> bool:
    """Tell SQLite's `FROM pragma_table_list`, which needs no brackets: a call."""
    function = Table(None, table.name)
    is_known = builder.functions.effect(function) is not None
    return is_known and builder.dialect == "sqlite"


class Frame:
    """One bracket, or the whole statement.

    `scope` has the tables that it names, `state` is what it expects first; `is_query`:
    FROM begins a list of tables.
    """

    __slots__ = ("clause", "cte", "is_query", "is_set", "own", "scope", "state", "verb")

    def __init__(self, scope: TableScope, state: State, is_query: bool) -> None:
        self.scope = scope
        self.own = scope  # where RETURNING and ON CONFLICT of an INSERT … WITH are
        self.state = state
        self.is_query = is_query  # FROM begins a list of tables
        self.is_set = False  # the SET of this UPDATE has been read
        self.verb = ""
        self.clause = ""  # the word that began the present clause
        self.cte = ""  # the name that this bracket defines


class QueryReader:
    """Reads one statement's queries into a builder.

    Its methods, and the functions of `clauses` and `dml`, start where the reader
    stands, at `at`, and move it on.
    """

    __slots__ = (
        "at",
        "builder",
        "dialect",
        "frame",
        "frames",
        "handlers",
        "names",
        "raw",
        "scopes",
        "tokens",
        "upper",
        "verb_heads",
    )

    def __init__(
        self,
        tokens: Tokens,
        builder: StatementBuilder,
        handlers: Handlers,
        verb_heads: Handlers,
    ) -> None:
        """Stand at the beginning of `tokens`, of which `builder` is told all.

        `handlers` say what each word does where it stands, `verb_heads` how a statement
        that begins with a verb is read up to its first clause.
        """
        self.handlers = handlers
        self.verb_heads = verb_heads
        self.tokens = tokens
        self.upper = tokens.upper
        self.raw = tokens.raw
        self.names = tokens.names
        self.builder = builder
        self.dialect = builder.dialect
        self.at = 0
        self.scopes = [TableScope(None)]
        self.frame = Frame(self.scopes[0], State.EXPRESSION, is_query=True)
        self.frames: list[Frame] = []

    def read(self, at: int) -> None:
        """Read from `at` to the end of the statement.

        Raises UnreadableStatement when a name or a bracket is missing.
        """
        self.at = at
        self.begin()
        self.read_until(self.tokens.end)
        self.tokens.take(at, self.tokens.end)
        for scope in self.scopes:
            scope.settle(self.builder)

    def read_until(self, end: int) -> None:
        """Read from where the reader stands up to `end`."""
        upper, names, handlers = self.upper, self.names, self.handlers
        names_too = NAMES_TOO[self.dialect]
        while self.at < end:
            token = upper[self.at]
            handle = handlers.get(token)
            state = self.frame.state
            if handle is not None:
                if token in names_too and state in _NAME_DUE:
                    self.name()
                else:
                    handle(self)
            elif names[self.at] is None:
                self.at += 1
            elif state in _NAME_DUE or state is State.TABLES:
                self.name()
            else:
                # A column, or a call. (Here, as this is what most tokens are.)
                behind = self.at + 1
                while upper[behind] == "." and names[behind + 1] is not None:
                    behind += 2
                if upper[behind] == "." or upper[behind] == "(":
                    self.name()
                else:
                    if upper[behind - 1] in _MAY_BE_SEQUENCE:
                        self._sequence_column(behind - 1)
                    self.at = behind

    def begin(self) -> None:
        """Read the verb that begins a query or a data-modifying statement."""
        verb = self.upper[self.at]
        self.frame.verb = verb
        head = self.verb_heads.get(verb)
        is_call = verb in _FUNCTIONS_TOO and self.upper[self.at + 1] == "("
        if head is not None and not is_call:
            head(self)

    def table(self, table: Table, at: int) -> None:
        """Note `table`, which is named at `at`, with the alias that follows."""
        alias = "" if self.upper[self.at] in NO_ALIAS else self.alias()
        self.frame.scope.references.append((table, at, alias))

    def alias(self) -> str:
        """Read the alias behind a table, and its columns; "" when there is none."""
        upper = self.upper
        if upper[self.at] == "*":
            self.at += 1
        if upper[self.at] == "AS":
            self.at += 1
        elif upper[self.at] in NO_ALIAS:
            return ""
        name = self.names[self.at]
        if name is None:
            return ""
        self.at += 1
        self.skip_bracket()
        return name

    def skip_bracket(self) -> None:
        """Pass over a bracket that holds only names or types; leave any other."""
        if self.upper[self.at] == "(":
            self.at = names_end(self.tokens, self.at)

    def name_at(self) -> Table:
        """Read a name that must be here."""
        table, self.at = self.tokens.read_name(self.at)
        if table is None:
            raise UnreadableStatement(f"a name is missing before {self.raw[self.at]!r}")
        return table

    def name(self) -> None:
        """Read a name that no word explains."""
        start = self.at
        frame = self.frame
        if frame.state is State.CTE:
            self._cte()
            return
        name = self.name_at()
        upper = self.upper
        if upper[start : start + 3] == [
            "COLLATION",
            "FOR",
            "(",
        ]:  # a function, by words
            self.at += 1
            name = _COLLATION_FOR
        is_call = upper[self.at] == "("
        if frame.state is State.TABLE:
            frame.state = State.TABLES
            if is_call:
                self._call(name, start)
                self.virtual_table(name, start)
            elif upper[start] not in NO_TABLES[self.dialect] or name.schema:
                self.table(name, start)
        elif frame.state is State.TABLES:
            self._behind_table(start)
        elif is_call:
            self._call(name, start)

    def _behind_table(self, start: int) -> None:
        """An alias with its columns, a partition, an index: no arguments."""
        if self.upper[start - 1] != "TABLESAMPLE":
            self.skip_bracket()

    def _call(self, name: Table, start: int) -> None:
        if name.schema is None and self._is_keyword(start):
            return
        close = self.tokens.close[self.at]
        is_set_local = self.upper[close - 1] == "TRUE"
        self.builder.call(name, is_set_local, is_bare=close == self.at + 1)

    def virtual_table(self, name: Table, at: int) -> None:
        """Note SQLite's `FROM documents('term')`: `name`, at `at`, is a virtual table
        with its arguments, unless it is a function that is known."""
        if self.dialect == "sqlite" and self.builder.functions.effect(name) is None:
            self.frame.scope.references.append((name, at, ""))

    def _sequence_column(self, at: int) -> None:
        """MariaDB's `s.nextval` and `s.currval`, which Oracle's mode has; the words may
        be quoted."""
        if self.dialect == "mysql" and self.upper[at - 1] == ".":
            word = (self.names[at] or "").upper()
            if word in _SEQUENCE_COLUMNS:  # as a call of the function
                self.builder.call(Table(None, _SEQUENCE_COLUMNS[word]))

    def _is_keyword(self, at: int) -> bool:
        """Tell whether the word before a bracket is the grammar's, not a function."""
        word = self.upper[at]
        before = self.upper[at - 1]
        if tuple(self.upper[at - 2 : at + 1]) in PHRASES:
            return True
        if word in CONTEXTUAL:
            is_operand = self.names[at - 1] is not None or before in _OPERANDS
            return is_operand and before not in STARTS_EXPRESSION
        if word in GROUPINGS:
            return self.frame.clause == "GROUP"
        if word in AFTER_CALL:
            return before in (")", "NULLS")
        if before == "FETCH":  # FETCH FIRST (expression) ROWS ONLY
            return word in ("FIRST", "NEXT")
        return word in NO_CALLS[self.dialect]

    def _cte(self) -> None:
        """`name (columns) AS [NOT MATERIALIZED] (`: open the frame that defines it."""
        if not self.is_cte(self.at):  # SEARCH … BY a, b
            self.frame.state = State.CTES
            self.at += 1
            return
        name = self.names[self.at] or ""
        self.at += 1
        self.skip_bracket()
        while self.upper[self.at] in ("AS", "NOT", "MATERIALIZED"):
            self.at += 1
        if self.upper[self.at] != "(":
            raise UnreadableStatement(f"WITH {name} is not followed by a bracket")
        self.frame.state = State.CTES
        self.frame.scope.ctes[name] = None
        self.open(State.EXPRESSION, is_query=True, cte=name)

    def open(self, state: State, is_query: bool, cte: str = "") -> None:
        """Open a frame at the bracket where the reader stands.

        `state` is what it expects; `is_query`: FROM begins a list of tables in it;
        `cte` is the name that it defines.
        """
        self.frames.append(self.frame)
        scope = self.frame.scope
        if is_query and state is State.EXPRESSION:
            scope = TableScope(scope)
            self.scopes.append(scope)
        clause = "" if is_query else self.frame.clause
        self.frame = Frame(scope, state, is_query)
        self.frame.clause = clause
        self.frame.cte = cte
        self.at += 1
        if is_query and state is State.EXPRESSION:
            self.begin()

    def enter(self) -> None:
        """Begin a scope for the rest of this frame's query: `INSERT INTO t WITH …`."""
        scope = TableScope(self.frame.scope)
        self.scopes.append(scope)
        self.frame.scope = scope

    def is_cte(self, at: int) -> bool:
        """Tell whether the WITH before `at` begins common table expressions."""
        upper = self.upper
        if self.names[at] is None:
            return False
        at += 1
        if upper[at] == "(":
            at = names_end(self.tokens, at)
        return upper[at] == "AS" and upper[at + 1] in ("(", "NOT", "MATERIALIZED")


Handlers = Mapping[str, Callable[[QueryReader], None]]
