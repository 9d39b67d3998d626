"""What is known of a table from its server's catalog, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with its type as its server prints it."""

    name: str
    type: str
    is_nullable: bool = True
    default: str | None = None  # as SQL
    is_numbered: bool = False  # identity, serial, AUTO_INCREMENT
    generated: str | None = None  # the expression
    collation: str | None = None
    comment: str = ""
    labels: tuple[str, ...] = ()  # of an enum or a set
    is_json: bool = False  # text that must be JSON (MariaDB)
    updates_itself: bool = False  # ON UPDATE CURRENT_TIMESTAMP
    is_custom: bool = False  # of a type that a user has made


@dataclass(frozen=True, slots=True)
class Index:
    """An index besides the primary key."""

    name: str
    columns: tuple[str, ...]
    is_unique: bool = False
    oddity: str = ""  # what makes it more than its columns, in words
    text: str = ""  # how its server would make it


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key from one table to another."""

    name: str
    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with all that is moved with it, and what stands against moving it."""

    name: str
    engine: str  # "postgresql" | "mysql" | "sqlite"
    schema: str = ""
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()  # in and out
    checks: tuple[Check, ...] = ()
    comment: str = ""
    oddities: tuple[str, ...] = ()  # in words: "is unlogged", "has exclusion …"
    triggers: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = field(default=())  # views, grants …: listed only
    rows: int = 0  # as the server estimates
    bytes: int = 0

    def column(self, name: str) -> Column:
        """Return the column called `name`. Raises KeyError."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns whose values are copied: all that are not generated."""
        return tuple(each for each in self.columns if each.generated is None)


def fingerprint(table: Table) -> str:
    """Return what changes with the columns or the key of `table`."""
    said = [(c.name, c.type, c.is_nullable, c.generated) for c in table.columns]
    return sha256(repr((said, table.key)).encode()).hexdigest()[:16]
