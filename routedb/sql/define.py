"""Statements that define things: CREATE, ALTER, DROP, GRANT, COMMENT and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from routedb.sql.change import read_query
from routedb.sql.facts import Facts
from routedb.sql.lex import Tokens
from routedb.sql.names import fold, is_name, read_name
from routedb.sql.stake import Lives, Stake
from routedb.sql.statement import Kind, SessionEffect, Table, TxEffect, TxStep
from routedb.sql.words import QUERY_STARTS, words

_TEMPORARY = words("TEMP TEMPORARY")
_BEFORE_NAME = words("IF NOT EXISTS ONLY CONCURRENTLY TABLE NO_WRITE_TO_BINLOG LOCAL")
# Kinds of objects whose own name is a table's: rows can be asked for by it.
_RELATIONS = words("TABLE VIEW TABLES")
_OBJECTS = words(
    """
    TABLE VIEW INDEX TRIGGER RULE POLICY STATISTICS SEQUENCE FUNCTION PROCEDURE SCHEMA
    DATABASE USER ROLE TYPE DOMAIN AGGREGATE OPERATOR EXTENSION PUBLICATION CAST
    SUBSCRIPTION COLLATION CONVERSION LANGUAGE SERVER TABLESPACE EVENT TRANSFORM GROUP
    ROUTINE PACKAGE COLUMN CONSTRAINT TABLES LARGE OWNED ACCESS TEXT DEFAULT
    """
)
# Objects that stand "… name ON table".
_ON_TABLE = words("INDEX TRIGGER RULE POLICY CONSTRAINT")
_NOT_TABLES = words(
    """
    SCHEMA FUNCTION SEQUENCE DATABASE DOMAIN LANGUAGE LARGE TYPE TABLESPACE FOREIGN ALL
    PARAMETER PROCEDURE ROUTINE ROLE EXTENSION TABLES
    """
)


def define(tokens: Tokens, facts: Facts) -> None:
    """CREATE, ALTER and DROP of anything."""
    up = tokens.up
    at = _object_at(up)
    facts.verb = f"{up[0]} {up[at]}".strip()
    is_temporary = not _TEMPORARY.isdisjoint(up[1:at])
    if up[:2] == ["DROP", "PREPARE"]:  # MySQL's other word for DEALLOCATE
        facts.mark(Kind.SESSION, "lives in the session")
        facts.touch(SessionEffect.PREPARE)
        facts.free(Lives.PREPARED, fold(tokens, 2, facts.dialect))
        return
    facts.mark(Kind.DDL, "defines")
    if is_temporary:
        facts.touch(SessionEffect.TEMP)
    _temporary(tokens, facts, at, is_temporary)
    if facts.dialect == "mysql" and not is_temporary:
        facts.tx.append(TxStep(TxEffect.COMMIT))
    if up[at] in _RELATIONS:
        _RELATION[up[0]](tokens, facts, at + 1)
    elif up[at] in _ON_TABLE and up[at - 1] != "EVENT":
        _on_table(tokens, facts, at + 1)
    elif up[at] == "STATISTICS" and "FROM" in up:
        _part(tokens, facts, up.index("FROM"), len(up) - 4)
    elif up[at] == "PUBLICATION":
        end = at
        for place in _places(up, at, "TABLE"):
            if place >= end:
                end = _write_list(tokens, facts, place + 1)
    elif up[at] == "SCHEMA":
        _elements(tokens, facts, at)


_LIVES = {
    "TABLE": Lives.TABLE,
    "TABLES": Lives.TABLE,
    "VIEW": Lives.VIEW,
    "SEQUENCE": Lives.SEQUENCE,
}
_TEMPORARY_SCHEMAS = {"postgresql": "pg_temp", "sqlite": "temp"}


def _temporary(tokens: Tokens, facts: Facts, at: int, is_temporary: bool) -> None:
    """Note what is made on this backend only, and what may be dropped or renamed there:
    that a table is temporary, its DROP need not say."""
    up = tokens.up
    kind = _LIVES.get(up[at])
    if kind is None:
        return
    tables, end = _list(tokens, facts, at + 1)
    if up[0] == "DROP":
        for table in tables:
            facts.frees[Stake(kind, table.name)] = None
    elif up[0] == "ALTER" and tables:
        renamed = up[end : end + 2] == ["RENAME", "TO"]
        if renamed and is_name(up[end + 2]):
            new = fold(tokens, end + 2, facts.dialect)
            facts.renames[tables[0].name, new] = None
    elif tables:
        schema = _TEMPORARY_SCHEMAS.get(facts.dialect)
        if is_temporary or (schema and tables[0].schema == schema):
            facts.touch(SessionEffect.TEMP)
            facts.hold(kind, tables[0].name)
            facts.is_brief |= _ends_with_commit(up)


def _ends_with_commit(up: list[str]) -> bool:
    return any(
        up[at : at + 3] == ["ON", "COMMIT", "DROP"]
        for at in range(len(up))
        if up[at] == "ON"
    )


def _object_at(up: list[str]) -> int:
    """Find what is defined: behind OR REPLACE, UNIQUE, DEFINER = …"""
    at = 1
    while up[at] and up[at] not in _OBJECTS:
        at += 1
    if up[at] == "CONSTRAINT" and up[at + 1] == "TRIGGER":
        at += 1
    return at if up[at] else 1


def _create_relation(tokens: Tokens, facts: Facts, at: int) -> None:
    table, at = _write(tokens, facts, at)
    if table is None:
        return
    _clauses(tokens, facts, at)
    query = _query_at(tokens, at)
    if query:
        read_query(tokens, facts, query)


def _query_at(tokens: Tokens, at: int) -> int:
    """Find the query behind AS, or MySQL's bare SELECT; 0 when there is none."""
    up = tokens.up
    while up[at]:
        if up[at] == "AS" and (up[at + 1] in QUERY_STARTS or up[at + 1] == "("):
            return at + 1
        if up[at] == "SELECT":
            return at
        at = tokens.close.get(at, at) + 1
    return 0


