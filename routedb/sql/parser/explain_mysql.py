"""EXPLAIN, DESCRIBE and ANALYZE of MySQL and MariaDB."""

from __future__ import annotations

from typing import NamedTuple

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_query
from routedb.sql.parser.name_lists import take_values
from routedb.sql.parser.upkeep import maintain
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import USER_VARIABLE, Tokens, UnreadableStatement
from routedb.sql.session_objects import ObjectKind
from routedb.sql.statement import Kind, SessionEffect, Table

_STARTS = QUERY_STARTS | {"("}
_PLAIN_OPTIONS = word_set("ANALYZE EXTENDED PARTITIONS")


class _Options(NamedTuple):
    """What stands before the explained statement, which begins `at` a place."""

    at: int
    runs: bool  # it is run: ANALYZE
    schema: str | None  # MySQL 8.3: what its tables are in, when they do not say


def explain(tokens: Tokens, builder: StatementBuilder) -> None:
    """EXPLAIN and DESCRIBE run nothing; EXPLAIN ANALYZE, and MariaDB's ANALYZE, do."""
    upper = tokens.upper
    if upper[0] == "ANALYZE" and upper[1] not in _STARTS - {"TABLE"} | {"FORMAT"}:
        maintain(tokens, builder)
        return
    builder.mark(Kind.EXPLAIN, "")
    at, runs, schema = _options(tokens, builder)
    tokens.take(0, at)
    if upper[at : at + 2] == ["FOR", "CONNECTION"]:
        builder.mark(Kind.EXPLAIN, "explains what another session runs")
        builder.need(ObjectKind.BACKEND)
        tokens.take(at, at + 2)
        read_query(tokens.part(at + 2, tokens.end), builder)  # an expression
    elif upper[at] in _STARTS:
        _query(tokens, builder, at, runs, schema)
    else:
        _describe(tokens, builder, at)


def _options(tokens: Tokens, builder: StatementBuilder) -> _Options:
    upper = tokens.upper
    at, schema = 1, None
    runs = upper[0] == "ANALYZE"
    while True:
        word, following = upper[at], upper[at + 1]
        if word in _PLAIN_OPTIONS and following:
            runs |= word == "ANALYZE"
            at += 1 + (word == "EXTENDED" and following == "ALL")
        elif word == "FORMAT" and following:
            at += 3 if following == "=" else 2
        elif word == "INTO" and following == USER_VARIABLE:
            builder.mark(Kind.EXPLAIN, "sets variables")
            builder.touch(SessionEffect.VARIABLE)
            builder.hold(ObjectKind.VARIABLE, tokens.raw[at + 1].lower())
            at += 2
        elif word == "FOR" and following in ("SCHEMA", "DATABASE"):
            schema = tokens.names[at + 2]
            if schema is None:
                raise UnreadableStatement(f"FOR {following} names none")
            at += 3
        else:
            return _Options(at, runs, schema)


def _query(
    tokens: Tokens, builder: StatementBuilder, at: int, runs: bool, schema: str | None
) -> None:
    inner = StatementBuilder(builder.dialect, builder.functions)
    read_query(tokens, inner, at)
    if schema is not None:
        inner.tables = _within(inner.tables, schema)
        inner.writes = _within(inner.writes, schema)
    builder.tables.update(inner.tables)
    if runs:
        builder.include(inner)
        return
    builder.asks.update(inner.asks)  # derived tables may be worked out
    if inner.reason:  # MariaDB refuses to explain a change where none may be written
        builder.mark(Kind.EXPLAIN, inner.reason)


def _within(tables: dict[Table, None], schema: str) -> dict[Table, None]:
    return {table._replace(schema=table.schema or schema): None for table in tables}


def _describe(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`DESCRIBE t`, and perhaps a column of it; anything else is not known."""
    table, end = tokens.read_name(at)
    is_all = not tokens.upper[end] or not tokens.upper[end + 1]
    if table is None or not is_all:
        builder.mark(Kind.UNKNOWN, f"explains {tokens.raw[at]!r}")
    else:
        builder.tables[table] = None
        tokens.take(at, end)
        take_values(tokens, end)
