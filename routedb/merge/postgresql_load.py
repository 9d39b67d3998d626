"""Rows as a query of PostgreSQL's: arrays of texts, each cast to its type."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Ask, quoted

_LIMITS = (datetime.date.min, datetime.date.max)  # psycopg2's for infinity
# Types whose texts are the same under every setting of a session's.
_SETTLED = frozenset({16, 17, 18, 19, 20, 21, 23, 25, 26, 1042, 1043, 1082, 1700, 2950})
# They name objects of one server; and rows whose type has no name.
_UNMOVED = frozenset({24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191})
FIRST_OWN = 16384  # oids from here on are one database's
_RECORDS = frozenset({2249, 2287})
_COLUMNS = """
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, -1)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = {name}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
# Triggers of the user's, foreign keys to itself, rules; and partitions may have some.
_LOOKED_AT = """
SELECT r.relkind = 'p' OR r.relhasrules OR EXISTS (
    SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = r.oid AND NOT t.tgisinternal
) OR EXISTS (
    SELECT FROM pg_catalog.pg_constraint f
    WHERE f.conrelid = r.oid AND f.confrelid = r.oid AND f.contype = 'f')
FROM pg_catalog.pg_class r WHERE r.oid = {name}::pg_catalog.regclass
"""


def inline(
    types: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[str, tuple[str, ...]]:
    """Return a query that has the `rows`, of these `types`, and its parameters."""
    names = [f"c{number}" for number in range(len(types))]
    shown = ", ".join(
        f"{name}::{type_.replace('%', '%%')} AS {name}"
        for name, type_ in zip(names, types, strict=True)
    )
    arrays = ", ".join(["%s::text[]"] * len(types))
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    values = tuple("{" + ",".join(map(_element, column)) + "}" for column in columns)
    return (
        f"SELECT {shown} FROM unnest({arrays}) AS routedb_w({', '.join(names)})",
        values,
    )


def types_of(ask: Ask, oids: Sequence[int]) -> list[str]:
    """Return how casts spell the types of these `oids`, without what they are cut to;
    `ask` runs a text in the database that has them. Raises what `check_moved` does."""
    check_moved(ask, oids)
    listed = ", ".join(f"pg_catalog.format_type({oid}, -1)" for oid in oids)
    (names,) = ask(f"SELECT {listed}")
    return list(names)


def check_moved(ask: Ask, oids: Sequence[int]) -> None:
    """Raise NotMerged for types, of these `oids`, whose values are not moved, or whose
    texts the session makes inexact; `ask` runs a text in that."""
    for oid in oids:
        if oid in _UNMOVED or oid in _RECORDS:
            raise NotMerged(f"values of type number {oid} mean something to one server")
    if not _SETTLED.issuperset(oids):
        ((digits,),) = ask("SHOW extra_float_digits")
        if int(digits) < 1:
            raise NotMerged("extra_float_digits is below 1: floats would lose digits")


def columns_of(ask: Ask, table: str) -> list[tuple[str, str]]:
    """Have `ask` say the columns of `table`, as a text names it: names and types."""
    return [
        (str(name), str(type_))
        for name, type_ in ask(_COLUMNS.format(name=quoted(table)))
    ]


def is_looked_at(ask: Ask, table: str) -> bool:
    """Have `ask` say whether something looks at `table`, as a text names it, when a
    statement that inserts into it has ended."""
    found = ask(_LOOKED_AT.format(name=quoted(table)))
    return not found or bool(found[0][0])


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.date):
        if value in _LIMITS:
            raise NotMerged(f"a date that is {value} or infinity: psycopg2 says both")
        return value.isoformat()
    if isinstance(value, memoryview | bytes):
        return "\\x" + bytes(value).hex()
    if isinstance(value, bool | int | Decimal):
        return str(value)
    raise NotMerged(f"a value came as {type(value).__name__}, not as text")
