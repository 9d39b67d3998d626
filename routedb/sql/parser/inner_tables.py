"""Tables named inside a definition: REFERENCES, LIKE, INHERITS, PARTITION OF …"""

from __future__ import annotations

from collections.abc import Callable

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.name_lists import read_tables
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import Tokens
from routedb.sql.statement import Table


def note_inner_tables(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """Tell `builder` the tables that `tokens` name in a definition, from `at` on."""
    upper = tokens.upper
    for place in range(at, tokens.end):
        named = _NAMES_TABLE.get(upper[place])
        if named is not None and named(tokens, place):
            start = place + 1 + (upper[place] in _OF_TWO_WORDS)
            named_here = _named(tokens, start, builder.dialect)
            builder.tables.update(dict.fromkeys(named_here))


def _named(tokens: Tokens, at: int, dialect: str) -> list[Table]:
    """One table, or a list of them in brackets."""
    at += tokens.upper[at] == "="
    if tokens.upper[at] == "(":
        return read_tables(tokens, at + 1, dialect)[0]
    table, _ = tokens.read_name(at)
    return [table] if table is not None else []


def _is_like(tokens: Tokens, at: int) -> bool:
    """Tell LIKE among columns, or behind the name in MySQL's CREATE TABLE n LIKE a."""
    upper = tokens.upper
    return upper[at - 1] in ("(", ",") or (at < 12 and "(" not in upper[:at])


def _is_merge(tokens: Tokens, at: int) -> bool:
    """Tell the UNION [=] (a, b) of MySQL's MERGE tables from that of queries."""
    upper = tokens.upper
    at += 1 + (upper[at + 1] == "=")
    return upper[at] == "(" and upper[at + 1] not in QUERY_STARTS | {"("}


def _is_converted(tokens: Tokens, at: int) -> bool:
    """Tell MariaDB's CONVERT PARTITION p TO TABLE a, CONVERT TABLE a TO PARTITION p."""
    upper = tokens.upper
    if upper[at - 1] == "CONVERT":
        return upper[at + 2] in ("TO", ".")
    return upper[at - 4 : at] == ["CONVERT", "PARTITION", upper[at - 2], "TO"]


def _is_parent(tokens: Tokens, at: int) -> bool:
    """Tell ALTER TABLE … INHERIT a from a column or a table of that name."""
    upper = tokens.upper
    is_last = upper[at + 2] in ("", ",", ".")
    return is_last and upper[at - 1] not in _BEFORE_ANY_NAME


_BEFORE_ANY_NAME = word_set(
    "COLUMN ADD EXISTS ALTER DROP TO RENAME PARTITION OF REFERENCES INHERIT"
)
_OF_TWO_WORDS: frozenset[str] = word_set("PARTITION ATTACH DETACH WITH")
_NAMES_TABLE: dict[str, Callable[[Tokens, int], bool]] = {
    "REFERENCES": lambda tokens, at: tokens.names[at + 1] is not None,
    "LIKE": _is_like,
    "INHERITS": lambda tokens, at: tokens.upper[at + 1] == "(",
    "INHERIT": _is_parent,
    "PARTITION": lambda tokens, at: (
        tokens.upper[at + 1] == "OF" and tokens.upper[at - 1] not in _OF_TWO_WORDS
    ),
    "ATTACH": lambda tokens, at: tokens.upper[at + 1] == "PARTITION",
    "DETACH": lambda tokens, at: tokens.upper[at + 1] == "PARTITION",
    "WITH": lambda tokens, at: tokens.upper[at + 1] == "TABLE",
    "UNION": _is_merge,
    "TABLE": _is_converted,
}
