"""Ask PostgreSQL's catalog whether a read may have written by what it names.

From every name in the text, in whatever schema, one query follows what the server
itself would call: views to their queries, tables to their policies, children, indexes
and constraints, operators, casts, aggregates, domains and operator classes to their
functions, and the bodies of functions, which are texts to the catalog, to every name,
type and operator in them. Where a volatile function, a foreign table, or a body that
cannot be read like this is reached, something may have been written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from routedb.sql.catalog.functions import FunctionCatalog
from routedb.sql.scanner.names import calls_in, names_in
from routedb.sql.statement import Table

# Words that call an operator; it is found by its name, as if it were written.
_CALLING_OPERATORS = frozenset(
    [
        "in",
        "any",
        "some",
        "all",
        "between",
        "like",
        "ilike",
        "similar",
        "case",
        "nullif",
        "distinct",
        "using",
        "natural",
        "join",
        "greatest",
        "least",
        "order",
        "group",
        "union",
        "intersect",
        "except",
        "overlaps",
    ]
)
_CALLED = " = <> < <= > >= ~~ !~~ ~~* !~~* ~ "
# Built-in functions that run a query, or read a table, that they are given by name.
_RUNNING_QUERIES = frozenset(
    f"{what}_to_xml{form}"
    for what in ("table", "query", "cursor", "schema", "database")
    for form in ("", "schema", "_and_xmlschema")
) | {"ts_stat", "ts_rewrite"}
# Names of types as SQL has them, and as the catalog does.
_ALIASES = {
    "int": "int4",
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "decimal": "numeric",
    "dec": "numeric",
    "real": "float4",
    "float": "float8",
    "double": "float8",
    "boolean": "bool",
    "char": "bpchar",
    "character": "bpchar",
    "varying": "varchar",
    "bit": "varbit",
    "time": "timetz",
    "timestamp": "timestamptz",
}

# Whether a text may make a row of some table's type, as it makes one of another type;
# and whether it has literals, which take the types of the columns that they meet.
_CONVERTS = re.compile(
    r"::|\bcast\b|_record|xmltable|json_|\w\"?\s*'", re.IGNORECASE
).search
_HAS_LITERALS = re.compile("['%$]").search

_MISSING = """
SELECT count(*) FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]),
                               pg_catalog.unnest(%(tables)s::text[]))
  AS named(schema, name)
WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = named.name AND n.nspname = COALESCE(named.schema, n.nspname))
"""

# One row for each foreign table, and each function that is volatile or may run what its
# body does not show. Object ids from 16384 on are the users' (transam.h,
# FirstNormalObjectId). The type `name` cuts names off where the server does.
# Compiling this takes seconds, running it milliseconds: so without JIT, for this text.
_REACHED = r"""
SET LOCAL jit = off;
WITH RECURSIVE spelt AS (
  SELECT %(names)s::text[]::name[] AS names, %(calls)s::text[]::name[] AS calls,
         %(text)s::text AS text
), named_function AS (
  SELECT p.oid FROM pg_catalog.pg_proc p, spelt s
  WHERE p.oid >= 16384
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND (p.proname = ANY (s.calls) OR pg_catalog.lower(p.proname) = ANY (s.calls)
         -- A function of one row is called as if it were a column, too: t.f
         OR (p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
             AND (p.proname = ANY (s.names)
                  OR pg_catalog.lower(p.proname) = ANY (s.names))
             AND EXISTS (SELECT FROM pg_catalog.pg_type t
                         WHERE t.oid = p.proargtypes[0] AND t.typtype IN ('c', 'p'))))
), reached(class, id) AS (
  SELECT 'pg_class'::regclass::oid, c.oid FROM pg_catalog.pg_class c, spelt s
  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
    AND (c.relname = ANY (s.names) OR pg_catalog.lower(c.relname) = ANY (s.names))
  UNION
  SELECT 'pg_proc'::regclass::oid, oid FROM named_function
  UNION
  SELECT 'pg_operator'::regclass::oid, o.oid FROM pg_catalog.pg_operator o, spelt s
  WHERE o.oid >= 16384 AND pg_catalog.strpos(s.text, o.oprname) > 0
  UNION
  SELECT 'pg_type'::regclass::oid, t.oid FROM pg_catalog.pg_type t, spelt s
  WHERE t.oid >= 16384
    AND (t.typname = ANY (s.names) OR pg_catalog.lower(t.typname) = ANY (s.names)
         -- An adapter of the program's may add a cast to a parameter.
         OR (%(has_parameters)s AND t.typtype IN ('d', 'r', 'm')))
    AND (%(converts)s OR t.typname = ANY (s.calls) OR NOT EXISTS (
      SELECT FROM pg_catalog.pg_class c
      WHERE c.oid = t.typrelid AND c.relkind <> 'c'))  -- the rows of a table
  UNION  -- casts between built-in types, and how these are compared
  SELECT 'pg_proc'::regclass::oid, k.castfunc FROM pg_catalog.pg_cast k
  JOIN pg_catalog.pg_type t ON t.oid = k.casttarget, spelt s
  WHERE k.castfunc >= 16384 AND k.castsource < 16384 AND k.casttarget < 16384
    AND (k.castcontext = 'i' OR t.typname = ANY (s.names))
  UNION
  SELECT 'pg_opfamily'::regclass::oid, o.opcfamily FROM pg_catalog.pg_opclass o
  WHERE o.oid >= 16384 AND o.opcdefault AND o.opcintype < 16384
  UNION
  SELECT e.class, e.id FROM reached r CROSS JOIN LATERAL (
    SELECT 'pg_rewrite'::regclass::oid, w.oid FROM pg_catalog.pg_rewrite w
    JOIN pg_catalog.pg_class c ON c.oid = w.ev_class AND c.relkind = 'v'
    WHERE r.class = 'pg_class'::regclass AND w.ev_class = r.id AND w.ev_type = '1'
    UNION ALL
    SELECT 'pg_policy'::regclass::oid, p.oid FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
    WHERE r.class = 'pg_class'::regclass AND p.polrelid = r.id
      AND p.polcmd IN ('*', 'r')
    UNION ALL
    SELECT 'pg_class'::regclass::oid, i.inhrelid FROM pg_catalog.pg_inherits i
    WHERE r.class = 'pg_class'::regclass AND i.inhparent = r.id
    UNION ALL  -- pg_attribute stands for a type that is read, not converted to
    SELECT CASE WHEN %(has_literals)s THEN 'pg_type'::regclass::oid
                ELSE 'pg_attribute'::regclass::oid END, a.atttypid
    FROM pg_catalog.pg_attribute a
    WHERE r.class = 'pg_class'::regclass AND a.attrelid = r.id
      AND a.atttypid >= 16384
    UNION ALL
    SELECT 'pg_opfamily'::regclass::oid, o.opcfamily FROM pg_catalog.pg_opclass o
    WHERE o.oid >= 16384 AND r.class = 'pg_class'::regclass
      AND (o.oid IN (SELECT pg_catalog.unnest(i.indclass::oid[])
                     FROM pg_catalog.pg_index i WHERE i.indrelid = r.id)
           OR o.oid IN (SELECT pg_catalog.unnest(p.partclass::oid[])
                        FROM pg_catalog.pg_partitioned_table p
                        WHERE p.partrelid = r.id))
    UNION ALL
    SELECT 'pg_opfamily'::regclass::oid, m.amopfamily FROM pg_catalog.pg_amop m
    WHERE r.class = 'pg_operator'::regclass AND m.amopopr = r.id
    UNION ALL  -- what planning a query works out beforehand
    SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid AND p.provolatile = 'i'
    WHERE r.class = 'pg_class'::regclass AND d.refclassid = 'pg_proc'::regclass
      AND (d.classid, d.objid) IN (
        SELECT 'pg_class'::regclass::oid, i.indexrelid FROM pg_catalog.pg_index i
        WHERE i.indrelid = r.id
        UNION ALL
        SELECT 'pg_constraint'::regclass::oid, k.oid FROM pg_catalog.pg_constraint k
        WHERE k.conrelid = r.id
        UNION ALL
        SELECT 'pg_statistic_ext'::regclass::oid, x.oid
        FROM pg_catalog.pg_statistic_ext x WHERE x.stxrelid = r.id)
    UNION ALL
    SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
    WHERE d.classid = r.class AND d.objid = r.id
      AND r.class IN ('pg_rewrite'::regclass, 'pg_policy'::regclass,
                      'pg_proc'::regclass, 'pg_operator'::regclass,
                      'pg_constraint'::regclass)
      AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass,
                           'pg_operator'::regclass, 'pg_type'::regclass)
    UNION ALL
    SELECT 'pg_constraint'::regclass::oid, k.oid FROM pg_catalog.pg_constraint k
    WHERE r.class = 'pg_type'::regclass AND k.contypid = r.id
    UNION ALL
    SELECT r.class, t.part FROM pg_catalog.pg_type y
    CROSS JOIN LATERAL (VALUES (y.typbasetype), (y.typelem)) AS t(part)
    WHERE r.class IN ('pg_type'::regclass, 'pg_attribute'::regclass)
      AND y.oid = r.id AND t.part >= 16384
    UNION ALL
    SELECT r.class, a.atttypid FROM pg_catalog.pg_type y
    JOIN pg_catalog.pg_attribute a ON a.attrelid = y.typrelid AND a.attnum > 0
    WHERE r.class IN ('pg_type'::regclass, 'pg_attribute'::regclass)
      AND y.oid = r.id AND a.atttypid >= 16384
    UNION ALL  -- a range's subtype and functions, a multirange's range
    SELECT CASE WHEN d.refclassid = 'pg_type'::regclass THEN r.class
                ELSE d.refclassid END, d.refobjid
    FROM pg_catalog.pg_type y
    JOIN pg_catalog.pg_depend d
      ON d.classid = 'pg_type'::regclass AND d.objid = y.oid
    WHERE r.class IN ('pg_type'::regclass, 'pg_attribute'::regclass)
      AND y.oid = r.id AND y.typtype IN ('r', 'm')
      AND d.refclassid IN ('pg_type'::regclass, 'pg_proc'::regclass)
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, k.castfunc FROM pg_catalog.pg_cast k
    WHERE r.class IN ('pg_type'::regclass, 'pg_attribute'::regclass)
      AND r.id IN (k.castsource, k.casttarget) AND k.castfunc >= 16384
    UNION ALL
    SELECT 'pg_opfamily'::regclass::oid, o.opcfamily FROM pg_catalog.pg_opclass o
    WHERE r.class IN ('pg_type'::regclass, 'pg_attribute'::regclass)
      AND o.opcintype = r.id
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, m.amproc::oid FROM pg_catalog.pg_amproc m
    WHERE r.class = 'pg_opfamily'::regclass AND m.amprocfamily = r.id
      AND m.amproc::oid >= 16384
    UNION ALL
    SELECT 'pg_operator'::regclass::oid, m.amopopr FROM pg_catalog.pg_amop m
    WHERE r.class = 'pg_opfamily'::regclass AND m.amopfamily = r.id
      AND m.amopopr >= 16384
    UNION ALL  -- what no dependency is kept for: built-in functions, and bodies
    SELECT found.class, found.id FROM (
      SELECT pg_catalog.pg_get_viewdef(w.ev_class), false
      FROM pg_catalog.pg_rewrite w
      WHERE r.class = 'pg_rewrite'::regclass AND w.oid = r.id
      UNION ALL
      SELECT pg_catalog.pg_get_expr(p.polqual, p.polrelid), false
      FROM pg_catalog.pg_policy p
      WHERE r.class = 'pg_policy'::regclass AND p.oid = r.id
      UNION ALL
      SELECT pg_catalog.pg_get_constraintdef(k.oid), false
      FROM pg_catalog.pg_constraint k
      WHERE r.class = 'pg_constraint'::regclass AND k.oid = r.id
      UNION ALL
      SELECT pg_catalog.pg_get_functiondef(p.oid), true
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
      WHERE r.class = 'pg_proc'::regclass AND p.oid = r.id AND p.oid >= 16384
        AND p.prokind <> 'a' AND p.provolatile <> 'v'
        AND l.lanname NOT IN ('c', 'internal')
    ) AS source(text, is_body)
    CROSS JOIN LATERAL (
      SELECT x.word::name
      FROM pg_catalog.regexp_split_to_table(source.text, '\W+') AS x(word)
      UNION
      SELECT x.word::name FROM pg_catalog.regexp_split_to_table(
        pg_catalog.lower(source.text), '\W+') AS x(word)
      UNION  -- what is no word stands in quotes
      SELECT o.word FROM (
        SELECT relname FROM pg_catalog.pg_class WHERE oid >= 16384
        UNION ALL SELECT proname FROM pg_catalog.pg_proc WHERE oid >= 16384
        UNION ALL SELECT typname FROM pg_catalog.pg_type WHERE oid >= 16384
      ) AS o(word)
      WHERE source.is_body AND o.word::text ~ '\W' AND pg_catalog.strpos(
        source.text, pg_catalog.replace(o.word::text, '"', '""')) > 0
    ) AS w(word)
    CROSS JOIN LATERAL (
      SELECT 'pg_proc'::regclass::oid, p.oid FROM pg_catalog.pg_proc p
      WHERE p.proname = w.word
        AND CASE WHEN p.oid < 16384 THEN p.provolatile = 'v' ELSE source.is_body END
        AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      UNION ALL
      SELECT 'pg_proc'::regclass::oid, p.oid FROM pg_catalog.pg_proc p
      WHERE p.proname = w.word AND p.oid < 16384
        AND p.proname = ANY (%(running)s)
      UNION ALL
      SELECT 'pg_class'::regclass::oid, c.oid FROM pg_catalog.pg_class c
      WHERE c.relname = w.word AND source.is_body AND c.oid >= 16384
        AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
      UNION ALL  -- also the rows of a table: what meets a literal is converted
      SELECT 'pg_type'::regclass::oid, t.oid FROM pg_catalog.pg_type t
      WHERE t.typname = w.word AND source.is_body AND t.oid >= 16384
    ) AS found(class, id)
    UNION ALL
    SELECT called.class, called.id FROM pg_catalog.pg_proc p
    CROSS JOIN LATERAL (
      SELECT 'pg_operator'::regclass::oid, o.oid FROM pg_catalog.pg_operator o
      WHERE o.oid >= 16384 AND pg_catalog.strpos(p.prosrc, o.oprname) > 0
      UNION ALL  -- its target has other names, too: int4 is "integer", and "int"
      SELECT 'pg_proc'::regclass::oid, k.castfunc FROM pg_catalog.pg_cast k
      JOIN pg_catalog.pg_type t ON t.oid = k.casttarget
      WHERE k.castfunc >= 16384 AND k.castsource < 16384 AND k.casttarget < 16384
        AND (k.castcontext = 'i' OR p.prosrc ~* pg_catalog.concat(
          '\m(', pg_catalog.left(t.typname, 3), '|',
          pg_catalog.left(pg_catalog.format_type(t.oid, NULL), 3),
          CASE t.typname WHEN 'numeric' THEN '|dec' END, ')'))
    ) AS called(class, id)
    WHERE r.class = 'pg_proc'::regclass AND p.oid = r.id AND p.oid >= 16384
      AND p.provolatile <> 'v'
  ) AS e(class, id)
)
SELECT NULL, c.relname FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.id
WHERE r.class = 'pg_class'::regclass AND c.relkind = 'f'
UNION ALL
SELECT CASE WHEN p.oid < 16384 THEN 'built in' END, p.proname
FROM reached r JOIN pg_catalog.pg_proc p ON p.oid = r.id
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE r.class = 'pg_proc'::regclass
  AND (p.provolatile = 'v' OR p.prokind = 'p' OR p.proname = ANY (%(running)s)
       OR (p.oid >= 16384 AND (
         l.lanname NOT IN ('sql', 'plpgsql', 'internal', 'c')
         OR (l.lanname = 'plpgsql' AND p.prosrc ~* '\mexecute\M')
         OR p.prosrc ~* 'U&"')))  -- escapes hide a name
