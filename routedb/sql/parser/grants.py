"""GRANT, REVOKE, COMMENT ON and SECURITY LABEL: what is said about objects."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.name_lists import (
    ON_TABLE,
    RELATIONS,
    first_of,
    names_other,
    table_of_column,
    write_table,
    write_tables,
)
from routedb.sql.scanner.lexer import OPTIONS, Tokens
from routedb.sql.statement import Kind, TxEffect, TxStep


def grant(tokens: Tokens, builder: StatementBuilder) -> None:
    """GRANT, REVOKE, COMMENT ON and SECURITY LABEL."""
    upper = tokens.upper
    builder.mark(Kind.DDL, "defines")
    if builder.dialect == "mysql":
        builder.tx.append(TxStep(TxEffect.COMMIT))
    at = first_of(upper, 1, "ON")
    # Columns of privileges in front, accounts and options behind.
    tokens.take(0, tokens.end, OPTIONS)
    if not at:
        return
    if upper[0] in ("GRANT", "REVOKE"):
        start = at + 1 + (upper[at + 1] == "TABLE")
        is_every = upper[start + 1 : start + 3] == [".", "*"]  # of MySQL's schema
        is_account = builder.dialect == "mysql" and upper[1] == "PROXY"
        if not (is_every or is_account) and not names_other(tokens, at + 1):
            write_tables(tokens, builder, at + 1)
    else:
        _comment(tokens, builder, at + 1)


def _comment(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    upper = tokens.upper
    at += upper[at] in ("MATERIALIZED", "FOREIGN")
    if upper[at] in RELATIONS:
        write_table(tokens, builder, at + 1)
    elif upper[at] == "COLUMN":
        table = table_of_column(tokens, at + 1)
        if table is not None:
            builder.write(table)
    elif upper[at] in ON_TABLE:
        place = first_of(upper, at, "ON")
        if place and not _is_domain(tokens, place + 1):
            write_table(tokens, builder, place + 1)


def _is_domain(tokens: Tokens, at: int) -> bool:
    """Tell `DOMAIN d IS …` from a table that is called domain."""
    is_followed = tokens.names[at + 1] is not None and tokens.upper[at + 1] != "IS"
    return tokens.upper[at] == "DOMAIN" and is_followed
