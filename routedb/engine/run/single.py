"""Run a statement on one group."""

from __future__ import annotations

from contextlib import nullcontext

from routedb.adapters.base import RawCursor, ResultSet
from routedb.engine.links.link import Link
from routedb.engine.plans.plan import Plan
from routedb.engine.route.router import Decision
from routedb.engine.run.attempt import Attempts
from routedb.engine.session import Call, Session, VirtualCursor
from routedb.engine.transactions import fence
from routedb.session import TxEvent
from routedb.sql.statement import Kind


def once(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    call: Call,
    is_batch: bool = False,
) -> None:
    """Run on one group, on another node of it where that is allowed."""
    finish(
        session, cursor, plan, Attempts(session, plan, decided, is_batch=is_batch), call
    )


def finish(
    session: Session, cursor: VirtualCursor, plan: Plan, attempts: Attempts, call: Call
) -> None:
    """Run until an attempt succeeds, or raise what the user must see."""
    while True:
        link = attempts.reach()
        raw = cursor.raw_cursors.get(link) or cursor.open_raw_cursor(link)
        try:
            run_on(session, link, call, raw)
        except Exception as exc:
            cursor.link, cursor.raw, cursor.route = link, raw, attempts.route
            attempts.judge(link, exc)
            continue
        break
    cursor.link, cursor.raw, cursor.route = link, raw, attempts.route
    attempts.met(link)
    if session.transaction.is_open and not attempts.is_early and not attempts.may_write:
        session.transaction.apply(TxEvent.READ)
    wrote(session, cursor, plan, raw)


def wrote(session: Session, cursor: VirtualCursor, plan: Plan, raw: ResultSet) -> None:
    """Take note of a statement that may have written, and of whether it gave rows.

    Raises OutcomeUnknown when the node is found to be an old writer.
    """
    link = cursor.link
    if link is not None and not plan.is_read:
        link.needs_reset = True
    if not plan.is_read and plan.statement.kind is not Kind.SESSION:
        if link is not None:
            if session.core.topology.groups[link.node.group].fenced:
                _check_fence(session, plan, link)
            session.tracker.note_write(link.node.group, link.id)
            if plan.may_generate_key:
                session.links.pins.last_insert_node = link.id
        if plan.statement.kind is Kind.WRITE:
            session.transaction.has_written = link is None or link.holds_writes
    if raw.description is None:
        cursor.unbind_fetch()
    elif raw is not cursor.fetching_from:
        cursor.bind_fetch(raw)


def _check_fence(session: Session, plan: Plan, link: Link) -> None:
    """Inside a transaction the commit tells."""
    if not session.transaction.is_open and fence.is_overtaken(session.core, link):
        raise fence.unknown(link, plan.statement.verb)


def run_on(session: Session, link: Link, call: Call, raw: RawCursor) -> None:
    """Run on a raw cursor: counted as load, one thread at a time where needed."""
    loads, node = session.core.loads, link.node.id
    loads[node] += 1
    is_judged = False
    try:
        with link.lock or nullcontext():
            call(raw)
    except Exception:
        is_judged = True  # `Attempts.judge` tells whether the node has answered
        raise
    finally:
        loads[node] -= 1
        if not is_judged:
            link.touch(session.core.clock())
