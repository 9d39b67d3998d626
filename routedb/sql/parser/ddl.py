"""Statements that define things: CREATE, ALTER, DROP, GRANT, COMMENT and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_query
from routedb.sql.parser.grants import grant
from routedb.sql.parser.inner_tables import note_inner_tables
from routedb.sql.parser.name_lists import (
    AFTER_DROP,
    ON_TABLE,
    RELATIONS,
    first_of,
    names_end,
    pass_over,
    pass_words,
    read_tables,
    table_of_column,
    write_table,
    write_tables,
)
from routedb.sql.scanner.keywords import QUERY_STARTS, word_set
from routedb.sql.scanner.lexer import (
    OPTIONS,
    USER_VARIABLE,
    Tokens,
    UnreadableStatement,
)
from routedb.sql.session_objects import ObjectKind, SessionObject
from routedb.sql.statement import Kind, SessionEffect, TxEffect, TxStep

_TEMPORARY = word_set("TEMP TEMPORARY")
# Words between the verb and what it defines.
_BEFORE_OBJECT = _TEMPORARY | word_set(
    """
    OR REPLACE LOCAL GLOBAL UNLOGGED UNIQUE MATERIALIZED FOREIGN RECURSIVE TRUSTED
    PROCEDURAL ONLINE OFFLINE IGNORE FULLTEXT SPATIAL UNDO VIRTUAL VECTOR ALGORITHM =
    MERGE TEMPTABLE UNDEFINED SQL SECURITY DEFINER INVOKER JSON RELATIONAL DUALITY
    """
)
_OBJECTS = word_set(
    """
    TABLE VIEW INDEX TRIGGER RULE POLICY STATISTICS SEQUENCE FUNCTION PROCEDURE SCHEMA
    DATABASE USER ROLE TYPE DOMAIN AGGREGATE OPERATOR EXTENSION PUBLICATION CAST
    SUBSCRIPTION COLLATION CONVERSION LANGUAGE SERVER TABLESPACE EVENT TRANSFORM GROUP
    ROUTINE PACKAGE COLUMN CONSTRAINT TABLES LARGE OWNED ACCESS TEXT DEFAULT DATA SYSTEM
    INSTANCE LOGFILE RESOURCE REFERENCE LIBRARY CATALOG PROPERTY
    """
)


def define(tokens: Tokens, builder: StatementBuilder) -> None:
    """CREATE, ALTER and DROP of anything."""
    upper = tokens.upper
    if upper[:2] == ["DROP", "PREPARE"]:  # MySQL's other word for DEALLOCATE
        builder.verb = "DROP PREPARE"
        builder.mark(Kind.SESSION, "lives in the session")
        builder.touch(SessionEffect.PREPARE)
        builder.free(ObjectKind.PREPARED, tokens.names[2] or tokens.raw[2])
        tokens.take(0, 3)
        return
    at = object_at(tokens)
    builder.verb = f"{upper[0]} {upper[at]}".strip()
    is_temporary = not _TEMPORARY.isdisjoint(upper[1:at])
    tokens.take(0, at + 1)
    builder.mark(Kind.DDL, "defines")
    if is_temporary:
        builder.touch(SessionEffect.TEMP)
    _temporary(tokens, builder, at, is_temporary)
    if builder.dialect == "mysql" and not is_temporary:
        builder.tx.append(TxStep(TxEffect.COMMIT))
    if upper[at] in RELATIONS:
        _RELATION[upper[0]](tokens, builder, at + 1)
    elif upper[at] in ON_TABLE and upper[at - 1] != "EVENT":
        _on_table(tokens, builder, at + 1)
    else:
        _OTHERS.get(upper[at], pass_over)(tokens, builder, at + 1)


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
    tables, end = read_tables(tokens, at + 1, builder.dialect)
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


def object_at(tokens: Tokens) -> int:
    """Return where `tokens` say what is defined: behind OR REPLACE, UNIQUE, DEFINER =
    …

    Raises UnreadableStatement for what is not known.
    """
    upper = tokens.upper
    at = 1
    while upper[at] not in _OBJECTS:
        if upper[at] == "DEFINER" and upper[at + 1] == "=":
            at = _definer_end(tokens, at + 2)
        elif upper[at] in _BEFORE_OBJECT:
            at += 1
        else:
            raise UnreadableStatement(f"{upper[0]} {tokens.raw[at]} is not known")
    return at + (upper[at : at + 2] == ["CONSTRAINT", "TRIGGER"])


def _definer_end(tokens: Tokens, at: int) -> int:
    """MySQL's account: `root@localhost`, 'root'@'%', CURRENT_USER()."""
    upper = tokens.upper
    at += 1
    at += upper[at] == USER_VARIABLE  # that is the host
    return at + 2 if upper[at] == "(" else at


