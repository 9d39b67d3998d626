"""Links on which a statement was cancelled: what was sent may come late."""

from __future__ import annotations

from routedb.engine.links.link import Link, is_verdict
from routedb.engine.session import Session
from routedb.engine.transactions.aside import ask_aside
from routedb.engine.transactions.failure import fail_branch
from routedb.errors import Fault
from routedb.session import TxState


def settle_cancelled(session: Session, link: Link) -> None:
    """Ask `link` of `session` something that may fail before anybody else uses it, and
    drop it where it does.

    A branch stays where its server answers at all: one whose transaction has failed
    refuses everything, as it should.
    """
    try:
        if session.transaction.state is TxState.FAILED:
            fail_branch(link)  # it was busy, and may have ended before it was cancelled
        # What comes late hits this.
        ask_aside(session.transaction, link, lambda link: link.run("SELECT 1"))
        is_branch = link in session.transaction.branches.values()
        if not (is_branch or link.is_idle()):
            # Its thread has begun what the transaction was given up for meanwhile.
            session.links.drop(link)
    except BaseException as exc:
        is_gone = link.adapter.fault(exc, link.raw) is Fault.LINK_LOST
        is_branch = link in session.transaction.branches.values()
        is_told = is_verdict(link.adapter.adopt(exc))  # else a signal's
        if is_gone or not (is_branch and is_told):
            lose(session, link)
        if not is_told:
            raise


def lose(session: Session, link: Link) -> None:
    """Drop `link` of `session`, and the transaction with it when it is a branch."""
    if link in session.transaction.branches.values():
        session.transaction.lose(link)
    else:
        session.links.drop(link)
