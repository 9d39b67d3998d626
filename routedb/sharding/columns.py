"""What a catalog says of the columns of a table that rows are inserted into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from routedb import errors
from routedb.sql.statement import Table


class TableColumns(NamedTuple):
    """The columns of a table, in the order in which INSERT takes values for them.

    `constants` has the defaults that are the same for each row, by column: as literals
    that the table's engine reads, with a sign before a number at most.
    """

    names: tuple[str, ...]
    constants: Mapping[str, str]


class ColumnsWanted(errors.ShardError):
    """An INSERT that is refused, unless the columns of its table tell the shard."""

    def __init__(self, reason: str, table: Table) -> None:
        """`reason` is that of the refusal, `table` is asked for."""
        super().__init__(reason)
        self.table = table
