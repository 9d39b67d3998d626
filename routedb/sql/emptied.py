"""Texts that need a database without sessions, and which one that is.

PostgreSQL refuses them while anybody else is connected to it: DROP DATABASE, ALTER
DATABASE … RENAME and … SET TABLESPACE, and CREATE DATABASE, which copies a template
(PostgreSQL manual, DROP DATABASE, ALTER DATABASE, CREATE DATABASE). Other servers have
no such statement.
"""

from __future__ import annotations

from routedb.sql.scanner.lexer import Tokens, UnreadableStatement, statements
from routedb.sql.scanner.shape import scan

ANY = ""  # a database whose name cannot be told
DEFAULT_TEMPLATE = "template1"
# Those that may need it, on PostgreSQL.
VERBS = frozenset({"CREATE DATABASE", "ALTER DATABASE", "DROP DATABASE"})


def emptied_database(sql: str) -> str | None:
    """Return the name of the database that `sql`, a text for PostgreSQL with one of
    VERBS, needs without sessions; ANY when that cannot be told; None: it needs none."""
    try:
        found, _ = statements(scan(sql, "postgresql").shape, "postgresql")
    except UnreadableStatement:
        return ANY
    names = [name for tokens in found if (name := _of(tokens)) is not None]
    if len(names) > 1:
        return ANY
    return names[0] if names else None


def _of(tokens: Tokens) -> str | None:
    if tokens.upper[1] != "DATABASE":
        return None
    verb = tokens.upper[0]
    if verb == "DROP":
        return _name(tokens, 4 if tokens.upper[2:4] == ["IF", "EXISTS"] else 2)
    if verb == "CREATE":
        return _template(tokens)
    if verb == "ALTER" and _moves(tokens):
        return _name(tokens, 2)
    return None


def _moves(tokens: Tokens) -> bool:
    """Tell whether ALTER DATABASE needs it: to rename it, or to move its files. SET
    TABLESPACE TO … sets no parameter: there is none that is called so."""
    return tokens.upper[3] == "RENAME" or tokens.upper[3:5] == ["SET", "TABLESPACE"]


def _template(tokens: Tokens) -> str:
    """Return what CREATE DATABASE copies: of its options, each a name and a value with
    or without `=`, the one that says so."""
    upper, at = tokens.upper, 3
    found = DEFAULT_TEMPLATE
    at += upper[at] == "WITH"
    while at < tokens.end:
        option = upper[at]
        at += 2 if upper[at : at + 2] == ["CONNECTION", "LIMIT"] else 1
        at += upper[at] == "="
        at += upper[at] in ("+", "-")
        if at >= tokens.end:
            return ANY
        if option == "TEMPLATE" and upper[at] != "DEFAULT":
            found = _name(tokens, at)
        at += 1
    return found


def _name(tokens: Tokens, at: int) -> str:
    return tokens.names[at] or ANY
