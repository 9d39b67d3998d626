"""Columns and constraints of a table that is defined: what each shard can promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from routedb.config.model import TableRule
from routedb.sharding.analysis.column_scope import NameFolding
from routedb.sharding.refusals import EACH, refuse
from routedb.sql import Table
from routedb.sql.scanner.identifiers import fold_column
from routedb.sql.scanner.lexer import Tokens

# What begins an element that is neither a column nor of interest here.
_OTHERS = frozenset(
    {"CHECK", "INDEX", "KEY", "FULLTEXT", "SPATIAL", "VECTOR", "PERIOD", "PARTITION"}
    | {"LIKE", "SYSTEM", "GENERATED"}
)
_CONSTRAINTS = frozenset({"PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "EXCLUDE", "NOT"})


class DefinedTable(NamedTuple):
    """A table that the text of `tokens` defines.

    `rule` is its own, `key` its shard key as its dialect folds columns ("" of a
    reference table); `rules` has the rule of each table of the text.
    """

    tokens: Tokens
    dialect: str
    table: Table
    rule: TableRule
    key: str
    rules: Mapping[Table, TableRule]

    @property
    def made(self) -> str | None:
        """The column whose keys routedb makes, folded; None: there is none."""
        name = self.rule.id_column
        return name and fold_column(name, self.dialect, is_quoted=True)

    def column(self, at: int) -> str:
        """Return the name of the column at `at`, folded; "" when it is no name."""
        name = self.tokens.names[at]
        return "" if name is None else fold_column(name, self.dialect, is_quoted=True)


def is_same_place(one: TableRule, other: TableRule, dialect: str) -> bool:
    """Tell whether rows of equal values are on the same shards by both rules: by `one`
    and the `other`, as `dialect` folds the names of their keys."""
    names = NameFolding(dialect)
    return (
        one.database == other.database
        and one.is_reference == other.is_reference
        and one.function == other.function
        and names.key(one) == names.key(other)
    )


def elements(tokens: Tokens, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where each piece between commas begins and ends, of `tokens` from `at` up
    to `end`; commas in brackets do not count."""
    start = at
    while at < end:
        if tokens.upper[at] == ",":
            yield start, at
            start = at + 1
        at = tokens.close.get(at, at) + 1
    if start < end:
        yield start, end


def check_element(table: DefinedTable, start: int, end: int) -> str:
    """Check a column or a constraint of `table`, from `start` up to `end`; return the
    column's name, "" of a constraint. Raises ShardError for what is not promised."""
    upper, at = table.tokens.upper, start
    if upper[at] == "CONSTRAINT":
        at += 1 if upper[at + 1] in _CONSTRAINTS else 2
    if upper[at] in ("PRIMARY", "UNIQUE", "EXCLUDE"):
        _check_table_unique(table, at, end)
        return ""
    if upper[at] == "FOREIGN":
        _check_foreign_key(table, at, end)
        return ""
    if upper[at] in _OTHERS and not _is_column(table, at, end):
        return ""
    _check_column(table, start, end)
    return table.column(start)


def _is_column(table: DefinedTable, at: int, end: int) -> bool:
    """Tell a column that is called KEY, where that is no word of the grammar."""
    return (
        table.dialect != "mysql"
        and table.tokens.upper[at] in ("KEY", "INDEX", "PERIOD", "SYSTEM", "PARTITION")
        and at + 1 < end
        and table.tokens.names[at + 1] is not None
    )


def _check_table_unique(table: DefinedTable, at: int, end: int) -> None:
    upper = table.tokens.upper
    what = "PRIMARY KEY" if upper[at] == "PRIMARY" else upper[at]
    while at < end and upper[at] != "(":
        at += 1
    if at < end:  # else USING INDEX, which was checked when it was made
        check_unique(table, at, what)


def check_unique(table: DefinedTable, at: int, what: str) -> None:
    """Raise ShardError for a unique constraint of `table`, called `what`, without the
    shard key among its columns, whose bracket opens at `at`."""
    _require_key(table, _columns(table, at), what)