def _clauses(tokens: Tokens, facts: Facts, at: int) -> None:
    """Tables named inside a definition: REFERENCES, LIKE, INHERITS, PARTITION OF …"""
    up = tokens.up
    for place in range(at, len(up) - 4):
        named = _NAMES_TABLE.get(up[place])
        if named is not None and named(up, place):
            start = place + 1 + (up[place + 1] in ("OF", "PARTITION", "TABLE"))
            facts.tables.update(dict.fromkeys(_named(tokens, facts, start)))


def _named(tokens: Tokens, facts: Facts, at: int) -> Iterator[Table]:
    """One table, or a list of them in brackets."""
    if tokens.up[at] == "(":
        yield from _list(tokens, facts, at + 1)[0]
    else:
        table, _ = read_name(tokens, at, facts.dialect)
        if table is not None:
            yield table


def _is_whole(up: list[str], at: int) -> bool:
    """Tell MySQL's `CREATE TABLE n LIKE a`, where LIKE stands behind the name."""
    return at < 12 and "(" not in up[:at]


_NAMES_TABLE: dict[str, Callable[[list[str], int], bool]] = {
    "REFERENCES": lambda up, at: is_name(up[at + 1]),
    "LIKE": lambda up, at: up[at - 1] in ("(", ",") or _is_whole(up, at),
    "INHERITS": lambda up, at: up[at + 1] == "(",
    "INHERIT": lambda up, at: up[at + 2] in ("", ",", "."),
    "PARTITION": lambda up, at: up[at + 1] == "OF",
    "ATTACH": lambda up, at: up[at + 1] == "PARTITION",
    "DETACH": lambda up, at: up[at + 1] == "PARTITION",
    "WITH": lambda up, at: up[at + 1] == "TABLE",
}


def _alter_relation(tokens: Tokens, facts: Facts, at: int) -> None:
    if tokens.up[at] == "ALL":  # ALTER TABLE ALL IN TABLESPACE …
        return
    _, at = _write(tokens, facts, at)
    _clauses(tokens, facts, at)


def _drop_relation(tokens: Tokens, facts: Facts, at: int) -> None:
    _write_list(tokens, facts, at)


