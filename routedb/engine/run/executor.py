"""The long way of a statement, for everything that the hot path leaves.

`run` decides, asks what the decision needs, and runs: on one group, or on several
(`multi_shard`). The other uses of a text (`executemany`, `carry`) end here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.consistency.catch_up import catch_up
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.route.columns import learn_columns
from routedb.engine.route.explain import ONE_GROUP
from routedb.engine.route.shadow.decide import count, decide_in_shadow
from routedb.engine.run import control, definitions, multi_shard, observed, series
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.filling import filled, show_ids
from routedb.engine.run.index_places import NAMED_ALONE, learnt_there
from routedb.engine.run.interrupted import effects_interrupted, statement_interrupted
from routedb.engine.run.parameters import check_parameters
from routedb.engine.run.recovery import judge
from routedb.engine.run.repeats import Moved
from routedb.engine.run.session_effects import note_effects
from routedb.engine.run.times import check_untimed
from routedb.engine.session import Session
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.vacancies import vacating
from routedb.engine.transactions.aside import ask_aside
from routedb.engine.transactions.interruption import handled_outside, met_error
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing import Reason, Route
from routedb.routing.decider import Decision, decide, decide_part
from routedb.routing.destination import Destination
from routedb.routing.plan import ParsedText, Plan
from routedb.routing.questions import (
    NOTHING_ASKED,
    AskCatalog,
    AskColumns,
    Asked,
    AskPosition,
    Question,
)
from routedb.session import TxState
from routedb.sql.statement import Kind, Table

# Does a use of a text over several groups, instead of the refusal.
Merges = Callable[[ParsedText, errors.Error], None]


def run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None = None,
    merges: Merges | None = None,
) -> None:
    """Run one statement the long way. `call` runs it on a raw cursor; `params` are what
    `text` is decided by.

    `batch`: for each of these sets of parameters, each a transaction of its own.
    Else, where it is no plain execute, `merges` does it over groups.
    """
    try:
        _run_noting(session, cursor, text, params, call, batch, merges)
    except BaseException as exc:
        # Noted already, unless a second signal has come in the middle of that.
        if text.plan.has_effects and not isinstance(exc, errors.Error):
            effects_interrupted(session, text.plan)
        raise


def _run_noting(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None,
    merges: Merges | None,
) -> None:
    """Run it, and take note of what it leaves in the session."""
    plan = text.plan
    try:
        cursor.unbind_fetch()
        cursor.control = None
        if not plan.is_simple and _is_carried_out(session, cursor, text):
            return
        while not _run_anywhere(session, cursor, text, params, call, batch, merges):
            text = session.learn(text.source)  # its table has been moved
        if plan.has_effects:
            for each in (params,) if batch is None else batch:
                note_effects(session, cursor.link, text, each)
            if plan.may_change_transaction:
                control.settle(session, plan, cursor.link)
    except errors.Error as exc:
        raise session.as_frontend_error(exc) from exc.__cause__
    except BaseException:
        if plan.has_effects:
            effects_interrupted(session, plan)
        raise
    finally:
        if plan.changes_mode:
            session.links.forget_lexical_modes()


def _run_anywhere(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None,
    merges: Merges | None,
) -> bool:
    """Tell whether it has run, on one group or several; else it is to be learnt."""
    made: list[int] = []
    try:
        if text.plan.placement.fills and merges is None and batch is None:
            text, call, made = filled(session, text, params, call)
        has_run = _run(session, cursor, text, params, call, batch, merges is not None)
    except (errors.ShardError, errors.CrossDatabaseError) as refusal:
        if type(refusal) not in ONE_GROUP:
            raise
        if merges is not None:
            merges(text, refusal)
            return True
        try:
            _run_over_groups(session, cursor, text, params, batch, refusal)
        except Moved:
            return False
        has_run = True
    if made:
        show_ids(cursor, text, made)
    return has_run


@lets_go
def _run_over_groups(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    batch: Sequence[Any] | None,
    refusal: errors.Error,
) -> None:
    """Run what no one group can answer. Raises `refusal`, with why, where none can."""
    if batch is not None:
        multi_shard.merge_each(session, cursor, text, batch, refusal)
    elif series.is_series(text.plan):
        decide = partial(decide_counted, session)
        again = partial(run_again, session, cursor)
        series.run(session, cursor, text, params, decide, again, refusal)
    else:
        session.core.merger.run(session, cursor, text, params, refusal)


def _run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    call: Call,
    batch: Sequence[Any] | None,
    is_other_use: bool,
) -> bool:
    """Tell whether it has run; it is to be learnt anew else."""
    if text.plan.statement.verb in NAMED_ALONE:
        text = learnt_there(session, text)
    plan = text.plan
    if session.transaction.state is TxState.LOST or session.pins.lost:
        control.check_not_lost(session, plan)
    if plan.has_effects and plan.statement.parts > 1:
        call = _buffering(call, cursor)
    if plan.empties:
        call = vacating(call, text.source)
    decision = decide_counted(session, text, params)
    if decision.target is not None and plan.statement.kind is Kind.DDL:
        definitions.run(session, cursor, plan, decision, call)
        return True
    if decision.target is not None:
        if is_other_use:
            check_untimed(plan, text.source)
        written = None if is_other_use else (text.source, params)
        return multi_shard.run(session, cursor, plan, decision, call, written)
    attempt = Attempt(session, plan, decision, is_batch=batch is not None)
    attempt.may_move = True
    attempt.run(cursor, call)
    return not attempt.is_moved


def run_again(
    session: Session, cursor: VirtualCursor, text: ParsedText, params: Any
) -> None:
    """Run `text` with `params` on `cursor` of `session`: a part of another call."""
    call: Call = lambda raw: raw.execute(text.source, params)  # noqa: E731
    run(session, cursor, text, params, call)


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
    """Act on `exc`, a fault on `link` in the hot path: raise, or `run` again `text`
    with `params` by `call`; `route` led to the link."""
    before = handled_outside(exc)
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
        attempt.may_move = True
        attempt.chosen_as = None if route is None else route.role
        judge(attempt, link, exc)
        if attempt.is_read and attempt.role is not decision.role:
            attempt.run(cursor, call)
        else:
            again = session.learn(text.source) if attempt.is_moved else text
            run(session, cursor, again, params, call)
    except BaseException as own:
        if isinstance(own, errors.Error) and not is_from_program(own):
            raise session.as_frontend_error(own) from own.__cause__
        has_failed = met_error(link, own, before)
        statement_interrupted(session, cursor, text.plan, link, has_failed)
        raise


@lets_go
def _refused(text: ParsedText, refusal: errors.Error) -> None:
    raise refusal


def carry(
    session: Session,
    cursor: VirtualCursor,
    sql: Any,
    call: Call,
    params: Any = None,
    merges: Merges = _refused,
) -> None:
    """Route by the text `sql` and `params`, and there do `call`, which may be any use
    of it; `merges` does it over several groups."""
    if session.core.observers is not None and not cursor.is_observed:
        again = partial(carry, session, cursor, sql, call, params, merges)
        observed.call(cursor, sql, again)
        return
    text = session.learn(sql)
    run(session, cursor, text, params, call, merges=merges)


# -- deciding --------------------------------------------------------------------------


def decide_counted(session: Session, text: ParsedText, params: Any) -> Decision:
    """Decide about `text` with `params` in `session`; in a shadow count where the
    statement would go, and take the writer. Raises the refusals of routing."""
    if session.core.config.shadow:
        count_shadowed(session, text, (params,))
        return decide_in_shadow(session, text, params)
    return decide_once_more(session, text, params)


def decide_once_more(session: Session, text: ParsedText, params: Any) -> Decision:
    """Decide about `text` with `params` in `session`, again where it is refused by what
    the catalog said a while ago. Raises the refusals of routing."""
    known = text.plan.shards.columns
    try:
        return decide_asking(session, text, params)
    except (errors.ShardError, errors.ProgrammingError):
        check_parameters(session, text, params)
        if not known or text.plan.shards.columns is not known:
            raise
    session.core.catalog.forget()  # others may have changed the table since
    return decide_asking(session, text, params)


def count_shadowed(session: Session, text: ParsedText, rows: Iterable[Any]) -> None:
    """In a shadow, count where `text` would go with each set of parameters in `rows`,
    for `session`."""
    if session.core.config.shadow:
        for params in rows:
            count(session, text, params, decide_asking)


def decide_asking(
    session: Session, text: ParsedText, params: Any, keeps_to_branches: bool = True
) -> Decision:
    """Do as `decide` with `text`, `params` and `keeps_to_branches`, and ask for it."""
    asked = NOTHING_ASKED
    while True:
        decided = decide(text, params, session, asked, keeps_to_branches)
        if isinstance(decided, Decision):
            return _noted(session, decided)
        asked = _ask(session, text.plan, decided, asked)


def decide_part_asking(session: Session, plan: Plan, place: Destination) -> Decision:
    """Decide who reads a part of a statement of this `plan`, at `place`, in `session`;
    ask as `decide_asking` does."""
    asked = NOTHING_ASKED
    while True:
        decided = decide_part(plan, session, place, asked)
        if isinstance(decided, Decision):
            return _noted(session, decided)
        asked = _ask(session, plan, decided, asked)


def _noted(session: Session, decided: Decision) -> Decision:
    """Take note of what the monitor is to know of a decision; return it."""
    if decided.route.reasons[-1][0] is Reason.OWN_WRITES:
        session.tracker.require_writer(decided.groups[0], decided.topology)
    elif decided.seen is not None and decided.seen.process_wrote_at:
        session.core.samples.note_look(decided.groups[0])
    return decided


def _ask(session: Session, plan: Plan, question: Question, asked: Asked) -> Asked:
    """Ask what a decision needs, and return what has been asked by then."""
    if isinstance(question, AskPosition):
        bound = session.transaction.branches.values()
        catch_up(session.tracker, question.group, question.nearest, bound)
        return asked._replace(position=True)
    if isinstance(question, AskColumns):
        learn_columns(session, plan, question)
        return asked._replace(columns=True)
    if _only_reads(session, question):
        plan.set_read(True)
    return asked._replace(catalog=True)


def _only_reads(session: Session, question: AskCatalog) -> bool:
    """Ask the catalog whether all of the functions are there and only read."""

    def ask(function: Table) -> bool | None:
        link = find_node.writer(session.links, question.group)
        name, schema = function.name, function.schema
        return ask_aside(
            session.transaction, link, lambda link: link.volatility(name, schema)
        )

    catalog = session.core.catalog
    for function in question.functions:
        if catalog.is_volatile(question.database, function, ask) is not False:
            return False
    return True


# -- before and after ------------------------------------------------------------------


def _is_carried_out(session: Session, cursor: VirtualCursor, text: ParsedText) -> bool:
    """Tell whether the transaction did what the text says: it is transaction control
    and no more. Raises ProgrammingError when it says nothing to other than SQLite."""
    plan = text.plan
    if plan.statement.kind is Kind.EMPTY:
        if plan.dialect == "sqlite":
            return False  # sqlite3 runs it: it does nothing
        raise errors.ProgrammingError("the statement is empty: nothing to run")
    if not control.is_control(plan):
        return False
    control.check_not_lost(session, plan)
    return control.carry_out(session, cursor, text)


def _buffering(call: Call, cursor: VirtualCursor) -> Call:
    """Return a call that leaves the link free to be asked what the text has done."""

    def call_and_buffer(raw: RawCursor) -> None:
        call(raw)
        cursor.buffer_results()

    return call_and_buffer
