"""What a statement that failed inside a transaction amounts to.

A server may refuse everything up to a rollback, or may have ended the transaction by
itself; or the link is gone, and the transaction with it.
"""

from __future__ import annotations

from typing import NoReturn

from routedb import errors
from routedb.adapters.base import Fault
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.shared.let_go import lets_go
from routedb.engine.transactions.ends import roll_back
from routedb.engine.transactions.interruption import was_ended
from routedb.engine.transactions.transaction import Transaction
from routedb.session import Action, Moment, TxEvent, action_for


def on_every_branch(transaction: Transaction, sql: str) -> None:
    """Run `sql`, a savepoint's text, on all branches of `transaction`, the home first.

    Raises what the server that refuses it raises, or TransactionLost when a link is
    gone.
    """
    for link in sorted(
        transaction.branches.values(),
        key=lambda link: link is not transaction.home_link,
    ):
        try:
            link.run(sql)
        except Exception as exc:
            fault = link.classify_error(exc)
            if not is_verdict(exc):
                raise
            raise_failure(
                transaction, link, exc, fault, action_for(fault, Moment.IN_TRANSACTION)
            )


@lets_go
def raise_failure(
    transaction: Transaction,
    link: Link,
    exc: Exception,
    fault: Fault,
    action: Action,
    ends_itself: bool = False,
) -> NoReturn:
    """Raise what a statement that failed on `link` with `exc` amounts to: nothing
    is run again in here.

    `fault` is the kind of the error, `action` what the table says of it.
    `ends_itself`: the statement was to end the transaction.
    """
    if action is Action.LOSE:
        transaction.lose(link)
        told = link.end_reason if fault is Fault.LINK_LOST else link.node.name
        raise errors.TransactionLost(
            f"{told}, inside a transaction: {exc}. Nothing of it was committed; "
            "after rollback(), running the whole transaction again is safe"
        ) from exc
    if link.is_victim and fault is Fault.CONFLICT and _has_unfailing(transaction):
        roll_back(transaction.links, link)
        transaction.lose(link, keep=True)
    elif link.is_failed():
        transaction.apply(TxEvent.ERROR)
        _fail_others(transaction, link)
    elif (
        not ends_itself
        and _may_have_ended(transaction, fault)
        and was_ended(transaction.links, link)
    ):
        transaction.lose(link, keep=True)
    raise exc


def _has_unfailing(transaction: Transaction) -> bool:
    """Tell whether some server would go on, and keep the locks that others wait for."""
    branches = transaction.branches.values()
    return any(link.adapter.failing_text is None for link in branches)


def check_failed(transaction: Transaction, group: int) -> None:
    """Before a statement goes to `group` in a `transaction` that has failed: raise what
    a server says that refuses everything up to a rollback, unless that of the group
    will say so itself."""
    link = transaction.branches.get(group)
    if link is not None and link.is_failed():
        return
    for other in transaction.branches.values():
        if other.is_failed():
            try:
                other.run("SELECT 1")
            except Exception as exc:
                other.classify_error(exc)
                raise


def fail_branch(link: Link) -> None:
    """Have the server of `link`, a branch of a transaction that has failed elsewhere,
    refuse everything up to a rollback as well. Another thread's statement that is
    under way there is left to that.

    Raises what the driver raises when the link is lost.
    """
    text = link.adapter.failing_text
    if text is None or link.is_failed() or link.is_busy():
        return
    try:
        link.run(text)
    except Exception as exc:
        if link.classify_error(exc) is Fault.LINK_LOST or not is_verdict(exc):
            raise


def _fail_others(transaction: Transaction, failed: Link) -> None:
    """A statement has failed on a link whose server refuses everything from now on: so
    would one database. A home that cannot be made to refuse anything, for its server
    knows no such state, would go on without what has failed."""
    home = transaction.home_link
    if home is not None and home.adapter.failing_text is None:
        transaction.interrupt()
        return
    for link in list(transaction.branches.values()):
        if link is failed:
            continue
        try:
            fail_branch(link)
        except errors.Error:
            transaction.lose(link)
            return


def _may_have_ended(transaction: Transaction, fault: Fault) -> bool:
    """Tell whether the server may have ended the transaction by itself (MySQL after a
    deadlock, SQLite on a full disk): what follows must not be committed alone.

    Where nothing came before, a server that has not begun is merely still idle.
    """
    has_more = transaction.has_written or transaction.is_explicit
    return bool(transaction.wrote) and (has_more or fault is Fault.CONFLICT)
