"""Values on their way to a remainder of another dialect: as one engine sends them, as
the other takes them.

What each column becomes is in `routedb.planner.carried_types`. Each value is a text on
the way, the same from every engine, whatever the session shows (DateStyle, time zones,
extra_float_digits): see `_READ`. What is no value of the type there is refused, and
never made another value.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from math import isfinite, isnan
from typing import Any

from routedb.merge.refused import NotMerged
from routedb.moving.types import Kind
from routedb.planner import Carried, Column

Convert = Callable[[Any], Any]
Named = Callable[[str, Any], Any]  # of a value of a column of this name

# The text of a value, as SQL of its own engine; of the others it is what a cast makes.
_ASKED = {
    "postgresql": {
        Kind.FLOAT: "pg_catalog.encode(pg_catalog.float4send({}), 'hex')",
        Kind.DOUBLE: "pg_catalog.encode(pg_catalog.float8send({}), 'hex')",
        Kind.BYTES: "pg_catalog.encode({}, 'hex')",
        Kind.BOOL: "{}::integer::text",
    },
    "mysql": {
        Kind.FLOAT: "CAST(CAST({} AS DOUBLE) AS CHAR)",
        Kind.BYTES: "HEX({})",
        Kind.BITS: "LPAD(BIN({} + 0), {size}, '0')",
        # Of no session's zone; 0000-00-00 is NULL then.
        Kind.INSTANT: "COALESCE(CAST(UNIX_TIMESTAMP({0}) AS CHAR), CAST({0} AS CHAR))",
    },
}
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?"
    r"(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?)?",
    re.ASCII,
).fullmatch
_CLOCK = re.compile(
    r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?", re.ASCII
).fullmatch
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII).fullmatch
_UNIX = re.compile(r"(\d+)(?:\.(\d{1,6}))?", re.ASCII).fullmatch
_EPOCH = datetime(1970, 1, 1)
_BIGGEST = 2**63


def asked_as(column: Column, kind: Kind, name: str, dialect: str) -> str:
    """Return the SQL of an engine of `dialect` for the text of a value of this `kind`
    in `column`, which is called `name` there."""
    form = _ASKED[dialect].get(kind)
    if form is not None:
        size = re.sub(r"\D", "", column.type) or "1"
        return form.format(name, size=size)
    if dialect == "postgresql":
        return f"{name}::text"
    return name if column.collation else f"CAST({name} AS CHAR)"


def converter(
    column: Column, carried: Carried, ends: tuple[str, str], database: str
) -> Convert:
    """Return what makes of each value of `column`, in `database`, the value of a
    column `carried` so, between the dialects at both `ends`. It raises NotMerged."""
    source, target = ends
    name = f"column {column.name} of {database}"
    if source == "sqlite":
        name += f", of type {column.type},"
    read = _READ[source].get(carried.kind, _READ[source][None])
    if carried.kind is Kind.DECIMAL and source == "sqlite":
        read = partial(_decimal, carried.type)
    give = _GIVEN[target].get(carried.kind)
    if give is None:
        return partial(read, name)
    return lambda value: give(name, read(name, value))


# -- as they come ----------------------------------------------------------------------


def _plain(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise NotMerged(f"{name}: a value came as {type(value).__name__}, not as text")
    return value


def _text(name: str, value: Any) -> str:
    if "\0" in _plain(name, value):
        raise NotMerged(f"{name} has a text with NUL, which not every engine can hold")
    return str(value)


def _padded(name: str, value: Any) -> str:
    """A char(n) has no blanks at its end, whether a session's sql_mode shows them."""
    return _text(name, value).rstrip(" ")


def _number(name: str, value: Any) -> str:
    if not _NUMBER(_plain(name, value)):
        raise NotMerged(f"{name} has {value}, which is no number of every engine's")
    return str(value)


def _float(form: str, name: str, value: Any) -> str:
    (found,) = struct.unpack(form, bytes.fromhex(_plain(name, value)))
    return repr(found)


