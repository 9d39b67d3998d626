"""Statements for several groups inside a transaction: done on all of them, or on none.

One database undoes a statement that fails. Where the parts are on several servers, the
parts before the one that failed must be undone as well. PostgreSQL refuses everything
up to a rollback, which undoes them: the other branches are made to refuse it too (see
`transactions/failure.py`), which costs nothing until then. Other servers leave the rest
of the transaction as it is. There each branch gets a savepoint before its first part,
and all of them go back to it. A statement that goes to one group has its server for
that.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.engine.links.link import Link, is_verdict
from routedb.engine.shared.let_go import lets_go
from routedb.engine.transactions.failure import raise_failure
from routedb.engine.transactions.transaction import Transaction
from routedb.session import Action

_NAME = "routedb_statement"
_SET = f"SAVEPOINT {_NAME}"
_RELEASE = f"RELEASE SAVEPOINT {_NAME}"
_BACK = f"ROLLBACK TO SAVEPOINT {_NAME}"


def all_or_nothing(transaction: Transaction, work: Callable[[], None]) -> None:
    """Do `work`, a statement on several branches of the open `transaction`; undo all of
    it when it fails. Work inside of such work is undone with that.

    Raises what `work` raises, or TransactionLost when a server cannot undo its part.
    """
    if transaction.covered is not None:
        work()
        return
    covered: list[Link] = []
    transaction.covered = covered
    try:
        work()
    except BaseException as exc:
        transaction.covered = None
        if is_verdict(exc):
            _run(transaction, covered, (_BACK, _RELEASE))
        else:  # a part of the statement may be done
            transaction.interrupt()
        raise
    transaction.covered = None
    _run(transaction, covered, (_RELEASE,))


def cover(transaction: Transaction, link: Link) -> None:
    """Before a part of a statement for several groups is sent to `link`, a branch of
    `transaction`: have it undone with the others, should one of them fail. Does nothing
    for other statements.

    Raises what the server says of a savepoint.
    """
    covered, adapter = transaction.covered, link.adapter
    if covered is None or adapter.failing_text is not None or link in covered:
        return
    try:
        # A savepoint outside of a transaction would be one, and its release a commit.
        if adapter.begins_before_some_writes and link.is_idle():
            link.begin(transaction.mode)
            link.is_text_begun = True
        link.run(_SET)
    except Exception as exc:
        _lose(transaction, link, exc)
    covered.append(link)


def _run(transaction: Transaction, links: list[Link], texts: tuple[str, ...]) -> None:
    """Run the texts on those links that still are branches: on none of them where the
    transaction is over."""
    for link in links:
        for sql in texts:
            if link not in transaction.branches.values():
                break
            try:
                link.run(sql)
            except Exception as exc:
                _lose(transaction, link, exc)


@lets_go
def _lose(transaction: Transaction, link: Link, exc: Exception) -> None:
    fault = link.classify_error(exc)
    if is_verdict(exc):
        raise_failure(transaction, link, exc, fault, Action.LOSE)
    raise exc
