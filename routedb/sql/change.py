"""How the statements that change data begin: INSERT, UPDATE, DELETE, MERGE, REPLACE."""

from __future__ import annotations

from routedb.sql.clauses import WORDS
from routedb.sql.facts import Facts
from routedb.sql.lex import Tokens
from routedb.sql.names import is_name, read_name
from routedb.sql.reader import Handlers, Reader, State
from routedb.sql.statement import Kind, Table
from routedb.sql.words import QUERY_STARTS, words

_MODIFIERS = {
    "postgresql": words("INTO ONLY"),
    "mysql": words("LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK IGNORE INTO"),
    "sqlite": words("INTO"),
}


def read_query(tokens: Tokens, facts: Facts, at: int = 0) -> Reader:
    """Read the query or data-modifying statement that begins at `at`."""
    reader = Reader(tokens, facts, _WORDS, _HEADS)
    reader.read(at)
    return reader


def _modifiers(reader: Reader) -> None:
    """Pass over the verb and what stands between it and its table."""
    reader.at += 1
    modifiers = _MODIFIERS[reader.dialect]
    while reader.up[reader.at] in modifiers or reader.up[reader.at] == "OR":
        reader.at += 2 if reader.up[reader.at] == "OR" else 1


def _mark(reader: Reader, table: Table) -> None:
    reader.facts.mark(Kind.WRITE, f"writes {table}")


def _insert(reader: Reader) -> None:
    _modifiers(reader)
    up = reader.up
    table = reader.name_at()
    _mark(reader, table)
    reader.facts.write(table)
    if up[reader.at] == "PARTITION":
        reader.at += 1
        reader.skip_bracket()
    if up[reader.at] == "AS":
        reader.at += 2
    if up[reader.at] == "(" and _are_columns(up, reader.at + 1):
        reader.skip_bracket()
    if up[reader.at] == "TABLE":
        reader.at += 1
        reader.frame.state = State.TABLE
    reader.frame.is_query = True


def _are_columns(up: list[str], at: int) -> bool:
    """Tell `(x, y)`, whatever x is called, from the bracket of a query."""
    return up[at] not in QUERY_STARTS | {"("} or up[at + 1] in (",", ")")


def _update(reader: Reader) -> None:
    _modifiers(reader)
    reader.facts.mark(Kind.WRITE, "")
    reader.frame.state = State.TABLE
    reader.frame.is_query = True


def _set(reader: Reader) -> None:
    """The tables between UPDATE and SET: one is written, or those that SET names."""
    frame = reader.frame
    if frame.verb == "UPDATE" and frame.is_query and not frame.is_set:
        frame.is_set = True
        named = frame.scope.tables
        targets = _assigned(reader) if len(named) > 1 else []
        for table in targets or named:
            frame.scope.target(table)
            _mark(reader, table)
    WORDS["SET"](reader)


def _assigned(reader: Reader) -> list[Table]:
    """Return what stands before the last dot of each assigned column.

    Empty when a column says no table: then any of them may be written.
    """
    up, raw = reader.up, reader.raw
    at = reader.at + 1
    found: list[Table] = []
    while is_name(up[at]):
        path = [raw[at]]
        while up[at + 1] == ".":
            at += 2
            path.append(raw[at])
        if len(path) == 1:
            return []
        found.append(Table(path[-3] if len(path) > 2 else None, path[-2]))
        at = _next_assignment(reader, at + 1)
    return found


def _next_assignment(reader: Reader, at: int) -> int:
    up, close = reader.up, reader.tokens.close
    while up[at] not in ("", ",", "WHERE", "ORDER", "LIMIT", ")"):
        at = close.get(at, at) + 1
    return at + 1 if up[at] == "," else len(up) - 1


def _delete(reader: Reader) -> None:
    """`DELETE FROM t`; MySQL's `DELETE a, b FROM …` and `DELETE FROM a, b USING`."""
    _modifiers(reader)
    frame, up = reader.frame, reader.up
    frame.is_query = True
    reader.facts.mark(Kind.WRITE, "")
    reader.at += _is_history(reader)
    targets = _targets(reader)
    if up[reader.at] == "FROM":
        reader.at += 1
        if not targets:
            reader.at += up[reader.at] == "ONLY" and reader.dialect == "postgresql"
            start = reader.at
            targets = _targets(reader)
            is_list = len(targets) > 1 or reader.dialect == "mysql"
            if not (up[reader.at] == "USING" and is_list):
                reader.at = start
                reader.table(reader.name_at(), start)
                frame.state = State.TABLES
    for table in targets:
        frame.scope.target(table)
        _mark(reader, table)
    if up[reader.at] == "USING":
        reader.at += 1
        frame.state = State.TABLE
    elif frame.state is State.EXPRESSION:
        frame.state = State.TABLE


def _is_history(reader: Reader) -> bool:
    """Tell MariaDB's `DELETE HISTORY FROM t` from the deletion in a table HISTORY."""
    if reader.up[reader.at : reader.at + 2] != ["HISTORY", "FROM"]:
        return False
    _, end = read_name(reader.tokens, reader.at + 2, reader.dialect)
    return reader.up[end] in ("", ")", "BEFORE")


def _targets(reader: Reader) -> list[Table]:
    """Read `a, b.*, c`."""
    up = reader.up
    targets: list[Table] = []
    while is_name(up[reader.at]) and up[reader.at] != "FROM":
        targets.append(reader.name_at())
        if up[reader.at] == "." and up[reader.at + 1] == "*":
            reader.at += 2
        if up[reader.at] != ",":
            break
        reader.at += 1
    return targets


def _merge(reader: Reader) -> None:
    _modifiers(reader)
    start = reader.at
    table = reader.name_at()
    _mark(reader, table)
    reader.table(table, start)
    reader.facts.write(table)
    reader.frame.is_query = True
    reader.at += reader.up[reader.at] == "USING"
    reader.frame.state = State.TABLE


def _table(reader: Reader) -> None:
    reader.at += 1
    reader.frame.is_query = True
    reader.frame.state = State.TABLE


_WORDS: Handlers = {**WORDS, "SET": _set}
_HEADS: Handlers = {
    "TABLE": _table,
    "INSERT": _insert,
    "REPLACE": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "MERGE": _merge,
}
