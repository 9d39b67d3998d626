"""Whether a table that the user has defined holds all that the moved one has.

A column must hold every value of the other's type as it is. A few types are let in that
hold less, where the target's server refuses the rest by name and changes nothing: of
these the rows that are there are counted before anything moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from routedb.moving.definitions import Column
from routedb.moving.spelling import name, string
from routedb.moving.types import Kind, kind_of, mapped, parts

_TEXT_BYTES = {"tinytext": 255, "text": 65_535, "mediumtext": 2**24 - 1}
_BLOB_BYTES = {"tinyblob": 255, "blob": 65_535, "mediumblob": 2**24 - 1}
_BYTES_OF_A_LETTER = 4
_DECIMALS = ("numeric", "decimal")
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32}


@dataclass(frozen=True, slots=True)
class Held:
    """How a column holds another's values."""

    kind: Kind
    beyond: str = ""  # the condition at the source for what the target refuses
    note: str = ""


def held(column: Column, source: str, own: Column, target: str) -> Held | str:
    """Return how the column `own` of the engine `target` holds the values of `column`
    of the engine `source`, or why it does not."""
    found = _held(column, source, own, target)
    natural = mapped(column, source, target)
    if isinstance(found, Held) and found.kind in _TEXTS and not found.note:
        note = "" if isinstance(natural, str) else natural.note
        found = Held(found.kind, found.beyond, note)
    if isinstance(found, Held) and column.is_nullable and not own.is_nullable:
        quoted = name(source, column.name)
        beyond = f"({found.beyond}) OR {quoted} IS NULL" if found.beyond else ""
        return Held(found.kind, beyond or f"{quoted} IS NULL", found.note)
    return found


def _held(column: Column, source: str, own: Column, target: str) -> Held | str:
    natural = mapped(column, source, target)
    of = kind_of(column, source) if isinstance(natural, str) else natural.kind
    is_alike = source == target and own.type == column.type
    if is_alike and of not in _TEXTS and not isinstance(natural, str):
        return Held(of)
    if of is Kind.SAME and (column.labels or column.type == "jsonb"):
        of = _kind_at(column, source)
    to = _kind_at(own, target)
    rule = _RULES.get((of, to))
    if rule is None:
        return f"{own.type} does not hold what {column.type} does"
    return rule(column, source, own, target)


_TEXTS = (Kind.TEXT, Kind.CHAR)
Rule = Callable[[Column, str, Column, str], "Held | str"]


def _kind_at(own: Column, target: str) -> Kind:
    """Return the kind of a column of the user's: with jsonb, a type of labels, and an
    address as what they are."""
    base = parts(own.type)[0]
    if base == "jsonb":
        return Kind.JSON
    if base in ("inet", "inet4", "inet6"):
        return Kind.INET
    if base == "interval":
        return Kind.SPAN
    if own.labels:
        return Kind.TEXT
    return kind_of(own, target)


def _too_small(column: Column, own: Column) -> str:
    return f"{own.type} does not hold what {column.type} does"


def _range(column: Column, engine: str) -> tuple[int, int]:
    """Return the least and the most of a column of whole numbers."""
    base, arguments, rest = parts(column.type)
    if base in _DECIMALS:
        digits = int(arguments.partition(",")[0] or 1_000)
        return -(10**digits) + 1, 10**digits - 1
    if base == "year":
        return 0, 2_155
    bits = 64 if engine == "sqlite" else _BITS.get(base, 64)
    if "unsigned" in rest:
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _integer(column: Column, source: str, own: Column, target: str) -> Held | str:
    base = parts(own.type)[0]
    if base == "year" or (base in _DECIMALS and _places(own) not in (0, None)):
        return _too_small(column, own)
    least, most = _range(column, source)
    low, high = _range(own, target)
    if low <= least and most <= high:
        return Held(Kind.INTEGER)
    beyond = f"{name(source, column.name)} NOT BETWEEN {low} AND {high}"
    return Held(Kind.INTEGER, beyond)


