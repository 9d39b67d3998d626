"""The table of another dialect that a statement writes to, as its catalog has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from routedb import errors
from routedb.merge.refused import NotMerged
from routedb.merge.stored import Stored, stored
from routedb.merge.table_answer import TableAnswer
from routedb.moving.types import Kind
from routedb.planner import Column, carried_as
from routedb.sql.scanner.identifiers import quote_identifier
from routedb.sql.statement import Table

_NUMBERS = frozenset({20, 21, 23, 700, 701, 1700})  # types of PostgreSQL's, by number
_MOMENTS = frozenset({1082, 1114, 1184})
# What is written, of what is read.
_WRITTEN = frozenset(
    {Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE, Kind.TEXT, Kind.CHAR}
    | {Kind.DATE, Kind.STAMP}
)
_WRITTEN_OF_SQLITE = frozenset({Kind.INTEGER, Kind.DOUBLE, Kind.TEXT})
_NO_TYPE = frozenset({25, 705})  # of NULL, where it stands for what need not be checked


class Target(NamedTuple):
    """The table that is written to: where it is, and what its catalog says of it."""

    database: str
    dialect: str
    table: Table
    known: TableAnswer

    @property
    def name(self) -> str:
        """The table as its engine takes it."""
        return self.quote(self.table.name)

    def quote(self, name: str) -> str:
        """Return a name as the engine takes it."""
        return quote_identifier(name, self.dialect)

    def column(self, folded: str) -> Column:
        """Return the column that PostgreSQL would call so. Raises ProgrammingError."""
        for column in self.known.info.columns:
            if column.name == folded:
                return column
        raise errors.ProgrammingError(
            f'column "{folded}" of relation "{self.table.name}" does not exist'
        )

    def type_of(self, column: Column) -> str:
        """Return what a column is carried as. Raises NotMerged."""
        found = carried_as(column, self.dialect, "postgresql")
        written = _WRITTEN_OF_SQLITE if self.dialect == "sqlite" else _WRITTEN
        is_odd = column.name in dict(self.known.odd)
        if found is None or is_odd or found.kind not in written:
            raise NotMerged(
                f"column {column.name} of {self.table} in {self.database} is of type "
                f"{column.type}, which is not written from another dialect"
            )
        return found.type

    def stored(
        self, columns: Sequence[Column], texts: Sequence[str | None]
    ) -> tuple[Stored, ...]:
        """Return the values `texts` of these `columns` as they are stored. Raises
        IntegrityError, DataError, and NotMerged."""
        found = []
        for column, text in zip(columns, texts, strict=True):
            if text is None and column.name in self.known.required:
                raise self._null(column.name)
            found.append(stored(text, column, self.type_of(column), self.dialect))
        return tuple(found)

    def check_assignable(self, oid: int, column: Column) -> None:
        """Raise ProgrammingError where PostgreSQL stores no value of the type number
        `oid` in this `column`."""
        type_ = self.type_of(column)
        is_moment = type_ == "date" or type_.startswith("timestamp")
        fitting: Mapping[bool, frozenset[int]] = {True: _MOMENTS, False: _NUMBERS}
        if type_ != "text" and oid not in fitting[is_moment] | _NO_TYPE:
            raise errors.ProgrammingError(
                f'column "{column.name}" is of type {type_}, but the expression is of '
                "another type: cast it"
            )

    def check_written(self, columns: Sequence[Column]) -> None:
        """Raise NotMerged for a column that is not written by values, or of which no
        type of PostgreSQL's has the values, and ProgrammingError for one that is given
        two."""
        for column in columns:
            if column.name in self.known.computed:
                raise NotMerged(f"column {column.name} is computed by its engine")
            self.type_of(column)
        if len(set(columns)) < len(columns):
            raise errors.ProgrammingError("a column is given two values")

    def check_filled(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Stored | None]]
    ) -> None:
        """Refuse new `rows` (None: the default) with values for these `columns` alone,
        where another is left without one, or an engine would take a value for more than
        that: its next number."""
        missing = self.known.unfilled - {column.name for column in columns}
        for name in sorted(missing):
            raise self._null(name)
        for number, column in enumerate(columns):
            values = {row[number] for row in rows}
            if column.name in self.known.unfilled and None in values:
                raise self._null(column.name)
            is_counted = column.name in self.known.counted
            zero = any(value is not None and value.sql == "0" for value in values)
            if is_counted and self.dialect == "mysql" and zero:
                raise NotMerged(f"0 in {column.name} means the next number there")

    def _null(self, name: str) -> errors.IntegrityError:
        return errors.IntegrityError(
            f'null value in column "{name}" of relation "{self.table.name}" violates '
            "not-null constraint"
        )
