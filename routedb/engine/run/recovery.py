"""Act on what goes wrong on a link: raise what the user must see, or run again.

The action for each fault comes from the table in session/recovery.py.
"""

from __future__ import annotations

from typing import NoReturn

from routedb import errors
from routedb.adapters.base import Fault
from routedb.engine.links.link import Link
from routedb.engine.run import control
from routedb.engine.run.follow import follow, learn, may_follow
from routedb.engine.run.outcome import SHOWING, Underway, failed
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import hidden_unknown, statement_unknown
from routedb.engine.shared.let_go import lets_go
from routedb.engine.transactions.failure import raise_failure
from routedb.engine.transactions.hidden_writes import has_only_read
from routedb.routing import Reason
from routedb.session import Action, Moment, action_for
from routedb.topology.snapshot import Role

_MOST_REFUSALS = 3  # of one statement by one node
_REFUSED_PAUSE_S = 0.1  # before the last of them
_BEGINNINGS = (Moment.BEGINNING, Moment.BEGINNING_READ_ONLY)


@lets_go
def judge(attempt: Underway, link: Link, exc: Exception) -> None:
    """Return when the statement of `attempt`, which failed on `link` with `exc`, may be
    run again; raise what the user must see."""
    if is_from_program(exc):  # no verdict: see `interrupted`
        raise exc
    if isinstance(exc, errors.Error):  # ours, from the adapter: nothing was sent
        raise exc
    session = attempt.session
    fault = failed(session, attempt, link, exc)
    moment = _moment(attempt, link)
    action = _action(attempt, link, fault, moment)
    if moment is Moment.WRITING and attempt.is_in_parts:
        exc.retry_is_safe = False  # type: ignore[attr-defined]  # errors.Error's
    transaction = session.transaction
    if action is Action.RAISE_OUTCOME_UNKNOWN and moment is Moment.COMMITTING:
        transaction.forget(link)
    elif moment in _BEGINNINGS and action in (Action.AWAIT_WRITER, Action.FOLLOW):
        transaction.restart(link)
    elif not attempt.is_outside:
        try:
            ends_itself = bool(attempt.plan.statement.tx)
            raise_failure(transaction, link, exc, fault, action, ends_itself)
        finally:
            control.settle_failed(session, attempt.plan, link)
    elif fault in SHOWING:
        control.settle_begun(session, attempt.plan, link)
    if fault in (Fault.LINK_LOST, Fault.TOO_LARGE):
        session.links.drop(link)
    _RESPONSES[action](attempt, link, exc, fault)
    session.note_retry(link, attempt.plan.statement.verb, attempt.is_read, exc)


def _moment(attempt: Underway, link: Link) -> Moment:
    if attempt.is_outside:
        return Moment.READING if attempt.is_read else Moment.WRITING
    begins = attempt.begins and not _has_refused_enough(attempt, link)
    if attempt.session.transaction.mode.read_only:
        return Moment.BEGINNING_READ_ONLY if begins else Moment.IN_READ_ONLY
    if control.may_commit(attempt.plan):
        return Moment.COMMITTING
    return Moment.BEGINNING if begins else Moment.IN_TRANSACTION


def _action(attempt: Underway, link: Link, fault: Fault, moment: Moment) -> Action:
    action = action_for(fault, moment)
    if _is_final(attempt, link, fault):
        action = Action.RAISE
    if action is Action.FOLLOW and not may_follow(attempt):
        action = Action.RAISE if attempt.is_outside else Action.LOSE
    if fault is Fault.MOVED and action is not Action.FOLLOW:
        learn(attempt.session.core, link)  # for what is run again
    if moment is Moment.COMMITTING and attempt.is_in_parts and action is Action.LOSE:
        return Action.RAISE_OUTCOME_UNKNOWN  # a COMMIT may have come before
    return action


def _is_final(attempt: Underway, link: Link, fault: Fault) -> bool:
    """Tell whether no other node would say anything else."""
    if fault is Fault.MISSING:
        writer = attempt.session.core.topology.groups[attempt.group].writer
        return writer in (None, link.id) or attempt.pinned is not None
    return fault is Fault.NODE_READ_ONLY and attempt.is_alone(link)


def _has_refused_enough(attempt: Underway, link: Link) -> bool:
    """Tell whether a node that says it is the writer, and refuses, is to be taken at
    the latter. A MariaDB that becomes read-only does both for a moment."""
    return attempt.refused.count(link.id) >= _MOST_REFUSALS - 1


