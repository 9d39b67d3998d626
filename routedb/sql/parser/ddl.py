"""Statements that define things: CREATE, ALTER, DROP, GRANT, COMMENT and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_query
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import Tokens
from routedb.sql.session_objects import ObjectKind, SessionObject
from routedb.sql.statement import Kind, SessionEffect, Table, TxEffect, TxStep

_TEMPORARY = word_set("TEMP TEMPORARY")
_BEFORE_NAME = word_set(
    "IF NOT EXISTS ONLY CONCURRENTLY TABLE NO_WRITE_TO_BINLOG LOCAL"
)
# Kinds of objects whose own name is a table's: rows can be asked for by it.
_RELATIONS = word_set("TABLE VIEW TABLES")
_OBJECTS = word_set(
    """
    TABLE VIEW INDEX TRIGGER RULE POLICY STATISTICS SEQUENCE FUNCTION PROCEDURE SCHEMA
    DATABASE USER ROLE TYPE DOMAIN AGGREGATE OPERATOR EXTENSION PUBLICATION CAST
    SUBSCRIPTION COLLATION CONVERSION LANGUAGE SERVER TABLESPACE EVENT TRANSFORM GROUP
    ROUTINE PACKAGE COLUMN CONSTRAINT TABLES LARGE OWNED ACCESS TEXT DEFAULT
    """
)
# Objects that stand "… name ON table".
_ON_TABLE = word_set("INDEX TRIGGER RULE POLICY CONSTRAINT")
_NOT_TABLES = word_set(
    """
    SCHEMA FUNCTION SEQUENCE DATABASE DOMAIN LANGUAGE LARGE TYPE TABLESPACE FOREIGN ALL
    PARAMETER PROCEDURE ROUTINE ROLE EXTENSION TABLES
    """
)


def define(tokens: Tokens, builder: StatementBuilder) -> None:
    """CREATE, ALTER and DROP of anything."""
    upper = tokens.upper
    at = _object_at(upper)
    builder.verb = f"{upper[0]} {upper[at]}".strip()
    is_temporary = not _TEMPORARY.isdisjoint(upper[1:at])
    if upper[:2] == ["DROP", "PREPARE"]:  # MySQL's other word for DEALLOCATE
        builder.mark(Kind.SESSION, "lives in the session")
        builder.touch(SessionEffect.PREPARE)
        builder.free(ObjectKind.PREPARED, tokens.names[2] or tokens.raw[2])
        return
    builder.mark(Kind.DDL, "defines")
    if is_temporary:
        builder.touch(SessionEffect.TEMP)
    _temporary(tokens, builder, at, is_temporary)
    if builder.dialect == "mysql" and not is_temporary:
        builder.tx.append(TxStep(TxEffect.COMMIT))
    if upper[at] in _RELATIONS:
        _RELATION[upper[0]](tokens, builder, at + 1)
    elif upper[at] in _ON_TABLE and upper[at - 1] != "EVENT":
        _on_table(tokens, builder, at + 1)
    elif upper[at] == "STATISTICS" and "FROM" in upper:
        _part(tokens, builder, upper.index("FROM"), len(upper) - 4)
    elif upper[at] == "PUBLICATION":
        end = at
        for place in _places(upper, at, "TABLE"):
            if place >= end:
                end = _write_list(tokens, builder, place + 1)
    elif upper[at] == "SCHEMA":
        _elements(tokens, builder, at)


_OBJECT_KINDS = {
    "TABLE": ObjectKind.TABLE,
    "TABLES": ObjectKind.TABLE,
    "VIEW": ObjectKind.VIEW,
    "SEQUENCE": ObjectKind.SEQUENCE,
}
_TEMPORARY_SCHEMAS = {"postgresql": "pg_temp", "sqlite": "temp"}


def _temporary(
    tokens: Tokens, builder: StatementBuilder, at: int, is_temporary: bool
) -> None:
    """Note what is made on this backend only, and what may be dropped or renamed there:
    that a table is temporary, its DROP need not say."""
    upper = tokens.upper
    kind = _OBJECT_KINDS.get(upper[at])
    if kind is None:
        return
    tables, end = _list(tokens, at + 1)
    if upper[0] == "DROP":
        for table in tables:
            builder.frees[SessionObject(kind, table.name)] = None
    elif upper[0] == "ALTER" and tables:
        renamed = upper[end : end + 2] == ["RENAME", "TO"]
        new = tokens.names[end + 2]
        if renamed and new is not None:
            builder.renames[tables[0].name, new] = None
    elif tables:
        schema = _TEMPORARY_SCHEMAS.get(builder.dialect)
        if is_temporary or (schema and tables[0].schema == schema):
            builder.touch(SessionEffect.TEMP)
            builder.hold(kind, tables[0].name)
            builder.is_dropped_on_commit |= _ends_with_commit(upper)


def _ends_with_commit(upper: list[str]) -> bool:
    return any(
        upper[at : at + 3] == ["ON", "COMMIT", "DROP"]
        for at in range(len(upper))
        if upper[at] == "ON"
    )


def _object_at(upper: list[str]) -> int:
    """Find what is defined: behind OR REPLACE, UNIQUE, DEFINER = …"""
    at = 1
    while upper[at] and upper[at] not in _OBJECTS:
        at += 1
    at += upper[at : at + 2] == ["CONSTRAINT", "TRIGGER"]
    return at if upper[at] else 1


def _create_relation(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    table, at = _write(tokens, builder, at)
    if table is None:
        return
    _clauses(tokens, builder, at)
    query = _query_at(tokens, at)
    if query:
        read_query(tokens, builder, query)


def _query_at(tokens: Tokens, at: int) -> int:
    """Find the query behind AS, or MySQL's bare SELECT; 0 when there is none."""
    upper = tokens.upper
    while upper[at]:
        if upper[at] == "AS" and (
            upper[at + 1] in QUERY_STARTS or upper[at + 1] == "("
        ):
            return at + 1
        if upper[at] == "SELECT":
            return at
        at = tokens.close.get(at, at) + 1
    return 0


