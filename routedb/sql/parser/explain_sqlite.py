"""SQLite's EXPLAIN, which stands before any statement and runs none."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.ddl import define
from routedb.sql.parser.dml import read_query
from routedb.sql.parser.name_lists import pass_over
from routedb.sql.parser.pragma import pragma
from routedb.sql.parser.upkeep import maintain
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import Tokens, UnreadableStatement
from routedb.sql.statement import Kind


def explain(tokens: Tokens, builder: StatementBuilder) -> None:
    """EXPLAIN and EXPLAIN QUERY PLAN; a pragma may act all the same."""
    upper = tokens.upper
    at = 3 if upper[1:3] == ["QUERY", "PLAN"] else 1
    tokens.take(0, at)
    builder.mark(Kind.EXPLAIN, "")
    part = tokens.part(at, tokens.end)
    if upper[at] == "PRAGMA":
        pragma(part, builder)
        return
    inner = StatementBuilder(builder.dialect, builder.functions)
    if upper[at] in QUERY_STARTS - {"TABLE", "MERGE"}:
        read_query(part, inner)
        builder.asks.update(inner.asks)  # derived tables may be worked out
        if inner.reason and not inner.writes:
            builder.mark(Kind.EXPLAIN, inner.reason)
    elif upper[at] in ("CREATE", "ALTER", "DROP"):
        define(part, inner)
    elif upper[at] in ("ANALYZE", "REINDEX", "VACUUM"):
        maintain(part, inner)
    elif upper[at] in _ABOUT_NO_TABLE:
        pass_over(part, inner, 0)
    else:
        raise UnreadableStatement(f"explains {tokens.raw[at]!r}")
    builder.tables.update(inner.tables)


_ABOUT_NO_TABLE = word_set("BEGIN COMMIT END ROLLBACK SAVEPOINT RELEASE ATTACH DETACH")
