"""Types of the users' own by name: each database gives them numbers (OIDs) of its own.

An array is named after its elements, and what an extension brings after the extension:
neither the array's own name nor the extension's schema is the same everywhere. A
composite type is told apart by its attributes, too: what reads one reads these.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

# PostgreSQL's own types have smaller numbers, which are the same in every database
# (FirstNormalObjectId, src/include/access/transam.h).
FIRST_OF_USERS = 16384

Ask = Callable[[str, Any], list[tuple[Any, ...]]]


class TypeName(NamedTuple):
    """What a type is called in every database that has it."""

    name: str
    home: str  # its schema, or the extension that it belongs to
    is_array: bool  # of the type that is called so
    attributes: str | None  # of a composite type: their names and types


_TYPES = (
    "SELECT t.oid::int8, b.typname::text, coalesce(x.extname, n.nspname)::text, "
    "e.oid IS NOT NULL, (SELECT string_agg(quote_ident(a.attname) || ' ' || "
    "quote_ident(k.typname), ', ' ORDER BY a.attnum) "
    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type k ON k.oid = a.atttypid "
    "WHERE b.typtype = 'c' AND a.attrelid = b.typrelid "
    "AND a.attnum > 0 AND NOT a.attisdropped) "
    "FROM pg_catalog.pg_type t "
    "LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid "
    "JOIN pg_catalog.pg_type b ON b.oid = coalesce(e.oid, t.oid) "
    "JOIN pg_catalog.pg_namespace n ON n.oid = b.typnamespace "
    "LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::regclass "
    "AND d.objid = b.oid AND d.refclassid = 'pg_catalog.pg_extension'::regclass "
    "AND d.deptype = 'e' "
    "LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid "
)


def names_of(ask: Ask, numbers: Collection[int]) -> dict[int, TypeName]:
    """Return the names of the types that have these `numbers`, as far as there are
    such. `ask` runs a query with parameters."""
    return _found(ask(f"{_TYPES}WHERE t.oid = ANY(%s::oid[])", ([*numbers],)))


def numbers_of(ask: Ask, names: Collection[TypeName]) -> dict[TypeName, int]:
    """Return the numbers of the types with these `names`, as far as there are such, by
    `ask`, as `names_of` does."""
    known = sorted({name.name for name in names})
    rows = ask(f"{_TYPES}WHERE b.typname::text = ANY(%s)", (known,))
    return {name: number for number, name in _found(rows).items() if name in names}


def _found(rows: list[tuple[Any, ...]]) -> dict[int, TypeName]:
    return {int(row[0]): TypeName(*row[1:]) for row in rows}
