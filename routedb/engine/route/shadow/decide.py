"""Decide as the router does; in a shadow count that, and take the writer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routedb import errors
from routedb.engine.plans.plan import Plan, Text
from routedb.engine.route import router as plain
from routedb.engine.route.router import Aim, Place
from routedb.engine.route.shadow.plans import ShadowText
from routedb.engine.route.shadow.tally import TALLY
from routedb.engine.session import Session
from routedb.engine.shared.refusals import second_home
from routedb.routing import Reason
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role


def aim(d: Session, text: Text, params: Any) -> Aim:
    """Decide where a statement that is about to run goes, and count it. Raises the
    refusals; in a shadow only those of statements whose place cannot be found."""
    count(d, text, (params,))
    return decide(d, text, params)


def count(d: Session, text: Text, rows: Iterable[Any]) -> None:
    """In a shadow, count where a statement would go with each set of parameters."""
    if isinstance(text, ShadowText):
        for params in rows:
            _count(d, text.would, params)


def decide(d: Session, text: Text, params: Any) -> Aim:
    """Decide as `aim` does, and count nothing."""
    if not isinstance(text, ShadowText):
        return plain.aim(d, text, params)
    pinned = plain.aim_at_pin(d, text, params)
    if pinned is not None:
        return pinned
    plan = text.plan
    place = plain.locate(d, text, params)
    if _leaves_home(d, plan, place.groups, plan.is_read):
        place = _home(d)
    route = place.route(plan, Role.WRITER, Reason.SHADOW)
    return Aim(place.groups, Role.WRITER, route, plan.is_read, place.target)


def _count(d: Session, text: Text, params: Any) -> None:
    """Count where it would go. What the transaction is counts for that, not where it
    is: in a shadow that is always a writer."""
    shape = text.scan.shape
    try:
        decided = plain.aim(d, text, params, minds_branches=False)
        if _leaves_home(d, text.plan, decided.groups, decided.is_read):
            raise second_home(d, text.plan, decided.groups[0])
    except errors.Error as refusal:
        TALLY.refuse(shape, refusal)
    else:
        TALLY.add(shape, decided.route)


def _leaves_home(
    d: Session, plan: Plan, groups: tuple[int, ...], is_read: bool
) -> bool:
    """Tell whether this writes to another database or shard than the transaction."""
    transaction = d.transaction
    if is_read or transaction.home < 0 or plan.statement.kind is Kind.SESSION:
        return False
    if len(groups) > 1:
        home, other = d.core.groups[transaction.home], d.core.groups[groups[0]]
        return home.database != other.database
    return groups[0] != transaction.home and groups[0] not in transaction.wrote


def _home(d: Session) -> Place:
    group = d.core.groups[d.transaction.home]
    database = d.core.config.databases[group.database]
    shard = None
    if group.shard is not None:
        shard = (Reason.TRANSACTION_HOME, f"the transaction is on shard {group.shard}")
    return Place(database, (group.shard or 0,), shard, None, True)
