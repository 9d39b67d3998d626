"""Lists of names: columns, types and options in brackets, tables behind commas."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import (
    LITERAL,
    NAMES,
    OPTIONS,
    STRING,
    SYSTEM_VARIABLE,
    USER_VARIABLE,
    Tokens,
    UnreadableStatement,
)
from routedb.sql.statement import Table

# Kinds of objects whose own name is a table's: rows can be asked for by it.
RELATIONS = word_set("TABLE VIEW TABLES")
# Objects that stand "… name ON table".
ON_TABLE = word_set("INDEX TRIGGER RULE POLICY CONSTRAINT")
AFTER_DROP = word_set("CASCADE RESTRICT NOWAIT WAIT") | {LITERAL}

_MARKS = frozenset({",", ".", "*", "=", "-", "+", LITERAL, STRING})
# The lexer joins a sign to the mark before it.
_VALUES = _MARKS | {USER_VARIABLE, SYSTEM_VARIABLE, ":", ":=", "=+", "=-"}


def names_end(tokens: Tokens, at: int) -> int:
    """Return the end of the bracket that opens at `at`, if it holds nothing to be read.

    That is names, types with their lengths and literals, all of `tokens`: no call, no
    query, no operator. They are accounted for as a name list. Else `at` is returned,
    for the caller to read what is in there.
    """
    upper, names, close = tokens.upper, tokens.names, tokens.close
    end = close[at]
    first = at + 1
    if upper[first] in QUERY_STARTS and upper[first + 1] not in (",", ")"):
        return at
    place = first
    while place < end:
        if names[place] is not None or upper[place] in _MARKS:
            place += 1
        elif upper[place] == "(" and _is_length(tokens, place):
            place = close[place] + 1
        elif upper[place].startswith("&") and upper[place + 1] == "(":
            place += 1
        else:
            return at
    tokens.take(at, end + 1, NAMES)
    return end + 1


def _is_length(tokens: Tokens, at: int) -> bool:
    """Tell `a numeric(10, 2)`, `b text[]`, `c[1]` from a call and its arguments."""
    upper, names = tokens.upper, tokens.names
    inside = range(at + 1, tokens.close[at])
    if upper[at - 1].endswith("&"):  # of a subscript
        return all(upper[place] in _BOUNDS for place in inside)
    if any(upper[place] not in _BOUNDS and names[place] is None for place in inside):
        return False
    start = at - 1
    while upper[start - 1] == ".":
        start -= 2
    while upper[start - 1] in _TYPE_WORDS:
        start -= 1
    is_column = names[start - 1] is not None and upper[start - 2] in ("(", ",")
    return is_column and upper[start] != "BY" and upper[at + 1] not in QUERY_STARTS


# "^" stands for the colon of `[1:2]`, and figures may be left as they are written.
_BOUNDS = frozenset({",", "-", "^", LITERAL, STRING})
# Those before the bracket of `a timestamp(3) with time zone`, `b character varying(5)`.
_TYPE_WORDS = word_set("NATIONAL CHARACTER CHAR BIT INTERVAL DAY HOUR MINUTE TO")


# Words of PostgreSQL before a name. All are reserved, or no table can be called so.
_PREFIXES = {
    "postgresql": word_set("ONLY CONCURRENTLY TABLE"),
    "mysql": word_set("TABLE"),
    "sqlite": word_set("TABLE"),
}


def read_table(tokens: Tokens, at: int, dialect: str) -> tuple[Table | None, int]:
    """Read `IF EXISTS t`, `ONLY t`, `ONLY (t)` or `t *` as `dialect` has them.

    Returns the table that is named from `at` on in `tokens`, and where that ends; None
    when none is. Raises UnreadableStatement for a bracket that holds more.
    """
    upper = tokens.upper
    if upper[at] == "IF":
        if upper[at + 1] == "EXISTS" and tokens.names[at + 2] is not None:
            at += 2
        elif upper[at + 1 : at + 3] == ["NOT", "EXISTS"]:
            at += 3
    while upper[at] in _PREFIXES[dialect]:
        at += 1
    is_bracketed = upper[at] == "(" and upper[at - 1] == "ONLY"
    table, end = tokens.read_name(at + is_bracketed)
    if table is None:
        return None, at
    if is_bracketed:
        if upper[end] != ")":
            raise UnreadableStatement(f"ONLY ({table} is not followed by a bracket")
        end += 1
    return table, end + (dialect == "postgresql" and upper[end] == "*")


def read_tables(tokens: Tokens, at: int, dialect: str) -> tuple[list[Table], int]:
    """Read `a, ONLY b *, ONLY (c), d (columns)`, which begins at `at` in `tokens`.

    `dialect` says what may stand there. Returns the tables and where the list ends.
    Raises UnreadableStatement as `read_table` does.
    """
    upper = tokens.upper
    tables: list[Table] = []
    while True:
        table, end = read_table(tokens, at, dialect)
        if table is None:
            return tables, at
        tables.append(table)
        at = names_end(tokens, end) if upper[end] == "(" else end
        if upper[at] != ",":
            return tables, at
        at += 1


def table_of_column(tokens: Tokens, at: int) -> Table | None:
    """Return the table of the column that `tokens` name at `at`, as `s.t.c`; None when
    it is no column of a table."""
    path: list[str] = []
    while (name := tokens.names[at]) is not None:
        path.append(name)
        at += 2 if tokens.upper[at + 1] == "." else 1
        if tokens.upper[at - 1] != ".":
            break
    if len(path) < 2:
        return None
    return Table(path[-3] if len(path) > 2 else None, path[-2])


def write_table(
    tokens: Tokens, builder: StatementBuilder, at: int
) -> tuple[Table | None, int]:
    """Note the table that `tokens` name at `at` as written.

    Returns it, None when no name is there, and where its name ends.
    """
    table, at = read_table(tokens, at, builder.dialect)
    if table is not None:
        builder.write(table)
    return table, at


def write_tables(tokens: Tokens, builder: StatementBuilder, at: int) -> int:
    """Note the list of tables at `at` in `tokens` as written; return where it ends."""
    tables, at = read_tables(tokens, at, builder.dialect)
    builder.write(*tables)
    return at


_NOT_TABLES = word_set(
    """
    SCHEMA FUNCTION SEQUENCE DATABASE DOMAIN LANGUAGE LARGE TYPE TABLESPACE FOREIGN ALL
    PARAMETER PROCEDURE ROUTINE ROLE EXTENSION TABLES
    """
)


def names_other(tokens: Tokens, at: int) -> bool:
    """Tell, at `at` in `tokens`, `SCHEMA s` from a table that is called SCHEMA."""
    return (
        tokens.upper[at] in _NOT_TABLES
        and tokens.names[at + 1] is not None
        and tokens.upper[at + 1] not in ("TO", "FROM")
    )


def pass_words(tokens: Tokens, at: int, words: frozenset[str]) -> int:
    """Return where, from `at` on, `tokens` have no more of `words`."""
    while tokens.upper[at] in words:
        at += 1
    return at


def pass_over(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """Account for the rest of `tokens`, from `at` on, as an option list.

    No table of it is told to `builder`: names of other objects, their options, and the
    bodies of routines, which are not read.
    """
    tokens.take(at, tokens.end, OPTIONS)


def take_values(tokens: Tokens, at: int) -> int:
    """Account for names, literals and types from `at` on, as an option list.

    Returns where something else stands in `tokens`, such as a call or a query.
    """
    upper, names = tokens.upper, tokens.names
    end = at
    while names[end] is not None or upper[end] in _VALUES:
        end = names_end(tokens, end + 1) if upper[end + 1] == "(" else end + 1
        if upper[end] == "(":
            break
    tokens.take(at, end, OPTIONS)
    return end


def first_of(upper: list[str], at: int, word: str) -> int:
    """Return where `word` stands first in `upper`, from `at` on; 0 when it does not."""
    return upper.index(word, at) if word in upper[at:] else 0
