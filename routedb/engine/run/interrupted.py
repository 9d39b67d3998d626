"""After an exception that is no verdict about a statement: what it may have done.

It came out of the driver's call or of a line of ours, from a signal handler or from a
callback of the user's (see `transactions.interruption`): whether the statement has run
is not known, and nobody has taken note of it. So it counts as one that has, its link is
asked how things stand there, and where that is not enough to know the link is dropped.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from routedb.engine.links.link import Link
from routedb.engine.run import control
from routedb.engine.session import Session
from routedb.engine.shared.second_signals import whatever_comes
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.routing.plan import Plan
from routedb.session import TxEvent


def statement_interrupted(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    link: Link,
    has_failed: bool,
) -> None:
    """See to it that the session knows what it must of a statement of this `plan`,
    which was interrupted on `link`; `cursor` shows nothing of it. `has_failed`: an
    error of the driver was on its way."""
    whatever_comes(partial(_settle, session, cursor, plan, link, has_failed))


def effects_interrupted(session: Session, plan: Plan) -> None:
    """Drop what may have effects of a statement of this `plan` that nobody has taken
    note of: its settings, its tables, its locks. Doing so twice does no harm."""
    whatever_comes(partial(_drop_effects, session, plan))


def _settle(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    link: Link,
    has_failed: bool,
) -> None:
    raw = cursor.raw_cursors.pop(link, None)
    if raw is not None:
        with suppress(Exception):  # the driver's own classes
            raw.close()
    cursor.unbind_fetch()
    if not plan.is_read:
        session.tracker.note_write(link.node.group, link.id)
    transaction = session.transaction
    if link in transaction.branches.values():
        _in_transaction(session, plan, link, has_failed)
    elif plan.has_effects or not _is_at_rest(link):
        session.links.drop(link)
    session.version.settings_changed()


def _drop_effects(session: Session, plan: Plan) -> None:
    transaction = session.transaction
    if transaction.is_bound:
        for link in list(transaction.branches.values()):
            session.links.drop(link)
        transaction.interrupt(_may_have_committed(plan))
    elif not control.is_control(plan):  # the transaction has seen to that itself
        groups = {group.id for group in plan.database.groups}
        for link in list(session.open.values()):
            if link.node.group in groups:
                session.links.drop(link)
    session.version.settings_changed()


def _in_transaction(session: Session, plan: Plan, link: Link, has_failed: bool) -> None:
    """The transaction goes on where nothing but a row may be different."""
    transaction = session.transaction
    is_at_rest = _is_at_rest(link)
    has_begun = transaction.has_written or transaction.is_explicit
    if plan.has_effects:
        session.links.drop(link)
        transaction.interrupt(_may_have_committed(plan))
    elif is_at_rest and not (has_begun or has_failed):
        return  # the driver begins it with the next statement
    elif is_at_rest is not False or has_failed:
        transaction.interrupt()
    else:
        transaction.has_written = transaction.has_written or not plan.is_read
        if link.is_failed():
            transaction.apply(TxEvent.ERROR)


def _may_have_committed(plan: Plan) -> bool:
    is_other_control = control.is_control(plan) and not control.may_commit(plan)
    return plan.may_change_transaction and not is_other_control


def _is_at_rest(link: Link) -> bool | None:
    """Tell whether no transaction is open on the link; None when it does not say so."""
    try:
        return link.is_idle() if link.is_alive() else None
    except Exception:  # the driver's own classes
        return None
