"""Deciding where a statement runs, with the questions that this takes.

`routedb.routing.decider` says what it wants to know; here it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routedb import errors
from routedb.engine.consistency.catch_up import catch_up
from routedb.engine.links import find_node
from routedb.engine.route.columns import learn_columns
from routedb.engine.route.shadow.decide import count, decide_in_shadow
from routedb.engine.run.parameters import check_parameters
from routedb.engine.session import Session
from routedb.engine.transactions.aside import ask_aside
from routedb.routing import Reason
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
from routedb.sql.statement import Table


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
    """Decide as `routedb.routing.decider.decide` does about `text` with `params`, and
    ask what it wants to know; `keeps_to_branches` is passed on to it. Raises what it
    raises, and what the driver raises when it is asked."""
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
    """Ask the catalog, of which the answers are kept: True when all of the functions
    are there and only read."""

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