def _create_relation(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    start = at
    table, at = write_table(tokens, builder, at)
    if table is None:
        return
    note_inner_tables(tokens, builder, at)
    query = _query_at(tokens, at)
    tokens.take(start, query or tokens.end)
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


def _alter_relation(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    if tokens.upper[at : at + 2] == ["ALL", "IN"]:  # ALTER TABLE ALL IN TABLESPACE …
        pass_over(tokens, builder, at)
        return
    table, end = write_table(tokens, builder, at)
    if table is None:
        return
    query = _query_at(tokens, end) if tokens.upper[at - 1] == "VIEW" else 0
    note_inner_tables(tokens, builder, end)
    tokens.take(at, query or tokens.end)
    if query:  # MySQL's ALTER VIEW v AS …
        read_query(tokens, builder, query)


def _drop_relation(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    end = write_tables(tokens, builder, at)
    if end > at:
        tokens.take(at, pass_words(tokens, end, AFTER_DROP))


_RELATION: dict[str, Callable[[Tokens, StatementBuilder, int], None]] = {
    "CREATE": _create_relation,
    "ALTER": _alter_relation,
    "DROP": _drop_relation,
}


def _on_table(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`INDEX i ON t (…)`, `TRIGGER … ON t …`, `RULE … ON SELECT TO t DO …`."""
    upper = tokens.upper
    is_rule = upper[at - 1] == "RULE" and "TO" in upper and upper[0] == "CREATE"
    place = upper.index("TO") if is_rule else first_of(upper, at, "ON")
    # ALTER INDEX i DEPENDS ON EXTENSION e; but a trigger may be called DEPENDS.
    is_dependence = place > at + 1 and upper[place - 1] == "DEPENDS"
    if not place or (
        is_dependence and upper[0] == "ALTER"
    ):  # a name, and what is done with it
        pass_over(tokens, builder, at)
        return
    tokens.take(at, tokens.end)
    _, end = write_table(tokens, builder, place + 1)
    note_inner_tables(tokens, builder, end)
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


def _statistics(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`CREATE STATISTICS s ON x, (y || z) FROM t`."""
    place = first_of(tokens.upper, at, "FROM")
    if place:
        _part(tokens, builder, place, tokens.end)
    tokens.take(at, place or tokens.end, OPTIONS)


def _conditions(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """A policy's conditions may ask other tables."""
    for place, close in sorted(tokens.close.items()):
        if place > at and tokens.upper[place - 1] in ("USING", "CHECK"):
            _part(tokens, builder, place, close + 1)
            at = close  # what is inside has been read


def _part(tokens: Tokens, builder: StatementBuilder, start: int, end: int) -> None:
    """Read the tokens from `start` to `end` as a query, or a piece of one."""
    if start < end:
        read_query(tokens.part(start, end), builder)


def _rule_action(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """The statements of a rule, in brackets when they are several."""
    upper = tokens.upper
    at += upper[at] in ("ALSO", "INSTEAD")
    end = tokens.end
    if upper[at] == "(" and tokens.close[at] == end - 1:
        at, end = at + 1, end - 1
    for stop in (*(p for p in _places(upper, at, ";") if p < end), end):
        if upper[at] in QUERY_STARTS or upper[at] == "(":
            _part(tokens, builder, at, stop)
        at = stop + 1


def _schema(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """CREATE SCHEMA s CREATE TABLE …: the elements are statements of their own."""
    starts = [*_element_starts(tokens, at), tokens.end]
    tokens.take(at, starts[0], OPTIONS)
    verb = builder.verb
    for start, stop in pairwise(starts):
        part = tokens.part(start, stop)
        (define if part.upper[0] == "CREATE" else grant)(part, builder)
    builder.verb = verb


def _element_starts(tokens: Tokens, at: int) -> Iterator[int]:
    """Find CREATE and GRANT outside of brackets; not GRANT CREATE, nor GRANT OPTION."""
    upper = tokens.upper
    while upper[at]:
        before = upper[at - 1]
        if (upper[at] == "CREATE" and before not in ("GRANT", ",")) or (
            upper[at] == "GRANT" and before != "WITH"
        ):
            yield at
        at = tokens.close.get(at, at) + 1


def _publication(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`FOR TABLE ONLY (a), b (x) WHERE (…), TABLES IN SCHEMA s`, and ADD, SET, DROP."""
    upper = tokens.upper
    is_list = False
    while upper[at]:
        start = at
        at += 1
        if upper[start] in ("TABLE", "TABLES", "WITH"):
            is_list = upper[start] == "TABLE"
        is_other = upper[at] == "TABLE" or upper[at : at + 2] == ["TABLES", "IN"]
        if is_list and upper[start] in ("TABLE", ",") and not is_other:
            _, at = write_table(tokens, builder, at)
            if upper[at] == "(":
                at = names_end(tokens, at)
        elif is_list and upper[start] == "WHERE" and upper[at] == "(":
            at = tokens.close[at] + 1
            _part(tokens, builder, start + 1, at)
        tokens.take(start, at)


def _sequence(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`CREATE SEQUENCE s OWNED BY t.column`, ALTER: it is dropped with the table."""
    pass_over(tokens, builder, at)
    upper = tokens.upper
    place = first_of(upper, at + 1, "OWNED")
    table = table_of_column(tokens, place + 2) if place else None
    if table is not None and upper[place + 1] == "BY":
        builder.tables[table] = None


def _extension(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """`ALTER EXTENSION e ADD TABLE t`, and DROP: what belongs to it."""
    upper = tokens.upper
    member = at + 2
    if upper[0] == "ALTER" and upper[at + 1] in ("ADD", "DROP"):
        member += upper[member] in ("MATERIALIZED", "FOREIGN")
        if upper[member] in RELATIONS:
            write_table(tokens, builder, member + 1)
    pass_over(tokens, builder, at)


_OTHERS: dict[str, Callable[[Tokens, StatementBuilder, int], None]] = {
    "STATISTICS": _statistics,
    "PUBLICATION": _publication,
    "SCHEMA": _schema,
    "SEQUENCE": _sequence,
    "EXTENSION": _extension,
}


def _places(upper: list[str], at: int, word: str) -> list[int]:
    return [place for place in range(at, len(upper)) if upper[place] == word]