"""

Ask = Callable[[str, dict[str, Any]], list[tuple[Any, ...]]]


def is_plain(ask: Ask, text: str, tables: Sequence[Table]) -> bool:
    """Tell whether a read of `text`, without literals, that names `tables` certainly
    writes nothing. `ask` runs a query with parameters and returns its rows; what it
    raises goes through."""
    names, calls = names_in(text), calls_in(text)
    if _RUNNING_QUERIES & names or 'U&"' in text.upper():  # escapes hide a name
        return False
    schemas = [table.schema for table in tables]
    named = {"schemas": schemas, "tables": [table.name for table in tables]}
    ((missing,),) = ask(_MISSING, named)
    if missing:
        return False
    if not names.isdisjoint(_CALLING_OPERATORS):
        text += _CALLED
    asked = {
        "names": sorted(names | {_ALIASES[n] for n in names if n in _ALIASES}),
        "calls": sorted(calls),
        "text": text,
        "converts": _CONVERTS(text) is not None,
        "has_parameters": "%" in text,
        "has_literals": _HAS_LITERALS(text) is not None,
        "running": sorted(_RUNNING_QUERIES),
    }
    effect = FunctionCatalog("postgresql").effect
    for origin, name in ask(_REACHED, asked):
        known = effect(Table(None, name)) if origin is not None else None
        if known is None or known.reason or name in _RUNNING_QUERIES:
            return False
    return True
