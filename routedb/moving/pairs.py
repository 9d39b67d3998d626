"""One moved table as the streams see it: where it is read, where it is written.

A stream back is the same pair, turned.
"""

from __future__ import annotations

from dataclasses import dataclass

from routedb.moving.definitions import Column, Table
from routedb.moving.own_table import kinds_of
from routedb.moving.types import Kind, Mapped, mapped


@dataclass(frozen=True, slots=True)
class Field:
    """A column that is copied, with its type at both ends."""

    name: str
    kind: Kind
    from_type: str
    to_type: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A table at one engine and the same table at another."""

    name: str
    from_engine: str
    to_engine: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    marker: str  # in the names of all that is made for it
    uniques: tuple[tuple[str, ...], ...] = ()  # of its indexes, besides the key's

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the primary key, in its order."""
        by_name = {field.name: field for field in self.fields}
        return tuple(by_name[name] for name in self.key)

    @property
    def places(self) -> tuple[int, ...]:
        """Where in a row the fields of the key are."""
        names = [field.name for field in self.fields]
        return tuple(names.index(name) for name in self.key)

    def turned(self) -> Pair:
        """Return the pair of the stream back."""
        fields = tuple(
            Field(f.name, f.kind, f.to_type, f.from_type) for f in self.fields
        )
        ends = (self.to_engine, self.from_engine)
        marker = self.marker + "r"
        return Pair(self.name, *ends, fields, self.key, marker, self.uniques)


def pair_of(table: Table, target: str, marker: str, own: Table | None = None) -> Pair:
    """Return how `table` is moved to the engine `target`, where the user has defined
    its `own` table or not; `marker` is put into the names of what is made for it. What
    is refused must have been refused."""
    ends = (table.engine, target)
    if own is None:
        fields = [_field(column, *ends) for column in table.stored]
    else:
        kinds = kinds_of(table, own)
        fields = [
            Field(c.name, kinds[c.name], c.type, own.column(c.name).type)
            for c in table.stored
        ]
    uniques = tuple(index.columns for index in table.indexes if index.is_unique)
    return Pair(table.name, *ends, tuple(fields), table.key, marker, uniques)


def _field(column: Column, source: str, target: str) -> Field:
    to = mapped(column, source, target)
    assert isinstance(to, Mapped)
    return Field(column.name, to.kind, column.type, to.type)
