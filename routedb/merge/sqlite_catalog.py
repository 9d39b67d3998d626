"""Tables of SQLite: pragma_table_xinfo, and what their DDL says of collations."""

from __future__ import annotations

import re
from typing import Any

from routedb.merge.table_answer import Ask, TableAnswer, constants, quoted
from routedb.planner import Column, TableInfo
from routedb.sql.statement import Table

_COLLATE = re.compile(r"\bCOLLATE\s+([\"'`\[]?\w+[\"'`\]]?)", re.IGNORECASE)

_NAME = r"""(?:"[^"]+"|\[[^\]]+\]|`[^`]+`|\w+)"""
_VIEW = re.compile(
    rf"CREATE\s+VIEW\s+(?:{_NAME}\s*\.\s*)?{_NAME}\s*"
    rf"(\((?:\s*{_NAME}\s*,)*\s*{_NAME}\s*\))?\s*AS\b(.*)",
    re.IGNORECASE | re.DOTALL,
).fullmatch


def table_answer(ask: Ask, table: Table) -> TableAnswer | None:
    """Return what `ask`, which runs a text, learns of `table`; None: it is no table."""
    schema = "main" if table.schema is None else table.schema
    master = f'"{schema}".sqlite_master'
    found = ask(
        f"SELECT sql, type = 'view' FROM {master} WHERE type IN ('table', 'view') "
        f"AND lower(name) = lower({quoted(table.name)})"
    )
    if len(found) != 1 or not found[0][0] or "VIRTUAL" in found[0][0][:20].upper():
        return None
    rows = ask(
        'SELECT name, type, pk, hidden, dflt_value, "notnull" FROM '
        f"pragma_table_xinfo({quoted(table.name)}, {quoted(schema)}) ORDER BY cid"
    )
    collations = _collations(found[0][0], [row[0] for row in rows])
    if collations is None or any(row[3] == 1 for row in rows):
        return None
    is_view = bool(found[0][1])
    columns = tuple(Column(row[0], row[1], collations.get(row[0])) for row in rows)
    keys = sorted((row[2], row[0]) for row in rows if row[2])
    is_numbered = len(keys) == 1  # INTEGER PRIMARY KEY is the row's number
    counted = frozenset(
        row[0] for row in rows if row[2] and is_numbered and row[1].upper() == "INTEGER"
    )
    return TableAnswer(
        TableInfo(columns, tuple(name for _, name in keys), is_view=is_view),
        hidden=frozenset(row[0] for row in rows if row[3]),
        defaults=constants((row[0], row[4]) for row in rows),
        required=frozenset(row[0] for row in rows if row[5] or row[2]),
        unfilled=frozenset(
            row[0] for row in rows if (row[5] or row[2]) and row[4] is None
        )
        - counted,
        counted=counted,
        computed=frozenset(row[0] for row in rows if row[3]),
        query=_query(found[0][0]) if is_view else None,
        is_opaque=is_view and not _is_plain(ask, master, rows),
    )


def _query(ddl: str) -> str | None:
    """Return the query of a view by its DDL, with the names that it gives to columns;
    None where that is not understood."""
    found = _VIEW(ddl)
    if found is None:
        return None
    listed, query = found[1], found[2].strip().removesuffix(";")
    if listed is None:
        return query
    return f"WITH routedb_v{listed} AS ({query}) SELECT * FROM routedb_v"


def _is_plain(ask: Ask, master: str, rows: list[tuple[Any, ...]]) -> bool:
    """Tell whether columns of a view compare as those of a table with the same types
    do: not what is computed, which has no affinity, and not under a collation, which
    nothing tells of a view."""
    (collated,) = ask(f"SELECT count(*) FROM {master} WHERE sql LIKE '%COLLATE%'")
    return collated == (0,) and all(row[1] for row in rows)


def _collations(ddl: str, names: list[str]) -> dict[str, str] | None:
    """Return the collations of columns, None when they cannot be told.

    No pragma tells them. The DDL has each column's between its name and the comma.
    """
    if not _COLLATE.search(ddl):
        return {}
    found: dict[str, str] = {}
    body = ddl[ddl.index("(") + 1 :]
    if any(mark in body for mark in ("--", "/*", "'")):
        return None
    for definition in _definitions(body):
        name = definition.split(None, 1)[0].strip('"`[]') if definition else ""
        collate = _COLLATE.search(definition)
        if collate and name.upper() in ("PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT"):
            return None
        if collate:
            known = next((each for each in names if each.lower() == name.lower()), None)
            if known is None:
                return None
            found[known] = collate[1].strip("\"'`[]").upper()
    return found


def _definitions(body: str) -> list[str]:
    depth, pieces, piece = 1, [], ""
    for char in body:
        depth += (char == "(") - (char == ")")
        if depth == 0:
            break
        if char == "," and depth == 1:
            pieces.append(piece.strip())
            piece = ""
        else:
            piece += char
    return [*pieces, piece.strip()]