def _clauses(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """Tables named inside a definition: REFERENCES, LIKE, INHERITS, PARTITION OF …"""
    upper = tokens.upper
    for place in range(at, len(upper) - 4):
        named = _NAMES_TABLE.get(upper[place])
        if named is not None and named(tokens, place):
            start = place + 1 + (upper[place + 1] in ("OF", "PARTITION", "TABLE"))
            builder.tables.update(dict.fromkeys(_named(tokens, start)))


def _named(tokens: Tokens, at: int) -> Iterator[Table]:
    """One table, or a list of them in brackets."""
    if tokens.upper[at] == "(":
        yield from _list(tokens, at + 1)[0]
    else:
        table, _ = tokens.read_name(at)
        if table is not None:
            yield table


def _is_like(tokens: Tokens, at: int) -> bool:
    """Tell LIKE among columns, or behind the name in MySQL's CREATE TABLE n LIKE a."""
    upper = tokens.upper
    return upper[at - 1] in ("(", ",") or (at < 12 and "(" not in upper[:at])


_NAMES_TABLE: dict[str, Callable[[Tokens, int], bool]] = {
    "REFERENCES": lambda tokens, at: tokens.names[at + 1] is not None,
    "LIKE": _is_like,
    "INHERITS": lambda tokens, at: tokens.upper[at + 1] == "(",
    "INHERIT": lambda tokens, at: tokens.upper[at + 2] in ("", ",", "."),
    "PARTITION": lambda tokens, at: tokens.upper[at + 1] == "OF",
    "ATTACH": lambda tokens, at: tokens.upper[at + 1] == "PARTITION",
    "DETACH": lambda tokens, at: tokens.upper[at + 1] == "PARTITION",
    "WITH": lambda tokens, at: tokens.upper[at + 1] == "TABLE",
}


def _alter_relation(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    if tokens.upper[at] == "ALL":  # ALTER TABLE ALL IN TABLESPACE …
        return
    _clauses(tokens, builder, _write(tokens, builder, at)[1])


def _drop_relation(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    _write_list(tokens, builder, at)


_RELATION: dict[str, Callable[[Tokens, StatementBuilder, int], None]] = {
    "CREATE": _create_relation,
    "ALTER": _alter_relation,
    "DROP": _drop_relation,
}


def _on_table(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`INDEX i ON t (…)`, `TRIGGER … ON t …`, `RULE … ON SELECT TO t DO …`."""
    upper = tokens.upper
    is_rule = upper[at - 1] == "RULE" and "TO" in upper and upper[0] == "CREATE"
    place = upper.index("TO") if is_rule else _first(upper, at, "ON")
    if not place:
        return
    _, end = _write(tokens, builder, place + 1)
    _clauses(tokens, builder, end)
    if upper[at - 1] == "POLICY":
        _conditions(tokens, builder, end)
    if upper[end] == "FROM":  # CREATE CONSTRAINT TRIGGER … FROM referenced
        table, _ = tokens.read_name(end + 1)
        if table is not None:
            builder.tables[table] = None
    if is_rule and "DO" in upper[end:]:
        action = upper.index("DO", end)
        _part(tokens, builder, end, action)
        _rule_action(tokens, builder, action + 1)


def _conditions(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """A policy's conditions may ask other tables."""
    for place, close in sorted(tokens.close.items()):
        if place > at and tokens.upper[place - 1] in ("USING", "CHECK"):
            _part(tokens, builder, place + 1, close)
            at = close  # what is inside has been read


def _part(tokens: Tokens, builder: StatementBuilder, start: int, end: int) -> None:
    """Read the tokens from `start` to `end` as a query, or a piece of one."""
    if start < end:
        read_query(tokens.part(start, end), builder)


def _rule_action(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """The statements of a rule, in brackets when they are several."""
    upper = tokens.upper
    at += upper[at] in ("ALSO", "INSTEAD")
    end = len(upper) - 4
    if upper[at] == "(" and tokens.close[at] == end - 1:
        at, end = at + 1, end - 1
    for stop in (*(p for p in _places(upper, at, ";") if p < end), end):
        if upper[at] in QUERY_STARTS or upper[at] == "(":
            _part(tokens, builder, at, stop)
        at = stop + 1


def _elements(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """CREATE SCHEMA s CREATE TABLE …: the elements are statements of their own."""
    upper = tokens.upper
    starts = [p for p in range(at, len(upper) - 4) if upper[p] in ("CREATE", "GRANT")]
    for start, stop in zip(starts, [*starts[1:], len(upper) - 4], strict=True):
        part = tokens.part(start, stop)
        (define if upper[start] == "CREATE" else grant)(part, builder)


def maintain(tokens: Tokens, builder: StatementBuilder) -> None:
    """TRUNCATE, VACUUM, ANALYZE, CLUSTER, OPTIMIZE …: work on tables by name."""
    upper = tokens.upper
    builder.mark(Kind.DDL, f"{upper[0].lower()}s tables")
    if builder.dialect == "mysql":
        builder.tx.append(TxStep(TxEffect.COMMIT))
    at = 1
    if upper[at] == "(":
        at = tokens.close[at] + 1
    while upper[at] in _MAINTENANCE or (
        upper[at] in _MAY_PRECEDE and tokens.names[at + 1] is not None
    ):
        at += 1
    if upper[0] == "VACUUM" and builder.dialect == "sqlite":  # names a file, no table
        return
    if upper[0] == "CLUSTER" and "ON" in upper:  # CLUSTER index ON table, of old
        _write(tokens, builder, upper.index("ON") + 1)
    elif not (_names_other(tokens, at) or (upper[at] in ("INDEX", "SYSTEM"))):
        _write_list(tokens, builder, at)


_MAINTENANCE = word_set(
    "TABLE FULL FREEZE VERBOSE ANALYZE ANALYSE CONCURRENTLY NO_WRITE_TO_BINLOG"
)
_MAY_PRECEDE = word_set("TABLES LOCAL MATERIALIZED VIEW QUICK PERSISTENT")


def _names_other(tokens: Tokens, at: int) -> bool:
    """Tell `SCHEMA s`, `ROLE r` … from a table that is called SCHEMA or ROLE."""
    return (
        tokens.upper[at] in _NOT_TABLES
        and tokens.names[at + 1] is not None
        and tokens.upper[at + 1] not in ("TO", "FROM")
    )


def rename(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's RENAME TABLE a TO b, c TO d."""
    builder.mark(Kind.DDL, "renames tables")
    builder.tx.append(TxStep(TxEffect.COMMIT))
    if tokens.upper[1] in ("TABLE", "TABLES"):
        for place in (
            1,
            *_places(tokens.upper, 1, "TO"),
            *_places(tokens.upper, 1, ","),
        ):
            _write(tokens, builder, place + 1)


def grant(tokens: Tokens, builder: StatementBuilder) -> None:
    """GRANT, REVOKE, COMMENT ON and SECURITY LABEL."""
    upper = tokens.upper
    builder.mark(Kind.DDL, "defines")
    if builder.dialect == "mysql":
        builder.tx.append(TxStep(TxEffect.COMMIT))
    at = _first(upper, 1, "ON")
    if not at:
        return
    if upper[0] in ("GRANT", "REVOKE"):
        if not _names_other(tokens, at + 1):
            _write_list(tokens, builder, at + 1)
    else:
        _comment(tokens, builder, at + 1)


def _comment(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    upper = tokens.upper
    at += upper[at] in ("MATERIALIZED", "FOREIGN")
    if upper[at] in _RELATIONS:
        _write(tokens, builder, at + 1)
    elif upper[at] == "COLUMN":
        path = _path(tokens, at + 1)
        if len(path) > 1:
            builder.write(Table(path[-3] if len(path) > 2 else None, path[-2]))
    elif upper[at] in _ON_TABLE:
        place = _first(upper, at, "ON")
        if place and upper[place + 1] != "DOMAIN":
            _write(tokens, builder, place + 1)


def _path(tokens: Tokens, at: int) -> list[str]:
    """Read a column's name with all that stands before its dots."""
    path: list[str] = []
    while (name := tokens.names[at]) is not None:
        path.append(name)
        at += 2 if tokens.upper[at + 1] == "." else 1
        if tokens.upper[at - 1] != ".":
            break
    return path


def _write(
    tokens: Tokens, builder: StatementBuilder, at: int
) -> tuple[Table | None, int]:
    while _is_before_name(tokens, at):
        at += 1
    table, at = tokens.read_name(at)
    if table is not None:
        builder.write(table)
    return table, at


def _write_list(tokens: Tokens, builder: StatementBuilder, at: int) -> int:
    """Note a list of tables that are written; return where it ends."""
    tables, at = _list(tokens, at)
    builder.write(*tables)
    return at


def _is_before_name(tokens: Tokens, at: int) -> bool:
    """Tell IF, LOCAL … before a name from a table of that name."""
    word = tokens.upper[at]
    return word in _BEFORE_NAME and (word == "ONLY" or tokens.names[at + 1] is not None)


def _list(tokens: Tokens, at: int) -> tuple[list[Table], int]:
    """Read `a, ONLY b *, c (columns)`."""
    upper = tokens.upper
    tables: list[Table] = []
    while True:
        while _is_before_name(tokens, at):
            at += 1
        if upper[at] == "TABLES" and upper[at + 1] == "IN":  # of a publication
            return tables, at
        table, at = tokens.read_name(at)
        if table is None:
            return tables, at
        tables.append(table)
        at += upper[at] == "*"
        if upper[at] == "(":
            at = tokens.close[at] + 1
        if upper[at] != ",":
            return tables, at
        at += 1


def _first(upper: list[str], at: int, word: str) -> int:
    return upper.index(word, at) if word in upper[at:] else 0


def _places(upper: list[str], at: int, word: str) -> list[int]:
    return [place for place in range(at, len(upper)) if upper[place] == word]
