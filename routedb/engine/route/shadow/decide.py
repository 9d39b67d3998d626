"""Decide in a shadow: count where a statement would go, and take the writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb import errors
from routedb.engine.plans.shadow_plans import ShadowText
from routedb.engine.plans.tally import TALLY
from routedb.engine.session import Session
from routedb.engine.shared.error_texts import second_home_refused
from routedb.routing import Reason
from routedb.routing.decider import Decision, decide_pinned
from routedb.routing.destination import Destination, find_destination
from routedb.routing.plan import ParsedText, Plan
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role

Decide = Callable[[Session, ParsedText, Any, bool], Decision]


def count(session: Session, text: ParsedText, params: Any, decide: Decide) -> None:
    """Count where `text` with the parameters `params` would go. What the transaction is
    counts for that, not where it is: in a shadow that is always a writer.

    `decide` decides as without a shadow, and asks what it wants to know.
    """
    if not isinstance(text, ShadowText):
        return
    would, shape = text.would, text.plan.shape
    try:
        decided = decide(session, would, params, False)
        is_one = not session.transaction.spread.is_allowed
        if is_one and _leaves_home(
            session, would.plan, decided.groups, decided.is_read
        ):
            groups = session.core.groups
            home, other = groups[session.transaction.home], groups[decided.groups[0]]
            raise second_home_refused(would.plan.statement, home, other)
    except errors.Error as refusal:
        TALLY.refuse(shape, refusal)
    else:
        TALLY.add(shape, decided.route)


def decide_in_shadow(session: Session, text: ParsedText, params: Any) -> Decision:
    """Decide where `text` with `params` runs: on a writer, of its own database where it
    can. Raises only the refusals of statements whose place cannot be found."""
    pinned = decide_pinned(text, params, session)
    if pinned is not None:
        return pinned
    plan = text.plan
    destination = find_destination(text, params, session)
    if _leaves_home(session, plan, destination.groups, plan.is_read):
        destination = _home(session)
    return Decision(
        destination.groups,
        Role.WRITER,
        destination.route(plan, Role.WRITER, Reason.SHADOW),
        plan.is_read,
        session.core.topology,
        destination.target,
    )


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
