"""The type table: which type of one engine holds every value of another's.

Both ends of a pair hold all values of the source's, or the pair is refused by name. A
few types hold values that their partner has not (zero dates, NUL bytes in text, NaN in
a decimal): the target's server refuses these, and the error names the row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from routedb.moving.definitions import Column

_PARTS = re.compile(r"^\s*([^(\[]+)(?:\(([^)]*)\))?\s*(.*)$", re.S)
_MOST_DIGITS = (65, 38)  # of MariaDB's decimals
_MOST_CHARACTERS = 16_383  # of a varchar in utf8mb4
_MOST_BLANKS = 255  # of a char


class Kind(Enum):
    """What a value is, whatever engine has it: how it is written, read and compared."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    DOUBLE = "double"
    TEXT = "text"
    CHAR = "char"  # trailing blanks do not count
    BYTES = "bytes"
    DATE = "date"
    STAMP = "stamp"  # date and time, without a zone
    INSTANT = "instant"  # in UTC
    CLOCK = "clock"  # a time of day
    SPAN = "span"  # hours, minutes and seconds, negative too
    BOOL = "bool"
    UUID = "uuid"
    JSON = "json"
    BITS = "bits"
    INET = "inet"
    SAME = "same"  # the same type at both ends, of one engine


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a column becomes at the target."""

    type: str
    kind: Kind
    check: str = ""  # a condition that the target needs, with {} for the column
    note: str = ""  # what the user is told


def mapped(column: Column, source: str, target: str) -> Mapped | str:
    """Return what `column`, of the engine `source`, becomes in the engine `target`, or
    the reason why nothing of it holds its values."""
    if source == target:
        return _same(column, source)
    if "sqlite" in (source, target):
        return (_to_sqlite if target == "sqlite" else _from_sqlite)(
            column, source, target
        )
    try:
        table = _TABLES[source, target]
    except KeyError:
        return f"there is no type table from {source} to {target}"
    base, arguments, rest = parts(column.type)
    return table(column, base, arguments, rest)


def parts(type_text: str) -> tuple[str, str, str]:
    """Return the name of a type, its arguments, and the words after them: of
    `type_text` as a catalog prints it, folded but for the arguments."""
    found = _PARTS.match(type_text)
    assert found is not None
    base, arguments, rest = found.groups()
    words = base.lower().split()
    marks = [word for word in ("unsigned", "zerofill") if word in words]
    base = " ".join(word for word in words if word not in marks)
    return base, arguments or "", " ".join([*marks, rest.lower().strip()]).strip()


_KINDS = {
    **dict.fromkeys(
        ("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"),
        Kind.INTEGER,
    ),
    **dict.fromkeys(("decimal", "numeric"), Kind.DECIMAL),
    **dict.fromkeys(("float", "real"), Kind.FLOAT),
    **dict.fromkeys(("double", "double precision"), Kind.DOUBLE),
    **dict.fromkeys(
        (
            *("varchar", "character varying", "text", "tinytext", "mediumtext"),
            *("longtext", "enum", "set"),
        ),
        Kind.TEXT,
    ),
    **dict.fromkeys(("char", "character"), Kind.CHAR),
    **dict.fromkeys(
        (
            *("bytea", "binary", "varbinary", "blob", "tinyblob", "mediumblob"),
            "longblob",
        ),
        Kind.BYTES,
    ),
    "date": Kind.DATE,
    "datetime": Kind.STAMP,
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    "bit": Kind.BITS,
    "boolean": Kind.BOOL,
}


def kind_of(column: Column, engine: str) -> Kind:
    """Return the kind of `column` of `engine`; SAME where only that engine has it."""
    base, arguments, rest = parts(column.type)
    if engine == "sqlite":
        return _declared(base) or Kind.SAME
    if column.is_custom:
        return Kind.SAME
    if base.startswith(("timestamp", "time")):
        is_zoned = "with time zone" in f"{base} {rest}"
        if base.startswith("timestamp"):
            is_instant = is_zoned or engine == "mysql"
            return Kind.INSTANT if is_instant else Kind.STAMP
        if engine == "mysql":
            return Kind.SPAN
        return Kind.SAME if is_zoned else Kind.CLOCK
    if "[" in rest:
        return Kind.SAME
    if engine == "mysql" and column.is_json:
        return Kind.JSON
    return _KINDS.get(base, Kind.SAME)


def _same(column: Column, engine: str) -> Mapped | str:
    if engine == "sqlite":
        return "there is no move from SQLite to SQLite"
    base = parts(column.type)[0]
    if engine == "mysql" and base in _GEOMETRY:
        return f"{column.type} has no text that says all of it"
    if column.is_json:
        return Mapped("longtext", Kind.JSON, "json_valid({})")
    return Mapped(column.type, kind_of(column, engine))


_GEOMETRY = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "multipoint"),
        *("multilinestring", "multipolygon", "geometrycollection"),
    }
)
_TO_POSTGRESQL = {
    # name: (type, kind, type when unsigned)
    "tinyint": ("smallint", "smallint"),
    "smallint": ("smallint", "integer"),
    "mediumint": ("integer", "integer"),
    "int": ("integer", "bigint"),
    "bigint": ("bigint", "numeric(20)"),
    "year": ("smallint", "smallint"),
}
_PLAIN_TO_POSTGRESQL = {
    "float": ("real", Kind.FLOAT),
    "double": ("double precision", Kind.DOUBLE),
    "date": ("date", Kind.DATE),
    "uuid": ("uuid", Kind.UUID),
    "inet6": ("inet", Kind.INET),
    "inet4": ("inet", Kind.INET),
    "time": ("interval", Kind.SPAN),
    **dict.fromkeys(
        ("text", "tinytext", "mediumtext", "longtext"), ("text", Kind.TEXT)
    ),
    **dict.fromkeys(
        ("binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob"),
        ("bytea", Kind.BYTES),
    ),
}


def _mysql_to_postgresql(
    column: Column, base: str, arguments: str, rest: str
) -> Mapped | str:
    if column.is_json:
        return Mapped("json", Kind.JSON)
    if base in _TO_POSTGRESQL:
        signed, unsigned = _TO_POSTGRESQL[base]
        chosen = unsigned if "unsigned" in rest else signed
        return Mapped(chosen, Kind.INTEGER)
    if base in _PLAIN_TO_POSTGRESQL:
        chosen, kind = _PLAIN_TO_POSTGRESQL[base]
        return Mapped(chosen, kind, note=_case_note(column, kind))
    if base == "decimal":
        return Mapped(f"numeric({arguments})", Kind.DECIMAL)
    if base in ("varchar", "char"):
        kind = Kind.CHAR if base == "char" else Kind.TEXT
        count = "1" if arguments == "0" else arguments
        return Mapped(f"{base}({count})", kind, note=_case_note(column, kind))
    if base == "datetime":
        return Mapped(f"timestamp({arguments or 0})", Kind.STAMP)
    if base == "timestamp":
        return Mapped(f"timestamp({arguments or 0}) with time zone", Kind.INSTANT)
    if base == "bit":
        return Mapped(f"bit({arguments or 1})", Kind.BITS)
    if base == "enum":
        allowed = ", ".join(_quoted(label) for label in column.labels)
        return Mapped("text", Kind.TEXT, f"{{}} IN ({allowed})")
    if base == "set":
        allowed = ", ".join(_quoted(label) for label in column.labels)
        check = f"string_to_array({{}}, ',') <@ ARRAY[{allowed}]::text[]"
        return Mapped("text", Kind.TEXT, check)
    return f"PostgreSQL has no type for {column.type}"


def _case_note(column: Column, kind: Kind) -> str:
    is_text = kind in (Kind.TEXT, Kind.CHAR)
    if is_text and column.collation and column.collation.endswith("_ci"):
        return (
            f"{column.name} compares without case at the source ({column.collation}), "
            "and with it at the target"
        )
    return ""


_PLAIN_TO_MYSQL = {
    **{name: (name, Kind.INTEGER) for name in ("smallint", "bigint")},
    "integer": ("int", Kind.INTEGER),
    "real": ("float", Kind.FLOAT),
    "double precision": ("double", Kind.DOUBLE),
    "boolean": ("tinyint(1)", Kind.BOOL),
    "text": ("longtext", Kind.TEXT),
    "bytea": ("longblob", Kind.BYTES),
    "date": ("date", Kind.DATE),
    "uuid": ("uuid", Kind.UUID),
    "json": ("json", Kind.JSON),
    "jsonb": ("json", Kind.JSON),
}
_EXACT = " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


def _postgresql_to_mysql(
    column: Column, base: str, arguments: str, rest: str
) -> Mapped | str:
    if column.labels and base not in ("text",):
        allowed = ", ".join(_quoted(label) for label in column.labels)
        return Mapped(f"enum({allowed}){_EXACT}", Kind.TEXT)
    if column.is_custom or base.endswith("]") or rest.startswith("["):
        return f"MariaDB has no type for {column.type}"
    if base in _PLAIN_TO_MYSQL:
        chosen, kind = _PLAIN_TO_MYSQL[base]
        return Mapped(chosen + (_EXACT if kind is Kind.TEXT else ""), kind)
    if base == "numeric":
        return _decimal(column, arguments)
    if base == "character varying":
        if not arguments:
            return Mapped("longtext" + _EXACT, Kind.TEXT)
        if int(arguments) > _MOST_CHARACTERS:
            return Mapped("longtext" + _EXACT, Kind.TEXT)
        return Mapped(f"varchar({arguments}){_EXACT}", Kind.TEXT)
    if base == "character" and int(arguments or 1) <= _MOST_BLANKS:
        return Mapped(f"char({arguments or 1}){_EXACT}", Kind.CHAR)
    if base.startswith("timestamp"):
        places = arguments or "6"
        if "with time zone" in f"{base} {rest}":
            return Mapped(
                f"timestamp({places})", Kind.INSTANT, note=_until_2038(column)
            )
        return Mapped(f"datetime({places})", Kind.STAMP)
    if base.startswith("time") and "with time zone" not in f"{base} {rest}":
        return Mapped(f"time({arguments or 6})", Kind.CLOCK)
    if base == "bit" and not rest:
        return Mapped(f"bit({arguments or 1})", Kind.BITS)
    return f"MariaDB has no type for {column.type}"


def _until_2038(column: Column) -> str:
    return f"{column.name}: a timestamp of MariaDB holds 1970 to 2038; others refuse"


def _decimal(column: Column, arguments: str) -> Mapped | str:
    if not arguments:
        return (
            f"{column.type} without a precision holds more digits than MariaDB's "
            "decimal"
        )
    digits, _, places = arguments.partition(",")
    sizes = int(digits), int(places or 0)
    most = min(sizes[0], _MOST_DIGITS[1])
    if sizes[0] > _MOST_DIGITS[0] or not 0 <= sizes[1] <= most:
        return f"{column.type} holds more digits than MariaDB's decimal"
    return Mapped(f"decimal({sizes[0]},{sizes[1]})", Kind.DECIMAL)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# What SQLite calls a column: first whole names, then parts of them, as it does.
_DECLARED = {
    **dict.fromkeys(("bool", "boolean"), Kind.BOOL),
    **dict.fromkeys(("datetime", "timestamp"), Kind.STAMP),
    **dict.fromkeys(("decimal", "numeric"), Kind.DECIMAL),
    "date": Kind.DATE,
    "time": Kind.CLOCK,
    "json": Kind.JSON,
}
_PARTLY_DECLARED = {
    "int": Kind.INTEGER,
    **dict.fromkeys(("char", "clob", "text"), Kind.TEXT),
    "blob": Kind.BYTES,
    **dict.fromkeys(("real", "floa", "doub"), Kind.DOUBLE),
}
_FROM_SQLITE = {
    Kind.BOOL: ("boolean", "tinyint(1)"),
    Kind.STAMP: ("timestamp(6)", "datetime(6)"),
    Kind.DECIMAL: ("numeric", ""),
    Kind.DATE: ("date", "date"),
    Kind.CLOCK: ("time(6)", "time(6)"),
    Kind.JSON: ("json", "json"),
    Kind.INTEGER: ("bigint", "bigint"),
    Kind.TEXT: ("text", "longtext" + _EXACT),
    Kind.BYTES: ("bytea", "longblob"),
    Kind.DOUBLE: ("double precision", "double"),
}
_TO_SQLITE = {
    Kind.DOUBLE: "REAL",
    Kind.FLOAT: "REAL",
    Kind.TEXT: "TEXT",
    Kind.CHAR: "TEXT",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.STAMP: "TIMESTAMP",
    Kind.INSTANT: "TIMESTAMP",
    Kind.CLOCK: "TIME",
    Kind.UUID: "TEXT",
    Kind.JSON: "TEXT",
}
_BITS = {
    **dict.fromkeys(("smallint", "year"), 16),
    **dict.fromkeys(("int", "integer"), 32),
    "tinyint": 8,
    "mediumint": 24,
    "bigint": 64,
}
_MOST_REAL_DIGITS = 15


def _declared(base: str) -> Kind | None:
    whole = _DECLARED.get(base)
    if whole is not None:
        return whole
    return next((k for part, k in _PARTLY_DECLARED.items() if part in base), None)


def _from_sqlite(column: Column, _: str, target: str) -> Mapped | str:
    base, arguments, _ = parts(column.type)
    kind = _declared(base)
    if kind is None:
        return f"SQLite's {column.type} holds values of every type"
    chosen = _FROM_SQLITE[kind][target == "mysql"]
    if not chosen:
        return _decimal(column, arguments)
    return Mapped(chosen, kind)


def _to_sqlite(column: Column, source: str, _: str) -> Mapped | str:
    """SQLite lets everything in: the checks are for the way back."""
    base, arguments, rest = parts(column.type)
    kind = Kind.JSON if base == "jsonb" else kind_of(column, source)
    if column.labels and base != "set":
        allowed = ", ".join(_quoted(label) for label in column.labels)
        return Mapped("TEXT", Kind.TEXT, f"{{}} IN ({allowed})")
    if kind is Kind.INTEGER and column.is_numbered:
        return Mapped("INTEGER", kind)
    if kind is Kind.INTEGER:
        low, most = -(2 ** (_BITS[base] - 1)), 2 ** (_BITS[base] - 1) - 1
        if "unsigned" in rest and base != "bigint":
            low, most = 0, 2 ** _BITS[base] - 1
        elif "unsigned" in rest:
            return f"SQLite has no type for {column.type}"
        return Mapped("BIGINT", kind, f"{{}} BETWEEN {low} AND {most}")
    if kind is Kind.BOOL:
        return Mapped("BOOLEAN", kind, "{} IN (0, 1)")
    if kind is Kind.DECIMAL:
        digits = arguments.partition(",")[0]
        if not digits or int(digits) > _MOST_REAL_DIGITS:
            return f"{column.type} holds more digits than a number of SQLite"
        return Mapped(f"DECIMAL({arguments})", kind)
    if kind not in _TO_SQLITE or (base == "set" and source == "mysql"):
        return f"SQLite has no type for {column.type}"
    check = f"length({{}}) <= {arguments}" if arguments and kind in _LIMITED else ""
    return Mapped(_TO_SQLITE[kind], kind, check)


_LIMITED = (Kind.TEXT, Kind.CHAR)
_TABLES = {
    ("mysql", "postgresql"): _mysql_to_postgresql,
    ("postgresql", "mysql"): _postgresql_to_mysql,
}
