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
from routedb.planner import Catalog, Cluster, Sharded, TableInfo
from routedb.sharding import TableColumns
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
        version = self._renew()
        found: dict[tuple[str, Table], TableAnswer] = {}
        tables: dict[str, dict[Table, TableInfo]] = {}
        for table, placement in cluster.tables.items():
            answer = self._answer(session, placement.database, table)
            if answer is None:
                continue  # the planner says so
            if answer.is_opaque and not isinstance(placement, Sharded):
                continue
            found[placement.database, table] = answer
            tables.setdefault(placement.database, {})[table] = answer.info
        return Known(Catalog(tables, version), found)

    def columns(self, session: Session, name: str, table: Table) -> TableColumns | None:
        """Return what is known of the columns of `table` in the database `name`, asked
        in `session`; None where it is no table. Raises what `find` raises."""
        self._renew()
        answer = self._answer(session, name, table)
        if answer is None:
            return None
        names = [column.name for column in answer.info.columns]
        taken = tuple(each for each in names if each not in answer.hidden)
        return TableColumns(taken, dict(answer.defaults))

    def target(self, session: Session, name: str, table: Table) -> TableAnswer | None:
        """Return all that is known of `table`, which is to be written to, in the
        database `name`, asked in `session`; None where it is no table. Raises what
        `find` raises."""
        self._renew()
        return self._answer(session, name, table)

    def _renew(self) -> int:
        """Forget what may be old; return the version of what is asked from now on."""
        version = self._core.catalog.version
        if self._version != version:
            self.forget()
        self._version = version
        return version

    def _answer(self, session: Session, name: str, table: Table) -> TableAnswer | None:
        answers, key = self._answers, (name, table)
        answer = answers.get(key)
        if answer is None:
            answer = self.compare(session, name, table)
            if answer is not None and len(answers) < _MOST_TABLES:
                answers[key] = answer
        return answer

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
                continue
            if first is not None and answer is not None:  # defaults may differ
                both = set(first.defaults) & set(answer.defaults)
                agreed = tuple(each for each in first.defaults if each in both)
                first = first._replace(defaults=agreed)
                answer = answer._replace(defaults=agreed)
            if answer != first:
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
    shown = "" if answer.query is None else f" by the query {answer.query}"
    return f"({listed}) in the order of {answer.order or 'its engine'}{shown}"