def _boolean(column: Column, source: str, own: Column, target: str) -> Held | str:
    """Numbers as truth: 0 and 1 alone."""
    del own
    if column.type.lower() != "tinyint(1)" or target != "postgresql":
        return "only tinyint(1) becomes boolean"
    return Held(Kind.BOOL, f"{name(source, column.name)} NOT IN (0, 1)")


def _as_number(column: Column, source: str, own: Column, target: str) -> Held | str:
    del source, target
    if own.type.lower() != "tinyint(1)":
        return _too_small(column, own)
    return Held(Kind.BOOL)


def _places(column: Column) -> int | None:
    """Return how many digits are behind the point; None: any number."""
    arguments = parts(column.type)[1]
    if not arguments:
        return None
    return int(arguments.partition(",")[2] or 0)


def _decimal(column: Column, source: str, own: Column, target: str) -> Held | str:
    del target
    digits, arguments = parts(own.type)[1].partition(",")[0], parts(column.type)[1]
    if not digits:
        return Held(Kind.DECIMAL)
    if not arguments or _places(own) != _places(column):
        return f"{own.type} would round what {column.type} holds, or spell it anew"
    whole = int(digits) - (_places(own) or 0)
    if int(arguments.partition(",")[0]) <= int(digits):
        return Held(Kind.DECIMAL)
    return Held(Kind.DECIMAL, f"ABS({name(source, column.name)}) >= 1e{whole}")


def _text(column: Column, source: str, own: Column, target: str) -> Held | str:
    if own.labels:
        if not column.labels or parts(own.type)[0] == "set":
            return f"{own.type} has labels alone"
        missing = set(column.labels) - set(own.labels)
        if missing:
            return f"{own.type} lacks the labels {', '.join(sorted(missing))}"
        return _text_note(Held(Kind.TEXT), column, own)
    is_alike = own.collation == column.collation
    if target == "mysql" and not (
        (own.collation or "").startswith("utf8mb4") or (source == target and is_alike)
    ):
        return f"its character set is not utf8mb4 ({own.collation})"
    if source == target and own.type == column.type:
        return _text_note(Held(Kind.TEXT), column, own)
    length = _length(column, source)
    most = _most_letters(own)
    if most is not None and (length is None or length > most):
        return _too_small(column, own)
    return _text_note(Held(Kind.TEXT), column, own)


def _blank(column: Column, source: str, own: Column, target: str) -> Held | str:
    """A char, whose blanks at the end do not count."""
    found = _text(column, source, own, target)
    return found if isinstance(found, str) else Held(Kind.CHAR, note=found.note)


def _text_note(found: Held, column: Column, own: Column) -> Held:
    if column.collation and own.collation and column.collation != own.collation:
        note = f"{column.name} compares by {own.collation} at the target"
        return Held(found.kind, found.beyond, note)
    return found


def _length(column: Column, source: str) -> int | None:
    """Return how many letters a value may have; None: any number."""
    base, arguments, _ = parts(column.type)
    if column.labels:
        size = sum(len(label) + 1 for label in column.labels)
        return size if base == "set" else max(map(len, column.labels))
    if source == "sqlite" or (source == "postgresql" and base == "text"):
        return None
    if base in _TEXT_BYTES:
        return _TEXT_BYTES[base]
    if not arguments:
        return 1 if base in ("char", "character") else None
    return int(arguments)


def _most_letters(own: Column) -> int | None:
    """Return how many letters a column of the user's holds; None: any number."""
    base, arguments, _ = parts(own.type)
    if own.collation and base in _TEXT_BYTES:  # MariaDB's: PostgreSQL's text has none
        return _TEXT_BYTES[base] // _BYTES_OF_A_LETTER
    return int(arguments) if arguments else None


def _bytes(column: Column, source: str, own: Column, target: str) -> Held | str:
    if target == "postgresql":
        return Held(Kind.BYTES)
    base, arguments, _ = parts(own.type)
    if base == "binary":
        return f"{own.type} fills values up"
    most = int(arguments) if arguments else _BLOB_BYTES.get(base)
    was, size, _ = parts(column.type)
    length = int(size) if size else _BLOB_BYTES.get(was)
    if source != "mysql":
        length = None
    if most is not None and (length is None or length > most):
        return _too_small(column, own)
    return Held(Kind.BYTES)


