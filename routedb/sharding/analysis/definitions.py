"""Definitions: what runs on every shard alike, and what no shard could promise.

A definition is one text for all shards. What it says must be as true of all rows as a
shard can see to for its own: a UNIQUE constraint is, when it contains the shard key,
because equal rows are then on one shard; a foreign key is, when the row it needs is on
the same shard. The shard key itself stays as the rule has it. The text is read by its
tokens, not as a tree: of most clauses nothing has to be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from routedb.config.model import TableRule
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sharding.analysis.constraints import (
    DefinedTable,
    check_element,
    check_unique,
    elements,
    is_same_place,
)
from routedb.sharding.refusals import EACH, refuse
from routedb.sql import Scan, Table
from routedb.sql.parser.ddl import object_at
from routedb.sql.parser.hints import parse_hints
from routedb.sql.parser.name_lists import read_table, read_tables
from routedb.sql.scanner.keywords import QUERY_STARTS
from routedb.sql.scanner.lexer import Tokens, UnreadableStatement, statements
from routedb.sql.scanner.patterns import DIALECT_OF

# Nothing of these depends on how rows are dealt.
_PLAIN = frozenset(
    {"DROP TABLE", "DROP VIEW", "DROP INDEX", "TRUNCATE", "COMMENT", "REFRESH"}
    | {"GRANT", "REVOKE", "CREATE VIEW"}  # of a view: see `views`
)
_OBJECTS = frozenset({"CREATE", "ALTER", "DROP"})
_ELSEWHERE = frozenset({"TEMP", "TEMPORARY", "VIRTUAL", "FOREIGN"})
_ENDS = frozenset({"", "CASCADE", "RESTRICT"})


def read_tokens(scan: Scan) -> Tokens | None:
    """Return the tokens of the text of `scan`; None where they cannot be told."""
    try:
        _, shape = parse_hints(scan.shape)
        found, _ = statements(shape, DIALECT_OF[scan.dialect])
    except (UnreadableStatement, LookupError, ValueError):
        return None
    return found[0] if len(found) == 1 else None


def verb_of(tokens: Tokens) -> str:
    """Return the verb of a definition, with what it defines; "" of another text."""
    upper = tokens.upper
    if upper[0] not in _OBJECTS:
        return upper[0] if upper[0] in _PLAIN or upper[0] in _READ else ""
    try:
        verb = f"{upper[0]} {upper[object_at(tokens)]}"
    except UnreadableStatement:
        return ""
    return verb if verb in _PLAIN or verb in _READ else ""


def indexes_of(scan: Scan) -> list[Table]:
    """Return the indexes that a DROP INDEX or ALTER INDEX, the text of `scan`, names;
    none where that is not understood."""
    tokens = read_tokens(scan)
    if tokens is None:
        return []
    try:
        return read_tables(tokens, object_at(tokens) + 1, scan.dialect)[0]
    except UnreadableStatement:
        return []


def check_definition(
    tokens: Tokens, verb: str, dialect: str, rules: Mapping[Table, TableRule]
) -> None:
    """Raise ShardError for a definition that cannot be true of all shards.

    It is the text of `tokens`, of this `verb` and `dialect`; `rules` has the rule of
    each of its tables, of those that it makes as well.
    """
    if verb in _OBJECTS_OF_TABLES:
        words = tokens.upper[1 : object_at(tokens)]
        odd = next((word for word in words if word in _ELSEWHERE), "")
        if odd:
            refuse(f"{odd} in {verb} is for one server, and shards are several", EACH)
    read = _READ.get(verb)
    if read is not None:
        read(tokens, dialect, rules)


def _create_table(
    tokens: Tokens, dialect: str, rules: Mapping[Table, TableRule]
) -> None:
    made, at = _defined(tokens, dialect, rules)
    if _has_query(tokens, at):
        refuse(
            f"CREATE TABLE {made.table} with a query fills it with rows of several "
            "shards, which is not available: create it, then insert the rows",
            "",
        )
    columns: list[str] = []
    _check_kin(made, at)
    for start, end in _listed(tokens, at):
        columns.append(check_element(made, start, end))
    # What is taken over from another table has its key: see `_check_kin`.
    is_own = {"LIKE", "INHERITS", "OF"}.isdisjoint(tokens.upper[at:])
    if is_own and not made.rule.is_reference and made.key not in columns:
        refuse(f"CREATE TABLE {made.table} has no column {made.key}, its shard key", "")


def _alter_table(
    tokens: Tokens, dialect: str, rules: Mapping[Table, TableRule]
) -> None:
    altered, at = _defined(tokens, dialect, rules)
    for start, end in elements(tokens, at, tokens.end):
        action = _ACTIONS.get(tokens.upper[start])
        if action is not None:
            action(altered, start, end)


def _alter_view(tokens: Tokens, dialect: str, rules: Mapping[Table, TableRule]) -> None:
    altered, at = _defined(tokens, dialect, rules)
    if tokens.upper[at] == "RENAME":
        _rename(altered, at, tokens.end)
    elif "AS" in tokens.upper[at:]:
        refuse(
            f"ALTER VIEW {altered.table} with a query: drop it and create it anew", ""
        )


def _create_index(
    tokens: Tokens, dialect: str, rules: Mapping[Table, TableRule]
) -> None:
    upper = tokens.upper
    if "UNIQUE" not in upper[1 : object_at(tokens)]:
        return
    table, at = read_table(tokens, upper.index("ON") + 1, dialect)
    indexed = _found(tokens, dialect, rules, table)
    while upper[at] != "(" and at < tokens.end:
        at += 1
    check_unique(indexed, at, "UNIQUE INDEX")


def _rename_tables(
    tokens: Tokens, dialect: str, rules: Mapping[Table, TableRule]
) -> None:
    """MySQL's RENAME TABLE a TO b, c TO d."""
    for start, end in elements(tokens, 2, tokens.end):
        old, at = read_table(tokens, start, dialect)
        while tokens.upper[at] != "TO" and at < end:
            at += 1
        new, _ = read_table(tokens, at + 1, dialect)
        _check_renamed(_found(tokens, dialect, rules, old), new)


