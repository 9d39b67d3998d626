"""The other statements: EXPLAIN, COPY, LOCK, CALL, SHOW, cursors, prepared ones."""

from __future__ import annotations

from collections.abc import Callable

from routedb.sql.change import read_query
from routedb.sql.define import maintain
from routedb.sql.facts import Facts
from routedb.sql.lex import USER_VARIABLE, Tokens
from routedb.sql.names import fold, is_name, read_name
from routedb.sql.stake import EVERY, Lives
from routedb.sql.statement import Kind, SessionEffect, TxEffect, TxStep
from routedb.sql.transaction import prepare_transaction
from routedb.sql.words import QUERY_STARTS, words

_EXPLAIN_WORDS = words(
    "ANALYZE ANALYSE VERBOSE EXTENDED PARTITIONS QUERY PLAN FORMAT = TRADITIONAL JSON "
    "TREE FOR CONNECTION"
)


def query(tokens: Tokens, facts: Facts) -> None:
    """SELECT, VALUES, TABLE, WITH, INSERT, UPDATE, DELETE, MERGE, REPLACE."""
    reader = read_query(tokens, facts)
    facts.verb = reader.frame.verb
    if facts.verb in ("WITH", "(", ""):
        facts.verb = next((w for w in tokens.up if w in QUERY_STARTS - {"WITH"}), "")


def explain(tokens: Tokens, facts: Facts) -> None:
    """EXPLAIN runs nothing; EXPLAIN ANALYZE, and MariaDB's ANALYZE, run it."""
    up = tokens.up
    if up[0] == "ANALYZE" and up[1] not in QUERY_STARTS - {"TABLE"} | {"FORMAT"}:
        maintain(tokens, facts)
        return
    at, runs = _options(tokens)
    facts.mark(Kind.EXPLAIN, "")
    if up[at] in ("DECLARE", "EXECUTE", "CREATE", "REFRESH"):
        _explain_other(tokens, facts, at, runs)
        return
    if up[at] not in QUERY_STARTS and up[at] != "(":
        _describe(tokens, facts, at)
        return
    inner = Facts(facts.dialect, facts.functions)
    read_query(tokens, inner, at)
    facts.tables.update(inner.tables)
    if runs:
        _run_too(facts, inner)
    elif facts.dialect != "postgresql":  # derived tables may be worked out
        facts.asks.update(inner.asks)
        # MariaDB refuses to explain a change where nothing may be written.
        if inner.reason and (facts.dialect == "mysql" or not inner.writes):
            facts.mark(Kind.EXPLAIN, inner.reason)


def _run_too(facts: Facts, inner: Facts) -> None:
    """Add what the explained statement does, since it is run."""
    if inner.kind is not Kind.READ or inner.reason:
        facts.mark(inner.kind, inner.reason)
    facts.writes.update(inner.writes)
    facts.absorb(inner)
    facts.asks.update(inner.asks)


def _options(tokens: Tokens) -> tuple[int, bool]:
    """Return where the explained statement begins, and whether it is run.

    A shape holds no literals, so ANALYZE 0 and ANALYZE 'off' may be ANALYZE 1.
    """
    up = tokens.up
    at = 1
    runs = up[0] == "ANALYZE"
    if up[1] == "(" and up[2] not in QUERY_STARTS and up[2] != "(":
        at = tokens.close[1] + 1
        runs = any(
            up[i] in ("ANALYZE", "ANALYSE") and up[i + 1] not in ("FALSE", "OFF")
            for i in range(2, at)
        )
    else:
        while up[at] in _EXPLAIN_WORDS and up[at + 1]:  # the last may be a table's name
            runs |= up[at] in ("ANALYZE", "ANALYSE")
            at += 1
    return at, runs


def _explain_other(tokens: Tokens, facts: Facts, at: int, runs: bool) -> None:
    up = tokens.up
    if up[at] == "EXECUTE":
        facts.mark(Kind.CALL, "explains a prepared statement of this session")
        facts.need(Lives.PREPARED, _name(tokens, at + 1, facts))
        return
    start = next((i + 1 for i in range(at, len(up)) if up[i] in ("AS", "FOR")), at)
    if up[at] in ("CREATE", "REFRESH"):
        table, _ = read_name(tokens, _behind(up, at, "TABLE", "VIEW"), facts.dialect)
        if table is not None:
            facts.tables[table] = None
            if runs:
                facts.mark(Kind.DDL, f"writes {table}")
                facts.write(table)
    elif runs:
        facts.mark(Kind.UNKNOWN, f"runs {up[at]}")
    if up[start] in QUERY_STARTS or up[start] == "(":
        inner = Facts(facts.dialect, facts.functions)
        read_query(tokens, inner, start)
        facts.tables.update(inner.tables)
        if runs:
            _run_too(facts, inner)


