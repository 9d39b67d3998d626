"""The rows of a query as Arrow batches, by the way that is quickest on each engine.

PostgreSQL writes CSV by COPY, MariaDB and MySQL send texts as they come from the
server, and Arrow reads both without an object of Python's for each value in between.
SQLite has values of its own, whatever the column was declared to be: what the column's
type does not hold is refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pyarrow as pa
from pyarrow import csv

from routedb import errors
from routedb.integrations.spark.sessions import Session
from routedb.integrations.spark.types import Field

_BLOCK_BYTES = 8 << 20  # of text, that one batch is made of
_ROWS = 16_384  # of one batch, where rows are fetched
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)").fullmatch
_TYPES = {
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}


def arrow_type(spark: str) -> pa.DataType:
    """Return Arrow's type for one of Spark's DDL, `spark`."""
    found = _DECIMAL(spark)
    if found is not None:
        return pa.decimal128(int(found[1]), int(found[2]))
    return _TYPES[spark]


def schema_of(fields: Sequence[Field]) -> pa.Schema:
    """Return the schema of batches with these `fields`."""
    return pa.schema([(field.name, arrow_type(field.spark)) for field in fields])


def batches(
    session: Session, fields: Sequence[Field], source: str
) -> list[pa.RecordBatch]:
    """Return the `fields` of all rows of `source`, what follows FROM, asked in
    `session`.

    Raises DataError for a value that Spark's type does not hold, and what the driver
    raises.
    """
    taken = ", ".join(
        f"{field.read} AS {field.column}" if field.read != field.column else field.read
        for field in fields
    )
    text = f"SELECT {taken} FROM {source}"
    try:
        return _READERS[session.dialect](session, fields, text)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as exc:
        raise errors.DataError(
            f"a value that Spark's type does not hold: {exc}"
        ) from exc


# -- PostgreSQL ------------------------------------------------------------------------


def _postgresql(
    session: Session, fields: Sequence[Field], text: str
) -> list[pa.RecordBatch]:
    # Imports the driver, which others need not have.
    copying: Any = import_module("routedb.adapters.postgresql.copying")
    parsed = _Parsed(fields)
    with copying.csv_cursor(session.raw, parsed.add) as cursor:
        cursor.execute(text)
    return parsed.end()


class _Parsed:
    """Lines of CSV, read in blocks as they come."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._lines: list[bytes] = []
        self._size = 0
        self._found: list[pa.RecordBatch] = []
        self._error: Exception | None = None
        # COPY writes bytes as text.
        types = {
            field.name: arrow_type("string" if field.spark == "binary" else field.spark)
            for field in fields
        }
        self._convert = csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        )
        self._has_text = "string" in {field.spark for field in fields}

    def add(self, line: bytes) -> None:
        """Take a row. Does not raise: COPY must come to its end."""
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _BLOCK_BYTES:
            self._flush()

    def end(self) -> list[pa.RecordBatch]:
        """Return all batches. Raises what reading them has raised."""
        self._flush()
        if self._error is not None:
            raise self._error
        return self._found

    def _flush(self) -> None:
        lines, self._lines, self._size = self._lines, [], 0
        if not lines or self._error is not None:
            return
        try:
            self._found += self._read(b"".join(lines))
        except Exception as exc:
            self._error = exc

    def _read(self, block: bytes) -> list[pa.RecordBatch]:
        names = [field.name for field in self._fields]
        table = csv.read_csv(
            io.BytesIO(block),
            # One block: a row may be longer than any that is fixed.
            csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(block)
            ),
            csv.ParseOptions(
                ignore_empty_lines=False, newlines_in_values=self._has_text
            ),
            self._convert,
        )
        for at, field in enumerate(self._fields):
            if field.spark == "binary":
                table = table.set_column(at, field.name, _from_hex(table.column(at)))
        found: list[pa.RecordBatch] = table.to_batches()
        return found


def _from_hex(column: Any) -> pa.Array:
    return pa.array(
        [None if v is None else bytes.fromhex(v[2:]) for v in column.to_pylist()],
        pa.binary(),
    )


# -- MariaDB and MySQL -----------------------------------------------------------------


def _mysql(
    session: Session, fields: Sequence[Field], text: str
) -> list[pa.RecordBatch]:
    filling: Any = import_module("routedb.adapters.mysql.filling")
    schema = schema_of(fields)
    found = []
    cursor = filling.text_cursor(session.raw)
    try:
        cursor.execute(text)
        while rows := cursor.fetchmany(_ROWS):
            columns = [
                _of_text(values, kind)
                for values, kind in zip(
                    zip(*rows, strict=True), schema.types, strict=True
                )
            ]
            found.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    finally:
        cursor.close()
    return found


def _of_text(values: Sequence[bytes | None], kind: pa.DataType) -> pa.Array:
    """Return the texts of a column as `kind`. Raises ArrowInvalid for a zero date."""
    found = pa.array(values, pa.binary())
    if pa.types.is_binary(kind):
        return found
    texts = found.cast(pa.string())
    if kind == pa.timestamp("us", "UTC"):
        return texts.cast(pa.timestamp("us")).view(kind)
    return texts.cast(kind)


# -- SQLite ----------------------------------------------------------------------------


def _sqlite(
    session: Session, fields: Sequence[Field], text: str
) -> list[pa.RecordBatch]:
    schema = schema_of(fields)
    found = []
    cursor: Any = session.adapter.cursor(session.raw)
    cursor.execute(text)
    while rows := cursor.fetchmany(_ROWS):
        columns = [
            _of_values(values, field)
            for values, field in zip(zip(*rows, strict=True), fields, strict=True)
        ]
        found.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return found


def _of_values(values: Sequence[Any], field: Field) -> pa.Array:
    allowed = _HELD[field.spark]
    for value in values:
        if value is not None and not isinstance(value, allowed):
            raise pa.ArrowTypeError(
                f"column {field.name}, {field.type or 'without a type'}, has a "
                f"{type(value).__name__}, and is read as {field.spark}"
            )
    if field.spark == "boolean":
        return pa.array([None if v is None else _truth(v) for v in values], pa.bool_())
    return pa.array(values, arrow_type(field.spark))


def _truth(value: int) -> bool:
    if value not in (0, 1):
        raise pa.ArrowInvalid("a boolean that is neither 0 nor 1")
    return bool(value)


_HELD: dict[str, tuple[type, ...]] = {
    "bigint": (int,),
    "string": (str,),
    "binary": (bytes,),
    "double": (float, int),
    "boolean": (int,),
}
_READERS = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}
