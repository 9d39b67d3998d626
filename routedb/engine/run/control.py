"""Transaction control written as SQL text: BEGIN, COMMIT, SAVEPOINT and their kin.

ORMs mix the calls of the driver with such texts, so both must lead to the same state.
A text whose effect is known is carried out through the transaction; whatever is not a
single plain control statement runs as it is, and afterwards the driver is asked whether
a transaction is open (`settle`).
"""

from __future__ import annotations

from collections.abc import Callable

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.error_texts import transaction_lost
from routedb.engine.transactions.ends import roll_back
from routedb.engine.transactions.failure import on_every_branch
from routedb.engine.virtual_cursor import Control, VirtualCursor
from routedb.routing.plan import ParsedText, Plan
from routedb.session import TxEvent, TxState
from routedb.sql.statement import Kind, TxEffect, TxStep

# Carries out a step; False: let the text run like any other statement.
Step = Callable[[Session, ParsedText, TxStep], bool]


# What may be said to a transaction that is lost: that it is over.
_ACKNOWLEDGE = frozenset(
    {
        TxEffect.COMMIT,
        TxEffect.COMMIT_AND_CHAIN,
        TxEffect.ROLLBACK,
        TxEffect.ROLLBACK_AND_CHAIN,
    }
)


def acknowledges(plan: Plan) -> bool:
    """Tell whether the text is one COMMIT or ROLLBACK, and nothing else."""
    return is_control(plan) and plan.statement.tx[0].effect in _ACKNOWLEDGE


def check_not_lost(session: Session, plan: Plan) -> None:
    """Raise what a `session` has lost and not yet said, unless the text of `plan` says
    that the transaction is over."""
    is_lost = session.transaction.state is TxState.LOST
    if not (is_lost or session.pins.lost) or acknowledges(plan):
        return
    if is_lost:
        raise transaction_lost(session.transaction.is_in_doubt)
    session.links.check_lost(session.frontend)


def is_control(plan: Plan) -> bool:
    """Tell whether the text is one control statement, and nothing else."""
    statement = plan.statement
    return (
        len(statement.tx) == 1
        and statement.parts == 1
        and statement.kind is Kind.TRANSACTION
    )


# What commits an open transaction, or may leave it to be committed by others.
_COMMITS = frozenset(
    {
        TxEffect.COMMIT,
        TxEffect.COMMIT_AND_CHAIN,
        TxEffect.PREPARE,
        TxEffect.AUTOCOMMIT_ON,
        TxEffect.XA,
    }
)


def may_commit(plan: Plan) -> bool:
    """Tell whether the text, run as it is, may commit the open transaction."""
    return any(step.effect in _COMMITS for step in plan.statement.tx)


def may_end(plan: Plan) -> bool:
    """Tell whether the text, run as it is, may end the open transaction."""
    return any(
        step.effect in _COMMITS or step.effect in _ACKNOWLEDGE
        for step in plan.statement.tx
    )


def carry_out(session: Session, cursor: VirtualCursor, text: ParsedText) -> bool:
    """Do what the text says; `cursor` shows it. False when it must run as it is."""
    step = text.plan.statement.tx[0]
    action = _STEPS.get(step.effect)
    if action is None:
        return False
    is_failed = session.transaction.state is TxState.FAILED
    session.transaction.prologue.dialect = text.plan.dialect
    cursor.raw, cursor.control = None, Control(text.source, "")  # should it fail
    if not action(session, text, step):
        return False
    cursor.link, cursor.route, cursor.raw = session.transaction.home_link, None, None
    verb = text.plan.statement.verb
    tag = "ROLLBACK" if is_failed else _TAGS.get(verb, verb)
    cursor.control = Control(text.source, tag)
    return True


_TAGS = {"START": "START TRANSACTION", "END": "COMMIT", "ABORT": "ROLLBACK"}


def settle(session: Session, plan: Plan, link: Link | None) -> None:
    """After a text of this `plan` that may have begun or ended a transaction on `link`,
    None where it ran on none: believe the driver."""
    if link is None:
        return
    transaction = session.transaction
    is_idle = link.is_idle()
    if is_idle and transaction.is_bound:
        transaction.end(committed=transaction.state is not TxState.FAILED)
        session.pause()
        # The driver must not take its transaction as going on.
        if session.is_paused:
            roll_back(session.links, link)
    elif not is_idle and not transaction.is_open:
        transaction.begin(session.links.mode, None)
        transaction.adopt_open(link)
    if any(step.effect in _AUTOCOMMIT for step in plan.statement.tx):
        _follow_autocommit(session, link)


_AUTOCOMMIT = frozenset({TxEffect.AUTOCOMMIT_ON, TxEffect.AUTOCOMMIT_OFF})


def _follow_autocommit(session: Session, link: Link) -> None:
    """MySQL's SET autocommit beside other settings, or to what the text does not show,
    was run on `link` as it is: ask the server what it is now."""
    ((told,),) = link.run("SELECT @@autocommit")
    mode = session.links.mode
    if bool(told) is mode.autocommit:
        return
    link.mode = None  # it is not what was set there
    if not session.transaction.is_bound:  # else it is as before when that has ended
        session.set_mode(mode._replace(autocommit=bool(told)))


def settle_failed(session: Session, plan: Plan, link: Link) -> None:
    """After a text of this `plan` has failed on `link`: MySQL's DDL commits what was
    open before it fails."""
    if plan.statement.tx and session.transaction.is_bound:
        settle(session, plan, link)


