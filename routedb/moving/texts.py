"""The text of a value on its way: what the source makes of it, what the target reads.

A row is a line of PostgreSQL's COPY: tabs between the values, ``\\N`` for NULL, a
backslash before what could be mistaken. The copier and the stream use the same texts,
so that a value cannot arrive in two ways. (The verifier has its own.)

The sessions at both ends are the mover's: UTC, ISO dates, standard strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from routedb.moving.pairs import Field, Pair
from routedb.moving.spelling import name, string
from routedb.moving.types import Kind

NULL = b"\\N"
_ESCAPED = re.compile(rb"\\(.)", re.S)
_CHARACTERS = {
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_NEVER_ESCAPED = frozenset(
    {
        *(Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.DOUBLE, Kind.DATE),
        *(Kind.STAMP, Kind.INSTANT, Kind.CLOCK, Kind.SPAN, Kind.BOOL),
        *(Kind.UUID, Kind.BITS, Kind.INET),
    }
)


def value_text(engine: str, field: Field, to_engine: str, column: str) -> str:
    """Return the expression that makes the text of `field` at `engine`, for a row on
    its way to `to_engine`; `column` is its name in SQL."""
    if engine == "postgresql":
        return _postgresql(field, to_engine, column)
    if engine == "sqlite":
        return column  # see `sqlite_values`
    return _mysql(field, to_engine, column)


def _postgresql(field: Field, to_engine: str, column: str) -> str:
    if to_engine == "postgresql":
        return column
    if field.kind is Kind.INSTANT and "with time zone" in field.from_type:
        return f"({column} AT TIME ZONE 'UTC')"
    if field.kind is Kind.BOOL:
        return f"{column}::int"
    if field.kind is Kind.FLOAT:
        return f"{column}::float8"
    return column


def _mysql(field: Field, to_engine: str, column: str) -> str:
    kind = field.kind
    if kind is Kind.BYTES or (kind is Kind.SAME and "point" in field.from_type):
        return rf"CONCAT('\\\\x', LOWER(HEX({column})))"
    if kind is Kind.BITS:
        size = re.sub(r"\D", "", field.from_type) or "1"
        return f"LPAD(BIN({column} + 0), {size}, '0')"
    if kind is Kind.FLOAT:
        return f"CAST({column} AS DOUBLE)"
    if kind in _NEVER_ESCAPED:
        # NULL of such a type would make a NULL of what stands for it, too.
        is_own = kind in (Kind.UUID, Kind.INET)
        return f"CAST({column} AS CHAR)" if is_own else column
    text = f"CONVERT({column} USING utf8mb4)"
    for character, escaped in (("\\\\", "\\\\\\\\"), ("\\t", "\\\\t")):
        text = f"REPLACE({text}, '{character}', '{escaped}')"
    return f"REPLACE(REPLACE({text}, '\\n', '\\\\n'), '\\r', '\\\\r')"


def line(pair: Pair, alias: str = "") -> str:
    """Return what to select at the source of `pair` for its rows: the columns, where
    the server writes lines by itself, else the line. `alias` names the table."""
    engine = pair.from_engine
    before = f"{alias}." if alias else ""
    made = [
        value_text(engine, f, pair.to_engine, before + name(engine, f.name))
        for f in pair.fields
    ]
    if engine in ("postgresql", "sqlite"):
        return ", ".join(made)
    texts = ", ".join(rf"IFNULL({each}, '\\N')" for each in made)
    return f"CAST(CONCAT_WS('\\t', {texts}) AS BINARY)"


def key_texts(pair: Pair, columns: list[str]) -> list[str]:
    """Return expressions of the texts of a key of `pair` at its source, whose columns
    stand as `columns` there."""
    return [
        _key_text(pair, field, column)
        for field, column in zip(pair.key_fields, columns, strict=True)
    ]


def _key_text(pair: Pair, field: Field, column: str) -> str:
    if pair.from_engine == "postgresql":
        return f"({_postgresql(field, pair.to_engine, column)})::text"
    if pair.from_engine == "sqlite":
        if field.kind is Kind.BYTES:
            return rf"'\x' || lower(hex({column}))"
        return f"CAST({column} AS TEXT)"
    if field.kind is Kind.BYTES:
        return f"CONCAT('\\\\x', LOWER(HEX({column})))"
    if field.kind in (Kind.TEXT, Kind.CHAR):
        return f"CONVERT({column} USING utf8mb4)"
    return f"CAST({column} AS CHAR)"


def unescaped(field: bytes) -> str | None:
    """Return the text of a `field` of a line; None for NULL."""
    if field == NULL:
        return None
    plain = _ESCAPED.sub(lambda m: _CHARACTERS.get(m[1], m[1]), field)
    return plain.decode("utf-8")


def key_of(pair: Pair, row: bytes) -> tuple[str, ...]:
    """Return the texts of the key in a `row` of `pair`, a line."""
    fields = row.split(b"\t")
    found = [unescaped(fields[place]) for place in pair.places]
    return tuple(text for text in found if text is not None)


def key_literal(engine: str, field: Field, type_text: str, text: str) -> str:
    """Return the value of a key's `field` at `engine`, whose type there is `type_text`,
    from its `text`."""
    if engine == "postgresql":
        quoted = "'" + text.replace("'", "''") + "'"
        return f"{quoted}::{type_text}"
    if field.kind is Kind.BYTES:
        return f"X'{text.removeprefix(chr(92) + 'x')}'"
    if field.kind in (Kind.INTEGER, Kind.DECIMAL):
        return text
    return string(engine, text)


def values_maker(pair: Pair) -> Callable[[bytes], bytes]:
    """Return what makes rows of VALUES for MariaDB from a block of whole lines."""
    special = {
        place: _FORMS[f.kind] for place, f in enumerate(pair.fields) if f.kind in _FORMS
    }

    def plain(block: bytes) -> bytes:
        quoted = block[:-1].replace(b"'", b"\\'").replace(b"\t", b"','")
        listed = b"('" + quoted.replace(b"\n", b"'),('") + b"')"
        return listed.replace(b"'\\N'", b"NULL")

    def formed(block: bytes) -> bytes:
        rows = []
        for row in block[:-1].split(b"\n"):
            fields = row.split(b"\t")
            for place, field in enumerate(fields):
                if field == NULL:
                    fields[place] = b"NULL"
                elif place in special:
                    fields[place] = special[place](field)
                else:
                    fields[place] = b"'" + field.replace(b"'", b"\\'") + b"'"
            rows.append(b"(" + b",".join(fields) + b")")
        return b",".join(rows)

    made = formed if special else plain
    return lambda block: made(_without_odd_escapes(block))


def _without_odd_escapes(block: bytes) -> bytes:
    """PostgreSQL writes form feed and vertical tab by escapes MariaDB does not have."""
    if b"\\f" not in block and b"\\v" not in block:
        return block
    odd = {b"\\f": b"\f", b"\\v": b"\v"}
    return _ESCAPED.sub(lambda m: odd.get(m[0], m[0]), block)


_FORMS: dict[Kind, Callable[[bytes], bytes]] = {
    Kind.BYTES: lambda field: b"X'" + field[3:] + b"'",
    Kind.BITS: lambda field: b"b'" + field + b"'",
}