@lets_go
def _elsewhere(attempt: Underway, link: Link, exc: Exception, fault: Fault) -> None:
    if fault is Fault.LINK_LOST and not _has_only_read(attempt, link):
        attempt.session.tracker.note_write(link.node.group, link.id)
        _tell_lost(attempt, link, exc)
        said = link.end_reason if link.silence_s else f"the link was lost: {exc}"
        verb = attempt.plan.statement.verb
        raise hidden_unknown(link.node.name, verb, said) from exc
    _tell_lost(attempt, link, exc)
    if attempt.pinned is not None:
        raise exc
    # As often as there are nodes, also where only one of them may answer: its
    # links may be dying. Not for ever: what breaks every link may be the statement.
    attempt.failures += 1
    members = attempt.session.core.topology.groups[attempt.group].members
    if attempt.failures > len(members):
        raise exc
    attempt.tried.add(link.node.id)


def _has_only_read(attempt: Underway, link: Link) -> bool:
    """Tell whether the read of `attempt`, which was lost with `link`, has certainly
    written nothing."""
    session = attempt.session
    if session.transaction.mode.read_only or _was_refusing(attempt, link):
        return True
    return has_only_read(session.links, link.node.group, attempt.plan)


def _was_refusing(attempt: Underway, link: Link) -> bool:
    """Tell whether the read was sent to a replica, which refuses what writes: nobody
    had seen it as another, neither when it was chosen nor since."""
    if (attempt.chosen_as or attempt.role) is not Role.REPLICA:
        return False
    pictures = (attempt.topology, attempt.session.core.topology)
    views = [picture.groups[link.node.group] for picture in pictures]
    roles = [n.role for view in views for n in view.nodes if n.id == link.id]
    return Role.WRITER not in roles and link.id not in [view.writer for view in views]


def _tell_lost(attempt: Underway, link: Link, exc: Exception) -> None:
    pins = attempt.session.pins
    if pins.lost:
        raise link.adapter.error_class(errors.OperationalError)(
            f"the link to {link.node.name} was lost, and with it what lived there: "
            f"{pins.pop_lost()}. The connection can be used again, without them"
        ) from exc


@lets_go
def _await_writer(attempt: Underway, link: Link, exc: Exception, fault: Fault) -> None:
    """The node writes nothing: find the one that does, and run it there."""
    plan, core = attempt.plan, attempt.session.core
    view = core.topology.groups[attempt.group]
    is_pinned = attempt.pinned is not None
    if plan.statement.parts > 1 or attempt.is_alone(link) or is_pinned:
        raise exc
    if fault is Fault.MISSING:
        why = f"{link.node.name} does not have what it names"
        attempt.role, attempt.view = Role.WRITER, None
        route = attempt.route.to_writer(Reason.NOT_REPLAYED, why)
        attempt.route = plan.counted(route)
        return
    if attempt.is_read and fault is Fault.NODE_READ_ONLY:
        if view.writer == link.node.id:
            raise exc
        plan.set_read(False)  # the shape writes, whatever it looks like
        attempt.is_read, attempt.may_write = False, True
        attempt.role, attempt.route = Role.WRITER, plan.to_writer()
        return
    if attempt.is_in_parts:
        _unknown(attempt, link, exc, fault)
    if _has_refused_enough(attempt, link):
        raise exc
    if link.id in attempt.refused:
        core.pause(_REFUSED_PAUSE_S)
    attempt.refused.append(link.id)
    attempt.session.links.drop(link)
    _tell_lost(attempt, link, exc)


def _unknown(attempt: Underway, link: Link, exc: Exception, fault: Fault) -> NoReturn:
    # Maybe: do not read behind it.
    attempt.session.tracker.note_write(link.node.group, link.id)
    silence = link.end_reason if link.silence_s else ""
    verb = attempt.plan.statement.verb
    raise statement_unknown(link.node.name, verb, exc, fault, silence) from exc


def _follow(attempt: Underway, link: Link, exc: Exception, fault: Fault) -> None:
    follow(attempt, link, exc)


@lets_go
def _raise(attempt: Underway, link: Link, exc: Exception, fault: Fault) -> None:
    raise exc


_RESPONSES = {
    Action.RAISE: _raise,
    Action.LOSE: _raise,
    Action.RETRY_ELSEWHERE: _elsewhere,
    Action.AWAIT_WRITER: _await_writer,
    Action.RAISE_OUTCOME_UNKNOWN: _unknown,
    Action.FOLLOW: _follow,
}
