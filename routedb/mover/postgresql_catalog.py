"""What a table of PostgreSQL is, from its catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb.mover.sessions import Session
from routedb.moving.definitions import Check, Column, ForeignKey, Index, Table
from routedb.moving.spelling import name, string

_ACTIONS = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}
_LARGE_OBJECTS = ("oid", "lo")

_NAMES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND c.relname NOT LIKE 'routedb\\_%' ORDER BY 1
"""
_TABLE = """
SELECT c.oid, n.nspname, c.relkind, c.relpersistence, c.relispartition,
  EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)),
  c.relrowsecurity, c.relhasrules, coalesce(obj_description(c.oid, 'pg_class'), ''),
  greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relname = {table}
"""
_OID = """
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relname = {table}
"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
  pg_get_expr(d.adbin, d.adrelid), a.attidentity <> '', a.attgenerated <> '',
  CASE WHEN a.attcollation <> t.typcollation THEN
    (SELECT collname FROM pg_collation WHERE oid = a.attcollation) END,
  coalesce(col_description(a.attrelid, a.attnum), ''),
  (SELECT string_agg(enumlabel, chr(31) ORDER BY enumsortorder) FROM pg_enum
    WHERE enumtypid = t.oid),
  coalesce(e.typnamespace, t.typnamespace) <> 'pg_catalog'::regnamespace
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_INDEXES = """
SELECT c.relname, i.indisprimary, i.indisunique, i.indexprs IS NOT NULL,
  i.indpred IS NOT NULL, m.amname, pg_get_indexdef(i.indexrelid),
  (SELECT string_agg(a.attname, chr(31) ORDER BY k.n)
    FROM unnest(i.indkey) WITH ORDINALITY k (num, n)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
    WHERE k.n <= i.indnkeyatts),
  i.indnatts <> i.indnkeyatts, i.indoption::text ~ '[1-9]',
  EXISTS (SELECT FROM unnest(i.indclass) o (id) JOIN pg_opclass p ON p.oid = o.id
    WHERE NOT p.opcdefault), i.indisexclusion
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
WHERE i.indrelid = {oid} ORDER BY c.relname
"""
_FOREIGN_KEYS = """
SELECT k.conname, c.relname, p.relname, k.confdeltype, k.confupdtype,
  (SELECT string_agg(a.attname, chr(31) ORDER BY n.i) FROM unnest(k.conkey)
    WITH ORDINALITY n (num, i) JOIN pg_attribute a
    ON a.attrelid = k.conrelid AND a.attnum = n.num),
  (SELECT string_agg(a.attname, chr(31) ORDER BY n.i) FROM unnest(k.confkey)
    WITH ORDINALITY n (num, i) JOIN pg_attribute a
    ON a.attrelid = k.confrelid AND a.attnum = n.num)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_class p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND {oid} IN (k.conrelid, k.confrelid) ORDER BY k.conname
"""
_CHECKS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = {oid} AND contype = 'c' ORDER BY conname
"""
_TRIGGERS = """
SELECT tgname FROM pg_trigger WHERE tgrelid = {oid} AND NOT tgisinternal
  AND tgname NOT LIKE 'routedb\\_%' ORDER BY 1
"""
_VIEWS = """
SELECT DISTINCT 'the view ' || v.relname FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = {oid} AND v.oid <> {oid}
ORDER BY 1
"""


def table_names(session: Session) -> list[str]:
    """Return the names of all tables and views in the session's schema."""
    return [row[0] for row in session.run(_NAMES)]


def table_of(session: Session, table: str) -> Table | None:
    """Return what `table` is to `session`; None when there is none."""
    rows = session.run(_TABLE.format(table=string("postgresql", table)))
    if not rows:
        return None
    oid, schema, kind, persistence, *marks, comment, count, size = rows[0]

    def ask(text: str) -> list[tuple[Any, ...]]:
        return session.run(text.format(oid=oid))

    columns = tuple(_column(row) for row in ask(_COLUMNS))
    indexes = ask(_INDEXES)
    return Table(
        table,
        "postgresql",
        schema,
        columns,
        _key(indexes),
        tuple(_index(row, schema) for row in indexes if not row[1]),
        tuple(_foreign_key(row) for row in ask(_FOREIGN_KEYS)),
        tuple(Check(*row) for row in ask(_CHECKS)),
        comment,
        (*_oddities(kind, persistence, marks), *_odd_columns(columns, indexes)),
        tuple(row[0] for row in ask(_TRIGGERS)),
        tuple(row[0] for row in ask(_VIEWS)),
        count,
        size,
    )


