"""SQLite's values, from and to lines of COPY.

SQLite stores in a column whatever it is given. What is not of the kind that the column
declares has no counterpart elsewhere: it is refused, with the key of its row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isinf, isnan
from typing import Any

from routedb import errors
from routedb.moving.pairs import Pair
from routedb.moving.texts import NULL, unescaped
from routedb.moving.types import Kind

_SPELLINGS = {
    Kind.DATE: re.compile(r"\d{4}-\d\d-\d\d"),
    Kind.STAMP: re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?"),
    Kind.INSTANT: re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?"),
    Kind.CLOCK: re.compile(r"\d\d:\d\d:\d\d(\.\d{1,6})?"),
}
_DECIMAL = re.compile(r"[-+]?\d+(\.\d+)?")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NULL = NULL.decode()

Row = tuple[Any, ...]


def line_maker(pair: Pair) -> Callable[[Row], bytes]:
    """Return what writes a row of `pair`'s source as a line; it raises DataError that
    names a row which is not as its columns say."""
    kinds = [field.kind for field in pair.fields]
    writers = [_WRITERS.get(kind, _text) for kind in kinds]

    def made(row: Row) -> bytes:
        try:
            fields = [
                _NULL if value is None else write(value, kind)
                for value, write, kind in zip(row, writers, kinds, strict=True)
            ]
        except ValueError as exc:
            shown = ", ".join(str(row[place]) for place in pair.places)
            raise errors.DataError(
                f"{pair.name}: the row {shown} has a value that its column does not "
                f"declare: {exc}"
            ) from None
        return ("\t".join(fields) + "\n").encode()

    return made


def _integer(value: Any, kind: Kind) -> str:
    if type(value) is not int or (kind is Kind.BOOL and value not in (0, 1)):
        raise ValueError(f"{type(value).__name__} for {kind.value}")
    return str(value)


def _number(value: Any, kind: Kind) -> str:
    if type(value) is int:
        return str(value)
    if type(value) is str and kind is Kind.DECIMAL and _DECIMAL.fullmatch(value):
        return value  # more digits than a number of SQLite has
    if type(value) is not float or (isinf(value) and kind is Kind.DECIMAL):
        raise ValueError(f"{type(value).__name__} for {kind.value}")
    if isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _bytes(value: Any, kind: Kind) -> str:
    if type(value) is not bytes:
        raise ValueError(f"{type(value).__name__} for {kind.value}")
    return r"\\x" + value.hex()


def _text(value: Any, kind: Kind) -> str:
    spelling = _SPELLINGS.get(kind)
    if type(value) is not str:
        raise ValueError(f"{type(value).__name__} for {kind.value}")
    if spelling is not None and not spelling.fullmatch(value):
        raise ValueError(f"a {kind.value} in another form than {_FORMS[kind]}")
    return value.translate(_ESCAPES)


_FORMS = {
    Kind.DATE: "YYYY-MM-DD",
    Kind.STAMP: "YYYY-MM-DD HH:MM:SS.ffffff",
    Kind.INSTANT: "YYYY-MM-DD HH:MM:SS.ffffff",
    Kind.CLOCK: "HH:MM:SS.ffffff",
}
_WRITERS: dict[Kind, Callable[[Any, Kind], str]] = {
    Kind.INTEGER: _integer,
    Kind.BOOL: _integer,
    Kind.DECIMAL: _number,
    Kind.FLOAT: _number,
    Kind.DOUBLE: _number,
    Kind.BYTES: _bytes,
}


def rows_maker(pair: Pair) -> Callable[[bytes], list[Row]]:
    """Return what reads a block of lines as values for SQLite, the target of `pair`; it
    raises DataError that names a row which SQLite has not."""
    readers = [_READERS.get(field.kind, _plain) for field in pair.fields]

    def made(block: bytes) -> list[Row]:
        rows = []
        for line in block[:-1].split(b"\n"):
            fields = line.split(b"\t")
            try:
                rows.append(
                    tuple(
                        None if field == NULL else read(field)
                        for field, read in zip(fields, readers, strict=True)
                    )
                )
            except ValueError as exc:
                shown = ", ".join(str(unescaped(fields[n])) for n in pair.places)
                raise errors.DataError(
                    f"{pair.name}: SQLite has no value for the row {shown}: {exc}"
                ) from None
        return rows

    return made


def _plain(field: bytes) -> str:
    found = unescaped(field) if b"\\" in field else field.decode()
    assert found is not None
    return found


def _float(field: bytes) -> float:
    value = float(field)
    if isnan(value):
        raise ValueError("NaN, which it stores as NULL")
    return value


def _moment(field: bytes) -> str:
    said = field.decode()
    if not said[0].isdigit() or said.endswith("BC") or said.index("-") > len("YYYY"):
        raise ValueError(said)
    return said


_READERS: dict[Kind, Callable[[bytes], Any]] = {
    Kind.INTEGER: int,
    Kind.BOOL: int,
    Kind.FLOAT: _float,
    Kind.DOUBLE: _float,
    Kind.DECIMAL: bytes.decode,
    Kind.BYTES: lambda field: bytes.fromhex(field[3:].decode()),
    **dict.fromkeys((Kind.DATE, Kind.STAMP, Kind.INSTANT), _moment),
}
