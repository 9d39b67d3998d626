"""Work on tables by name: TRUNCATE, VACUUM, ANALYZE, REINDEX, OPTIMIZE, RENAME."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.name_lists import (
    AFTER_DROP,
    names_end,
    names_other,
    pass_over,
    pass_words,
    take_values,
    write_table,
    write_tables,
)
from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.lexer import Tokens
from routedb.sql.statement import Kind, TxEffect, TxStep


def maintain(tokens: Tokens, builder: StatementBuilder) -> None:
    """TRUNCATE, VACUUM, ANALYZE, CLUSTER, OPTIMIZE …: work on tables by name."""
    upper = tokens.upper
    builder.mark(Kind.DDL, f"{upper[0].lower()}s tables")
    if builder.dialect == "mysql":
        builder.tx.append(TxStep(TxEffect.COMMIT))
    if upper[0] == "VACUUM" and builder.dialect == "sqlite":  # names a file, no table
        pass_over(tokens, builder, 0)
        return
    at = _maintained_at(tokens, builder.dialect)
    tokens.take(0, at)
    is_table = upper[0] != "REINDEX" or upper[at - 1] == "TABLE"
    if not is_table and (names_other(tokens, at) or upper[at] in _NO_TABLES):
        pass_over(tokens, builder, at)
        return
    if upper[0] == "CLUSTER" and "ON" in upper:  # CLUSTER index ON table, of old
        at = upper.index("ON") + 1
    end = write_tables(tokens, builder, at)
    tokens.take(0, end)
    if builder.dialect == "postgresql":
        at = pass_words(tokens, end, _AFTER_TABLES)
        tokens.take(end, at + (upper[at - 1] == "USING"))
    else:
        take_values(tokens, end)


_NO_TABLES = word_set("INDEX SYSTEM")
_MAINTENANCE = {
    "postgresql": word_set("TABLE FULL FREEZE VERBOSE ANALYZE ANALYSE CONCURRENTLY"),
    "mysql": word_set("TABLE NO_WRITE_TO_BINLOG"),
    "sqlite": word_set(""),
}
_MAY_PRECEDE = word_set("TABLES LOCAL VIEW")
_AFTER_TABLES = word_set(
    "RESTART CONTINUE IDENTITY CASCADE RESTRICT USING WITH NO DATA"
)


def _maintained_at(tokens: Tokens, dialect: str) -> int:
    """Find the first table: behind options and the words of `dialect`.

    Those of PostgreSQL are reserved, but for MATERIALIZED VIEW, which only REFRESH has.
    """
    upper = tokens.upper
    if upper[0] == "REFRESH":
        return 3
    has_options = upper[1] == "(" and upper[0] != "TRUNCATE"
    at = names_end(tokens, 1) if has_options else 1
    words = _MAINTENANCE[dialect]
    while upper[at] in words or (
        dialect == "mysql"
        and upper[at] in _MAY_PRECEDE
        and tokens.names[at + 1] is not None
    ):
        at += 1
    return at


def rename(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's RENAME TABLE a TO b, c TO d."""
    builder.mark(Kind.DDL, "renames tables")
    builder.tx.append(TxStep(TxEffect.COMMIT))
    at = 1
    if tokens.upper[1] not in ("TABLE", "TABLES"):  # an account
        pass_over(tokens, builder, 0)
        return
    while at == 1 or tokens.upper[at] in ("TO", ","):
        _, end = write_table(tokens, builder, at + 1)
        at = pass_words(tokens, end, AFTER_DROP)
    tokens.take(0, at)
