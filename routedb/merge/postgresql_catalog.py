"""Tables of PostgreSQL, as pg_catalog has them."""

from __future__ import annotations

from routedb.merge.table_answer import Ask, TableAnswer, constants, quoted
from routedb.planner import Column, TableInfo
from routedb.sql.scanner.identifiers import quote_path
from routedb.sql.statement import Table

# A collation of its own only, as relations are made with the default one else.
_COLUMNS = """
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation AND c.oid IS NOT NULL
        THEN pg_catalog.quote_ident(c.collname) END,
    t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace,
    pg_catalog.array_position(i.indkey::smallint[], a.attnum),
    r.relkind IN ('v', 'm'),
    CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
    a.attgenerated <> '',
    pg_catalog.pg_typeof(EXTRACT(YEAR FROM '2000-01-01'::pg_catalog.date))::text
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class r
    ON r.oid = a.attrelid AND r.relkind IN ('r', 'p', 'v', 'm')
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = pg_catalog.to_regclass({name}) AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum
"""
# A view shows what its owner may see: policies for rows may be others for its users.
_QUERY = """
SELECT pg_catalog.pg_get_viewdef(v.oid)
FROM pg_catalog.pg_class v
WHERE v.oid = pg_catalog.to_regclass({name}) AND v.relkind = 'v' AND (
    v.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
    OR NOT EXISTS (
        SELECT FROM pg_catalog.pg_rewrite r
        JOIN pg_catalog.pg_depend d ON d.objid = r.oid
        JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
        WHERE r.ev_class = v.oid AND t.relrowsecurity
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass))
"""
_ORDER = """
SELECT pg_catalog.concat_ws(' ', datcollate, datctype, pg_encoding_to_char(encoding))
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
"""


def table_answer(ask: Ask, table: Table) -> TableAnswer | None:
    """Return what `ask`, which runs a text, learns of `table`; None: it is no table."""
    parts = [part for part in (table.schema, table.name) if part is not None]
    if any("\\" in part for part in parts):
        return None
    name = quote_path(parts, "postgresql")
    rows = ask(_COLUMNS.format(name=quoted(name)))
    if not rows:
        return None
    columns = tuple(
        Column(row[0], row[1], None if row[2] == '"default"' else row[2])
        for row in rows
    )
    keys = sorted((row[4], row[0]) for row in rows if row[4] is not None)
    odd = tuple((row[0], row[1]) for row in rows if not row[3])
    ((order,),) = ask(_ORDER)
    info = TableInfo(
        columns,
        tuple(key for _, key in keys),
        is_view=rows[0][5],
        extracts=rows[0][8],
    )
    defaults = constants((row[0], row[6]) for row in rows)
    found = ask(_QUERY.format(name=quoted(name))) if info.is_view else []
    query = found[0][0].strip().removesuffix(";") if found else None
    computed = frozenset(row[0] for row in rows if row[7])
    return TableAnswer(
        info, order, odd, defaults=defaults, computed=computed, query=query
    )