def _behind(up: list[str], at: int, *names: str) -> int:
    while up[at] and up[at] not in names:
        at += 1
    at += 1
    while up[at] in ("IF", "NOT", "EXISTS", "CONCURRENTLY"):
        at += 1
    return at


def _describe(tokens: Tokens, facts: Facts, at: int) -> None:
    """MySQL's DESCRIBE t; anything else is not known."""
    table, _ = read_name(tokens, at, facts.dialect)
    if facts.dialect == "mysql" and table is not None:
        facts.tables[table] = None
    else:
        facts.mark(Kind.UNKNOWN, f"explains {tokens.raw[at]!r}")


def copy(tokens: Tokens, facts: Facts) -> None:
    """COPY to the client reads; COPY FROM writes; files are the server's."""
    up = tokens.up
    at = 1 + (up[1] == "BINARY")
    facts.kind = Kind.COPY
    if up[at] == "(":
        end = tokens.close[at]
        inner = Tokens(up[at + 1 : end], tokens.raw[at + 1 : end])
        read_query(inner, facts)
        at = end + 1
    else:
        table, at = read_name(tokens, at, facts.dialect)
        if table is None:
            facts.mark(Kind.UNKNOWN, "COPY without a table")
            return
        facts.tables[table] = None
        if up[at] == "(":
            at = tokens.close[at] + 1
        if up[at] == "FROM":
            facts.mark(Kind.COPY, f"writes {table}")
            facts.write(table)
            return
    if up[at : at + 2] != ["TO", "STDOUT"]:
        facts.mark(Kind.COPY, "writes a file on the server")


def lock(tokens: Tokens, facts: Facts) -> None:
    """LOCK TABLE; on MySQL the locks are the session's and commit what was open."""
    up = tokens.up
    facts.mark(Kind.LOCK, "locks tables")
    if facts.dialect == "mysql":
        facts.touch(SessionEffect.LOCK)
        facts.hold(Lives.TABLE_LOCK)
        facts.tx.append(TxStep(TxEffect.COMMIT))
    at = 1
    while up[at]:
        while up[at] in ("TABLE", "TABLES", "ONLY", ","):
            at += 1
        table, at = read_name(tokens, at, facts.dialect)
        if table is None:
            return
        facts.tables[table] = None
        while up[at] and up[at] != ",":
            at += 1


def unlock(tokens: Tokens, facts: Facts) -> None:
    """MySQL's UNLOCK TABLES."""
    facts.mark(Kind.LOCK, "unlocks tables")
    facts.touch(SessionEffect.LOCK)
    facts.free(Lives.TABLE_LOCK)


_SHOWN_OF_SESSION = words("WARNINGS ERRORS COUNT PROFILE PROFILES")
_SHOWN_OF_NODE = words(
    "MASTER SLAVE REPLICA REPLICAS BINARY BINLOG PROCESSLIST ENGINE STATUS RELAYLOG ALL"
)
_SHOWN_OF_TABLE = words("COLUMNS FIELDS INDEX INDEXES KEYS")


def show(tokens: Tokens, facts: Facts) -> None:
    """SHOW: a setting on PostgreSQL; on MySQL also what a node or the session has."""
    up = tokens.up
    if facts.dialect != "mysql":
        return
    if up[1] in ("FULL", "GLOBAL", "SESSION"):
        up = up[1:]
    if up[1] in _SHOWN_OF_SESSION:
        facts.mark(Kind.READ, f"shows {up[1].lower()} of the session")
        facts.touch(SessionEffect.VARIABLE)
        if not up[1].startswith("PROFILE"):
            facts.need(Lives.RESULT)
    elif up[1] in _SHOWN_OF_NODE:
        facts.mark(Kind.READ, "shows what differs between nodes")
    elif up[1] == "CREATE" and up[2] in ("TABLE", "VIEW"):
        _shown(tokens, facts, 3)
    elif not _SHOWN_OF_TABLE.isdisjoint(up[1:4]):
        place = next((i for i, w in enumerate(tokens.up) if w in ("FROM", "IN")), 0)
        _shown(tokens, facts, place + 1)


def _shown(tokens: Tokens, facts: Facts, at: int) -> None:
    table, at = read_name(tokens, at, facts.dialect)
    if table is not None and tokens.up[at] in ("FROM", "IN"):
        schema, _ = read_name(tokens, at + 1, facts.dialect)
        if schema is not None:
            table = table._replace(schema=schema.name)
    if table is not None:
        facts.tables[table] = None


def call(tokens: Tokens, facts: Facts) -> None:
    """CALL, DO, EXECUTE: what is run cannot be seen in the text."""
    facts.mark(Kind.CALL, "runs what the text does not show")


def execute(tokens: Tokens, facts: Facts) -> None:
    """EXECUTE of a prepared statement; on MySQL USING user variables."""
    call(tokens, facts)
    facts.need(Lives.PREPARED, _name(tokens, 1, facts))
    for at, token in enumerate(tokens.up):
        if token == USER_VARIABLE:
            facts.need(Lives.VARIABLE, tokens.raw[at].lower())


