"""A table as a scan needs it: groups, name in SQL, columns and key, without secrets."""

from __future__ import annotations

from dataclasses import dataclass

from routedb import errors
from routedb.integrations.spark.types import Field


@dataclass(frozen=True, slots=True)
class Layout:
    """`groups` are the numbers of those with the rows; `fields` all columns; `taken`
    those that are asked for."""

    dialect: str
    groups: tuple[int, ...]
    text: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    taken: tuple[str, ...]
    is_view: bool

    @property
    def ddl(self) -> str:
        """The columns that are asked for, as Spark's DDL has them."""
        return ", ".join(self.field(name).ddl for name in self.taken)

    def field(self, name: str) -> Field:
        """Return the column called `name`. Raises ProgrammingError."""
        for field in self.fields:
            if field.name == name:
                return field
        names = ", ".join(field.name for field in self.fields)
        raise errors.ProgrammingError(
            f"{self.text} has no column {name}; there are {names}"
        )
