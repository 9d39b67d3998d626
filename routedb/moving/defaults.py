"""A column's DEFAULT in the words of another engine, where it has the same meaning."""

from __future__ import annotations

import re

from routedb.moving.definitions import Column
from routedb.moving.types import Kind, kind_of

_NUMBER = re.compile(r"^[-+]?\d+(\.\d+)?$")
_CAST = re.compile(r"^\(?('(?:[^']|'')*'|[-+]?[\d.]+|NULL)\)?::[\w .\"\[\](),]+$", re.S)
_STRING = re.compile(r"^'(?:[^']|'')*'$", re.S)
_NOW = re.compile(
    r"^(current_timestamp|now|localtimestamp|statement_timestamp)"
    r"(\(\d?\))?(::timestamp.*)?$",
    re.I,
)
_TODAY = re.compile(r"^(curdate\(\)|current_date(\(\))?|\(?now\(\)\)?::date)$", re.I)
_UUID = re.compile(r"^(uuid|gen_random_uuid)\(\)$", re.I)
_BITS = re.compile(r"^[bB]'([01]*)'(::.*)?$")


def default_text(column: Column, source: str, target: str) -> str | None:
    """Return the DEFAULT of `column` of `source` as `target` has it, "" for none, and
    None where it has no counterpart."""
    said = column.default
    if said is None or said.upper() == "NULL":
        return ""
    if source == target:
        return said
    plain = _CAST.sub(r"\1", said)
    if plain.upper() == "NULL":
        return ""
    kind = kind_of(column, source)
    if kind is Kind.BOOL:
        is_true = {"true": True, "false": False, "1": True, "0": False}.get(
            plain.lower()
        )
        if is_true is None:
            return None
        return str(is_true).lower() if target == "postgresql" else str(int(is_true))
    if _NUMBER.match(plain):
        return plain
    if _STRING.match(plain):
        return _string(plain, source, target)
    bits = _BITS.match(said)
    if bits is not None:
        return _padded(bits[1], column)
    if "sqlite" in (source, target):
        return _of_sqlite(plain, target, kind)
    return _function(plain, target, kind)


def _of_sqlite(plain: str, target: str, kind: Kind) -> str | None:
    """SQLite's clock is in UTC."""
    if target == "postgresql" and plain.upper() == "CURRENT_TIMESTAMP":
        return "(now() AT TIME ZONE 'UTC')" if kind is Kind.STAMP else None
    if target == "sqlite" and kind is Kind.INSTANT and _NOW.match(plain):
        return "CURRENT_TIMESTAMP"
    return None


def _string(plain: str, source: str, target: str) -> str | None:
    if source == "mysql":
        if "\\" in plain.replace("\\\\", ""):
            return None  # other escapes than that of a backslash
        return plain.replace("\\\\", "\\")
    return plain.replace("\\", "\\\\") if target == "mysql" else plain


def _padded(bits: str, column: Column) -> str:
    size = int("".join(each for each in column.type if each.isdigit()) or 1)
    return f"b'{bits.zfill(size)}'"


def _function(plain: str, target: str, kind: Kind) -> str | None:
    if _NOW.match(plain) and kind in (Kind.STAMP, Kind.INSTANT):
        return "CURRENT_TIMESTAMP" if target == "postgresql" else "CURRENT_TIMESTAMP(6)"
    if _TODAY.match(plain):
        return "CURRENT_DATE"
    if _UUID.match(plain):
        return "gen_random_uuid()" if target == "postgresql" else "uuid()"
    return None
