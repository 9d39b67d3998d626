"""What a column of one engine is to a statement in another's dialect.

A column is carried when the text's engine has a type that holds each of its values,
and compares them as it does its own. Most of it is the table by which tables are moved
(`routedb.moving.types`), so that a statement answers before and after a move alike.
What differs, and why:

- Texts are compared letter by letter: in PostgreSQL as its database does, in MySQL as
  under `utf8mb4_bin`, which MySQL has and MariaDB, and which yields to no other; in
  SQLite as under BINARY. To PostgreSQL all of them are `text`.
- An instant (timestamp of MySQL's, timestamp with time zone) is one in PostgreSQL; in
  MySQL and SQLite it is its time in UTC, `datetime(6)`: a timestamp of MySQL's ends in
  2038, and is shown in a zone in which two instants may be one time.
- A float of MySQL's is shown with fewer digits than it has, so PostgreSQL's `real` is
  its `double`, which has the same values.
- A UUID is the text of it, JSON the text, where the engine has no such type.
- A tinyint(1) is a number; a boolean of PostgreSQL's is one of 0 and 1.

SQLite's columns have the affinity of their type; of those with NUMERIC affinity some
have names that say what programs store there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from routedb.moving.definitions import Column as Moved
from routedb.moving.types import Kind, Mapped, kind_of, mapped, parts
from routedb.planner.catalog import Column

_NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}
MYSQL_BYTES = "longblob"  # what bytes of other engines' are there
_LETTERS = "utf8mb4_bin"
_DIGITS = 15  # so many of a decimal come back from a double
# SQLite's types of NUMERIC affinity, and what is stored under such a name.
_NAMED = {
    **dict.fromkeys(("BOOLEAN", "BOOL"), Kind.BOOL),
    "DATE": Kind.DATE,
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), Kind.STAMP),
    "TIME": Kind.CLOCK,
}
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_FROM_SQLITE = {
    "postgresql": {
        Kind.INTEGER: "bigint",
        Kind.DOUBLE: "double precision",
        Kind.TEXT: "text",
        Kind.BYTES: "bytea",
        Kind.BOOL: "boolean",
        Kind.DATE: "date",
        Kind.STAMP: "timestamp(6) without time zone",
        Kind.CLOCK: "time(6) without time zone",
        Kind.DECIMAL: "numeric",
    },
    "mysql": {
        Kind.INTEGER: "bigint",
        Kind.DOUBLE: "double",
        Kind.TEXT: "longtext",
        Kind.BYTES: MYSQL_BYTES,
        Kind.BOOL: "tinyint(1)",
        Kind.DATE: "date",
        Kind.STAMP: "datetime(6)",
        Kind.CLOCK: "time(6)",
        Kind.DECIMAL: "decimal",
    },
}
# Of types that are declared so the values keep their own: their affinity makes nothing
# of such texts.
_TO_SQLITE = {
    Kind.INTEGER: "bigint",
    Kind.FLOAT: "real",
    Kind.DOUBLE: "real",
    Kind.TEXT: "text",
    Kind.CHAR: "text",
    Kind.UUID: "text",
    Kind.JSON: "text",
    Kind.BYTES: "blob",
    Kind.BOOL: "boolean",
    Kind.DATE: "date",
    Kind.STAMP: "datetime",
    Kind.INSTANT: "datetime",
    Kind.CLOCK: "time",
    Kind.SPAN: "time",
    Kind.DECIMAL: "decimal",
}
# What PostgreSQL's types are to MySQL where a move would choose another.
_TO_MYSQL = {
    Kind.FLOAT: "double",
    Kind.UUID: "char(36)",
    Kind.JSON: "longtext",
    Kind.INSTANT: "datetime(6)",
}
_LETTERED = frozenset({Kind.TEXT, Kind.CHAR, Kind.UUID, Kind.JSON})


class Carried(NamedTuple):
    """What a column is in another dialect: what its values are, the type, and the
    collation where that is not the type's own."""

    kind: Kind
    type: str
    collation: str | None = None


def carried_as(column: Column, source: str, target: str) -> Carried | None:
    """Return what `column`, of an engine of the dialect `source`, is to an engine of
    `target`; None: no type of that certainly has its values."""
    found = (
        _from_sqlite(column, target)
        if source == "sqlite"
        else _from_server(column, source, target)
    )
    if found is None or target != "mysql" or found.kind not in _LETTERED:
        return found
    return found._replace(collation=_LETTERS)


