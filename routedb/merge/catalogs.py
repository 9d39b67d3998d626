"""What the databases say of their tables: asked once, kept until somebody changes it.

A table is asked for when a text names it, on the writer of each group of its database:
shards whose columns differ would answer differently, and are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from routedb import errors
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.engine.transactions.aside import ask_aside
from routedb.merge import mysql_catalog, postgresql_catalog, sqlite_catalog
from routedb.merge.table_answer import Ask, TableAnswer
from routedb.planner import Catalog, Cluster, TableInfo
from routedb.sql.statement import Table

_ASKED: dict[str, Callable[[Ask, Table], TableAnswer | None]] = {
    "sqlite": sqlite_catalog.table_answer,
    "postgresql": postgresql_catalog.table_answer,
    "mysql": mysql_catalog.table_answer,
}
_MOST_TABLES = 10_000


class Known(NamedTuple):
    """A catalog for the tables of one text, and what else was said of them."""

    catalog: Catalog
    answers: dict[tuple[str, Table], TableAnswer]


class Catalogs:
    """The answers of the databases of a runtime; two threads may ask the same."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._answers: dict[tuple[str, Table], TableAnswer] = {}
        self._version = core.catalog.version

    def forget(self) -> None:
        """Know nothing any more: something was defined, or a name was not there."""
        self._answers = {}

    def find(self, session: Session, cluster: Cluster) -> Known:
        """Return what is known of the tables of `cluster`, asked on the links of
        `session` where that is not known yet.

        Raises ShardError for shards whose tables differ, and what the driver raises.
        """
        if self._version != self._core.catalog.version:
            self.forget()
        version = self._version = self._core.catalog.version
        found: dict[tuple[str, Table], TableAnswer] = {}
        tables: dict[str, dict[Table, TableInfo]] = {}
        answers = self._answers
        for table, placement in cluster.tables.items():
            key = (placement.database, table)
            answer = answers.get(key)
            if answer is None:
                answer = self.compare(session, placement.database, table)
                if answer is None:
                    continue  # the planner says so
                if len(answers) < _MOST_TABLES:
                    answers[key] = answer
            found[key] = answer
            tables.setdefault(placement.database, {})[table] = answer.info
        return Known(Catalog(tables, version), found)

    def compare(self, session: Session, name: str, table: Table) -> TableAnswer | None:
        """Ask each group of the database `name`, in `session`, for `table`; return what
        all say, None where it is no table. Raises ShardError where they differ."""
        database = self._core.config.databases[name]
        first: TableAnswer | None = None
        for number, group in enumerate(database.groups):
            link = find_node.writer(session.links, group.id)
            answer = ask_aside(session.transaction, link, partial(_answer, table))
            if number == 0:
                first = answer
            elif answer != first:
                raise errors.ShardError(
                    f"table {table} differs between the shards of {name}: shard 0 has "
                    f"{_said(first)}, shard {number} has {_said(answer)}"
                )
        return first


def _answer(table: Table, link: Link) -> TableAnswer | None:
    return _ASKED[link.adapter.dialect](link.run, table)


def _said(answer: TableAnswer | None) -> str:
    if answer is None:
        return "no such table"
    listed = ", ".join(f"{column.name} {column.type}" for column in answer.info.columns)
    return f"({listed}) in the order of {answer.order or 'its engine'}"
