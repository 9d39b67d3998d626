"""What is known of the values of columns: whose they are, and what is exact of them.

Python puts values in order as the engine does for the types below. Not: floats and
numeric of PostgreSQL (NaN is above infinity there), text under a collation other than
that of bytes, text of MySQL (which pads blanks and is seldom binary).

Sums are added up for whole numbers and numeric only: the sum of floats depends on the
order of the rows, and so would be another each time.
"""

from __future__ import annotations

import re

from sqlglot import exp

from routedb.planner.catalog import Column
from routedb.planner.references import References

# By dialect: types without their length, in lower case.
_WHOLE = {
    "sqlite": frozenset({"integer", "int", "bigint", "smallint"}),
    "postgresql": frozenset({"smallint", "integer", "bigint"}),
    "mysql": frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"}),
}
SUMS = {**_WHOLE, "postgresql": _WHOLE["postgresql"] | {"numeric"}}
# Values of these types come to Python and go back as they were, and are equal there as
# they are here.
SIDEWAYS = frozenset().union(*_WHOLE.values(), ("text", "uuid", "date", "varchar"))
_ORDERED = {
    "sqlite": _WHOLE["sqlite"] | {"real", "text", "blob", "numeric", ""},
    "postgresql": _WHOLE["postgresql"] | {"date", "boolean", "uuid", "bytea"},
    "mysql": _WHOLE["mysql"] | {"date"},
}
_TEXT = {"postgresql": frozenset({"text", "character varying", "varchar"})}
_BYTEWISE = {
    "sqlite": frozenset({None, "BINARY"}),
    "postgresql": frozenset({"C", "POSIX", "ucs_basic", '"C"', '"POSIX"'}),
}


# What a sum is, by the type of what is added up; of MySQL's those that were measured.
_SUM_TYPES = {
    "postgresql": {"smallint": "bigint", "integer": "bigint"},
    "mysql": {
        "tinyint": "decimal(25,0)",
        "smallint": "decimal(27,0)",
        "int": "decimal(32,0)",
        "int unsigned": "decimal(32,0)",
        "bigint": "decimal(41,0)",
        "bigint unsigned": "decimal(42,0)",
    },
}
_REST_OF_SUMS = {"postgresql": "numeric", "sqlite": ""}  # SQLite's have no type
_DISPLAYED = re.compile(r"\(\d+\)")
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)").fullmatch
_MORE_DIGITS, _MOST_DIGITS = 22, 65  # of a sum of MySQL's


def sum_type(column: Column, dialect: str) -> str | None:
    """Return the type that the sum of `column` has in `dialect`, None where it is not
    added up exactly, or not known."""
    if dialect == "mysql":
        return _mysql_sum(column.type.lower())
    type_ = type_of(column)
    if type_ not in SUMS[dialect]:
        return None
    return _SUM_TYPES.get(dialect, {}).get(type_, _REST_OF_SUMS[dialect])


def _mysql_sum(type_: str) -> str | None:
    decimal = _DECIMAL(type_)
    if decimal is None:
        return _SUM_TYPES["mysql"].get(_DISPLAYED.sub("", type_))
    digits, after = int(decimal[1]) + _MORE_DIGITS, decimal[2]
    return f"decimal({digits},{after})" if digits <= _MOST_DIGITS else None


def type_of(column: Column) -> str:
    """Return the name of a column's type, without its length."""
    return column.type.partition("(")[0].strip().lower()


def is_ordered(column: Column | None, dialect: str) -> bool:
    """Tell whether Python orders the values of `column` as an engine of `dialect`."""
    if column is None:
        return False
    is_text = type_of(column) in _TEXT.get(dialect, ())
    if is_text or dialect == "sqlite":
        is_known = is_text or type_of(column) in _ORDERED[dialect]
        return is_known and column.collation in _BYTEWISE[dialect]
    return type_of(column) in _ORDERED[dialect]


def column_in(
    node: exp.Expr | None, select: exp.Select, references: References
) -> Column | None:
    """Return the table's column that `node`, which stands in `select`, certainly is.

    `references` knows the tables. None for everything else.
    """
    if not isinstance(node, exp.Column) or references.text.slot(node) is not None:
        return None
    owner = references.owner(node, select)
    if owner is None:
        return None
    return references.column_of(owner, references.names.column(node.this))