def _from_server(column: Column, source: str, target: str) -> Carried | None:
    moved = _as_moved(column, source)
    other = "postgresql" if source == "mysql" else "mysql"
    to = mapped(moved, source, other)
    if not isinstance(to, Mapped) or not _is_plain(moved, source):
        return None
    kind, type_ = to.kind, to.type.partition(" CHARACTER SET")[0]
    if target == "sqlite":
        return _to_sqlite(kind, type_)
    if target == "mysql":
        return None if kind is Kind.BITS else Carried(kind, _TO_MYSQL.get(kind, type_))
    if kind in (Kind.TEXT, Kind.CHAR):
        return Carried(kind, "text")
    if kind is Kind.STAMP:
        type_ += " without time zone"
    return Carried(kind, type_)


def _as_moved(column: Column, dialect: str) -> Moved:
    """Return a column as the table of moves takes it. (MariaDB's JSON is a text.)"""
    type_ = column.type.lower() if dialect == "mysql" else column.type
    is_json = dialect == "mysql" and type_ == "json"
    return Moved(column.name, type_, is_json=is_json)


def _is_plain(column: Moved, dialect: str) -> bool:
    """Floats with digits show other values than they have."""
    base, arguments, _ = parts(column.type)
    is_float = dialect == "mysql" and base in ("float", "double")
    return not (is_float and arguments)


def _to_sqlite(kind: Kind, type_: str) -> Carried | None:
    made = _TO_SQLITE.get(kind)
    if kind is not Kind.DECIMAL or made is None:
        return None if made is None else Carried(kind, made)
    found = re.search(r"\((\d+)(?:,(\d+))?\)", type_)
    if found is None or int(found[1]) > _DIGITS:
        return None
    return Carried(kind, f"{made}({found[1]},{found[2] or 0})")


def _from_sqlite(column: Column, target: str) -> Carried | None:
    kind, sizes = sqlite_kind(column.type)
    type_ = None if kind is None else _FROM_SQLITE[target].get(kind)
    if kind is None or type_ is None:
        return None
    return Carried(kind, type_ + sizes)


def sqlite_kind(type_: str) -> tuple[Kind | None, str]:
    """Return what values a column of SQLite's that was declared with `type_` is to
    have, by the rules of affinity in their order, with the sizes of a decimal; None:
    any values."""
    type_ = type_.upper().strip()
    if "INT" in type_:
        return Kind.INTEGER, ""
    if any(word in type_ for word in ("CHAR", "CLOB", "TEXT")):
        return Kind.TEXT, ""
    if type_ == "BLOB":
        return Kind.BYTES, ""
    if "BLOB" in type_ or not type_:
        return None, ""
    if any(word in type_ for word in ("REAL", "FLOA", "DOUB")):
        return Kind.DOUBLE, ""
    sizes = _DECIMAL.fullmatch(type_)
    if sizes is None:
        return _NAMED.get(type_), ""
    digits, places = int(sizes[1]), int(sizes[2] or 0)
    if not places <= digits <= _DIGITS or not digits:
        return None, ""
    return Kind.DECIMAL, f"({digits},{places})"


def compared_kind(column: Column, dialect: str) -> str | None:
    """Return what all engines compare alike of a `column` of `dialect`: "whole"
    numbers, or "text" without a rule of its own about blanks; None for the rest."""
    if dialect == "sqlite":
        known, _ = sqlite_kind(column.type)
        return {Kind.INTEGER: "whole", Kind.TEXT: "text"}.get(known or Kind.SAME)
    moved = _as_moved(column, dialect)
    base, arguments, _ = parts(moved.type)
    kind = kind_of(moved, dialect)
    if kind is Kind.INTEGER and base != "year":  # 99 is a year, too
        return "whole"
    if dialect == "postgresql":
        if kind is Kind.DECIMAL and arguments:
            return "whole" if arguments.partition(",")[2] in ("", "0") else None
        is_text = base in ("text", "character varying") and column.collation is None
        return "text" if is_text and kind is Kind.TEXT else None
    if base not in ("char", "varchar") and not base.endswith("text"):
        return None
    # A char(n) whose blanks at the end may matter to comparisons.
    collation = (column.collation or "").lower()
    is_odd = base == "char" and ("nopad" in collation or "0900" in collation)
    return None if is_odd else "text"


def refused(column: Column, dialect: str, target: str) -> str:
    """Return why a `column` of `dialect` is not carried to an engine of `target`."""
    return (
        f"{dialect}'s type {column.type or '(none)'}, and no type of "
        f"{_NAMES[target]}'s certainly has its values"
    )
