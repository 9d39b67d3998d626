"""What a statement's result, or its error, means for all that has to know of it.

The one place where an outcome is recorded: for the cursor, which shows it; the session,
which must not fall behind what it was shown or has written; the transaction, which has
written or not; and the node, of which an error may be evidence.
"""

from __future__ import annotations

from typing import Protocol

from routedb import errors
from routedb.adapters.base import Fault, RawCursor
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.catalog_answers import DEFINING
from routedb.engine.shared.error_texts import as_dbapi_error, overtaken_unknown
from routedb.engine.shared.let_go import lets_go
from routedb.engine.transactions.ends import is_overtaken
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.events import NodeRefusedWrite
from routedb.routing import Route
from routedb.routing.plan import Plan
from routedb.session import TxEvent, TxState
from routedb.session.read_state import View
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role, Snapshot

# An error of the statement shows data too: a row that is in the way, say.
SHOWING = frozenset({Fault.STATEMENT, Fault.MISSING, Fault.CONFLICT})


class Underway(Protocol):
    """What an outcome is judged by: a statement under way on a group, see `Attempt`."""

    session: Session
    plan: Plan
    group: int
    role: Role
    route: Route
    topology: Snapshot
    is_read: bool
    may_write: bool
    is_in_parts: bool
    is_early: bool
    consistency: str
    view: View | None
    begins: bool
    chosen_as: Role | None
    pinned: int | None
    tried: set[int]
    failures: int
    refused: list[int]
    may_move: bool
    is_moved: bool
    fenced_at: float

    @property
    def is_outside(self) -> bool:
        """Whether it runs outside of the transaction, or there is none."""

    def is_alone(self, link: Link) -> bool:
        """Tell whether the group of `link` has one node."""


def ran(
    session: Session,
    cursor: VirtualCursor,
    attempt: Underway,
    link: Link,
    raw: RawCursor,
) -> None:
    """Record that the statement of `attempt` has succeeded on `link`; its result is in
    `raw`. Raises what `succeeded` raises."""
    cursor.link, cursor.raw, cursor.route = link, raw, attempt.route
    attempt.route.hits[0] += 1
    note_shown(session, attempt, link)
    transaction = session.transaction
    is_inside = transaction.state is not TxState.AUTOCOMMIT and not attempt.is_early
    if is_inside and not attempt.may_write:
        transaction.apply(TxEvent.READ)
    succeeded(session, cursor, attempt.plan)


def succeeded(session: Session, cursor: VirtualCursor, plan: Plan) -> None:
    """Record the success of a statement, of this `plan`, that may have written; bind
    its rows, if it gave any, to `cursor`, which shows it already.

    Raises OutcomeUnknown when the node is found to be an old writer.
    """
    link, raw = cursor.link, cursor.raw
    kind = plan.statement.kind
    if not plan.is_read:
        transaction = session.transaction
        is_pending = kind is Kind.WRITE and (
            link is None
            or not link.adapter.begins_before_some_writes  # as in `holds_writes`
            or link.holds_writes
        )
        if link is not None:
            if plan.may_generate_key:
                session.pins.last_insert_node = link.id
            # What is nowhere to be seen before the commit, that takes note of.
            if kind is not Kind.SESSION and not (
                is_pending
                and transaction.state is TxState.WRITING
                and link.adapter.hides_uncommitted
            ):
                _note_write(session, plan, link)
        if kind is Kind.WRITE:
            transaction.has_written = is_pending
        elif kind in DEFINING:
            transaction.reads.note_definition()
    is_own = type(raw) is cursor.own_raw and raw is not None
    if raw is None or (cursor.own_description if is_own else raw.description) is None:
        cursor.unbind_fetch()
    elif raw is not cursor.fetching_from:
        cursor.bind_fetch(raw)


def _note_write(session: Session, plan: Plan, link: Link) -> None:
    core = session.core
    if (
        core.topology.groups[link.node.group].fenced
        and session.transaction.state is TxState.AUTOCOMMIT  # else the commit tells
        and is_overtaken(core, link)
    ):
        unknown = overtaken_unknown(link.node.name, plan.statement.verb)
        raise session.as_frontend_error(unknown)
    session.tracker.note_write(link.node.group, link.id)


def note_shown(session: Session, attempt: Underway, link: Link) -> None:
    """Record that `attempt` has shown the session what the node of `link` holds."""
    if attempt.is_read and session.core.config.shadow:
        return  # it would have been shown a replica's
    if attempt.plan.shows_data and not (
        attempt.is_read and attempt.consistency == "eventual"
    ):
        session.tracker.note_read(link, attempt.view)


@lets_go
def failed(session: Session, attempt: Underway, link: Link, exc: Exception) -> Fault:
    """Record that the statement of `attempt` failed on `link` with `exc`, the driver's;
    return the kind of fault.

    Raises an error of both kinds in the place of a plain Python exception, as drivers
    raise for wrong arguments.
    """
    core = session.core
    fault = link.classify_error(exc)
    if not (attempt.is_read and fault is Fault.LINK_LOST):  # that has shown nothing
        link.touch(core.clock())
    if not isinstance(exc, errors.Error):
        joined = as_dbapi_error(exc, link.adapter.error_class)
        if joined is exc:
            raise exc
        raise joined from exc
    if fault in SHOWING:
        note_shown(session, attempt, link)
    # It may be done, or half of it; or what its plan was told is old.
    is_old = fault is Fault.MISSING and bool(attempt.plan.shards.columns)
    if attempt.plan.statement.kind in DEFINING or is_old:
        core.catalog.forget()
    if attempt.may_write and attempt.is_in_parts:
        session.tracker.note_write(link.node.group, link.id)
    core.report_fault(link, exc, fault)
    if fault is Fault.NODE_READ_ONLY and attempt.role is Role.WRITER:
        core.publish(NodeRefusedWrite(link.node.id, link.generation))
    return fault
