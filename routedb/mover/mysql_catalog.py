"""What a table of MariaDB or MySQL is, from its information schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from routedb.mover.sessions import Session
from routedb.moving.definitions import Check, Column, ForeignKey, Index, Table
from routedb.moving.spelling import name, names, string

_JSON = re.compile(r"^json_valid\(`(.*)`\)$")
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_ODD_INDEXES = ("FULLTEXT", "SPATIAL")

_NAMES = """
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
  AND table_name NOT LIKE 'routedb\\_%' ORDER BY 1
"""
_TABLE = """
SELECT table_schema, table_type, engine, create_options, table_comment,
  COALESCE(table_rows, 0), COALESCE(data_length + index_length, 0)
FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name = {table}
"""
_COLUMNS = """
SELECT column_name, column_type, is_nullable = 'YES', column_default, extra,
  generation_expression, collation_name, column_comment, data_type
FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = {table} ORDER BY ordinal_position
"""
_INDEXES = """
SELECT index_name, column_name, sub_part, non_unique, index_type
FROM information_schema.statistics
WHERE table_schema = DATABASE() AND table_name = {table}
ORDER BY index_name, seq_in_index
"""
_FOREIGN_KEYS = """
SELECT r.constraint_name, r.table_name, r.referenced_table_name, r.delete_rule,
  r.update_rule, k.column_name, k.referenced_column_name,
  r.constraint_schema = r.unique_constraint_schema
FROM information_schema.referential_constraints r
JOIN information_schema.key_column_usage k
  ON k.constraint_schema = r.constraint_schema
  AND k.constraint_name = r.constraint_name AND k.table_name = r.table_name
WHERE (r.constraint_schema = DATABASE() AND r.table_name = {table})
  OR (r.unique_constraint_schema = DATABASE() AND r.referenced_table_name = {table})
ORDER BY r.table_name, r.constraint_name, k.ordinal_position
"""
_CHECKS = """
SELECT constraint_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = DATABASE() AND table_name = {table} ORDER BY 1
"""
_TRIGGERS = """
SELECT trigger_name FROM information_schema.triggers
WHERE event_object_schema = DATABASE() AND event_object_table = {table}
  AND trigger_name NOT LIKE 'routedb\\_%' ORDER BY 1
"""
# The server keeps views with the whole names of their tables.
_VIEWS = """
SELECT CONCAT('the view ', table_name) FROM information_schema.views
WHERE LOCATE(CONCAT('`', DATABASE(), '`.`', {table}, '`'), view_definition) > 0
ORDER BY 1
"""


def table_names(session: Session) -> list[str]:
    """Return the names of all tables and views in the session's database."""
    return [row[0] for row in session.run(_NAMES)]


def table_of(session: Session, table: str) -> Table | None:
    """Return what `table` is to `session`; None when there is none."""

    def ask(text: str) -> list[tuple[Any, ...]]:
        return session.run(text.format(table=string("mysql", table)))

    rows = ask(_TABLE)
    if not rows:
        return None
    schema, kind, storage, options, comment, count, size = rows[0]
    checks = ask(_CHECKS)
    valid = {found[1] for _, clause in checks if (found := _JSON.match(clause))}
    indexes = ask(_INDEXES)
    columns = tuple(_column(row, valid) for row in ask(_COLUMNS))
    return Table(
        table,
        "mysql",
        schema,
        columns,
        _key(indexes),
        tuple(_indexes(table, indexes)),
        tuple(_foreign_keys(ask(_FOREIGN_KEYS))),
        tuple(
            Check(called, f"CHECK ({clause})")
            for called, clause in checks
            if not _JSON.match(clause)
        ),
        comment,
        tuple(_oddities(kind, storage, options)),
        tuple(row[0] for row in ask(_TRIGGERS)),
        tuple(row[0] for row in ask(_VIEWS)),
        rows=int(count),
        bytes=int(size),
    )


def shape_of(session: Session, table: str) -> Table | None:
    """Return the columns and the key of `table`, as `session` has it; None when there
    is none."""
    quoted = string("mysql", table)
    columns = session.run(_COLUMNS.format(table=quoted))
    if not columns:
        return None
    return Table(
        table,
        "mysql",
        columns=tuple(_column(row, set()) for row in columns),
        key=_key(session.run(_INDEXES.format(table=quoted))),
    )


def _key(indexes: Sequence[Any]) -> tuple[str, ...]:
    return tuple(row[1] for row in indexes if row[0] == "PRIMARY")


def _column(row: Sequence[Any], valid: set[str]) -> Column:
    called, type_text, is_nullable, default, extra, expression, collation = row[:7]
    comment, base = row[7:]
    extra = extra.lower()
    labels = ()
    if base in ("enum", "set"):
        labels = tuple(each.replace("''", "'") for each in _LABEL.findall(type_text))
    return Column(
        called,
        type_text,
        bool(is_nullable),
        default,
        "auto_increment" in extra,
        expression or None,
        collation,
        comment,
        labels,
        base == "longtext" and called in valid,
        "on update" in extra,
    )


def _indexes(table: str, rows: Sequence[Any]) -> list[Index]:
    found = []
    for called, group in groupby(rows, key=lambda row: row[0]):
        parts = list(group)
        if called == "PRIMARY":
            continue
        kind, is_unique = parts[0][4], not parts[0][3]
        columns = tuple(part[1] for part in parts)
        odd, text = "", ""
        if kind in _ODD_INDEXES:
            odd = f"is {kind}"
        elif any(part[2] is not None for part in parts):
            odd = "has a prefix of a column"
            if not is_unique:
                text = _prefixed(table, called, parts)
        found.append(Index(called, columns, is_unique, odd, text))
    return found


def _prefixed(table: str, called: str, parts: Sequence[Any]) -> str:
    columns = ", ".join(
        names("mysql", [part[1]]) + (f"({part[2]})" if part[2] else "")
        for part in parts
    )
    on = f"{name('mysql', table)} ({columns})"
    return f"CREATE INDEX {name('mysql', called)} ON {on}"


def _foreign_keys(rows: Sequence[Any]) -> list[ForeignKey]:
    found = []
    for _, group in groupby(rows, key=lambda row: (row[1], row[0])):
        parts = list(group)
        called, child, parent, on_delete, on_update = parts[0][:5]
        columns = tuple(part[5] for part in parts)
        parent_columns = tuple(part[6] for part in parts)
        ends = (child, columns, parent, parent_columns)
        found.append(ForeignKey(called, *ends, on_delete, on_update))
    return found


def _oddities(kind: str, storage: str | None, options: str | None) -> list[str]:
    found = []
    if kind != "BASE TABLE":
        found.append(f"it is a {kind.lower()}")
    elif storage != "InnoDB":
        found.append(f"its storage engine is {storage}, not InnoDB")
    if options and "partitioned" in options:
        found.append("it is partitioned")
    return found
