"""Decide as the router does; in a shadow count that, and take the writer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routedb import errors
from routedb.engine.plans.plan import Plan, Text
from routedb.engine.plans.tally import TALLY
from routedb.engine.route import router as plain
from routedb.engine.route.router import Decision, Destination
from routedb.engine.route.shadow.plans import ShadowText
from routedb.engine.session import Session
from routedb.engine.shared.refusals import second_home_refused
from routedb.routing import Reason
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role


def decide_and_count(session: Session, text: Text, params: Any) -> Decision:
    """Decide where a statement that is about to run goes, and count it. Raises the
    refusals; in a shadow only those of statements whose place cannot be found."""
    count(session, text, (params,))
    return decide(session, text, params)


def count(session: Session, text: Text, rows: Iterable[Any]) -> None:
    """In a shadow, count where a statement would go with each set of parameters."""
    if isinstance(text, ShadowText):
        for params in rows:
            _count(session, text.would, params)


def decide(session: Session, text: Text, params: Any) -> Decision:
    """Decide as `aim` does, and count nothing."""
    if not isinstance(text, ShadowText):
        return plain.decide(session, text, params)
    pinned = plain.decide_pinned(session, text, params)
    if pinned is not None:
        return pinned
    plan = text.plan
    destination = plain.find_destination(session, text, params)
    if _leaves_home(session, plan, destination.groups, plan.is_read):
        destination = _home(session)
    route = destination.route(plan, Role.WRITER, Reason.SHADOW)
    return Decision(
        destination.groups, Role.WRITER, route, plan.is_read, destination.target
    )


def _count(session: Session, text: Text, params: Any) -> None:
    """Count where it would go. What the transaction is counts for that, not where it
    is: in a shadow that is always a writer."""
    shape = text.scan.shape
    try:
        decided = plain.decide(session, text, params, keeps_to_branches=False)
        if _leaves_home(session, text.plan, decided.groups, decided.is_read):
            raise second_home_refused(session, text.plan, decided.groups[0])
    except errors.Error as refusal:
        TALLY.refuse(shape, refusal)
    else:
        TALLY.add(shape, decided.route)


def _leaves_home(
    session: Session, plan: Plan, groups: tuple[int, ...], is_read: bool
) -> bool:
    """Tell whether this writes to another database or shard than the transaction."""
    transaction = session.transaction
    if is_read or transaction.home < 0 or plan.statement.kind is Kind.SESSION:
        return False
    if len(groups) > 1:
        home, other = (
            session.core.groups[transaction.home],
            session.core.groups[groups[0]],
        )
        return home.database != other.database
    return groups[0] != transaction.home and groups[0] not in transaction.wrote


def _home(session: Session) -> Destination:
    group = session.core.groups[session.transaction.home]
    database = session.core.config.databases[group.database]
    shard = None
    if group.shard is not None:
        shard = (Reason.TRANSACTION_HOME, f"the transaction is on shard {group.shard}")
    return Destination(database, (group.shard or 0,), shard, None, True)