def _defined(
    tokens: Tokens, dialect: str, rules: Mapping[Table, TableRule]
) -> tuple[DefinedTable, int]:
    """Return the table that is defined, and where its name ends."""
    table, at = read_table(tokens, object_at(tokens) + 1, dialect)
    return _found(tokens, dialect, rules, table), at


def _found(
    tokens: Tokens,
    dialect: str,
    rules: Mapping[Table, TableRule],
    table: Table | None,
) -> DefinedTable:
    rule = rules.get(table) if table is not None else None
    if table is None or rule is None:
        refuse("it is not certain which table is defined", EACH)
    return DefinedTable(
        tokens, dialect, table, rule, NameFolding(dialect).key(rule), rules
    )


def _has_query(tokens: Tokens, at: int) -> bool:
    upper = tokens.upper
    while upper[at]:
        follows = upper[at + 1] in QUERY_STARTS or upper[at + 1] in ("(", "EXECUTE")
        if upper[at] == "SELECT" or (upper[at] == "AS" and follows):
            return True
        at = tokens.close.get(at, at) + 1
    return False


def _listed(tokens: Tokens, at: int) -> Iterator[tuple[int, int]]:
    """Yield where each element of the list of columns and constraints is."""
    while tokens.upper[at] not in ("(", "", "FOR", "DEFAULT", "PARTITION", "LIKE"):
        at += 1
    if tokens.upper[at] == "PARTITION" and tokens.upper[at + 1] == "OF":
        _, at = tokens.read_name(at + 2)
    if tokens.upper[at] == "(":
        yield from elements(tokens, at + 1, tokens.close[at])


def _check_kin(made: DefinedTable, at: int) -> None:
    """LIKE, INHERITS, PARTITION OF: the other table's columns and constraints are this
    one's, so it has to be placed like this one."""
    upper = made.tokens.upper
    for place in range(at, made.tokens.end):
        is_list = upper[place] == "INHERITS" and upper[place + 1] == "("
        is_part = upper[place] == "OF" and upper[place - 1] == "PARTITION"
        is_like = upper[place] == "LIKE" and (
            upper[place - 1] in ("(", ",") or place == at
        )
        if is_list or is_part or is_like:
            parent, _ = made.tokens.read_name(place + 1 + is_list)
            _check_like(made, parent, upper[place])


def _check_like(table: DefinedTable, other: Table | None, word: str) -> None:
    rule = table.rules.get(other) if other is not None else None
    if rule is None or not is_same_place(table.rule, rule, table.dialect):
        refuse(
            f"{word} makes {table.table} a table like {other}, whose rows are dealt in "
            "another way by the rules of the configuration: give both the same rule",
            "",
        )


# -- ALTER TABLE -----------------------------------------------------------------------


def _add(table: DefinedTable, at: int, end: int) -> None:
    upper = table.tokens.upper
    if table.rule.is_reference:
        _check_alike(table, at, end)
    at = _name_at(table, at + 1)
    if upper[at] == "(":  # MySQL's ADD (a int, b int)
        for start, stop in elements(table.tokens, at + 1, table.tokens.close[at]):
            check_element(table, start, stop)
    else:
        check_element(table, at, end)


_VARY = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8"}) | {
    *("IDENTITY", "AUTO_INCREMENT", "NEXTVAL", "RANDOM", "RAND", "NOW", "UUID"),
    *("GEN_RANDOM_UUID", "CLOCK_TIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_DATE"),
    *("CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "SYSDATE", "RANDOMBLOB"),
    *("STATEMENT_TIMESTAMP", "TRANSACTION_TIMESTAMP", "TIMEOFDAY", "CURDATE"),
}


