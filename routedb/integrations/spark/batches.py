"""The rows of a query as Arrow batches, by the way that is quickest on each engine.

PostgreSQL writes CSV by COPY, MariaDB and MySQL send texts as they come from the
server, and Arrow reads both without an object of Python's for each value in between.
SQLite has values of its own, whatever the column was declared to be: what the column's
type does not hold is refused.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import accumulate
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
    lines: list[bytes] = []
    # A list takes rows quicker than anything of ours. They are read once all are here:
    # COPY must come to its end, whatever is in them.
    with copying.csv_cursor(session.raw, lines.append) as cursor:
        cursor.execute(text)
    parse = _parser(fields)
    return [batch for block in _blocks(lines) for batch in parse(block)]


def _blocks(lines: list[bytes]) -> Iterator[bytes]:
    """Yield `lines` joined to blocks of about `_BLOCK_BYTES`, and take out those that
    are: memory holds them once."""
    ends = list(accumulate(map(len, lines)))
    start = 0
    while lines:
        before = ends[start - 1] if start else 0
        count = max(1, bisect_right(ends, before + _BLOCK_BYTES) - start)
        block = b"".join(lines[:count])
        del lines[:count]
        start += count
        yield block


def _parser(fields: Sequence[Field]) -> Callable[[bytes], list[pa.RecordBatch]]:
    """Return what reads a block of whole lines of CSV, with these `fields`."""
    names = [field.name for field in fields]
    kinds = {field.name: field.spark for field in fields}
    # COPY writes bytes as text.
    texts = {
        name: arrow_type("string" if kind == "binary" else kind)
        for name, kind in kinds.items()
    }
    convert = csv.ConvertOptions(
        column_types=texts,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )
    form = csv.ParseOptions(
        ignore_empty_lines=False, newlines_in_values="string" in kinds.values()
    )

    def parse(block: bytes) -> list[pa.RecordBatch]:
        # One block: a row may be longer than any that is fixed.
        whole = csv.ReadOptions(
            column_names=names, use_threads=False, block_size=len(block)
        )
        table = csv.read_csv(pa.BufferReader(block), whole, form, convert)
        for at, (name, kind) in enumerate(kinds.items()):
            if kind == "binary":
                table = table.set_column(at, name, _from_hex(table.column(at)))
        found: list[pa.RecordBatch] = table.to_batches()
        return found

    return parse


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