_RELATION: dict[str, Callable[[Tokens, Facts, int], None]] = {
    "CREATE": _create_relation,
    "ALTER": _alter_relation,
    "DROP": _drop_relation,
}


def _on_table(tokens: Tokens, facts: Facts, at: int) -> None:
    """`INDEX i ON t (…)`, `TRIGGER … ON t …`, `RULE … ON SELECT TO t DO …`."""
    up = tokens.up
    is_rule = up[at - 1] == "RULE" and "TO" in up and up[0] == "CREATE"
    place = up.index("TO") if is_rule else _first(up, at, "ON")
    if not place:
        return
    _, end = _write(tokens, facts, place + 1)
    _clauses(tokens, facts, end)
    if up[at - 1] == "POLICY":
        _conditions(tokens, facts, end)
    if up[end] == "FROM":  # CREATE CONSTRAINT TRIGGER … FROM referenced
        table, _ = read_name(tokens, end + 1, facts.dialect)
        if table is not None:
            facts.tables[table] = None
    if is_rule and "DO" in up[end:]:
        action = up.index("DO", end)
        _part(tokens, facts, end, action)
        _rule_action(tokens, facts, action + 1)


def _conditions(tokens: Tokens, facts: Facts, at: int) -> None:
    """A policy's conditions may ask other tables."""
    for place, close in sorted(tokens.close.items()):
        if place > at and tokens.up[place - 1] in ("USING", "CHECK"):
            _part(tokens, facts, place + 1, close)
            at = close  # what is inside has been read


def _part(tokens: Tokens, facts: Facts, start: int, end: int) -> None:
    """Read the tokens from `start` to `end` as a query, or a piece of one."""
    if start < end:
        read_query(Tokens(tokens.up[start:end], tokens.raw[start:end]), facts)


def _rule_action(tokens: Tokens, facts: Facts, at: int) -> None:
    """The statements of a rule, in brackets when they are several."""
    up = tokens.up
    at += up[at] in ("ALSO", "INSTEAD")
    end = len(up) - 4
    if up[at] == "(" and tokens.close[at] == end - 1:
        at, end = at + 1, end - 1
    for stop in (*(p for p in _places(up, at, ";") if p < end), end):
        if up[at] in QUERY_STARTS or up[at] == "(":
            _part(tokens, facts, at, stop)
        at = stop + 1


def _elements(tokens: Tokens, facts: Facts, at: int) -> None:
    """CREATE SCHEMA s CREATE TABLE …: the elements are statements of their own."""
    up = tokens.up
    starts = [p for p in range(at, len(up) - 4) if up[p] in ("CREATE", "GRANT")]
    for start, stop in zip(starts, [*starts[1:], len(up) - 4], strict=True):
        part = Tokens(up[start:stop], tokens.raw[start:stop])
        (define if up[start] == "CREATE" else grant)(part, facts)


def maintain(tokens: Tokens, facts: Facts) -> None:
    """TRUNCATE, VACUUM, ANALYZE, CLUSTER, OPTIMIZE …: work on tables by name."""
    up = tokens.up
    facts.mark(Kind.DDL, f"{up[0].lower()}s tables")
    if facts.dialect == "mysql":
        facts.tx.append(TxStep(TxEffect.COMMIT))
    at = 1
    if up[at] == "(":
        at = tokens.close[at] + 1
    while up[at] in _MAINTENANCE or (up[at] in _MAY_PRECEDE and is_name(up[at + 1])):
        at += 1
    if up[0] == "VACUUM" and facts.dialect == "sqlite":  # names a file, no table
        return
    if up[0] == "CLUSTER" and "ON" in up:  # CLUSTER index ON table, of old
        _write(tokens, facts, up.index("ON") + 1)
    elif not (_names_other(up, at) or (up[at] in ("INDEX", "SYSTEM"))):
        _write_list(tokens, facts, at)


_MAINTENANCE = words(
    "TABLE FULL FREEZE VERBOSE ANALYZE ANALYSE CONCURRENTLY NO_WRITE_TO_BINLOG"
)
_MAY_PRECEDE = words("TABLES LOCAL MATERIALIZED VIEW QUICK PERSISTENT")


