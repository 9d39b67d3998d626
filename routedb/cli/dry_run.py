"""Route the queries of a log through the engine, as if every node were up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from routedb import errors
from routedb.adapters.base import Adapter, TxMode
from routedb.cli.logs import Query
from routedb.cli.null_adapter import NullAdapter
from routedb.config.build import DIALECTS
from routedb.config.model import ClusterConfig, DatabaseConfig
from routedb.engine.links.link import Link
from routedb.engine.plans.tally import Report, Tally
from routedb.engine.run import executor
from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.engine.virtual_cursor import Control, NoRawCursor
from routedb.events import NodeAnswered
from routedb.routing import Route
from routedb.sql import scan
from routedb.sql.statement import Kind
from routedb.topology.membership import Member, Membership
from routedb.topology.snapshot import Answer, Role

# No Patroni is asked here, and a cluster under Patroni has replicas.
_REPLICA = Membership((Member("replica", "a-replica", 5432),), is_paused=True)
_MOST_SESSIONS = 10_000  # for logs that do not show when a session ends
_PLACEHOLDER = re.compile(r"\$(\d+)").sub
_NUMBER = re.compile(r"'(-?\d+(?:\.\d+)?)'").fullmatch


class DryRun:
    """Counts where queries would go. `controls` counts those without a route of their
    own: BEGIN, COMMIT, SAVEPOINT."""

    def __init__(self, config: ClusterConfig) -> None:
        adapters = {d: NullAdapter(d) for d in set(DIALECTS.values())}
        self._core = Core(_all_writable(config), lambda e: adapters[DIALECTS[e]])
        self._frontend: Adapter = adapters["postgresql"]
        self._sessions: dict[str, _Session] = {}
        self._tally = Tally()
        self.controls = 0
        for group in self._core.groups:
            if group.is_discovered:
                self._core.update_members(group.id, _REPLICA)
        for event in _answers(self._core):
            self._core.publish(event)

    def run(self, queries: Iterable[Query]) -> Report:
        """Route the queries one after another; return where they would go."""
        for query in queries:
            if query.sql is None:
                self._sessions.pop(query.session, None)
            else:
                self._run(self._session(query.session), query, query.sql)
        return self._tally.report()

    def _session(self, name: str) -> _Session:
        session = self._sessions.get(name)
        if session is None:
            if len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            session = self._sessions[name] = _Session(self._core, self._frontend)
        return session

    def _run(self, session: _Session, query: Query, sql: str) -> None:
        try:
            text = session.session.learn(with_values(sql, query.values))
            if text.plan.statement.kind is Kind.EMPTY:
                return
            route = session.run(text.source)
        except errors.Error as refusal:
            self._tally.refuse(scan(sql, session.dialect).shape, refusal)
            return
        if route is None:
            self.controls += 1
        else:
            self._tally.add(scan(sql, session.dialect).shape, route)


class _Session(NoRawCursor):
    """One session of the log as a connection of ours, and its one cursor."""

    def __init__(self, core: Core, frontend: Adapter) -> None:
        self.session = Session(core, frontend, TxMode(autocommit=True))
        self.dialect = self.session.plan_cache.dialect
        self.arraysize = 1
        self.raw_cursors: dict[Link, Any] = {}
        self.raw: Any = None
        self.fetching_from: Any = None
        self.route: Route | None = None
        self.link: Link | None = None
        self.control: Control | None = None
        self.is_observed = True  # nothing runs: nobody is told of it

    def run(self, sql: str) -> Route | None:
        """Run one statement; return its route, None for the control of transactions.

        Between transactions replicas are assumed to have caught up: a log does not show
        how long that takes.
        """
        session = self.session
        if not session.transaction.is_open:
            session.tracker.forget()
            session.core.process_wrote_at.clear()
        self.route = None
        executor.carry(session, self, sql, lambda raw: raw.execute(sql))
        return self.route

    def open_raw_cursor(self, link: Link) -> Any:
        """Open a raw cursor, as a cursor of ours does."""
        raw = self.raw_cursors[link] = self.make_raw_cursor(link)
        return raw

    def make_raw_cursor(self, link: Link) -> Any:
        """Open a raw cursor for one statement."""
        return link.adapter.cursor(link.raw)

    make_part_cursor = make_raw_cursor

    def bind_fetch(self, raw: Any) -> None:
        """Nothing is fetched."""

    def unbind_fetch(self) -> None:
        """Nothing is fetched."""

    def buffer_results(self) -> None:
        """Nothing has run that could have left results."""


def with_values(sql: str, values: Iterable[tuple[int, str]]) -> str:
    """Return `sql` with the values of a log in the place of $1, $2 …: they choose
    shards.

    `values` are pairs of the number after the $ and the value in SQL. A log quotes
    every value; one that looks like a number is taken for one.
    """
    known = {str(number): _unquoted(value) for number, value in values}
    if not known:
        return sql
    parts = scan(sql, "postgresql").parts
    for index in range(0, len(parts), 2):  # the others are literals and comments
        parts[index] = _PLACEHOLDER(lambda m: known.get(m[1], m[0]), parts[index])
    return "".join(parts)


def _unquoted(value: str) -> str:
    number = _NUMBER(value)
    return number[1] if number else value


def _all_writable(config: ClusterConfig) -> ClusterConfig:
    """Return the configuration with nodes that may all be writers, and no shadow."""
    databases = {
        name: _without_read_only(database)
        for name, database in config.databases.items()
    }
    return replace(config, databases=databases, shadow=False)


def _without_read_only(database: DatabaseConfig) -> DatabaseConfig:
    groups = tuple(
        replace(
            group,
            nodes=tuple(replace(node, is_read_only=False) for node in group.nodes),
        )
        for group in database.groups
    )
    return replace(database, groups=groups)


def _answers(core: Core) -> Iterator[NodeAnswered]:
    """Let the first node of each group be the writer, the others its replicas."""
    for node in list(core.nodes):
        is_first = node is core.groups[node.group].nodes[0]
        role = Role.WRITER if is_first else Role.REPLICA
        yield NodeAnswered(node.id, 0, Answer(role, history="1", lag_s=0.0))