def _check_alike(table: DefinedTable, at: int, end: int) -> None:
    """The rows that are there get the default: the same on every copy, it must be."""
    upper = table.tokens.upper
    varies = next((word for word in upper[at:end] if word in _VARY), "")
    if varies:
        refuse(
            f"reference table {table.table} would get a column whose {varies} gives "
            "each copy a value of its own: add it without, and set it by UPDATE",
            "",
        )


def _drop(table: DefinedTable, at: int, end: int) -> None:
    at = _name_at(table, at + 1)
    if at < end and table.column(at) == table.key and _is_over(table, at + 1, end):
        _refuse_key(table, "dropped")


def _is_over(table: DefinedTable, at: int, end: int) -> bool:
    return at >= end or table.tokens.upper[at] in _ENDS


def _alter_column(table: DefinedTable, at: int, end: int) -> None:
    upper = table.tokens.upper
    at = _name_at(table, at + 1)
    is_type = upper[at + 1] == "TYPE" or upper[at + 1 : at + 4] == [
        "SET",
        "DATA",
        "TYPE",
    ]
    if is_type and table.column(at) == table.key:
        _refuse_key(table, "given another type")


def _modify(table: DefinedTable, at: int, end: int) -> None:
    at = _name_at(table, at + 1)
    if table.column(at) == table.key:
        _refuse_key(table, "given another type")
    check_element(table, at, end)


def _change(table: DefinedTable, at: int, end: int) -> None:
    at = _name_at(table, at + 1)
    if table.column(at) == table.key:
        _refuse_key(table, "renamed or given another type")
    check_element(table, at + 1, end)


def _rename(table: DefinedTable, at: int, end: int) -> None:
    upper = table.tokens.upper
    if upper[at + 1] in ("TO", "AS", "="):
        new, _ = table.tokens.read_name(at + 2)
        _check_renamed(table, new)
        return
    if upper[at + 1] in ("INDEX", "KEY", "CONSTRAINT") and upper[at + 3] == "TO":
        return
    at = _name_at(table, at + 1)
    if upper[at + 1] != "TO":
        refuse(f"RENAME of {table.table} is not understood: write RENAME TO", "")
    if table.column(at) == table.key:
        _refuse_key(table, "renamed")


def _check_renamed(table: DefinedTable, new: Table | None) -> None:
    if new is not None and new.schema is None and new not in table.rules:
        new = new._replace(schema=table.table.schema)
    rule = table.rules.get(new) if new is not None else None
    if rule is None or not is_same_place(table.rule, rule, table.dialect):
        refuse(
            f"{table.table} would be renamed to {new}, which another rule of the "
            "configuration (or none) is for, so that its rows would be looked for "
            "where they are not: give both names the same rule first",
            "",
        )


def _set(table: DefinedTable, at: int, end: int) -> None:
    if table.tokens.upper[at + 1] == "SCHEMA":
        refuse(
            f"SET SCHEMA gives {table.table} a name that another rule may be for", EACH
        )


def _join_table(table: DefinedTable, at: int, end: int) -> None:
    """INHERIT parent, ATTACH PARTITION part, EXCHANGE PARTITION p WITH TABLE other."""
    upper = table.tokens.upper
    if upper[at] == "EXCHANGE":
        at = upper.index("TABLE", at)
    elif upper[at] == "ATTACH":
        at += 1
    other, _ = table.tokens.read_name(at + 1)
    _check_like(table, other, upper[at])


def _name_at(table: DefinedTable, at: int) -> int:
    """Skip COLUMN and IF [NOT] EXISTS."""
    upper = table.tokens.upper
    at += upper[at] == "COLUMN"
    if upper[at] == "IF" and upper[at + 1] in ("NOT", "EXISTS"):
        at += 2 + (upper[at + 1] == "NOT")
    return at


def _refuse_key(table: DefinedTable, what: str) -> None:
    refuse(
        f"{table.key} is the shard key of {table.table}: it cannot be {what}, as its "
        "value says where each row is. Make a table of the new form, insert the rows "
        "into it, and change the rule of the configuration",
        "",
    )


_ACTIONS: dict[str, Callable[[DefinedTable, int, int], None]] = {
    "ADD": _add,
    "DROP": _drop,
    "ALTER": _alter_column,
    "MODIFY": _modify,
    "CHANGE": _change,
    "RENAME": _rename,
    "SET": _set,
    "INHERIT": _join_table,
    "ATTACH": _join_table,
    "EXCHANGE": _join_table,
}
_Read = Callable[[Tokens, str, Mapping[Table, TableRule]], None]
_READ: dict[str, _Read] = {
    "CREATE TABLE": _create_table,
    "CREATE INDEX": _create_index,
    "ALTER TABLE": _alter_table,
    "ALTER VIEW": _alter_view,
    "RENAME": _rename_tables,
}
_OBJECTS_OF_TABLES = frozenset({"CREATE TABLE", "CREATE VIEW", "ALTER TABLE"})
