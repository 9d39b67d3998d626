"""The type table: what a column of each engine is in Spark, and how it is read.

Each value is Spark's exactly, or reading it is refused with DataError: nothing is
rounded or cut. A type that Spark has none for is a string, as its server prints it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from routedb.moving.spelling import name as spelt
from routedb.moving.types import parts

if TYPE_CHECKING:
    from routedb.planner import Column  # an executor needs no planner

_MOST_DIGITS = 38  # of Spark's decimals
_JDBC_DECIMAL = (38, 18)  # of a numeric without digits: what Spark's own source has


class Push(Enum):
    """Which filters on a column mean the same to its server."""

    EXACT = "exact"  # all comparisons
    TEXT = "text"  # =, IN, LIKE 'x%', as bytes; order is the collation's
    LOOSE = "loose"  # the same, but the server's may find more
    NONE = "none"  # IS NULL only


class Field(NamedTuple):
    """A column that is read: its type in Spark's DDL, and the expression it is read by,
    in its engine's SQL."""

    name: str
    spark: str
    column: str  # the column's name in SQL
    read: str
    push: Push
    type: str = ""  # the server's, as its DDL takes it

    @property
    def ddl(self) -> str:
        """The column as Spark's DDL has it."""
        return f"`{self.name.replace('`', '``')}` {self.spark}"


def field_of(engine: str, column: Column) -> Field:
    """Return how `column` of `engine` is read."""
    named = spelt(engine, column.name)
    spark, push, template = _TABLES[engine](column)
    read = template.format(column=named) if template else named
    return Field(column.name, spark, named, read, push, column.type)


_Mapped = tuple[str, Push, str]
_AS_TEXT: _Mapped = ("string", Push.NONE, "")
_POSTGRESQL: dict[str, _Mapped] = {
    "smallint": ("smallint", Push.EXACT, ""),
    "integer": ("int", Push.EXACT, ""),
    "bigint": ("bigint", Push.EXACT, ""),
    "real": ("float", Push.NONE, ""),
    "double precision": ("double", Push.EXACT, ""),
    "boolean": ("boolean", Push.EXACT, ""),
    "date": ("date", Push.EXACT, ""),
    "bytea": ("binary", Push.NONE, ""),
    "text": ("string", Push.TEXT, ""),
    "character varying": ("string", Push.TEXT, ""),
    # Without the blanks that fill it: they say nothing, and would not be equal here.
    "character": ("string", Push.LOOSE, "{column}::pg_catalog.text"),
}


def _postgresql(column: Column) -> _Mapped:
    base, arguments, rest = parts(column.type)
    if "[" in column.type:
        return _AS_TEXT
    if base == "numeric":
        return _decimal(arguments)
    if base.startswith("timestamp"):
        zoned = "with time zone" in f"{base} {rest}"
        return ("timestamp" if zoned else "timestamp_ntz"), Push.EXACT, ""
    spark, push, template = _POSTGRESQL.get(base, _AS_TEXT)
    if push is Push.TEXT and column.collation is not None:
        push = Push.LOOSE  # it may call different texts equal
    return spark, push, template


def _decimal(arguments: str) -> _Mapped:
    digits, _, places = arguments.partition(",")
    sizes = (int(digits), int(places or 0)) if arguments else _JDBC_DECIMAL
    if sizes[0] > _MOST_DIGITS or not 0 <= sizes[1] <= sizes[0]:
        return _AS_TEXT
    return f"decimal({sizes[0]},{sizes[1]})", Push.EXACT, ""


_MYSQL_INTEGERS = {  # signed, unsigned
    "tinyint": ("smallint", "smallint"),
    "smallint": ("smallint", "int"),
    "mediumint": ("int", "int"),
    "int": ("int", "bigint"),
    "bigint": ("bigint", "decimal(20,0)"),
    "year": ("int", "int"),
}
_MYSQL: dict[str, _Mapped] = {
    # Its own text has six digits; all of them are in the double.
    "float": ("float", Push.NONE, "CAST({column} AS DOUBLE)"),
    "double": ("double", Push.EXACT, ""),
    "date": ("date", Push.EXACT, ""),
    "datetime": ("timestamp_ntz", Push.EXACT, ""),
    "timestamp": ("timestamp", Push.EXACT, ""),
    **dict.fromkeys(
        ("char", "varchar", "tinytext", "text", "mediumtext", "longtext"),
        ("string", Push.LOOSE, ""),
    ),
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
        ("binary", Push.NONE, ""),
    ),
}


def _mysql(column: Column) -> _Mapped:
    base, arguments, rest = parts(column.type)
    if base in _MYSQL_INTEGERS:
        signed, unsigned = _MYSQL_INTEGERS[base]
        return (unsigned if "unsigned" in rest else signed), Push.EXACT, ""
    if base == "decimal":
        return _decimal(arguments)
    if base == "bit":  # as a number
        return "decimal(20,0)", Push.NONE, "{column} + 0"
    return _MYSQL.get(base, _AS_TEXT)


def _sqlite(column: Column) -> _Mapped:
    """By the words that give a column its affinity, in their order, and by those that
    programs write beside them."""
    declared = column.type.upper()
    for words, mapped in _SQLITE:
        if any(word in declared for word in words):
            return mapped
    return _AS_TEXT if not declared else ("double", Push.EXACT, "")


_SQLITE: tuple[tuple[tuple[str, ...], _Mapped], ...] = (
    (("INT",), ("bigint", Push.EXACT, "")),
    (("CHAR", "CLOB", "TEXT"), ("string", Push.LOOSE, "")),
    (("BLOB",), ("binary", Push.NONE, "")),
    (("REAL", "FLOA", "DOUB"), ("double", Push.EXACT, "")),
    (("BOOL",), ("boolean", Push.NONE, "")),
    (("DATE", "TIME", "JSON", "UUID"), _AS_TEXT),
)
_TABLES = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}
