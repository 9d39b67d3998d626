"""Run the demo's script through one connection, while nodes are stopped and started."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import dataclass

from routedb import errors
from routedb.cli.answering_nodes import answering_nodes
from routedb.cli.demo.outcome import (
    Outcome,
    StatementResult,
    check_refusal,
    check_result,
)
from routedb.cli.demo.script import Outage, Step
from routedb.cli.demo.shop import REPLICAS, Shop
from routedb.cluster import Cluster
from routedb.frontends.connection import Connection

_NEWS_S = 3.0  # how long the monitor may take to notice


@dataclass(frozen=True, slots=True)
class News:
    """A change of a node between two steps."""

    text: str


class Player:
    """Runs steps on `connection`, which is one to `cluster`, on the files of `shop`."""

    def __init__(self, shop: Shop, cluster: Cluster, connection: Connection) -> None:
        self._shop = shop
        self._cluster = cluster
        self._connection = connection
        self._away: list[str] = []
        self._last = REPLICAS[0]  # the replica that answered last

    def play(self, steps: Iterable[Step | Outage]) -> list[Outcome | News]:
        """Do all steps, in their order."""
        return [
            self._run(step) if isinstance(step, Step) else self._apply_outage(step)
            for step in steps
        ]

    def _run(self, step: Step) -> Outcome:
        using = self._connection.using(step.using) if step.using else nullcontext()
        with using, closing(self._connection.cursor()) as cursor:
            try:
                cursor.execute(step.sql, step.params)
                rows = cursor.fetchall() if cursor.description else None
            except errors.Error as exc:
                return check_refusal(step, exc)
            node = answering_nodes(self._cluster, cursor)
            route = str(cursor.route or "")
            reasons = () if cursor.route is None else cursor.route.reasons
            if node in REPLICAS:
                self._last = node
            result = StatementResult(route, reasons, node, rows, cursor.rowcount)
            return check_result(step, result, self._away)

    def _apply_outage(self, outage: Outage) -> News:
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
        """Wait until the monitor has noticed that a replica is there, or is not.

        A link that is open would go on reading from a file that has lost its name, so
        without this the next read might still be answered there.
        """
        core = self._cluster.runtime.core
        node = next(node for node in core.nodes if node.name == replica)
        deadline = core.clock() + _NEWS_S
        while is_there != (
            node.id in (seen := core.topology).groups[node.group].read_ring
        ):
            if not core.await_news(seen.version, deadline):
                return  # the next step will show it
