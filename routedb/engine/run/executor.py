"""The long way of a statement, for everything that the hot path leaves.

`run` decides, asks what the decision needs, and runs: on one group, or on several
(`multi_shard`). The rest of the uses of a text (`executemany`, and whatever a cursor
does with `carry`) end here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.route.explain import ONE_GROUP
from routedb.engine.route.shadow.decide import decide_in_shadow
from routedb.engine.run import control, definitions, multi_shard, observed, series
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.deciding import (
    count_shadowed,
    decide_counted,
    decide_once_more,
)
from routedb.engine.run.interrupted import effects_interrupted, statement_interrupted
from routedb.engine.run.recovery import judge
from routedb.engine.run.session_effects import note_effects
from routedb.engine.run.times import check_untimed
from routedb.engine.session import Session
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import transaction_lost
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.vacancies import VACANCIES
from routedb.engine.transactions.interruption import met_error
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing import Route
from routedb.routing.decider import Decision
from routedb.routing.plan import ParsedText, Plan
from routedb.session import TxState
from routedb.sql.emptied import emptied_database
from routedb.sql.session_objects import ObjectKind, SessionObject
from routedb.sql.statement import Kind

_BACKEND = SessionObject(ObjectKind.BACKEND)


def run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None = None,
    is_other_use: bool = False,
) -> None:
    """Run one statement the long way. `call` runs it on a raw cursor; `params` are what
    `text` is decided by.

    `batch`: it does so for each of these sets of parameters, each a transaction of its
    own in autocommit mode. `is_other_use`: it does something else than to execute it.
    """
    plan = text.plan
    try:
        cursor.unbind_fetch()
        cursor.control = None
        if not plan.is_simple and _is_carried_out(session, cursor, text):
            return
        try:
            _run(session, cursor, text, params, call, batch, is_other_use)
        except (errors.ShardError, errors.CrossDatabaseError) as refusal:
            if is_other_use or batch is not None or type(refusal) not in ONE_GROUP:
                raise
            if series.is_series(plan):

                def again(each: ParsedText, its: Any) -> None:
                    _executing(session, cursor, each, each.source, its)()

                series.run(session, cursor, text, params, again, refusal)
            else:
                session.core.merger.run(session, cursor, text, params, refusal)
        if plan.has_effects:
            for each in (params,) if batch is None else batch:
                note_effects(session, cursor.link, text, each)
            if plan.may_change_transaction:
                control.settle(session, cursor.link)
    except errors.Error as exc:
        raise session.as_frontend_error(exc) from exc.__cause__
    except BaseException:
        if plan.has_effects:
            effects_interrupted(session, plan)
        raise
    finally:
        if plan.changes_mode:
            session.links.forget_lexical_modes()


def _run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None,
    is_other_use: bool,
) -> None:
    plan = text.plan
    _check_not_lost(session, plan)
    if plan.has_effects and plan.statement.parts > 1:
        call = _buffering(call, cursor)
    if plan.empties:
        call = _vacating(call, text.source)
    decision = decide_counted(session, text, params)
    if decision.target is not None:
        if plan.statement.kind is Kind.DDL:
            definitions.run(session, cursor, plan, decision, call)
            return
        if is_other_use:
            check_untimed(plan, text.source)
        written = None if is_other_use else (text.source, params)
        multi_shard.run(session, cursor, plan, decision, call, written)
    else:
        is_batch = batch is not None
        Attempt(session, plan, decision, is_batch=is_batch).run(cursor, call)


def _vacating(call: Call, sql: str) -> Call:
    """Return `call`, which runs `sql`, where the sessions that nobody uses leave the
    database that must have none for it."""
    database = emptied_database(sql)
    if database is None:
        return call

    def run(raw: Any) -> Any:
        with VACANCIES.of(database):
            return call(raw)

    return run


@lets_go
def recover(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    link: Link,
    route: Route | None,
    exc: BaseException,
) -> None:
    """Act on `exc`, a fault on `link` in the hot path: raise, or run again the long
    way. `text`, `params` and `call` are those of `run`; `route` led to the link."""
    before = _handled_outside(exc)
    link.pending_begin = None
    try:
        if not isinstance(exc, Exception) or is_from_program(exc):
            raise exc
        cursor.unbind_fetch()
        cursor.control = None
        # What a driver shows of a statement that failed, its text above all, is there.
        cursor.link, cursor.raw = link, cursor.raw_cursors.get(link)
        decision = decide_counted(session, text, params)
        attempt = Attempt(session, text.plan, decision)
        attempt.begins = session.transaction.is_first
        attempt.chosen_as = None if route is None else route.role
        judge(attempt, link, exc)
        if attempt.is_read and attempt.role is not decision.role:
            attempt.run(cursor, call)
        else:
            run(session, cursor, text, params, call)
    except errors.Error as own:
        raise session.as_frontend_error(own) from own.__cause__
    except BaseException as own:
        has_failed = met_error(link, own, before)
        statement_interrupted(session, cursor, text.plan, link, has_failed)
        raise


def _handled_outside(exc: BaseException) -> BaseException | None:
    """Return what was being handled when the statement of `exc` began: not an error of
    that statement itself, on its way when a signal came."""
    context, trace = exc.__context__, exc.__traceback__
    inner = None if context is None else context.__traceback__
    if inner is not None and trace is not None and inner.tb_frame is trace.tb_frame:
        return None
    return context


def executemany(
    session: Session, cursor: VirtualCursor, sql: Any, rows: Sequence[Any]
) -> None:
    """Run the text `sql` for every set of parameters in `rows`."""
    if session.core.observers is not None and not cursor.is_observed:
        again = partial(executemany, session, cursor, sql, rows)
        observed.call(cursor, sql, again, len(rows))
        return
    text = session.learn(sql)
    if text.plan.is_sharded:
        _executemany_sharded(session, cursor, text, sql, rows)
        return
    if session.core.backends and _BACKEND in text.plan.statement.needs:
        for each in rows:  # backends of several nodes, maybe
            _executing(session, cursor, text, sql, each)()
        return
    call: Call = lambda raw: raw.executemany(sql, rows)  # noqa: E731
    run(session, cursor, text, None, call, batch=rows)


def _executemany_sharded(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    sql: Any,
    rows: Sequence[Any],
) -> None:
    """Run each set of parameters on its own shard; those of one shard at once, where no
    set itself is for several."""
    cursor.unbind_fetch()
    is_shadow = session.core.config.shadow
    place = decide_in_shadow if is_shadow else decide_once_more
    try:
        decisions = [place(session, text, params) for params in rows]
    except errors.Error as exc:
        count_shadowed(session, text, rows)
        raise session.as_frontend_error(exc) from exc.__cause__
    by_group: dict[int, list[Any]] = {}
    first: dict[int, Decision] = {}
    sent = text.source
    for decided, params in zip(decisions, rows, strict=True):
        part = multi_shard.only_part(decided)
        if decided.target is not None and decided.target.is_each:
            for group in decided.groups:
                by_group.setdefault(group, []).append(params)
                first.setdefault(group, decided)
            continue
        if len(decided.groups) > 1 or (decided.target is not None and part is None):
            calls = [_executing(session, cursor, text, sql, each) for each in rows]
            multi_shard.run_each(session, cursor, calls)  # which are counted, too
            return
        values = params
        if part is not None:  # each has this text
            sent, values = part.sql, part.params
        by_group.setdefault(decided.groups[0], []).append(values)
        first.setdefault(decided.groups[0], decided)
    count_shadowed(session, text, rows)
    if len(by_group) == 1:
        (decision,) = first.values()
        attempt = Attempt(session, text.plan, decision, is_batch=True)
        (values,) = by_group.values()
        attempt.run(cursor, lambda raw: raw.executemany(sent, values))
    elif by_group:
        multi_shard.run_batches(session, cursor, text.plan, first, sent, by_group)


def _executing(
    session: Session, cursor: VirtualCursor, text: ParsedText, sql: Any, params: Any
) -> Callable[[], None]:
    call: Call = lambda raw: raw.execute(sql, params)  # noqa: E731
    return lambda: run(session, cursor, text, params, call)


def carry(
    session: Session, cursor: VirtualCursor, sql: Any, call: Call, params: Any = None
) -> None:
    """Route by the text `sql` and `params`, and there do `call`, which may be any use
    of it."""
    if session.core.observers is not None and not cursor.is_observed:
        again = partial(carry, session, cursor, sql, call, params)
        observed.call(cursor, sql, again)
        return
    text = session.learn(sql)
    run(session, cursor, text, params, call, is_other_use=True)


def _is_carried_out(session: Session, cursor: VirtualCursor, text: ParsedText) -> bool:
    """Tell whether the transaction did what the text says: it is transaction control
    and no more. Raises ProgrammingError when it says nothing."""
    plan = text.plan
    if plan.statement.kind is Kind.EMPTY:
        raise errors.ProgrammingError("the statement is empty: nothing to run")
    if not control.is_control(plan):
        return False
    _check_not_lost(session, plan)
    return control.carry_out(session, cursor, text)


def _check_not_lost(session: Session, plan: Plan) -> None:
    """Whatever comes after a loss that is not said yet is refused, but for what says
    that the transaction is over."""
    is_lost = session.transaction.state is TxState.LOST
    if not (is_lost or session.pins.lost) or control.acknowledges(plan):
        return
    if is_lost:
        raise transaction_lost(session.transaction.is_in_doubt)
    session.links.check_lost(session.frontend)


def _buffering(call: Call, cursor: VirtualCursor) -> Call:
    """Return a call that leaves the link free to be asked what the text has done."""

    def call_and_buffer(raw: RawCursor) -> None:
        call(raw)
        cursor.buffer_results()

    return call_and_buffer
