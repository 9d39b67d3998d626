"""Tables of MySQL and MariaDB, as information_schema has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from routedb.merge.table_answer import Ask, TableAnswer, constants, quoted
from routedb.planner import Column, TableInfo
from routedb.sql.statement import Table

_COLUMNS = """
SELECT c.COLUMN_NAME, c.COLUMN_TYPE, c.CHARACTER_SET_NAME, c.COLLATION_NAME,
    c.COLUMN_KEY = 'PRI', c.DATA_TYPE, c.COLUMN_DEFAULT, c.EXTRA, VERSION(),
    t.TABLE_TYPE = 'VIEW', c.IS_NULLABLE = 'NO'
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t
    ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    AND t.TABLE_TYPE IN ('BASE TABLE', 'VIEW')
WHERE c.TABLE_SCHEMA = {schema} AND c.TABLE_NAME = {name}
ORDER BY c.ORDINAL_POSITION
"""
_FILLED = re.compile("AUTO_INCREMENT|GENERATED", re.IGNORECASE).search
# What MySQL has made of the view's text, all names with their database.
_QUERY = """
SELECT VIEW_DEFINITION, SECURITY_TYPE, TABLE_SCHEMA FROM information_schema.VIEWS
WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {name}
"""
_LITERAL = re.compile(r"'(?:[^']|'')*'")
# A float is shown with fewer digits than it has, a timestamp in the session's zone.
_CARRIED = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double"}
    | {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}
    | {"date", "datetime", "time"}
)


def table_answer(ask: Ask, table: Table) -> TableAnswer | None:
    """Return what `ask`, which runs a text, learns of `table`; None: it is no table."""
    if "\\" in f"{table.schema}{table.name}":
        return None
    schema = "DATABASE()" if table.schema is None else quoted(table.schema)
    rows = ask(_COLUMNS.format(schema=schema, name=quoted(table.name)))
    if not rows:
        return None
    columns = tuple(
        Column(_text(row[0]), _text(row[1]), _text(row[3]) if row[3] else None)
        for row in rows
    )
    keys = tuple(_text(row[0]) for row in rows if row[4])
    odd = tuple(
        (_text(row[0]), _text(row[1])) for row in rows if _text(row[5]) not in _CARRIED
    )
    is_view = bool(rows[0][9])
    asked = _QUERY.format(schema=schema, name=quoted(table.name))
    return TableAnswer(
        TableInfo(columns, keys, is_view=is_view),
        odd=odd,
        hidden=frozenset(
            _text(row[0]) for row in rows if "INVISIBLE" in _text(row[7]).upper()
        ),
        defaults=constants((_text(row[0]), _default(*row[5:9])) for row in rows),
        required=frozenset(_text(row[0]) for row in rows if row[10]),
        unfilled=frozenset(
            _text(row[0])
            for row in rows
            if row[10] and row[6] is None and not _FILLED(_text(row[7]))
        ),
        counted=_marked(rows, "AUTO_INCREMENT"),
        computed=_marked(rows, " GENERATED"),
        query=_query(ask(asked)) if is_view else None,
    )


def _marked(rows: Sequence[Any], word: str) -> frozenset[str]:
    """Return the columns in whose EXTRA there is `word`."""
    return frozenset(_text(row[0]) for row in rows if word in _text(row[7]).upper())


def _query(rows: list[tuple[str | bytes, ...]]) -> str | None:
    """Return the query of a view, its names without the database; None where that is
    not certain, or where it asks who it is that asks."""
    texts = [_text(value) for value in rows[0]] if rows else [""]
    if not texts[0]:  # it is shown to who may see it
        return None
    query, security, schema = texts
    own = f"`{schema.replace('`', '``')}`."
    code = _LITERAL.sub("''", query)
    is_odd = "\\" in query or '"' in query or query.count(own) != code.count(own)
    asks_who = security == "DEFINER" and "user(" in code.lower()
    return None if is_odd or asks_who else query.replace(own, "")


def _default(
    type_: str | bytes, text: str | bytes | None, extra: str | bytes, version: str
) -> str | None:
    """Return a default as the DDL has it: MySQL tells the value, MariaDB the text."""
    if text is None or "MARIADB" in _text(version).upper():
        return None if text is None else _text(text)
    is_computed = "DEFAULT_GENERATED" in _text(extra).upper()
    if is_computed or _text(type_) in ("timestamp", "datetime"):
        return None
    return quoted(_text(text))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
