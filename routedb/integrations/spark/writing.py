"""Rows of a DataFrame into a table, through the router: each on its shard.

A partition of Spark's is one transaction, over several shards a two-phase one. Its rows
are kept in a file before it begins: so what Spark works out meanwhile holds no locks,
and no connection. A partition that is written again, after its task was lost, finds by
its load and its number whether it is there already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql.datasource import DataSourceArrowWriter, WriterCommitMessage

from routedb import errors
from routedb.config.mask import config_error
from routedb.integrations.spark import loads
from routedb.integrations.spark.archives import forget_archives
from routedb.integrations.spark.ends import check_end
from routedb.integrations.spark.finding import layout_of
from routedb.integrations.spark.layout import Layout
from routedb.integrations.spark.places import Place, place_of, placed
from routedb.integrations.spark.request import Request
from routedb.integrations.spark.slots import slot
from routedb.integrations.spark.told import told
from routedb.integrations.spark.types import Field
from routedb.moving.spelling import names
from routedb.runtime import Runtime

_AT_ONCE = 1000  # rows of one INSERT
_MOST_VALUES = 30_000  # parameters of one: SQLite takes no more
_WIDER = {"smallint": ("int", "bigint"), "int": ("bigint",), "float": ("double",)}


@dataclass
class Written(WriterCommitMessage):
    """What one partition came to: `is_new` is False where it was there already."""

    rows: int
    is_new: bool


class TableWriter(DataSourceArrowWriter):
    """Appends a DataFrame to the table of `request`, as the load `load_id`; `given` are
    its columns, with their types in Spark's words.

    Raises ConfigError for columns that the table has not, or of another type.
    """

    def __init__(
        self, request: Request, load_id: str, given: Sequence[tuple[str, str]]
    ) -> None:
        layout = layout_of(request)
        self.request = request
        self.load_id = load_id
        self.dialect = layout.dialect
        self.text = layout.text
        self.fields = _fields(layout, given)
        bound = request.max_connections_per_node
        loads.make(place_of(placed(request.source.load(), bound), request.table), bound)

    def write(self, iterator: Iterator[pa.RecordBatch]) -> Written:
        """Write the partition of the task that this runs in."""
        forget_archives()
        context = TaskContext.get()
        part = 0 if context is None else context.partitionId()
        with TemporaryFile(prefix="routedb-") as file:
            _keep(iterator, file)
            try:
                if context is not None:
                    check_end()
                return self._write(part, lambda: _kept(file))
            except errors.Error as exc:
                raise told(exc, self.request.table) from exc

    def commit(self, messages: list[Any]) -> None:
        """Do nothing with `messages`: each partition is committed by itself."""

    def abort(self, messages: list[Any]) -> None:
        """Do nothing with `messages`: the same load may be run again, and goes on."""

    def _write(
        self, part: int, batches: Callable[[], Iterator[pa.RecordBatch]]
    ) -> Written:
        bound = self.request.max_connections_per_node
        config = placed(self.request.source.load(), bound)
        place = place_of(config, self.request.table)
        with (
            _slots(place, bound),
            closing(Runtime(loads.with_rule(config, place))) as runtime,
            closing(runtime.connect()) as connection,
        ):
            cursor = connection.cursor()
            if self.dialect == "mysql":
                cursor.execute("SET time_zone = '+00:00'")
            rows = sum(batch.num_rows for batch in batches())
            found = self._claim(connection, cursor, part, rows)
            if found is not None:
                self._check_same(part, found, rows)
                return Written(found, False)
            for batch in batches():
                self._insert(cursor, batch)
            connection.commit()
        return Written(rows, True)

    def _claim(self, connection: Any, cursor: Any, part: int, rows: int) -> int | None:
        """Note the partition in the open transaction; return the rows that are noted
        already, None: it is ours to write. Another that writes it is waited for."""
        cursor.execute(loads.LOOKED_FOR, (self.load_id, part))
        found = cursor.fetchone()
        if found is None:
            try:
                cursor.execute(loads.NOTED, (self.load_id, part, rows))
            except errors.IntegrityError:
                found = (rows,)
            else:
                return None
        connection.rollback()
        return int(found[0])

    def _check_same(self, part: int, found: int, rows: int) -> None:
        """Raise IntegrityError for a partition that was written with as many rows as
        `found`, and has others now."""
        if found != rows:
            raise errors.IntegrityError(
                f"partition {part} of load {self.load_id} was written with {found} "
                f"rows, and has {rows} now: the same load has the same rows"
            )

    def _insert(self, cursor: Any, batch: pa.RecordBatch) -> None:
        columns = [
            _values(batch.column(field.name).to_pylist(), field, self.dialect)
            for field in self.fields
        ]
        rows = list(zip(*columns, strict=True))
        listed = names(self.dialect, [field.name for field in self.fields])
        marks = f"({', '.join(['%s'] * len(self.fields))})"
        at_once = max(1, min(_AT_ONCE, _MOST_VALUES // len(self.fields)))
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            cursor.execute(
                f"INSERT INTO {self.text} ({listed}) VALUES "
                + ", ".join([marks] * len(some)),
                [value for row in some for value in row],
            )


def _fields(layout: Layout, given: Sequence[tuple[str, str]]) -> tuple[Field, ...]:
    """Return the table's columns for those `given`, which have their types."""
    found = []
    for name, kind in given:
        field = layout.field(name)
        if kind != field.spark and field.spark not in _WIDER.get(kind, ()):
            raise config_error(
                f"column {name} is {kind} in the DataFrame and {field.spark} in "
                f"{layout.text} ({field.type}): cast it to that"
            )
        found.append(field)
    return tuple(found)


def _values(values: list[Any], field: Field, dialect: str) -> list[Any]:
    """Return values as the driver takes them."""
    if field.spark == "timestamp" and dialect == "mysql":
        return [
            v and v.astimezone(dt.timezone.utc).replace(tzinfo=None) for v in values
        ]
    return values


def _keep(batches: Iterator[pa.RecordBatch], file: Any) -> None:
    """Write `batches` into `file`."""
    writer = None
    for batch in batches:
        if writer is None:
            writer = pa.ipc.new_stream(file, batch.schema)
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def _kept(file: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches that are in `file`."""
    if file.seek(0, 2) > 0:
        file.seek(0)
        yield from pa.ipc.open_stream(file)


@contextmanager
def _slots(place: Place, bound: int) -> Iterator[None]:
    """Hold a slot for a writer of each group of the table's database, taken in the same
    order by all."""
    with ExitStack() as stack:
        for group in place.database.groups:
            stack.enter_context(slot(group.nodes[0], bound, "writing"))
        yield
