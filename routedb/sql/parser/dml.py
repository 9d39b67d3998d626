"""How the statements that change data begin: INSERT, UPDATE, DELETE, MERGE, REPLACE."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.clauses import WORD_HANDLERS
from routedb.sql.parser.name_lists import first_of, read_table
from routedb.sql.parser.reader import Handlers, QueryReader, State
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import Tokens, UnreadableStatement
from routedb.sql.statement import Kind, Table

_MODIFIERS = {
    "postgresql": word_set("INTO"),
    "mysql": word_set("LOW_PRIORITY HIGH_PRIORITY DELAYED IGNORE INTO"),
    "sqlite": word_set("INTO"),
}


def query(tokens: Tokens, builder: StatementBuilder) -> None:
    """SELECT, VALUES, TABLE, WITH, INSERT, UPDATE, DELETE, MERGE, REPLACE."""
    verb = read_query(tokens, builder)
    if verb in ("WITH", "(", ""):
        verb = next((w for w in tokens.upper if w in QUERY_STARTS - {"WITH"}), "")
    builder.verb = verb


def read_query(tokens: Tokens, builder: StatementBuilder, at: int = 0) -> str:
    """Read the query or data-modifying statement in `tokens` that begins at `at`.

    `builder` is told all that is found. Returns the verb, "WITH" or "(" when none was
    met. Raises UnreadableStatement when a name or a bracket is missing.
    """
    reader = QueryReader(tokens, builder, _WORD_HANDLERS, _VERB_HEADS)
    reader.read(at)
    return reader.frame.verb


def read_condition(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """Read the WHERE of a statement that is no query, if `tokens` have one behind `at`.

    `builder` is told what it names. Raises UnreadableStatement as `read_query` does.
    """
    place = first_of(tokens.upper, at, "WHERE")
    if place:
        read_query(tokens.part(place, tokens.end), builder)


def _modifiers(reader: QueryReader) -> None:
    """Pass over the verb and what stands between it and its table."""
    reader.at += 1
    modifiers = _MODIFIERS[reader.dialect]
    while reader.upper[reader.at] in modifiers or reader.upper[reader.at] == "OR":
        reader.at += 2 if reader.upper[reader.at] == "OR" else 1


def _mark(reader: QueryReader, table: Table) -> None:
    reader.builder.mark(Kind.WRITE, f"writes {table}")


def _insert(reader: QueryReader) -> None:
    _modifiers(reader)
    upper = reader.upper
    table = reader.name_at()
    _mark(reader, table)
    reader.builder.write(table)
    if upper[reader.at] == "PARTITION":
        reader.at += 1
        reader.skip_bracket()
    if upper[reader.at] == "AS":
        reader.at += 2
    if upper[reader.at] == "(" and _are_columns(upper, reader.at + 1):
        reader.skip_bracket()
    if upper[reader.at] == "OVERRIDING":  # SYSTEM VALUE
        reader.at += 3
    if upper[reader.at] == "TABLE":
        reader.at += 1
        reader.frame.state = State.TABLE
    reader.frame.is_query = True


def _are_columns(upper: list[str], at: int) -> bool:
    """Tell `(x, y)`, whatever x is called, from the bracket of a query."""
    return upper[at] not in QUERY_STARTS | {"("} or upper[at + 1] in (",", ")")


def _update(reader: QueryReader) -> None:
    _modifiers(reader)
    reader.builder.mark(Kind.WRITE, "")
    reader.frame.state = State.TABLE
    reader.frame.is_query = True


def _set(reader: QueryReader) -> None:
    """The tables between UPDATE and SET: one is written, or those that SET names."""
    frame = reader.frame
    if frame.verb == "UPDATE" and frame.is_query and not frame.is_set:
        frame.is_set = True
        named = [table for table, _, _ in frame.scope.references]
        targets = _assigned(reader) if len(named) > 1 else []
        for table in targets or named:
            frame.scope.targets.append(table)
            _mark(reader, table)
    WORD_HANDLERS["SET"](reader)


def _assigned(reader: QueryReader) -> list[Table]:
    """Return what stands before the last dot of each assigned column.

    Empty when a column says no table: then any of them may be written.
    """
    upper, raw = reader.upper, reader.raw
    at = reader.at + 1
    found: list[Table] = []
    while reader.names[at] is not None:
        path = [raw[at]]
        while upper[at + 1] == ".":
            at += 2
            path.append(raw[at])
        if len(path) == 1:
            return []
        found.append(Table(path[-3] if len(path) > 2 else None, path[-2]))
        at = _next_assignment(reader, at + 1)
    return found


def _next_assignment(reader: QueryReader, at: int) -> int:
    upper, close = reader.upper, reader.tokens.close
    while upper[at] not in ("", ",", "WHERE", "ORDER", "LIMIT", ")"):
        at = close.get(at, at) + 1
    return at + 1 if upper[at] == "," else len(upper) - 1


def _delete(reader: QueryReader) -> None:
    """`DELETE FROM t`; MySQL's `DELETE a, b FROM …` and `DELETE FROM a, b USING`."""
    _modifiers(reader)
    frame, upper = reader.frame, reader.upper
    if upper[reader.at] == "QUICK" and reader.dialect == "mysql":
        _modifiers(reader)  # IGNORE may follow; elsewhere QUICK is a name
    frame.is_query = True
    reader.builder.mark(Kind.WRITE, "")
    reader.at += _is_history(reader)
    targets = _targets(reader)
    if upper[reader.at] == "FROM":
        reader.at += 1
        if not targets:
            start = reader.at
            targets = _targets(reader) if reader.dialect == "mysql" else []
            if upper[reader.at] != "USING":
                reader.at = start
                targets = [_target(reader)]
                reader.table(targets[0], start)
                frame.state = State.TABLES
    for table in targets:
        frame.scope.targets.append(table)
        _mark(reader, table)
    if upper[reader.at] == "USING":
        reader.at += 1
        frame.state = State.TABLE
    elif frame.state is State.EXPRESSION:
        frame.state = State.TABLE


