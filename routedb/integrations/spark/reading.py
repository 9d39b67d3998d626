"""The reader of a table, as Spark calls it: its partitions and rows.

Spark has it made in a Python process of the driver's machine, pickles it and sends it
to the executors. So it holds names and texts, and where the configuration is, and
nothing of what that says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql.datasource import DataSourceReader, InputPartition

from routedb import errors
from routedb.integrations.spark.archives import forget_archives
from routedb.integrations.spark.batches import batches
from routedb.integrations.spark.filters import push, shape_of
from routedb.integrations.spark.layout import Layout
from routedb.integrations.spark.ranges import Key, Lane, key_of, lanes_of
from routedb.integrations.spark.request import Request
from routedb.integrations.spark.sessions import Session, read_somewhere
from routedb.integrations.spark.told import told
from routedb.integrations.spark.types import Field


@dataclass
class GroupRows(InputPartition):
    """The rows of some ranges of a group's keys: `number` of those that read at the
    same time."""

    group: int
    number: int
    ranges: tuple[str, ...]

    def __repr__(self) -> str:
        return f"GroupRows(group={self.group}, number={self.number})"


class TableReader(DataSourceReader):
    """Reads the columns called `names` of the table of `request`."""

    def __init__(self, request: Request, names: Sequence[str]) -> None:
        layout = _layout_of(request)
        forget_archives()
        self.request = request
        self.layout = layout
        self.fields = tuple(layout.field(name) for name in names)
        self.where = (request.where,) if request.where else ()

    def partitions(self) -> list[InputPartition]:
        """Ask each group for its lanes, all at the same time."""
        groups = self.layout.groups
        with ThreadPoolExecutor(min(len(groups), 8)) as pool:
            found = list(pool.map(self._lanes, groups))
        return [
            GroupRows(group, number, lane.ranges)
            for group, lanes in zip(groups, found, strict=True)
            for number, lane in enumerate(lanes)
        ]

    def read(self, partition: Any) -> Iterator[Any]:
        """Yield the rows of `partition`, range after range, each read whole before."""
        forget_archives()
        for number, condition in enumerate(partition.ranges):
            where = _all_of(*self.where, condition)
            source = self.layout.text + (f" WHERE {where}" if where else "")
            read = partial(batches, fields=self.fields, source=source)
            turn = partition.number + number
            yield from self._ask(partition.group, turn, read)

    def _lanes(self, group: int) -> list[Lane]:
        where = _all_of(*self.where)
        request, layout = self.request, self.layout

        def ask(session: Session) -> list[Lane]:
            key = self._key(session)
            bounds = (request.partition_rows, request.max_connections_per_node)
            return lanes_of(session, layout.text, key, where, *bounds)

        found: list[Lane] = self._ask(group, group, ask)
        return found

    def _key(self, session: Session) -> Key:
        layout, chosen = self.layout, self.request.partition_key
        primary = layout.primary_key
        is_numbered = session.dialect == "sqlite" and _has_row_numbers(session, layout)
        if session.dialect == "sqlite" and not is_numbered and layout.is_view:
            primary = ()
        fields: Sequence[Field] = layout.fields
        return key_of(session.dialect, fields, primary, chosen, is_numbered)

    def _ask(self, group: int, turn: int, ask: Any) -> Any:
        """Return what `ask` does with a session on a node of the group numbered so;
        errors name the table and the node."""
        config = self.request.source.load()
        found = config.groups[group]
        bound = self.request.max_connections_per_node
        try:
            return read_somewhere(
                config.databases[found.database], found, bound, turn, ask
            )
        except errors.Error as exc:
            raise told(exc, self.request.table) from exc


class FilteringReader(TableReader):
    """The same, and the server does filters.

    Spark 4.1 keeps what a reader has planned with the DataFrame, filters and all, and
    gives it to every other scan of that. So it is for DataFrames that are scanned by
    one query, once, and only where that is asked for.
    """

    def pushFilters(self, filters: list[Any]) -> Iterable[Any]:  # noqa: N802  (Spark's)
        """Take those of `filters` that the server can do; yield those that Spark has to
        do still."""
        fields = {field.name: field for field in self.layout.fields}
        for given in filters:
            shape = shape_of(given)
            found = shape and push(self.layout.dialect, fields, shape)
            if found:
                self.where = (*self.where, found.sql)
            if not found or not found.is_exact:
                yield given


def _all_of(*conditions: str) -> str:
    """Return these conditions as one; a comment at the end of one ends with it."""
    return " AND ".join(f"({each}\n)" for each in conditions if each)


def _layout_of(request: Request) -> Layout:
    # It imports what executors need not have: they are many, and start often.
    from routedb.integrations.spark.finding import layout_of  # noqa: PLC0415

    return layout_of(request)


def _has_row_numbers(session: Session, layout: Layout) -> bool:
    """Tell whether rows of a table of SQLite's have numbers: not of a view, nor of
    tables WITHOUT ROWID, nor where a column hides it."""
    if layout.is_view or any(
        field.name.lower() == "_rowid_" for field in layout.fields
    ):
        return False
    try:
        session.run(f"SELECT _rowid_ FROM {layout.text} LIMIT 0")
    except Exception as exc:
        if isinstance(session.adapter.adopt(exc), errors.OperationalError):
            return False
        raise
    return True
