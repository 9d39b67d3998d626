"""The part of the PostgreSQL frontend that ends transactions, in one phase or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2 import extensions as ext

from routedb import errors
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.shared.error_texts import commit_never_sent
from routedb.frontends.psycopg2.transaction_modes import TransactionModes
from routedb.session import Action, Moment, action_for
from routedb.topology.snapshot import Role

_Base: Any = ext.connection

# What to do after a lost answer.
_PREPARING = (
    "The transaction is rolled back or prepared; if tpc_recover() lists it, it can "
    "still be committed, and holds its locks until it is finished"
)
_FINISHING = (
    "While tpc_recover() lists the transaction, it waits to be finished, and that can "
    "be done again; when it does not, it was finished"
)


class TwoPhase(TransactionModes):
    """PEP 249's two-phase commit, on the default database's writer."""

    _two_phase: Link | None = None
    _is_prepared = False
    _xid: Any = None

    def tpc_begin(self, xid: Any) -> None:
        """Begin a two-phase transaction, on the default database's writer."""
        session = self.usable_session()
        transaction = session.transaction
        if not transaction.is_bound:
            _check_xid(xid)
        if transaction.is_bound or session.links.mode.autocommit:
            self._refuse("tpc_begin is for outside a transaction and autocommit")
        group = self._database.groups[0].id
        link = find_node.writer(session.links, group, must_live=True)
        try:
            link.ask(_begin_two_phase, self.call_driver, xid)
            transaction.add_branch(group, link, Role.WRITER, is_home=True)
            transaction.note_write(group)
            transaction.spread.leave_to_program()
            self._two_phase, self._xid = link, xid
        except errors.Error:
            raise
        except BaseException:  # a signal's
            self._interrupt(link)
            raise

    def tpc_prepare(self) -> None:
        """Prepare the transaction: from now on any session can commit it."""
        self.usable_session()
        link = self._in_two_phase("tpc_prepare")
        if not link.is_alive():  # nothing is sent, so nothing is unknown
            self._two_phase = None
            self.session.links.drop_dead(link)
            self.session.transaction.lose(link)
            lost = commit_never_sent(link.node.name)
            raise self.session.as_frontend_error(lost)
        self._is_prepared = True  # before it is: what follows may be interrupted
        try:
            self._send(link, link.raw.tpc_prepare, _PREPARING)
        except errors.Error:
            self._is_prepared = False
            raise
        except (
            BaseException
        ):  # a signal's: it is prepared, or rolled back with its link
            self._interrupt(link)
            raise

    def tpc_commit(self, xid: Any = None) -> None:
        """Commit the transaction, or, from outside, the prepared one named `xid`."""
        self._finish("tpc_commit", xid)

    def tpc_rollback(self, xid: Any = None) -> None:
        """Roll back the transaction, or, from outside, the prepared one named `xid`."""
        self._finish("tpc_rollback", xid)

    def tpc_recover(self) -> list[Any]:
        """Return the ids of the transactions prepared on the writer."""
        session = self.usable_session()
        was_idle = not session.transaction.is_begun
        group = self._database.groups[0].id
        branch = session.transaction.branches.get(group)
        link = branch or find_node.writer(session.links, group, must_live=True)
        self.takes_plain_cursors = True  # psycopg2 makes one of its own for this
        try:
            found = self.call_driver(link.raw.tpc_recover)
        finally:
            self.takes_plain_cursors = False
        if was_idle:
            self.call_driver(link.rollback)
        return list(found)

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        session = self.session
        transaction = session.transaction
        is_usual = transaction.branches and not self._is_closed
        if self._two_phase is not None or not is_usual:
            self._check_one_phase("commit")
            self._end_stray(_Base.commit)
        try:
            transaction.commit()
        except errors.Error as exc:  # as Session.commit does
            raise session.as_frontend_error(exc) from exc.__cause__
        finally:
            if session.is_paused:
                session.resume()

    def rollback(self) -> None:
        """Roll back the open transaction, if any; also acknowledges a lost one."""
        self._check_one_phase("rollback")
        self._end_stray(_Base.rollback)
        try:
            super().rollback()
        finally:
            self.session.resume()

    def _end_stray(self, end: Callable[[Any], None]) -> None:
        """End a transaction that C code has begun on the identity handle without the
        engine, as a large object does that is used after its transaction."""
        if self.usable_session().transaction.is_bound or not self.has_live_identity:
            return
        if _Base.status.__get__(self) == ext.STATUS_BEGIN:
            self.call_driver(end, self)

    def _finish(self, method: str, xid: Any) -> None:
        session = self.usable_session()
        if xid is not None:
            _check_xid(xid)
            if session.transaction.is_bound:
                self._refuse(f"{method} with a xid is for outside a transaction")
            self._finish_prepared(method, xid)
            return
        link = self._in_two_phase(method)
        xid, is_prepared = self._xid, self._is_prepared
        try:
            self._two_phase, self._is_prepared = None, False
            if not is_prepared:
                self._finish_plain(method)
            elif link.is_alive():
                try:
                    self._send(link, getattr(link.raw, method), _FINISHING)
                except errors.Error:
                    session.transaction.end(committed=method == "tpc_commit")
                    raise
                session.transaction.end(committed=method == "tpc_commit")
            else:  # what is prepared outlives its session
                session.transaction.forget(link)
                self._finish_prepared(method, xid)
        except errors.Error:
            raise
        except BaseException:  # a signal's
            self._give_up(link)
            raise

    def _interrupt(self, link: Link) -> None:
        """End the link after what is no verdict; later statements are told."""
        may_be_prepared = self._is_prepared
        self._two_phase, self._is_prepared = None, False
        self.session.links.drop(link)
        if self.session.transaction.is_bound:
            self.session.transaction.interrupt(may_be_prepared)

    def _give_up(self, link: Link) -> None:
        """Forget a two-phase transaction after what is no verdict: its link ends, and
        what is prepared outlives that."""
        self._two_phase, self._is_prepared = None, False
        if self.session.transaction.is_bound:
            self.session.transaction.forget(link)
        else:
            self.session.links.drop(link)

    def _finish_plain(self, method: str) -> None:
        """End what was not prepared as any other transaction."""
        session = self.session
        if method == "tpc_rollback":
            session.rollback(lambda link: link.raw.tpc_rollback())
        else:
            session.commit(lambda link: link.raw.tpc_commit())

    def _finish_prepared(self, method: str, xid: Any) -> None:
        group = self._database.groups[0].id
        link = find_node.writer(self.session.links, group, must_live=True)
        self._send(link, lambda: getattr(link.raw, method)(xid), _FINISHING)
        link.touch(self.session.core.clock())
        self.session.tracker.note_write(group, link.id)

    def _send(self, link: Link, call: Callable[[], None], unknown: str) -> None:
        """Run `call`, a step whose outcome is unknown when its answer is lost;
        `unknown` says in the error what to do then."""
        try:
            self.call_driver(call)
        except self.Error as exc:
            fault = link.adapter.fault(exc, link.raw)
            if action_for(fault, Moment.COMMITTING) is not Action.RAISE_OUTCOME_UNKNOWN:
                raise
            self._two_phase, self._is_prepared = None, False
            self.session.transaction.forget(link)
            error = errors.OutcomeUnknown(
                f"the link to {link.node.name} was lost and with it the answer: {exc}. "
                f"{unknown}"
            )
            raise self.session.as_frontend_error(error) from exc

    def _in_two_phase(self, method: str) -> Link:
        if self._two_phase is None:
            self._refuse(f"{method} must be called inside a two-phase transaction")
        return self._two_phase

    def _check_one_phase(self, method: str) -> None:
        if self._two_phase is not None:
            self._refuse(f"{method} cannot be used during a two-phase transaction")


def _begin_two_phase(raw: Any, call_driver: Callable[..., Any], xid: Any) -> None:
    call_driver(raw.tpc_begin, xid)


def _check_xid(xid: Any) -> None:
    if not isinstance(xid, (ext.Xid, str, bytes)):
        raise TypeError("not a valid transaction id")