def shape_of(session: Session, table: str) -> Table | None:
    """Return the columns and the key of `table`, as `session` has it; None when there
    is none."""
    rows = session.run(_OID.format(table=string("postgresql", table)))
    if not rows:
        return None
    ((oid,),) = rows
    columns = session.run(_COLUMNS.format(oid=oid))
    indexes = session.run(_INDEXES.format(oid=oid))
    made = tuple(_column(row) for row in columns)
    return Table(table, "postgresql", columns=made, key=_key(indexes))


def _key(indexes: Sequence[Any]) -> tuple[str, ...]:
    return next((tuple(row[7].split("\x1f")) for row in indexes if row[1]), ())


def _column(row: Sequence[Any]) -> Column:
    called, type_text, is_nullable, expression, is_identity, is_generated = row[:6]
    collation, comment, labels, is_custom = row[6:]
    is_serial = bool(expression) and str(expression).startswith("nextval(")
    is_numbered = is_identity or is_serial
    return Column(
        called,
        type_text,
        is_nullable,
        None if is_generated or is_numbered else expression,
        is_numbered,
        expression if is_generated else None,
        collation,
        comment,
        tuple(labels.split("\x1f")) if labels else (),
        is_custom=is_custom,
    )


def _index(row: Sequence[Any], schema: str) -> Index:
    called, _, is_unique, by_expression, is_partial, method, text, columns = row[:8]
    includes, is_ordered, has_class, _ = row[8:]
    odd = [
        words
        for is_so, words in (
            (by_expression, "has an expression"),
            (is_partial, "has a condition"),
            (method != "btree", f"is of {method}"),
            (includes, "includes columns"),
            (is_ordered, "has its own order"),
            (has_class, "has an operator class"),
        )
        if is_so
    ]
    # Without the schema, as the target's may have another name.
    text = text.replace(f" ON {name('postgresql', schema)}.", " ON ")
    text = text.replace(f" ON {schema}.", " ON ")
    columns = tuple(columns.split("\x1f")) if columns else ()
    return Index(called, columns, is_unique, " and ".join(odd), text)


def _foreign_key(row: Sequence[Any]) -> ForeignKey:
    called, child, parent, on_delete, on_update, columns, parent_columns = row
    ends = columns.split("\x1f"), parent_columns.split("\x1f")
    return ForeignKey(
        called,
        child,
        tuple(ends[0]),
        parent,
        tuple(ends[1]),
        _ACTIONS[on_delete],
        _ACTIONS[on_update],
    )


def _oddities(kind: str, persistence: str, marks: Sequence[bool]) -> list[str]:
    is_partition, inherits, has_policies, has_rules = marks
    kinds = {
        "p": "it is partitioned",
        "f": "it is a foreign table",
        "v": "it is a view",
        "m": "it is a materialized view",
    }
    found = [kinds[kind]] if kind in kinds else []
    if persistence == "u":
        found.append("it is unlogged")
    elif persistence == "t":
        found.append("it is temporary")
    if is_partition:
        found.append("it is a partition")
    elif inherits:
        found.append("it inherits, or is inherited from")
    if has_policies:
        found.append("it has row security, by which the mover may not see all rows")
    if has_rules and kind == "r":
        found.append("it has rules")
    return found


def _odd_columns(columns: Sequence[Column], indexes: Sequence[Any]) -> list[str]:
    found = [
        f"its column {column.name} may refer to large objects ({column.type})"
        for column in columns
        if column.type in _LARGE_OBJECTS
    ]
    found += [f"it has the exclusion constraint {row[0]}" for row in indexes if row[11]]
    return found
