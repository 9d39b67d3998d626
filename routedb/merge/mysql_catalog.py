"""Tables of MySQL and MariaDB, as information_schema has them."""

from __future__ import annotations

from routedb.merge.table_answer import Ask, TableAnswer, quoted
from routedb.planner import Column, TableInfo
from routedb.sql.statement import Table

_COLUMNS = """
SELECT c.COLUMN_NAME, c.COLUMN_TYPE, c.CHARACTER_SET_NAME, c.COLLATION_NAME,
    c.COLUMN_KEY = 'PRI', c.DATA_TYPE
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t
    ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    AND t.TABLE_TYPE = 'BASE TABLE'
WHERE c.TABLE_SCHEMA = {schema} AND c.TABLE_NAME = {name}
ORDER BY c.ORDINAL_POSITION
"""
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
    return TableAnswer(TableInfo(columns, keys), odd=odd)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
