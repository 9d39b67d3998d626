"""The shard of a row that is to be written, by the value that its key is stored as.

A server casts what it stores: 2.5 becomes 3 in a column of integers. So a row is dealt
by a value only where that is of the column's own kind, and stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from routedb import errors
from routedb.merge.refused import NotMerged
from routedb.planner import Column
from routedb.sharding.keys.value_terms import ShardKey, locate_value

_INTEGERS = frozenset({20, 21, 23})
# Types of PostgreSQL's by their first word, and the numbers of those that are stored in
# them as they are. Blanks at the end, which varchar(n) may lose, tell no keys apart.
_POSTGRESQL = {
    **dict.fromkeys(("smallint", "integer", "bigint"), _INTEGERS),
    "numeric": _INTEGERS | {1700},
    "text": frozenset({25, 1043}),
    "character varying": frozenset({25, 1043}),
    "uuid": frozenset({2950}),
    "date": frozenset({1082}),
    "boolean": frozenset({16}),
    "bytea": frozenset({17}),
    "timestamp without time zone": frozenset({1114}),
}
# The same of MySQL's, by the codes of its protocol.
_WHOLE, _DAYS = frozenset({1, 2, 3, 8, 9}), frozenset({10})
_NULL = 6  # each of the values
_TEXTS = frozenset({15, 249, 250, 251, 252, 253, 254})
_MYSQL = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), _WHOLE),
    **dict.fromkeys(("varchar", "char", "text", "tinytext", "mediumtext"), _TEXTS),
    "longtext": _TEXTS,
    "date": _DAYS,
}


def shard_reader(
    engine: str,
    key: ShardKey,
    shards: int,
    column: Column,
    described: Any,
    is_untyped: bool = False,
) -> Callable[[Any], int]:
    """Return what tells the shard, of so many `shards`, of a value of `key`.

    `column` is the key's, on `engine`, `described` is how the driver describes the
    values; `is_untyped`: they are literals that take the type of the column. Raises
    NotMerged where they would be stored as others; what it returns raises ShardError.
    """

    def locate(value: Any) -> int:
        if engine == "sqlite":
            _check_sqlite(value, column, key)
        if engine == "mysql" and isinstance(value, bytes):
            raise _another(key, column, "bytes")
        return locate_value(value, key, shards)

    code = described[1]
    if engine == "postgresql":
        type_ = column.type.lower().partition("(")[0].strip()
        is_cut = type_ == "numeric" and "(" in column.type
        if is_cut or (code not in _POSTGRESQL.get(type_, ()) and not is_untyped):
            raise _another(key, column, f"type number {code}")
    elif engine == "mysql":
        type_ = column.type.lower().partition("(")[0].split()[0]
        if int(code) != _NULL and int(code) not in _MYSQL.get(type_, ()):
            raise _another(key, column, f"the protocol's type {int(code)}")
    return locate


def text_reader(
    key: ShardKey, shards: int, column: Column
) -> Callable[[str | None], int]:
    """Return what tells the shard, of so many `shards`, of a text that PostgreSQL reads
    as a value of `key`, which is in `column`. Raises NotMerged for types of which
    several texts are one value; what it returns raises ShardError."""
    type_ = column.type.lower().partition("(")[0].strip()
    form = _FORMS.get(type_)
    if form is None:
        raise NotMerged(f"{key} is of type {column.type}: its texts are not understood")

    def locate(text: str | None) -> int:
        if text is not None and not form(text):
            raise errors.ShardError(f"{key}: its text is no plain {type_}")
        is_number = form is _is_integer and text is not None
        return locate_value(int(text) if is_number else text, key, shards)  # type: ignore[arg-type]  # it is a text

    return locate


_is_integer = re.compile(r"\s*[+-]?\d{1,19}\s*", re.ASCII).fullmatch
_FORMS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), _is_integer),
    **dict.fromkeys(("text", "character varying"), lambda text: True),
    "uuid": re.compile(
        r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    ).fullmatch,
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch,
}


def _check_sqlite(value: Any, column: Column, key: ShardKey) -> None:
    type_ = column.type.upper()
    if value is None:
        return
    if "INT" in type_:
        wanted: tuple[type, ...] = (int,)
    elif any(word in type_ for word in ("CHAR", "CLOB", "TEXT")):
        wanted = (str,)
    else:
        wanted = (int, str) if not type_ else ()
    if type(value) not in wanted:
        raise _another(key, column, f"Python's type {type(value).__name__}")


def _another(key: ShardKey, column: Column, found: str) -> NotMerged:
    return NotMerged(
        f"{key} is of type {column.type}, and its query gives it values of {found}, "
        "which are stored as others: cast them in the query"
    )
