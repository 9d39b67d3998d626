"""Run the demo's script through one connection, and compare with what it expects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Any

from routedb import errors
from routedb.cli.answer import answered_by
from routedb.cli.demo.script import Outage, Step
from routedb.cli.demo.shop import REPLICAS, Shop
from routedb.config.mask import mask
from routedb.connection import Connection
from routedb.routing import Route
from routedb.runtime import Cluster

_NEWS_S = 3.0  # how long the monitor may take to see what happened to a node


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step. `trouble` says what the script expected instead."""

    sql: str
    route: str
    reason: str
    node: str = ""
    gave: str = ""
    is_refused: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to a node, between two steps."""

    text: str


class Player:
    """Runs steps on one connection; knows which replicas are there."""

    def __init__(self, shop: Shop, cluster: Cluster, connection: Connection) -> None:
        self._shop = shop
        self._cluster = cluster
        self._connection = connection
        self._away: list[str] = []
        self._last = REPLICAS[0]  # the replica that answered last

    def play(self, steps: Iterable[Step | Outage]) -> list[Outcome | News]:
        """Do all steps, in their order."""
        return [
            self._run(step) if isinstance(step, Step) else self._happen(step)
            for step in steps
        ]

    def _run(self, step: Step) -> Outcome:
        using = self._connection.using(step.using) if step.using else nullcontext()
        with using, closing(self._connection.cursor()) as cursor:
            try:
                cursor.execute(step.sql, step.params)
                rows = cursor.fetchall() if cursor.description else None
            except errors.Error as exc:
                return _refused(step, exc)
            node = answered_by(self._cluster, cursor)
            if node in REPLICAS:
                self._last = node
            got = Got(cursor.route, node, rows, cursor.rowcount)
            troubles = "; ".join(_troubles(step, got, self._away))
            return _outcome(step, got, troubles)

    def _happen(self, outage: Outage) -> News:
        if outage.is_over:
            replica = self._away.pop(0)
            self._shop.bring_back(replica)
        else:
            replica = self._last
            self._shop.take_away(replica)
            self._away.append(replica)
        self._await(replica, is_there=outage.is_over)
        return News(f"{replica} {'is back' if outage.is_over else 'is taken away'}")

    def _await(self, replica: str, is_there: bool) -> None:
        """Wait until the monitor has seen that a replica is there, or is not.

        A link that is open would go on reading from a file that has lost its name, so
        without this the next read might still be answered there, and rightly.
        """
        core = self._cluster.runtime.core
        node = next(node for node in core.nodes if node.name == replica)
        deadline = core.clock() + _NEWS_S
        while is_there != (node.id in (seen := core.topology).groups[node.group].ring):
            if not core.await_news(seen.version, deadline):
                return  # the next step will show it


@dataclass(frozen=True, slots=True)
class Got:
    """What a statement that was not refused gave."""

    route: Route | None
    node: str
    rows: list[tuple[Any, ...]] | None
    count: int


def _refused(step: Step, exc: errors.Error) -> Outcome:
    name = _error_name(exc)
    trouble = "" if name == step.route else f"expected {step.route or 'no error'}"
    return Outcome(
        step.sql, name, mask(str(exc)), is_refused=not trouble, trouble=trouble
    )


def _error_name(exc: errors.Error) -> str:
    """Return routedb's own name: a class made with the driver's has others too."""
    own = (kind for kind in type(exc).__mro__ if kind.__module__ == errors.__name__)
    return next(own).__name__


def _outcome(step: Step, got: Got, trouble: str) -> Outcome:
    route, reason = (
        ("", "") if got.route is None else (str(got.route), got.route.reason)
    )
    return Outcome(step.sql, route, reason, got.node, _gave(got), trouble=trouble)


def _gave(got: Got) -> str:
    if got.route is None:
        return ""
    if got.rows is None:
        return f"{got.count} written"
    if len(got.rows) == 1:
        return ", ".join(map(str, got.rows[0]))
    return f"{len(got.rows)} rows"


def _troubles(step: Step, got: Got, away: list[str]) -> Iterator[str]:
    """Say in what a statement did not do what the script expects."""
    route = "" if got.route is None else str(got.route)
    if route != step.route and _with_any_shard(route) != step.route:
        yield f"expected route {step.route or 'of no statement'}"
    nodes = _nodes(step.route, away)
    if nodes and got.node not in nodes:
        yield f"expected node {' or '.join(nodes)}"
    reasons = () if got.route is None else (why for why, _ in got.route.reasons)
    if step.why is not None and step.why not in reasons:
        yield f"expected reason {step.why.name}"
    if step.rows is not None and step.rows != got.rows:
        yield f"expected rows {step.rows}, not {got.rows}"
    if step.count is not None and step.count != got.count:
        yield f"expected {step.count} rows written, not {got.count}"


def _with_any_shard(route: str) -> str:
    database, bracket, rest = route.partition("[")
    return f"{database}[any]{rest.partition(']')[2]}" if bracket else route


def _nodes(route: str, away: list[str]) -> list[str]:
    """Return the nodes that may answer; none where more than one shard may."""
    place, _, role = route.partition(" ")
    database, _, shard = place.rstrip("]").partition("[")
    if database == "main":
        there = [replica for replica in REPLICAS if replica not in away]
        return there if role == "replica" else ["main-writer"]
    if shard == "any" or not role:
        return []
    names = [f"{database}-{number}" for number in shard.split(",") if number]
    return [", ".join(names) or database]
