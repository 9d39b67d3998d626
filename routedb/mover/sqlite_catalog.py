"""What a table of SQLite is, from its pragmas and the text that made it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from routedb.mover.sessions import Session
from routedb.moving.definitions import Check, Column, ForeignKey, Index, Table
from routedb.moving.spelling import name, string

_NAMES = """
SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'routedb\\_%' ESCAPE '\\'
ORDER BY 1
"""
_TABLE = "SELECT type, sql FROM sqlite_schema WHERE name = {table}"
_OPTIONS = "SELECT wr FROM pragma_table_list({table}) WHERE schema = 'main'"
_COLUMNS = (
    'SELECT name, type, "notnull", dflt_value, pk, hidden FROM '
    "pragma_table_xinfo({table}) ORDER BY cid"
)
_INDEXES = (
    'SELECT name, "unique", origin, partial FROM pragma_index_list({table}) ORDER BY 1'
)
_INDEXED = 'SELECT name, "desc", coll FROM pragma_index_xinfo({table}) WHERE key'
_REFERENCES = (
    'SELECT id, "table", "from", "to", on_delete, on_update FROM '
    "pragma_foreign_key_list({table}) ORDER BY id, seq"
)
_CHILDREN = "SELECT name, sql FROM sqlite_schema WHERE type = 'table'"
_TRIGGERS = """
SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = {table}
  AND name NOT LIKE 'routedb\\_%' ESCAPE '\\' ORDER BY 1
"""
_QUOTED = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]", re.S
)
_CHECK = re.compile(r"\bCHECK\s*\(", re.I)
_COLLATE = re.compile(r"\bCOLLATE\s+(?!BINARY\b)(\w+)", re.I)


def table_names(session: Session) -> list[str]:
    """Return the names of all tables and views in the session's file."""
    return [row[0] for row in session.run(_NAMES)]


def table_of(session: Session, table: str) -> Table | None:
    """Return what `table` is to `session`; None when there is none."""

    def ask(text: str, of: str = table) -> list[tuple[Any, ...]]:
        return session.run(text.format(table=string("sqlite", of)))

    rows = ask(_TABLE)
    if not rows or rows[0][0] not in ("table", "view"):
        return None
    kind, made = rows[0]
    listed = ask(_COLUMNS)
    key = [row for row in sorted(listed, key=lambda row: row[4]) if row[4]]
    is_rowid = not any(row[0] for row in ask(_OPTIONS))
    is_alias = len(key) == 1 and is_rowid and key[0][1].upper() == "INTEGER"
    plain = _QUOTED.sub("''", made or "")
    columns = tuple(_column(row, is_alias, is_rowid) for row in listed)
    indexes = [row for row in ask(_INDEXES) if row[2] != "pk"]
    ((count,),) = session.run(f"SELECT count(*) FROM {name('sqlite', table)}")
    return Table(
        table,
        "sqlite",
        "main",
        columns,
        tuple(row[0] for row in key),
        tuple(_index(row, ask(_INDEXED, row[0])) for row in indexes),
        tuple(_foreign_keys(session, table)),
        tuple(
            Check(f"number {n + 1}", "CHECK")
            for n, _ in enumerate(_CHECK.findall(plain))
        ),
        "",
        _oddities(kind, plain),
        tuple(row[0] for row in ask(_TRIGGERS)),
        tuple(f"the collation {each}" for each in sorted(set(_COLLATE.findall(plain)))),
        rows=int(count),
    )


def _column(row: Sequence[Any], is_alias: bool, is_rowid: bool) -> Column:
    called, declared, is_strict, default, place, hidden = row
    is_key = bool(place)
    # A key of SQLite may be NULL, but for the row's own number.
    is_nullable = not is_strict and not (is_key and (is_alias or not is_rowid))
    return Column(
        called,
        declared or "any",
        is_nullable,
        default,
        is_key and is_alias,
        "an expression" if hidden in (2, 3) else None,
    )


def _index(row: Sequence[Any], parts: Sequence[Any]) -> Index:
    called, is_unique, _, is_partial = row
    odd = [
        words
        for is_so, words in (
            (any(part[0] is None for part in parts), "has an expression"),
            (is_partial, "has a condition"),
            (any(part[1] for part in parts), "has its own order"),
            (
                is_unique and any(part[2] != "BINARY" for part in parts),
                "compares by a collation",
            ),
        )
        if is_so
    ]
    columns = tuple(part[0] for part in parts if part[0] is not None)
    return Index(called, columns, bool(is_unique), " and ".join(odd))


def _foreign_keys(session: Session, table: str) -> list[ForeignKey]:
    """Return the keys out of `table`, and those of other tables into it."""
    found = []
    for child, _ in session.run(_CHILDREN):
        rows = session.run(_REFERENCES.format(table=string("sqlite", child)))
        for number, group in groupby(rows, key=lambda row: row[0]):
            parts = list(group)
            parent = parts[0][1]
            if table not in (child, parent):
                continue
            columns = tuple(part[2] for part in parts)
            named = tuple(part[3] for part in parts)
            parents = _key_of(session, parent) if None in named else named
            called = f"{child}_{number}_fkey"
            ends = (child, columns, parent, parents)
            found.append(ForeignKey(called, *ends, parts[0][4], parts[0][5]))
    return found


def _key_of(session: Session, table: str) -> tuple[str, ...]:
    rows = session.run(_COLUMNS.format(table=string("sqlite", table)))
    key = sorted((row[4], row[0]) for row in rows if row[4])
    return tuple(column for _, column in key)


def _oddities(kind: str, plain: str) -> tuple[str, ...]:
    found = []
    if kind == "view":
        found.append("it is a view")
    if plain.upper().startswith("CREATE VIRTUAL"):
        found.append("it is a virtual table")
    if "ON CONFLICT" in plain.upper():
        found.append("it has an ON CONFLICT clause, which no other engine has")
    return tuple(found)
