"""Values on their way into tables of other dialects: what PostgreSQL would have stored,
as the other engine takes it, or an error.

The other way round is `across`. A value comes as the text that PostgreSQL has of it in
the type that its column is carried as. What the column at home cannot hold is refused
here, before anything is sent, as what a server makes of it (an error, or another value)
depends on its `sql_mode`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

from routedb import errors
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import quoted
from routedb.planner import Column

_BITS = {"tiny": 8, "small": 16, "medium": 24, "": 32, "big": 64}
_WHOLE = re.compile(r"(tiny|small|medium|big|)int\b").match
_LENGTH = re.compile(r"(?:var)?char\((\d+)\)").fullmatch
_BYTES = {"tinytext": 2**8, "text": 2**16, "mediumtext": 2**24, "longtext": 2**32}
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: \d\d:\d\d:\d\d(?:\.\d{1,6})?)?", re.ASCII)
# What each character set of MySQL's holds; of others, that all hold.
_HOLDS: dict[str, Callable[[str], bool]] = {
    "utf8mb4": lambda text: True,
    "utf8mb3": lambda text: all(ord(each) < 0x10000 for each in text),
    "utf8": lambda text: all(ord(each) < 0x10000 for each in text),
    "latin1": lambda text: _encodes(text, "cp1252"),
}


class Stored(NamedTuple):
    """A value as SQL, with a placeholder where it has parameters; `text` is that of
    `shown`."""

    sql: str
    values: tuple[Any, ...] = ()
    text: str | None = None


def shown(expression: str, type_: str) -> str:
    """Return the text of PostgreSQL's that has the value of an `expression`, as it is
    stored in a column of `type_`: of floats the bits, as texts may have less."""
    if type_ == "double precision":
        sent = f"pg_catalog.float8send(({expression})::float8)"
        return f"pg_catalog.encode({sent}, 'hex')"
    return f"({expression})::{type_}::text"


def stored(text: str | None, column: Column, type_: str, dialect: str) -> Stored:
    """Return what is written to a `column` of an engine of `dialect`, which is carried
    as `type_`, for the value `text` of `shown`. Raises DataError for what the column
    cannot hold, and NotMerged for what would be another value there."""
    if text is None:
        return Stored("NULL")
    value = _value(text, column, type_)
    if dialect == "sqlite":
        return Stored("%s", (value,), text)
    _check_mysql(value, column)
    return Stored(_mysql(value, type_), text=text)


def _mysql(value: Any, type_: str) -> str:
    if isinstance(value, str):
        if type_ == "text":
            return f"_utf8mb4 X'{value.encode().hex()}'" if value else "''"
        return quoted(value)
    if isinstance(value, float):
        return repr(value) if "e" in repr(value) else f"{value!r}e0"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _value(text: str, column: Column, type_: str) -> Any:
    name = f"column {column.name}"
    if type_ == "text":
        return text
    if type_ == "double precision":
        (value,) = struct.unpack(">d", bytes.fromhex(text))
        if not isfinite(value) or (value == 0 and str(value) != "0.0"):
            raise NotMerged(f"{name}: {value} is no value of every engine's")
        return value
    if type_ == "date" or type_.startswith("timestamp"):
        return _moment(text, name)
    if type_.startswith("numeric"):
        number = Decimal(text)
        if not number.is_finite():
            raise NotMerged(f"{name}: {number} is no value of every engine's")
        return number
    return int(text)


def _moment(text: str, name: str) -> str:
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise NotMerged(f"{name}: a day that not every engine has") from None
    return text


def _check_mysql(value: Any, column: Column) -> None:
    type_ = column.type.lower()
    whole = _WHOLE(type_)
    if whole:
        bits = 2 ** _BITS[whole[1]]
        least, most = -bits // 2, bits // 2
        if "unsigned" in type_:
            least, most = 0, bits
        if not least <= value < most:
            raise errors.DataError(f"column {column.name}: {type_} out of range")
    elif isinstance(value, Decimal | float) and value < 0 and "unsigned" in type_:
        raise errors.DataError(f"column {column.name}: {type_} out of range")
    elif isinstance(value, str) and column.collation is not None:
        _check_text(value, column, type_)


def _check_text(value: str, column: Column, type_: str) -> None:
    length = _LENGTH(type_)
    charset = column.collation.partition("_")[0] if column.collation else ""
    is_too_long = (
        len(value) > int(length[1])
        if length
        else len(value.encode()) >= _BYTES.get(type_, 0)
    )
    if is_too_long:
        raise errors.DataError(f"value too long for column {column.name}, {type_}")
    if not _HOLDS.get(charset, str.isascii)(value):
        raise errors.DataError(
            f"column {column.name} is in the character set {charset}, which has not "
            "all characters of the value"
        )
    if type_.startswith("char") and value.endswith(" "):
        raise NotMerged(f"column {column.name} keeps no blanks at the end of a text")


def _encodes(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