def settle_begun(session: Session, plan: Plan, link: Link) -> None:
    """After a text of this `plan` has failed on `link`, outside a transaction: one that
    it has begun is open, and waits for a rollback."""
    if plan.statement.parts > 1 and plan.statement.tx:
        settle(session, plan, link)
        if link.is_failed():
            session.transaction.apply(TxEvent.ERROR)


def _begin(session: Session, text: ParsedText, step: TxStep) -> bool:
    transaction = session.transaction
    if transaction.is_bound:
        return False  # the server's warning, or MySQL's implicit commit
    session.resume()  # the link then begins it itself, and knows of it
    transaction.begin(_mode(session, step), text.source)
    return True


def _commit(session: Session, text: ParsedText, step: TxStep) -> bool:
    return _end(session, session.transaction.commit, session.pause)


def _rollback(session: Session, text: ParsedText, step: TxStep) -> bool:
    return _end(session, session.transaction.rollback, session.pause)


def _commit_and_chain(session: Session, text: ParsedText, step: TxStep) -> bool:
    return _end(session, session.transaction.commit, _chaining(session))


def _rollback_and_chain(session: Session, text: ParsedText, step: TxStep) -> bool:
    return _end(session, session.transaction.rollback, _chaining(session))


def _end(session: Session, end: Callable[[], None], after: Callable[[], None]) -> bool:
    if not session.transaction.is_open:
        return False
    end()
    after()
    return True


def _chaining(session: Session) -> Callable[[], None]:
    """Return what begins the next transaction as this one is (PostgreSQL manual,
    COMMIT)."""
    mode = session.transaction.mode
    return lambda: session.transaction.begin(mode, None)


def _savepoint(session: Session, text: ParsedText, step: TxStep) -> bool:
    transaction = session.transaction
    if not transaction.is_open or step.name is None:
        return False
    if transaction.is_bound:
        on_every_branch(transaction, text.source)
    transaction.savepoint(step.name, text.source)
    return True


def _release(session: Session, text: ParsedText, step: TxStep) -> bool:
    if not _in_order(session, text, step):
        return False
    if step.name is not None:
        session.links.release(step.name)
    return True


def _rollback_to(session: Session, text: ParsedText, step: TxStep) -> bool:
    if not _in_order(session, text, step):
        return False
    session.transaction.apply(TxEvent.ROLLBACK_TO)
    if step.name is not None:
        session.links.rollback_to(step.name)
    return True


def _in_order(session: Session, text: ParsedText, step: TxStep) -> bool:
    """Run on every branch, or keep it in order before the first statement."""
    transaction = session.transaction
    if not transaction.is_open:
        return False
    keeps = step.effect is TxEffect.ROLLBACK_TO
    if not transaction.is_bound:
        return transaction.end_savepoint(step.name, text.source, keeps)
    on_every_branch(transaction, text.source)
    transaction.end_savepoint(step.name, text.source, keeps)
    return True


def _set(session: Session, text: ParsedText, step: TxStep) -> bool:
    """SET TRANSACTION counts for the transaction that is open and not yet bound."""
    transaction = session.transaction
    if not transaction.is_open:
        return False
    if transaction.is_bound:
        transaction.mode = _mode(session, step)
        return False
    transaction.declare(_mode(session, step), text.source)
    return True


def _prepare(session: Session, text: ParsedText, step: TxStep) -> bool:
    if len(session.transaction.wrote) > 1:
        raise errors.ShardError(
            "PREPARE TRANSACTION of a transaction that wrote to several shards or "
            "databases: each would need its own; commit() prepares them by itself"
        )
    return False


def _autocommit_on(session: Session, text: ParsedText, step: TxStep) -> bool:
    return _autocommit(session, True)


def _autocommit_off(session: Session, text: ParsedText, step: TxStep) -> bool:
    # A parameter is read as 0 is, and may be 1.
    return "%" not in str(text.source) and _autocommit(session, False)


def _autocommit(session: Session, on: bool) -> bool:
    """MySQL's SET autocommit: switching it on commits what is open (manual, 13.3.1).
    What it is already changes nothing."""
    if session.links.mode.autocommit is on:
        return True
    if session.transaction.is_bound:
        if not on:
            raise errors.NotSupportedError(
                "SET autocommit = 0 in a transaction that BEGIN began: end it first"
            )
        session.transaction.commit()
    session.set_mode(session.links.mode._replace(autocommit=on))
    return True


def _mode(session: Session, step: TxStep) -> TxMode:
    """Return the mode of the open transaction with what the text adds to it."""
    mode = session.transaction.mode
    return TxMode(
        mode.autocommit,
        mode.read_only if step.read_only is None else step.read_only,
        step.isolation or mode.isolation,
        mode.deferrable if step.deferrable is None else step.deferrable,
    )


_STEPS: dict[TxEffect, Step] = {
    TxEffect.BEGIN: _begin,
    TxEffect.COMMIT: _commit,
    TxEffect.COMMIT_AND_CHAIN: _commit_and_chain,
    TxEffect.ROLLBACK: _rollback,
    TxEffect.ROLLBACK_AND_CHAIN: _rollback_and_chain,
    TxEffect.SAVEPOINT: _savepoint,
    TxEffect.RELEASE: _release,
    TxEffect.ROLLBACK_TO: _rollback_to,
    TxEffect.SET: _set,
    TxEffect.PREPARE: _prepare,
    TxEffect.AUTOCOMMIT_ON: _autocommit_on,
    TxEffect.AUTOCOMMIT_OFF: _autocommit_off,
}
