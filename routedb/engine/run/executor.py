"""The long way of a statement, for everything that the hot path leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.plans.plan import Text
from routedb.engine.route.shadow.decide import decide_and_count
from routedb.engine.run import control, multi_shard, session_effects, single
from routedb.engine.run.attempt import Attempts
from routedb.engine.session import Call, Session, VirtualCursor
from routedb.session import TxState
from routedb.sql.statement import Kind


def run(
    session: Session,
    cursor: VirtualCursor,
    text: Text,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None = None,
) -> None:
    """Run one statement the long way. `call` runs it on a raw cursor.

    `batch`: it does so for each of these sets of parameters, each a transaction of its
    own in autocommit mode.
    """
    plan = text.plan
    cursor.unbind_fetch()
    cursor.control = None
    try:
        if plan.statement.kind is Kind.EMPTY:
            raise errors.ProgrammingError("the statement is empty: nothing to run")
        if not control.acknowledges(plan):
            _check_not_lost(session)
            session.links.check_lost(session.frontend)
        if control.is_control(plan) and control.carry_out(session, cursor, text, call):
            return
        decided = decide_and_count(session, text, params)
        if plan.statement.parts > 1 and (plan.has_session_effects or plan.statement.tx):
            call = _holding(call, cursor)
        if decided.target is not None:
            multi_shard.run(session, cursor, plan, decided, call)
        else:
            single.once(session, cursor, plan, decided, call, batch is not None)
    except errors.Error as exc:
        raise session.as_frontend_error(exc) from exc.__cause__
    for each in (params,) if batch is None else batch:
        session_effects.note(session, cursor.link, text, each)
    if plan.statement.tx:
        control.settle(session, cursor.link)


def recover(
    session: Session,
    cursor: VirtualCursor,
    text: Text,
    params: Any,
    call: Call,
    link: Link,
    exc: Exception,
) -> None:
    """Act on a fault in the hot path: raise, or run again the long way."""
    cursor.unbind_fetch()
    cursor.control = None
    # What a driver shows of a statement that failed, its text above all, is there.
    cursor.link, cursor.raw = link, cursor.raw_cursors.get(link)
    try:
        decided = decide_and_count(session, text, params)
        attempts = Attempts(session, text.plan, decided)
        attempts.judge(link, exc)
        if attempts.is_read and attempts.role is not decided.role:
            single.finish(session, cursor, text.plan, attempts, call)
        else:
            run(session, cursor, text, params, call)
    except errors.Error as own:
        raise session.as_frontend_error(own) from own.__cause__


def _holding(call: Call, cursor: VirtualCursor) -> Call:
    """Return a call that leaves the link free to be asked what the text has done."""

    def call_and_hold(raw: RawCursor) -> None:
        call(raw)
        cursor.buffer_results()

    return call_and_hold


def _check_not_lost(session: Session) -> None:
    if session.transaction.state is TxState.LOST:
        raise errors.TransactionLost(
            "this transaction was lost with its link and nothing of it was committed: "
            "call rollback(), then run the whole transaction again"
        )