def _seconds(kind: Kind, zone: str = "") -> Rule:
    """A rule for times, whose fractions of a second must not be cut."""

    def rule(column: Column, source: str, own: Column, target: str) -> Held | str:
        if _fraction(own, target) < _fraction(column, source):
            return f"{own.type} would round what {column.type} holds"
        found = f"{column.name} is read as UTC" if zone else ""
        if target == "mysql" and parts(own.type)[0] == "timestamp":
            quoted = name(source, column.name)
            low, high = "1970-01-01 00:00:01", "2038-01-19 03:14:07.999999"
            limits = f"{string(source, low)} AND {string(source, high)}"
            return Held(kind, f"{quoted} NOT BETWEEN {limits}", found)
        return Held(kind, note=found)

    return rule


def _fraction(column: Column, engine: str) -> int:
    arguments = parts(column.type)[1]
    if engine == "mysql":
        return int(arguments or 0)
    return int(arguments or 6)


def _of_a_day(column: Column, source: str, own: Column, target: str) -> Held | str:
    if _fraction(own, target) < _fraction(column, source):
        return f"{own.type} would round what {column.type} holds"
    quoted = name(source, column.name)
    return Held(Kind.CLOCK, f"{quoted} NOT BETWEEN '00:00:00' AND '23:59:59.999999'")


def _same(kind: Kind) -> Rule:
    return lambda column, source, own, target: Held(kind)


def _same_size(column: Column, source: str, own: Column, target: str) -> Held | str:
    del source, target
    sizes = [parts(each.type)[1] or "1" for each in (column, own)]
    if sizes[0] != sizes[1] or "varying" in own.type:
        return f"{own.type} has another size than {column.type}"
    return Held(Kind.BITS)


def _json(column: Column, source: str, own: Column, target: str) -> Held | str:
    del source, target
    if own.type == "jsonb" and column.type != "jsonb":
        return Held(
            Kind.JSON,
            note=f"{column.name} is stored as jsonb, which keeps values and not texts: "
            "they are compared as values",
        )
    return Held(Kind.JSON)


_RULES: Mapping[tuple[Kind, Kind], Rule] = {
    (Kind.INTEGER, Kind.INTEGER): _integer,
    (Kind.INTEGER, Kind.DECIMAL): _integer,
    (Kind.INTEGER, Kind.BOOL): _boolean,
    (Kind.BOOL, Kind.BOOL): _same(Kind.BOOL),
    (Kind.BOOL, Kind.INTEGER): _as_number,
    (Kind.DECIMAL, Kind.DECIMAL): _decimal,
    (Kind.FLOAT, Kind.FLOAT): _same(Kind.FLOAT),
    (Kind.DOUBLE, Kind.DOUBLE): _same(Kind.DOUBLE),
    (Kind.TEXT, Kind.TEXT): _text,
    (Kind.CHAR, Kind.TEXT): _blank,
    (Kind.CHAR, Kind.CHAR): _blank,
    (Kind.BYTES, Kind.BYTES): _bytes,
    (Kind.DATE, Kind.DATE): _same(Kind.DATE),
    (Kind.STAMP, Kind.STAMP): _seconds(Kind.STAMP),
    (Kind.STAMP, Kind.INSTANT): _seconds(Kind.INSTANT, "UTC"),
    (Kind.INSTANT, Kind.INSTANT): _seconds(Kind.INSTANT),
    (Kind.INSTANT, Kind.STAMP): _seconds(Kind.INSTANT, "UTC"),
    (Kind.SPAN, Kind.SPAN): _seconds(Kind.SPAN),
    (Kind.SPAN, Kind.CLOCK): _of_a_day,
    (Kind.CLOCK, Kind.CLOCK): _seconds(Kind.CLOCK),
    (Kind.CLOCK, Kind.SPAN): _seconds(Kind.CLOCK),
    (Kind.UUID, Kind.UUID): _same(Kind.UUID),
    (Kind.JSON, Kind.JSON): _json,
    (Kind.BITS, Kind.BITS): _same_size,
    (Kind.INET, Kind.INET): _same(Kind.INET),
}
