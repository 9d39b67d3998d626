"""The other statements: EXPLAIN, COPY, LOCK, CALL, cursors, prepared ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_condition, read_query
from routedb.sql.parser.name_lists import (
    names_end,
    pass_over,
    read_table,
    take_values,
)
from routedb.sql.parser.shows import shown
from routedb.sql.parser.transaction_control import prepare_transaction
from routedb.sql.parser.upkeep import cache_index
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import (
    LITERAL,
    OPTIONS,
    QUOTED,
    STRING,
    USER_VARIABLE,
    Tokens,
)
from routedb.sql.session_objects import EVERY, ObjectKind
from routedb.sql.statement import Kind, SessionEffect, TxEffect, TxStep

_EXPLAIN_WORDS = word_set("ANALYZE ANALYSE VERBOSE QUERY PLAN")


_ANALYZE = ("analyze", "analyse")
_NOT = ("false", "off")
_QUOTED = frozenset({LITERAL, STRING, QUOTED})  # FORMAT = "json"


def explain(tokens: Tokens, builder: StatementBuilder) -> None:
    """EXPLAIN runs nothing; EXPLAIN ANALYZE runs it. PostgreSQL and SQLite."""
    upper = tokens.upper
    at, runs = _options(tokens)
    tokens.take(0, at)
    builder.mark(Kind.EXPLAIN, "")
    if upper[at] in ("DECLARE", "EXECUTE", "CREATE", "REFRESH"):
        _explain_other(tokens, builder, at, runs)
        return
    if upper[at] not in QUERY_STARTS and upper[at] != "(":
        builder.mark(Kind.UNKNOWN, f"explains {tokens.raw[at]!r}")
        return
    inner = StatementBuilder(builder.dialect, builder.functions)
    read_query(tokens, inner, at)
    builder.tables.update(inner.tables)
    if runs:
        builder.include(inner)
    elif builder.dialect != "postgresql":  # derived tables may be worked out
        builder.asks.update(inner.asks)
        if inner.reason and not inner.writes:
            builder.mark(Kind.EXPLAIN, inner.reason)


def _options(tokens: Tokens) -> tuple[int, bool]:
    """Return where the explained statement begins, and whether it is run.

    A shape holds no literals, so ANALYZE 0 and ANALYZE 'off' may be ANALYZE 1. In the
    bracket the name of an option may be quoted.
    """
    upper, names = tokens.upper, tokens.names
    at = 1
    runs = False
    if upper[1] == "(" and upper[2] not in QUERY_STARTS and upper[2] != "(":
        at = tokens.close[1] + 1
        runs = any(
            names[i] in _ANALYZE and (names[i + 1] or "").lower() not in _NOT
            for i in range(2, at)
        )
    else:
        while (
            # The last may be a table's name.
            (upper[at] in _EXPLAIN_WORDS and upper[at + 1])
            or (upper[at] in _QUOTED and upper[at - 2] == "FORMAT")
        ):
            runs |= names[at] in _ANALYZE
            at += 1
    return at, runs


def _explain_other(
    tokens: Tokens, builder: StatementBuilder, at: int, runs: bool
) -> None:
    upper = tokens.upper
    if upper[at] == "EXECUTE":
        builder.mark(Kind.CALL, "explains a prepared statement of this session")
        builder.need(ObjectKind.PREPARED, _name(tokens, at + 1))
        _arguments(tokens, builder, at + 1)
        return
    start = next(
        (i + 1 for i in range(at, len(upper)) if upper[i] in ("AS", "FOR")), at
    )
    is_query = upper[start] in QUERY_STARTS or upper[start] == "("
    tokens.take(at, start if is_query else tokens.end)
    if upper[at] in ("CREATE", "REFRESH"):
        table, _ = tokens.read_name(_behind(upper, at, "TABLE", "VIEW"))
        if table is not None:
            builder.tables[table] = None
            if runs:
                builder.mark(Kind.DDL, f"writes {table}")
                builder.write(table)
    elif runs:
        builder.mark(Kind.UNKNOWN, f"runs {upper[at]}")
    if is_query:
        inner = StatementBuilder(builder.dialect, builder.functions)
        read_query(tokens, inner, start)
        builder.tables.update(inner.tables)
        if runs:
            builder.include(inner)


def _behind(upper: list[str], at: int, *names: str) -> int:
    while upper[at] and upper[at] not in names:
        at += 1
    at += 1
    while upper[at] in ("IF", "NOT", "EXISTS", "CONCURRENTLY"):
        at += 1
    return at


def copy(tokens: Tokens, builder: StatementBuilder) -> None:
    """COPY to the client reads; COPY FROM writes; files are the server's."""
    upper = tokens.upper
    at = 1 + (upper[1] == "BINARY")
    builder.kind = Kind.COPY
    tokens.take(0, tokens.end, OPTIONS)
    if upper[at] == "(":
        end = tokens.close[at]
        inner = tokens.part(at + 1, end)
        read_query(inner, builder)
        at = end + 1
    else:
        table, at = tokens.read_name(at)
        if table is None:
            builder.mark(Kind.UNKNOWN, "COPY without a table")
            return
        builder.tables[table] = None
        if upper[at] == "(":
            at = names_end(tokens, at)
        if upper[at] == "FROM":
            builder.mark(Kind.COPY, f"writes {table}")
            builder.write(table)
            read_condition(tokens, builder, at)
            return
    if upper[at : at + 2] != ["TO", "STDOUT"]:
        builder.mark(Kind.COPY, "writes a file on the server")


