"""`routedb.run()`: a whole transaction, run again where that is certainly safe.

The errors say what is safe (`retry_is_safe`), the budget in session/retry.py how often
and after how long; here it is done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

from routedb import errors
from routedb.cluster import Cluster
from routedb.engine.session import Session
from routedb.engine.shared.error_texts import note_on
from routedb.engine.transactions.transaction import Transaction
from routedb.frontends.connection import Connection
from routedb.frontends.isolation_levels import level_named
from routedb.runtime import connect
from routedb.session import TxState
from routedb.session.retry import Attempt, Budget

T = TypeVar("T")


def run(
    source: Any,
    fn: Callable[[Any], T],
    attempts: int = 5,
    *,
    timeout: float = 60.0,
    isolation_level: str | int | None = None,
    readonly: bool | None = None,
    **options: Any,
) -> T:
    """Run `fn(connection)` as one transaction, commit it, and return its result.

    It is rolled back and run again after what certainly left nothing behind: a lost
    transaction, a serialization failure, a deadlock, a node that could not be reached.
    Never after OutcomeUnknown, nor after an error of another kind. `attempts` counts
    all runs; none begins later than `timeout` seconds after the first. Between two,
    a random time is waited that grows.

    `source` is a connection, which must not be inside a transaction and may be in
    autocommit mode, a `Cluster`, or what `connect()` takes, with `options`: then a
    connection is opened for this and closed. `fn` must not commit by itself, and what
    it does outside of the database may happen several times. `isolation_level` and
    `readonly` hold for this transaction; None leaves the connection's own.

    The error that is raised in the end is the last attempt's. Its `attempts` are all of
    them, its `__notes__` say so in words, and the earlier errors are its context.
    """
    changes: dict[str, Any] = {}
    if isolation_level is not None:
        changes["isolation"] = level_named(isolation_level)
    if readonly is not None:
        changes["read_only"] = readonly
    source_connection = _RunConnection(source, options)
    budget = Budget(attempts, time.monotonic() + timeout)
    rng = random.Random()  # noqa: S311  (spreads retries, guards nothing)
    try:
        while True:
            try:
                return _once(source_connection.connection(), fn, changes)
            except Exception as exc:
                is_safe = isinstance(exc, errors.Error) and exc.retry_is_safe
                budget = budget.after(exc, is_safe, time.monotonic(), rng)
                if budget.is_spent:
                    _add_history(exc, budget.history)
                    raise
            time.sleep(budget.wait_s)
    finally:
        source_connection.close_own()


class _RunConnection:
    """The connection to run on: the user's, or one that is opened for this."""

    def __init__(self, source: Any, options: dict[str, Any]) -> None:
        self._source = source
        self._options = options
        self._own: Connection | None = None
        if options and isinstance(source, Connection | Cluster):
            raise errors.InterfaceError(
                f"run(): {', '.join(options)}: for opening a connection, and this one "
                "is there already"
            )

    def connection(self) -> Connection:
        if isinstance(self._source, Connection):
            return self._source
        if self._own is None:
            if isinstance(self._source, Cluster):
                self._own = self._source.connect()
            else:
                self._own = connect(self._source, **self._options)
        return self._own

    def close_own(self) -> None:
        if self._own is not None and not self._own.is_closed:
            self._own.close()


def _once(connection: Connection, fn: Callable[[Any], T], changes: dict[str, Any]) -> T:
    """One attempt, which leaves no transaction open."""
    session = connection.usable_session()
    _check_free(session)
    session.resume()
    with _with_mode(session, changes), _own_transaction(session) as transaction:
        before = transaction.commits
        try:
            result = fn(connection)
            _check_kept(session)
        except BaseException as exc:
            if transaction.commits != before:
                _forbid_retry(exc)
            raise
        has_committed = transaction.commits != before
        try:
            connection.commit()
        except errors.Error as exc:
            if has_committed:
                _forbid_retry(exc)
            raise
    return result


def _check_free(session: Session) -> None:
    """Refuse a connection with an open transaction: a part of it would be run again, or
    be committed with this one."""
    transaction = session.transaction
    if transaction.is_run or transaction.is_begun or transaction.state is TxState.LOST:
        inside = "another run()" if transaction.is_run else "an open transaction"
        raise session.as_frontend_error(
            errors.ProgrammingError(
                f"run() inside {inside} of the same connection: it begins, commits and "
                "repeats a transaction of its own. Commit or roll back first, or give "
                "it a connection of its own"
            )
        )


@contextmanager
def _with_mode(session: Session, changes: dict[str, Any]) -> Iterator[None]:
    """Set the modes in `changes` for the block, and restore them after it."""
    before = session.links.mode
    try:
        if changes:
            session.set_mode(before._replace(**changes))
        yield
    finally:
        if changes:
            session.set_mode(before)


@contextmanager
def _own_transaction(session: Session) -> Iterator[Transaction]:
    """Begin a transaction, in autocommit mode too; afterwards none is open."""
    transaction = session.transaction
    try:
        if not transaction.is_open:
            transaction.begin(transaction.mode, None)
        transaction.is_run = True
        yield transaction
    except BaseException:
        session.rollback()
        raise
    finally:
        transaction.is_run = False


def _check_kept(session: Session) -> None:
    """After `fn` has returned: an error that it has caught may have aborted
    PostgreSQL's transaction, whose COMMIT would then roll back without an error."""
    if session.transaction.state is TxState.FAILED:
        raise session.as_frontend_error(
            errors.InternalError(
                "run(): the function returned, but the server had refused one of its "
                "statements and with it the transaction, so nothing is committed. Let "
                "the error out, or roll back to a savepoint"
            )
        )


def _forbid_retry(exc: BaseException) -> None:
    """The function has committed a part by itself: a second run would do it twice."""
    if getattr(exc, "retry_is_safe", False):
        exc.retry_is_safe = False  # type: ignore[attr-defined]  # errors.Error's
        note_on(exc, "run(): not run again, for the function had committed by itself")


def _add_history(exc: BaseException, history: tuple[Attempt, ...]) -> None:
    """Put the attempts into the error that is raised in the end."""
    exc.attempts = history  # type: ignore[attr-defined]
    if len(history) < 2:
        return
    note_on(exc, f"run(): {len(history)} attempts")
    for attempt in history:
        note_on(exc, str(attempt))
    for earlier, later in pairwise(history):
        _set_context(earlier.error, later.error)


def _set_context(earlier: BaseException, later: BaseException) -> None:
    """Make `earlier` the context of the first of those that `later` shows."""
    known = {id(earlier)}
    while id(later) not in known:
        known.add(id(later))
        hidden = later.__suppress_context__
        before = later.__cause__ or (None if hidden else later.__context__)
        if before is None:
            later.__context__, later.__suppress_context__ = earlier, False
            return
        later = before
