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
    return TableAnswer(
        TableInfo(columns, keys, is_view=bool(rows[0][9])),
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
    )


def _marked(rows: Sequence[Any], word: str) -> frozenset[str]:
    """Return the columns in whose EXTRA there is `word`."""
    return frozenset(_text(row[0]) for row in rows if word in _text(row[7]).upper())


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
