"""What the planner is told: the tables of each database, and where each table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from routedb.config.model import ShardFunction
from routedb.sql import Table


class Column(NamedTuple):
    """A column. `type` and `collation` are spelled as its engine's DDL takes them.

    `type` "" is SQLite's column without one; `collation` None is the type's default.
    """

    name: str
    type: str
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table's columns in their order, and the columns of its primary key.

    `is_view`: it is one, and shows on each group what that makes of its own rows.
    `extracts` is the type of PostgreSQL's extract(), which later versions have changed.
    """

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    is_view: bool = False
    rows: int | None = None  # about so many, over all groups; None: not known
    extracts: str = field(default="", compare=False)  # shards may have two versions


@dataclass(frozen=True, slots=True)
class Catalog:
    """The tables of each database, under the names that its engine folds them to.

    A table without a schema is one that is found without naming its schema. `version`
    grows with every change, so that a plan can be told from an outdated one.
    """

    tables: Mapping[str, Mapping[Table, TableInfo]]
    version: int = 0

    def find(self, database: str, table: Table) -> TableInfo | None:
        """Return what is known of `table` in `database`, None when nothing is."""
        known = self.tables.get(database, {})
        found = known.get(table)
        return found if found is not None else known.get(Table(None, table.name))


class Whole(NamedTuple):
    """All rows are in the one group of a database."""

    database: str


class Copied(NamedTuple):
    """Every group of a sharded database has all rows."""

    database: str


class Sharded(NamedTuple):
    """Each row is in the group of a sharded database that `function` has for `key`."""

    database: str
    key: str
    function: ShardFunction


Placement = Whole | Copied | Sharded


class Place(NamedTuple):
    """A database, as far as a plan depends on it."""

    dialect: str
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """The databases by their names, and where each table is."""

    databases: Mapping[str, Place]
    tables: Mapping[Table, Placement]

    def find(self, table: Table) -> Placement | None:
        """Return where `table` is, None when nothing says so."""
        found = self.tables.get(table)
        return found if found is not None else self.tables.get(Table(None, table.name))
