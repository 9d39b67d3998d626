"""A cursor whose values say all that the server has said.

psycopg2 makes a timedelta of an interval, which knows no months, and an object of JSON,
so values come as the texts of their types' output functions, but for those types that
Python has as PostgreSQL has them.
"""

from __future__ import annotations

from typing import Any

import psycopg2.extensions as ext
from psycopg2 import _psycopg

from routedb.adapters.base import Raw

_EXACT: dict[int, Any] = {
    oid: caster
    for caster in (
        *(_psycopg.BOOLEAN, _psycopg.INTEGER, _psycopg.LONGINTEGER),
        *(_psycopg.DECIMAL, _psycopg.DATE, _psycopg.BINARY, _psycopg.STRING),
    )
    for oid in caster.values
}


def exact_cursor(raw: Raw) -> Any:
    """Open such a cursor on `raw`, whatever the program has registered there."""
    cursor = raw.cursor(cursor_factory=ext.cursor)
    own = raw.string_types or {}
    known = {*_psycopg.string_types, *own} - _EXACT.keys()
    as_text = ext.new_type(tuple(known), "ROUTEDB_TEXT", _as_it_is)
    cursor.string_types = dict.fromkeys(known, as_text)
    for oid, caster in _EXACT.items():
        if oid in own or _psycopg.string_types.get(oid) is not caster:
            cursor.string_types[oid] = caster
    return cursor


def _as_it_is(value: Any, cursor: Any) -> Any:
    return value