def _target(reader: QueryReader) -> Table:
    """Read the table that a change is made in: PostgreSQL's may be `ONLY (t)`."""
    table, reader.at = read_table(reader.tokens, reader.at, reader.dialect)
    if table is None:
        raise UnreadableStatement(f"a name is missing before {reader.raw[reader.at]!r}")
    return table


def _is_history(reader: QueryReader) -> bool:
    """Tell MariaDB's `DELETE HISTORY FROM t` from the deletion in a table HISTORY."""
    if reader.upper[reader.at : reader.at + 2] != ["HISTORY", "FROM"]:
        return False
    _, end = reader.tokens.read_name(reader.at + 2)
    return reader.upper[end] in ("", ")", "BEFORE")


def _targets(reader: QueryReader) -> list[Table]:
    """Read `a, b.*, c`."""
    upper = reader.upper
    targets: list[Table] = []
    while reader.names[reader.at] is not None and upper[reader.at] != "FROM":
        targets.append(reader.name_at())
        if upper[reader.at] == "." and upper[reader.at + 1] == "*":
            reader.at += 2
        if upper[reader.at] != ",":
            break
        reader.at += 1
    return targets


def _merge(reader: QueryReader) -> None:
    _modifiers(reader)
    start = reader.at
    table = _target(reader)
    _mark(reader, table)
    reader.table(table, start)
    reader.builder.write(table)
    reader.frame.is_query = True
    reader.at += reader.upper[reader.at] == "USING"
    reader.frame.state = State.TABLE


def _table(reader: QueryReader) -> None:
    reader.at += 1
    reader.frame.is_query = True
    reader.frame.state = State.TABLE


_WORD_HANDLERS: Handlers = {**WORD_HANDLERS, "SET": _set}
_VERB_HEADS: Handlers = {
    "TABLE": _table,
    "INSERT": _insert,
    "REPLACE": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "MERGE": _merge,
}
