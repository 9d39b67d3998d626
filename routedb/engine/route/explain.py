"""What a statement's route would be, and why, without running anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from routedb import errors
from routedb.config.model import NodeConfig
from routedb.engine.plans.shadow_plans import unshadowed
from routedb.engine.session import Session
from routedb.routing import Route
from routedb.routing.decider import ALL_ASKED, Decision, decide
from routedb.sql import Statement
from routedb.topology.snapshot import Role


@dataclass(frozen=True, slots=True)
class Explanation:
    """A route that was decided and not taken. `nodes` may answer it now."""

    statement: Statement
    route: Route
    nodes: tuple[NodeConfig, ...]

    @property
    def database(self) -> str:
        """The name of the database."""
        return self.route.database

    @property
    def groups(self) -> tuple[int, ...]:
        """The numbers of its groups: shards, or (0,)."""
        return self.route.groups

    @property
    def role(self) -> Role:
        """Writer or replica."""
        return self.route.role

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return self.route.reason

    def __str__(self) -> str:
        names = ", ".join(node.name for node in self.nodes) or "no node known yet"
        return f"{self.route}: {self.reason} [{names}]"


def explain(session: Session, sql: Any, params: Any) -> Explanation:
    """Decide as `execute` would about the text `sql` with `params`. Raises what it
    would raise before sending anything.

    In a shadow this is where the statement would go, not where it runs.
    """
    text = unshadowed(session.learn(sql))
    try:
        decided = decide(text, params, session, ALL_ASKED)
    except errors.Error as exc:
        raise session.as_frontend_error(exc) from exc.__cause__
    assert type(decided) is Decision  # nothing is left to be asked
    nodes: list[NodeConfig] = []
    if decided.node is not None:
        pinned = (session.core.nodes[decided.node],)
        return Explanation(text.plan.statement, decided.route, pinned)
    for group in decided.groups:
        view = session.core.topology.groups[group]
        ids = view.read_ring if decided.role is Role.REPLICA else (view.writer,)
        nodes += [
            session.core.nodes[id_] for id_ in dict.fromkeys(ids) if id_ is not None
        ]
    return Explanation(text.plan.statement, decided.route, tuple(nodes))