def _moment(name: str, value: Any) -> str:
    """A day, or a day and a time; in another DateStyle than ISO there is none."""
    found = _MOMENT(value) if isinstance(value, str) else None
    try:
        if found is None or found[8]:
            raise ValueError(value)
        datetime(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise NotMerged(f"{name} has {value}, which is no day") from None
    return str(value).replace("T", " ")


def _instant(name: str, value: Any) -> str:
    """A time of PostgreSQL's with its distance from UTC, in UTC."""
    found = _MOMENT(value) if isinstance(value, str) else None
    try:
        if found is None or not found[8]:
            raise ValueError(value)
        year, month, day, hour, minute, second = (int(found[n]) for n in range(1, 7))
        part = int((found[7] or "").ljust(6, "0"))
        moment = datetime(year, month, day, hour, minute, second, part)
        hours, minutes, seconds = (int(found[number] or 0) for number in (9, 10, 11))
        distance = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        moment += distance if found[8] == "-" else -distance
    except (ValueError, OverflowError):
        raise NotMerged(f"{name} has {value}, which is no day") from None
    return moment.isoformat(" ")


def _unix(name: str, value: Any) -> str:
    found = _UNIX(_plain(name, value))
    if found is None:
        raise NotMerged(f"{name} has a timestamp which is no day")
    part = int((found[2] or "").ljust(6, "0"))
    return (_EPOCH + timedelta(seconds=int(found[1]), microseconds=part)).isoformat(" ")


def _own(wanted: type, name: str, value: Any) -> Any:
    """SQLite keeps values of other types than its columns', where it is not STRICT."""
    if type(value) is not wanted:
        kind = type(value).__name__
        raise NotMerged(f"{name} has a value of Python's type {kind}")
    return value


def _truth(name: str, value: Any) -> str:
    if _own(int, name, value) not in (0, 1):
        raise NotMerged(f"{name} has {value}, which is no boolean")
    return str(value)


def _clock(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _CLOCK(value):
        raise NotMerged(f"{name} has {value}, which is no time of day")
    return value


def _decimal(type_: str, name: str, value: Any) -> str:
    """A number of SQLite's as a decimal of `type_`, if it was stored as one."""
    if type(value) not in (int, float):
        _own(float, name, value)
    number = Decimal(repr(value))
    digits, places = map(int, re.findall(r"\d+", type_))
    exponent = number.as_tuple().exponent
    if (
        not isinstance(exponent, int)
        or -exponent > places
        or number.adjusted() >= (digits - places)
    ):
        raise NotMerged(f"{name} has {value}, which is no {type_}")
    return format(number, "f")


_READ: dict[str, dict[Kind | None, Named]] = {
    "postgresql": {
        None: _plain,
        Kind.TEXT: _text,
        Kind.CHAR: _padded,
        Kind.DECIMAL: _number,
        Kind.FLOAT: partial(_float, ">f"),
        Kind.DOUBLE: partial(_float, ">d"),
        Kind.DATE: _moment,
        Kind.STAMP: _moment,
        Kind.INSTANT: _instant,
    },
    "mysql": {
        None: _plain,
        Kind.TEXT: _text,
        Kind.CHAR: _padded,
        Kind.DATE: _moment,
        Kind.STAMP: _moment,
        Kind.INSTANT: _unix,
    },
    "sqlite": {
        None: partial(_own, str),
        Kind.INTEGER: lambda name, value: str(_own(int, name, value)),
        Kind.DOUBLE: lambda name, value: repr(_own(float, name, value)),
        Kind.TEXT: lambda name, value: _text(name, _own(str, name, value)),
        Kind.BYTES: lambda name, value: _own(bytes, name, value).hex(),
        Kind.BOOL: _truth,
        Kind.DATE: _moment,
        Kind.STAMP: _moment,
        Kind.CLOCK: _clock,
    },
}

# -- as they are taken -----------------------------------------------------------------


def _finite(name: str, value: str) -> str:
    if not isfinite(float(value)):
        raise NotMerged(f"{name} has {value}, which is no number of MySQL's")
    return value


def _float_of_postgresql(name: str, value: str) -> str:
    return value.replace("inf", "Infinity")


def _whole_of_sqlite(name: str, value: str) -> int:
    number = int(value)
    if not -_BIGGEST <= number < _BIGGEST:
        raise NotMerged(f"{name} has {value}, which is no integer of SQLite's")
    return number


def _float_of_sqlite(name: str, value: str) -> float:
    number = float(value)
    if isnan(number):
        raise NotMerged(f"{name} has NaN, which is NULL in SQLite")
    return number


def _stamp_of_sqlite(name: str, value: str) -> str:
    """As sqlite3 writes a datetime of Python's."""
    before, dot, part = value.partition(".")
    return f"{before}.{part.ljust(6, '0')}" if dot and int(part) else before


_GIVEN: dict[str, dict[Kind, Named]] = {
    "postgresql": {
        Kind.BYTES: lambda name, value: f"\\x{value}",
        Kind.INSTANT: lambda name, value: f"{value}+00",
        Kind.DOUBLE: _float_of_postgresql,
    },
    "mysql": {Kind.FLOAT: _finite, Kind.DOUBLE: _finite},
    "sqlite": {
        Kind.INTEGER: _whole_of_sqlite,
        Kind.FLOAT: _float_of_sqlite,
        Kind.DOUBLE: _float_of_sqlite,
        Kind.BYTES: lambda name, value: bytes.fromhex(value),
        Kind.BOOL: lambda name, value: int(value),
        Kind.STAMP: _stamp_of_sqlite,
        Kind.INSTANT: _stamp_of_sqlite,
        Kind.CLOCK: lambda name, value: _stamp_of_sqlite(name, _clock(name, value)),
        Kind.SPAN: lambda name, value: _stamp_of_sqlite(name, _clock(name, value)),
    },
}