def lock(tokens: Tokens, builder: StatementBuilder) -> None:
    """LOCK TABLE; on MySQL the locks are the session's and commit what was open."""
    upper = tokens.upper
    if builder.dialect == "mysql" and upper[1] == "INSTANCE":
        _lock_instance(tokens, builder)
        return
    builder.mark(Kind.LOCK, "locks tables")
    if builder.dialect == "mysql":
        builder.touch(SessionEffect.LOCK)
        builder.hold(ObjectKind.TABLE_LOCK)
        builder.tx.append(TxStep(TxEffect.COMMIT))
    at = 1
    while True:
        start = at
        at += upper[at] == "TABLES" and builder.dialect == "mysql"
        table, at = read_table(tokens, at, builder.dialect)
        if table is None:
            return
        builder.tables[table] = None
        while upper[at] and upper[at] != ",":
            at += 1
        at += upper[at] == ","
        tokens.take(start and start - 1, at)


def _lock_instance(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's LOCK INSTANCE FOR BACKUP, which UNLOCK INSTANCE alone ends."""
    builder.mark(Kind.LOCK, "locks the server")
    builder.touch(SessionEffect.LOCK)
    claim = builder.hold if tokens.upper[0] == "LOCK" else builder.free
    claim(ObjectKind.TABLE_LOCK, "instance")
    take_values(tokens, 0)


def unlock(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's UNLOCK TABLES, and UNLOCK INSTANCE."""
    if tokens.upper[1] == "INSTANCE":
        _lock_instance(tokens, builder)
        return
    builder.mark(Kind.LOCK, "unlocks tables")
    builder.touch(SessionEffect.LOCK)
    builder.free(ObjectKind.TABLE_LOCK)
    take_values(tokens, 0)


def call(tokens: Tokens, builder: StatementBuilder) -> None:
    """CALL, DO, EXECUTE: what is run cannot be seen in the text."""
    builder.mark(Kind.CALL, "runs what the text does not show")
    _arguments(tokens, builder, 1)


def _arguments(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """Read `name (arguments)`, and what follows; the name itself is no function's."""
    tokens.take(0, at)
    _, end = tokens.read_name(at)
    tokens.take(at, end)
    if tokens.upper[end] == "USING":  # variables with their values
        pass_over(tokens, builder, end)
    elif tokens.upper[end]:
        read_query(tokens.part(end, tokens.end), builder)


def execute(tokens: Tokens, builder: StatementBuilder) -> None:
    """EXECUTE of a prepared statement; on MySQL USING user variables."""
    call(tokens, builder)
    builder.need(ObjectKind.PREPARED, _name(tokens, 1))
    for at, token in enumerate(tokens.upper):
        if token == USER_VARIABLE:
            builder.need(ObjectKind.VARIABLE, tokens.raw[at].lower())


def do(tokens: Tokens, builder: StatementBuilder) -> None:
    """DO: a block on PostgreSQL, expressions on MySQL, which may lock or wait."""
    builder.mark(Kind.CALL, "runs what the text does not show")
    tokens.take(0, 1)
    if builder.dialect == "mysql":
        read_query(tokens, builder, 1)
    else:
        take_values(tokens, 1)


def prepare(tokens: Tokens, builder: StatementBuilder) -> None:
    """PREPARE p AS …, DEALLOCATE; and PREPARE TRANSACTION, which is another thing."""
    upper = tokens.upper
    if upper[:2] == ["PREPARE", "TRANSACTION"] and upper[2] not in ("AS", "("):
        prepare_transaction(tokens, builder)
        return
    _session(builder, SessionEffect.PREPARE)
    if upper[0] == "DEALLOCATE":
        at = 1 + (upper[1] == "PREPARE" and bool(upper[2]))
        name = EVERY if upper[at] == "ALL" else _name(tokens, at)
        builder.free(ObjectKind.PREPARED, name)
        take_values(tokens, 0)
    else:
        builder.hold(ObjectKind.PREPARED, _name(tokens, 1))
        at = 2
        if upper[at] == "(":  # types, which have brackets of their own
            at = tokens.close[at] + 1
        if upper[at] == "AS":
            tokens.take(0, at + 1)
            read_query(tokens, builder, at + 1)
        elif upper[at] == "FROM":  # MySQL's text, or an expression that gives one
            tokens.take(0, at + 1)
            read_query(tokens.part(at + 1, tokens.end), builder)
        else:
            take_values(tokens, 0)


def signal(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's SIGNAL and RESIGNAL: an error, or a warning of the session."""
    builder.mark(Kind.CALL, "raises a condition")
    tokens.take(0, 1)
    read_query(tokens.part(1, tokens.end), builder)


def declare(tokens: Tokens, builder: StatementBuilder) -> None:
    """DECLARE c CURSOR FOR query. WITH HOLD it outlives its transaction."""
    _session(builder, SessionEffect.CURSOR)
    upper = tokens.upper
    if "FOR" in upper:
        head = upper[: upper.index("FOR")]
        if ("WITH", "HOLD") in pairwise(head):
            builder.hold(ObjectKind.CURSOR, _name(tokens, 1))
        tokens.take(0, len(head) + 1)
        read_query(tokens, builder, len(head) + 1)


def cursor(tokens: Tokens, builder: StatementBuilder) -> None:
    """FETCH, MOVE, CLOSE; MySQL's HANDLER names its table."""
    _session(builder, SessionEffect.CURSOR)
    upper = tokens.upper
    take_values(tokens, 0)
    if upper[0] == "HANDLER":
        tokens.take(0, tokens.end, OPTIONS)
        read_condition(tokens, builder, 1)
        shown(tokens, builder, 1)
        _handler(upper, builder)
    elif upper[0] == "CLOSE":
        builder.free(
            ObjectKind.CURSOR, EVERY if upper[1] == "ALL" else _name(tokens, 1)
        )
    else:  # the name stands last, behind a direction and FROM or IN
        builder.need(ObjectKind.CURSOR, _name(tokens, len(upper) - 5))


def _handler(upper: list[str], builder: StatementBuilder) -> None:
    """MySQL's HANDLER t OPEN, READ, CLOSE: of several, none is told from another."""
    if "OPEN" in upper:
        builder.hold(ObjectKind.HANDLER)
    elif "CLOSE" in upper:
        builder.free(ObjectKind.HANDLER)
    else:
        builder.need(ObjectKind.HANDLER)


def listen(tokens: Tokens, builder: StatementBuilder) -> None:
    """LISTEN and UNLISTEN."""
    _session(builder, SessionEffect.LISTEN)
    take_values(tokens, 0)
    if tokens.upper[0] == "LISTEN":
        builder.hold(ObjectKind.LISTEN, _name(tokens, 1))
    else:
        is_every = tokens.upper[1] == "*"
        builder.free(ObjectKind.LISTEN, EVERY if is_every else _name(tokens, 1))


def notify(tokens: Tokens, builder: StatementBuilder) -> None:
    """NOTIFY: a replica refuses it."""
    builder.mark(Kind.WRITE, "notifies listeners")
    take_values(tokens, 0)


def load(tokens: Tokens, builder: StatementBuilder) -> None:
    """PostgreSQL's LOAD 'library'; MySQL's LOAD DATA … INTO TABLE t, LOAD INDEX."""
    upper = tokens.upper
    if upper[1:4] == ["INDEX", "INTO", "CACHE"]:
        cache_index(tokens, builder)
        return
    if upper[1] in ("DATA", "XML"):
        _load_file(tokens, builder)
    else:
        tokens.take(0, tokens.end, OPTIONS)
        _session(builder, SessionEffect.SET, "*")


def _load_file(tokens: Tokens, builder: StatementBuilder) -> None:
    """… CHARACTER SET name … SET column = any expression."""
    upper = tokens.upper
    builder.mark(Kind.WRITE, "loads a file")
    end = tokens.end
    for place, word in enumerate(upper):
        if word == "INTO" and upper[place + 1] == "TABLE":
            table, _ = tokens.read_name(place + 2)
            if table is not None:
                builder.write(table)
        elif word == "SET" and upper[place - 1] != "CHARACTER":
            end = place
            break
    tokens.take(0, min(end + 1, tokens.end), OPTIONS)
    if end < tokens.end:
        read_query(tokens.part(end + 1, tokens.end), builder)


def attach(tokens: Tokens, builder: StatementBuilder) -> None:
    """SQLite's ATTACH and DETACH: of this connection only."""
    tokens.take(0, tokens.end, OPTIONS)
    _session(builder, SessionEffect.SET, "*")


def administer(tokens: Tokens, builder: StatementBuilder) -> None:
    """FLUSH, KILL, CHANGE MASTER, CHECKPOINT …: acts on the server."""
    builder.mark(Kind.DDL, "acts on the server")
    tokens.take(0, tokens.end, OPTIONS)
    if builder.dialect == "mysql":
        builder.tx.append(TxStep(TxEffect.COMMIT))


def kill(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's KILL of a connection or its statement, whose number may be asked for."""
    builder.mark(Kind.DDL, "acts on the server")
    builder.need(ObjectKind.BACKEND)
    tokens.take(0, 1)
    read_query(tokens.part(1, tokens.end), builder)


def _name(tokens: Tokens, at: int) -> str:
    """Return the identifier at `at`, "" when it is none."""
    return tokens.names[at] or ""


def _session(builder: StatementBuilder, effect: SessionEffect, *settings: str) -> None:
    builder.mark(Kind.SESSION, "lives in the session")
    builder.touch(effect, *settings)


# Takes the tokens of one statement and tells the builder what it does.
VerbReader = Callable[[Tokens, StatementBuilder], None]