def call_mysql_do(tokens: Tokens, facts: Facts) -> None:
    """DO: a block on PostgreSQL, expressions on MySQL, which may lock or wait."""
    if facts.dialect == "mysql":
        read_query(tokens, facts, 1)
    call(tokens, facts)


def prepare(tokens: Tokens, facts: Facts) -> None:
    """PREPARE p AS …, DEALLOCATE; and PREPARE TRANSACTION, which is another thing."""
    up = tokens.up
    if up[:2] == ["PREPARE", "TRANSACTION"]:
        prepare_transaction(tokens, facts)
        return
    _session(facts, SessionEffect.PREPARE)
    if up[0] == "DEALLOCATE":
        at = 1 + (up[1] == "PREPARE" and bool(up[2]))
        name = EVERY if up[at] == "ALL" else _name(tokens, at, facts)
        facts.free(Lives.PREPARED, name)
    else:
        facts.hold(Lives.PREPARED, _name(tokens, 1, facts))
        at = 2
        if up[at] == "(":
            at = tokens.close[at] + 1
        if up[at] == "AS":
            read_query(tokens, facts, at + 1)


def declare(tokens: Tokens, facts: Facts) -> None:
    """DECLARE c CURSOR FOR query. WITH HOLD it outlives its transaction."""
    _session(facts, SessionEffect.CURSOR)
    up = tokens.up
    if "FOR" in up:
        head = up[: up.index("FOR")]
        if "HOLD" in head and head[head.index("HOLD", 2) - 1] == "WITH":
            facts.hold(Lives.CURSOR, _name(tokens, 1, facts))
        read_query(tokens, facts, up.index("FOR") + 1)


def cursor(tokens: Tokens, facts: Facts) -> None:
    """FETCH, MOVE, CLOSE; MySQL's HANDLER names its table."""
    _session(facts, SessionEffect.CURSOR)
    up = tokens.up
    if up[0] == "HANDLER":
        _shown(tokens, facts, 1)
        _handler(up, facts)
    elif up[0] == "CLOSE":
        facts.free(Lives.CURSOR, EVERY if up[1] == "ALL" else _name(tokens, 1, facts))
    else:  # the name stands last, behind a direction and FROM or IN
        facts.need(Lives.CURSOR, _name(tokens, len(up) - 5, facts))


def _handler(up: list[str], facts: Facts) -> None:
    """MySQL's HANDLER t OPEN, READ, CLOSE: of several, none is told from another."""
    if "OPEN" in up:
        facts.hold(Lives.HANDLER)
    elif "CLOSE" in up:
        facts.free(Lives.HANDLER)
    else:
        facts.need(Lives.HANDLER)


def listen(tokens: Tokens, facts: Facts) -> None:
    """LISTEN and UNLISTEN."""
    _session(facts, SessionEffect.LISTEN)
    if tokens.up[0] == "LISTEN":
        facts.hold(Lives.LISTEN, _name(tokens, 1, facts))
    else:
        is_every = tokens.up[1] == "*"
        facts.free(Lives.LISTEN, EVERY if is_every else _name(tokens, 1, facts))


def notify(tokens: Tokens, facts: Facts) -> None:
    """NOTIFY: a replica refuses it."""
    facts.mark(Kind.WRITE, "notifies listeners")


def load(tokens: Tokens, facts: Facts) -> None:
    """PostgreSQL's LOAD 'library'; MySQL's LOAD DATA … INTO TABLE t."""
    up = tokens.up
    if up[1] in ("DATA", "XML"):
        facts.mark(Kind.WRITE, "loads a file")
        for place, word in enumerate(up):
            if word == "INTO" and up[place + 1] == "TABLE":
                table, _ = read_name(tokens, place + 2, facts.dialect)
                if table is not None:
                    facts.write(table)
    else:
        _session(facts, SessionEffect.SET, "*")


def attach(tokens: Tokens, facts: Facts) -> None:
    """SQLite's ATTACH and DETACH: of this connection only."""
    _session(facts, SessionEffect.SET, "*")


def administer(tokens: Tokens, facts: Facts) -> None:
    """FLUSH, KILL, CHANGE MASTER, CHECKPOINT …: acts on the server."""
    facts.mark(Kind.DDL, "acts on the server")
    if facts.dialect == "mysql":
        facts.tx.append(TxStep(TxEffect.COMMIT))


def _name(tokens: Tokens, at: int, facts: Facts) -> str:
    """Return the identifier at `at`, "" when it is none."""
    return fold(tokens, at, facts.dialect) if is_name(tokens.up[at]) else ""


def _session(facts: Facts, effect: SessionEffect, *settings: str) -> None:
    facts.mark(Kind.SESSION, "lives in the session")
    facts.touch(effect, *settings)


Verb = Callable[[Tokens, Facts], None]
