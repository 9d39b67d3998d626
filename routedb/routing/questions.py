"""What a decision may want to know first: the executor asks, and decides again."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from routedb.sql.statement import Table


class AskCatalog(NamedTuple):
    """Ask the catalog of `database`, on the writer of `group`, whether these functions
    may write; when none may, the plan is a read."""

    database: str
    group: int
    functions: tuple[Table, ...]


class AskPosition(NamedTuple):
    """Ask the session's last node of `group` how far it is, and then perhaps the
    replica `nearest`: none is known to hold what the session has seen, but that one has
    come about as far as the writer's last sample."""

    group: int
    nearest: int


class AskColumns(NamedTuple):
    """Ask the catalog of `database` for the columns of `table`: they may tell the shard
    of an INSERT, whose plan then has them."""

    database: str
    table: Table


class Asked(NamedTuple):
    """What has been asked already; where the answer did not help, decide without."""

    catalog: bool = False
    position: bool = False
    columns: bool = False


NOTHING_ASKED = Asked()
ALL_ASKED = Asked(True, True, True)
Question: TypeAlias = AskCatalog | AskPosition | AskColumns