def _names_other(up: list[str], at: int) -> bool:
    """Tell `SCHEMA s`, `ROLE r` … from a table that is called SCHEMA or ROLE."""
    return up[at] in _NOT_TABLES and (
        is_name(up[at + 1]) and up[at + 1] not in ("TO", "FROM")
    )


def rename(tokens: Tokens, facts: Facts) -> None:
    """MySQL's RENAME TABLE a TO b, c TO d."""
    facts.mark(Kind.DDL, "renames tables")
    facts.tx.append(TxStep(TxEffect.COMMIT))
    if tokens.up[1] in ("TABLE", "TABLES"):
        for place in (1, *_places(tokens.up, 1, "TO"), *_places(tokens.up, 1, ",")):
            _write(tokens, facts, place + 1)


def grant(tokens: Tokens, facts: Facts) -> None:
    """GRANT, REVOKE, COMMENT ON and SECURITY LABEL."""
    up = tokens.up
    facts.mark(Kind.DDL, "defines")
    if facts.dialect == "mysql":
        facts.tx.append(TxStep(TxEffect.COMMIT))
    at = _first(up, 1, "ON")
    if not at:
        return
    if up[0] in ("GRANT", "REVOKE"):
        if not _names_other(up, at + 1):
            _write_list(tokens, facts, at + 1)
    else:
        _comment(tokens, facts, at + 1)


def _comment(tokens: Tokens, facts: Facts, at: int) -> None:
    up = tokens.up
    at += up[at] in ("MATERIALIZED", "FOREIGN")
    if up[at] in _RELATIONS:
        _write(tokens, facts, at + 1)
    elif up[at] == "COLUMN":
        path = _path(tokens, at + 1, facts.dialect)
        if len(path) > 1:
            facts.write(Table(path[-3] if len(path) > 2 else None, path[-2]))
    elif up[at] in _ON_TABLE:
        place = _first(up, at, "ON")
        if place and up[place + 1] != "DOMAIN":
            _write(tokens, facts, place + 1)


def _path(tokens: Tokens, at: int, dialect: str) -> list[str]:
    """Read a column's name with all that stands before its dots."""
    path: list[str] = []
    while is_name(tokens.up[at]):
        path.append(fold(tokens, at, dialect))
        at += 2 if tokens.up[at + 1] == "." else 1
        if tokens.up[at - 1] != ".":
            break
    return path


def _write(tokens: Tokens, facts: Facts, at: int) -> tuple[Table | None, int]:
    while _is_before_name(tokens.up, at):
        at += 1
    table, at = read_name(tokens, at, facts.dialect)
    if table is not None:
        facts.write(table)
    return table, at


def _write_list(tokens: Tokens, facts: Facts, at: int) -> int:
    """Note a list of tables that are written; return where it ends."""
    tables, at = _list(tokens, facts, at)
    facts.write(*tables)
    return at


def _is_before_name(up: list[str], at: int) -> bool:
    """Tell IF, LOCAL … before a name from a table of that name."""
    return up[at] in _BEFORE_NAME and (up[at] == "ONLY" or is_name(up[at + 1]))


def _list(tokens: Tokens, facts: Facts, at: int) -> tuple[list[Table], int]:
    """Read `a, ONLY b *, c (columns)`."""
    up = tokens.up
    tables: list[Table] = []
    while True:
        while _is_before_name(up, at):
            at += 1
        if up[at] == "TABLES" and up[at + 1] == "IN":  # of a publication
            return tables, at
        table, at = read_name(tokens, at, facts.dialect)
        if table is None:
            return tables, at
        tables.append(table)
        at += up[at] == "*"
        if up[at] == "(":
            at = tokens.close[at] + 1
        if up[at] != ",":
            return tables, at
        at += 1


def _first(up: list[str], at: int, word: str) -> int:
    return up.index(word, at) if word in up[at:] else 0


def _places(up: list[str], at: int, word: str) -> list[int]:
    return [place for place in range(at, len(up)) if up[place] == word]