def _require_key(table: DefinedTable, columns: list[str], what: str) -> None:
    if table.rule.is_reference or table.key in columns:
        return
    if table.made in columns:  # a key that is made is not made twice, on any shard
        return
    listed = ", ".join(name or "…" for name in columns)
    refuse(
        f"{what} ({listed}) of {table.table} does not contain its shard key "
        f"{table.key}: each shard would see to it for its own rows, so that it could "
        f"not be promised of all of them. Add {table.key} to it, or leave it out",
        EACH,
    )


def _columns(table: DefinedTable, at: int) -> list[str]:
    """Return the columns in the bracket that opens at `at`; "" for what is more than a
    column: an expression, or MySQL's first characters of one."""
    return [
        table.column(start) if _is_plain(table, start, end) else ""
        for start, end in elements(table.tokens, at + 1, table.tokens.close[at])
    ]


def _is_plain(table: DefinedTable, start: int, end: int) -> bool:
    upper, names = table.tokens.upper, table.tokens.names
    if upper[end - 2 : end] == ["WITH", "="]:  # of EXCLUDE
        end -= 2
    return all(names[at] is not None for at in range(start, end))


def _check_column(table: DefinedTable, start: int, end: int) -> None:
    upper, at = table.tokens.upper, start + 1
    while at < end:
        is_mysql_key = upper[at] == "KEY" and table.dialect == "mysql"
        if upper[at] in ("UNIQUE", "PRIMARY") or is_mysql_key:
            what = "UNIQUE" if upper[at] == "UNIQUE" else "PRIMARY KEY"
            _require_key(table, [table.column(start)], what)
        elif upper[at] == "REFERENCES":
            _check_reference(table, [table.column(start)], at, end)
        at = table.tokens.close.get(at, at) + 1


def _check_foreign_key(table: DefinedTable, at: int, end: int) -> None:
    upper = table.tokens.upper
    while at < end and upper[at] != "(":
        at += 1
    referencing = table.tokens.close.get(at, end) + 1
    if referencing >= end or upper[referencing] != "REFERENCES":
        refuse(f"a foreign key of {table.table} is not understood", EACH)
    _check_reference(table, _columns(table, at), referencing, end)


def _check_reference(
    table: DefinedTable, columns: list[str], at: int, end: int
) -> None:
    """Check REFERENCES, at `at`: the row that is needed is on the same shard."""
    other, stop = table.tokens.read_name(at + 1)
    rule = table.rules.get(other) if other is not None else None
    if other is None or rule is None:
        refuse(f"it is not certain which table {table.table} refers to", EACH)
    if rule.is_reference:
        return
    if table.rule.is_reference:
        refuse(
            f"reference table {table.table} cannot refer to {other}, which is sharded: "
            "each shard has a copy of the one, and some rows of the other",
            EACH,
        )
    named: list[str] | None = None
    if table.tokens.upper[stop] == "(":
        named = _columns(table, stop)
    if not _is_colocated(table, columns, rule, named):
        key = NameFolding(table.dialect).key(rule)
        refuse(
            f"{table.table} refers to {other} by ({', '.join(columns)}), and the rows "
            f"may be on different shards: let the shard key {table.key} refer to its "
            f"shard key {key}, both of the same function: FOREIGN KEY ({table.key}, …) "
            f"REFERENCES {other} ({key}, …)",
            EACH,
        )
    if table.key in columns and _sets_key(table, stop, end):
        refuse(
            f"{table.table} would have its shard key {table.key} set to NULL or a "
            f"default when a row of {other} goes: its rows would be on the wrong shard",
            EACH,
        )


def _is_colocated(
    table: DefinedTable,
    columns: list[str],
    rule: TableRule,
    named: list[str] | None,
) -> bool:
    if table.rule.function != rule.function or table.key not in columns:
        return False
    if named is None:  # its primary key, which contains its shard key
        return len(columns) == 1
    place = columns.index(table.key)
    return place < len(named) and named[place] == NameFolding(table.dialect).key(rule)


def _sets_key(table: DefinedTable, at: int, end: int) -> bool:
    """Tell ON DELETE SET NULL, without a list of columns that leaves out the key."""
    upper = table.tokens.upper
    for place in range(at, end):
        is_set = upper[place] == "SET" and upper[place - 1] in ("DELETE", "UPDATE")
        if is_set and upper[place + 1] in ("NULL", "DEFAULT"):
            if upper[place + 2] != "(" or place + 2 >= end:
                return True
            return table.key in _columns(table, place + 2)
    return False
