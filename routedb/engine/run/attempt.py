"""Carry a decision out: reach a link, and act on what goes wrong on it.

The action for each fault comes from the table in session/recovery.py.
"""

from __future__ import annotations

from dataclasses import replace

from routedb import errors
from routedb.adapters.base import Fault
from routedb.engine.links import find_node
from routedb.engine.links.link import AUTOCOMMIT, Link
from routedb.engine.plans.plan import Plan
from routedb.engine.route.router import Decision
from routedb.engine.run import control
from routedb.engine.session import Session
from routedb.engine.shared.misuse import as_dbapi_error
from routedb.engine.shared.refusals import second_home_refused, unknown
from routedb.events import NodeRefusedWrite
from routedb.routing import Reason
from routedb.routing.decide import WHY
from routedb.session import Action, Moment, View, action_for
from routedb.sql.statement import Kind
from routedb.topology import GroupView
from routedb.topology.snapshot import Role

_MOST_REFUSALS = 3  # of one statement by one node
_REFUSED_PAUSE_S = 0.1  # before the last of them
_MOST_BEGINS = 3  # a BEGIN that fails on a fresh link twice will not succeed
# The writer is to answer, for want of a replica.
_FOR_WANT = frozenset({Reason.NO_REPLICA, Reason.OWN_WRITES})


class Attempts:
    """The attempts at one statement: where it has been tried, and what may follow."""

    def __init__(
        self,
        session: Session,
        plan: Plan,
        decided: Decision,
        group: int | None = None,
        is_one_of_several: bool = False,
        is_batch: bool = False,
    ) -> None:
        self.session = session
        self.plan = plan
        self.group = decided.groups[0] if group is None else group
        self.is_one_of_several = is_one_of_several  # shards the statement writes to
        self.role = decided.role
        self.route = decided.route
        self.is_read = decided.is_read
        # A SET is sent to the writer, but a transaction that has run one may still
        # find its home elsewhere.
        self.may_write = not self.is_read and plan.statement.kind is not Kind.SESSION
        # What is not one transaction may be done in part when it fails.
        statement = plan.statement
        self.is_in_parts = (
            is_batch or statement.parts > 1 or statement.kind is Kind.CALL
        )
        self.is_early = decided.is_early
        self.consistency = decided.consistency
        self.look: View | None = None  # by which a replica was chosen
        self.pinned = decided.link
        self.tried: set[int] = set()
        self.failures = 0
        self.refused: list[int] = []  # by which node, once for each time
        self.begins = False  # it is the first statement of its transaction

    def reach(self) -> Link:
        """Return the link to run on, a branch of the transaction when there is one."""
        link = self._reach()
        if not self.is_read:
            link.needs_reset = True
        return link

    def _reach(self) -> Link:
        session = self.session
        if not session.transaction.is_open:
            return self._find()
        if self.is_early:
            link = self._find()
            link.set_mode(AUTOCOMMIT)
            link.synced_version = -1
            return link
        link = self._branch() or self._join()
        if self.plan.statement.tx:
            self._check_alive(link)
        if self.may_write:
            session.transaction.note_write(self.group)
        return link

    def judge(self, link: Link, exc: Exception) -> None:
        """Return when the statement may be run again; raise what the user must see."""
        if isinstance(exc, errors.Error):  # ours, from the adapter: nothing was sent
            raise exc
        fault = link.classify_error(exc)
        if not self.is_read:  # a procedure may have done half of what it does
            link.needs_reset = True
        if not (self.is_read and fault is Fault.LINK_LOST):  # that has shown nothing
            link.touch(self.session.core.clock())
        if not isinstance(exc, errors.Error):
            raise as_dbapi_error(exc) from exc
        # An error of the statement shows data too: a row that is in the way, say.
        if fault in _SHOWING:
            self.met(link)
        moment = self._moment(link)
        action = action_for(fault, moment)
        if self._is_final(link, fault):
            action = Action.RAISE
        if moment is Moment.COMMITTING and self.is_in_parts and action is Action.LOSE:
            action = Action.RAISE_OUTCOME_UNKNOWN  # a COMMIT may have come before
        if moment is Moment.WRITING and self.is_in_parts:
            exc.retry_is_safe = False  # the first of them may have been committed
        if self.may_write and self.is_in_parts:
            self.session.tracker.note_write(link.node.group, link.id)
        self.session.core.report_fault(link, exc, fault)
        if fault is Fault.NODE_READ_ONLY and self.role is Role.WRITER:
            self.session.core.publish(NodeRefusedWrite(link.node.id, link.generation))
        if action is Action.RAISE_OUTCOME_UNKNOWN and moment is Moment.COMMITTING:
            self.session.transaction.forget(link)
        elif moment in _BEGINNINGS and action is Action.AWAIT_WRITER:
            self.session.transaction.restart(link)
        elif self.session.transaction.is_open and not self.is_early:
            try:
                ends_itself = bool(self.plan.statement.tx)
                self.session.transaction.raise_failure(
                    link, exc, fault, action, ends_itself
                )
            finally:
                control.settle_failed(self.session, self.plan, link)
        elif fault in _SHOWING:
            control.settle_begun(self.session, self.plan, link)
        if fault in (Fault.LINK_LOST, Fault.TOO_LARGE):
            self.session.links.drop(link)
        _RESPONSES[action](self, link, exc, fault)

    def met(self, link: Link) -> None:
        """Take note that the session has seen what `link` has shown."""
        if self.is_read and self.session.core.config.shadow:
            return  # it would have been shown a replica's
        if self.plan.shows_data and not (
            self.is_read and self.consistency == "eventual"
        ):
            self.session.tracker.note_read(link, self.look)

    # -- reaching ------------------------------------------------------------------

    def _find(self, must_live: bool | None = None) -> Link:
        must_live = not self.is_read if must_live is None else must_live
        links = self.session.links
        if self.pinned is not None:
            return links.get(self.pinned.id, must_live)
        if not self._is_for_any():
            return find_node.writer(links, self.group, must_live)
        turn = self._turn()
        link = find_node.reader(
            links, self.group, turn, self.tried, self._among, must_live
        )
        self._note(link)
        return link

    def _is_for_any(self) -> bool:
        """Tell whether a replica may answer, or could if there were one that may."""
        if self.role is Role.REPLICA:
            return True
        is_bound = self.session.transaction.is_open and not self.session.is_read_only
        wants = self.is_read and self.route.reasons[-1][0] in _FOR_WANT
        return wants and not is_bound

    def _among(self, view: GroupView) -> tuple[int, ...] | None:
        if self.consistency == "eventual":
            return None
        self.look = self.session.tracker.view(self.group, self.consistency)
        return self.session.tracker.allowed_replicas(view, self.look)

    def _note(self, link: Link) -> None:
        """Tell the role of the node that was found, where another was decided on."""
        view = self.session.core.topology.groups[self.group]
        role = Role.WRITER if link.id == view.writer else Role.REPLICA
        if role is self.role:
            return
        if role is Role.REPLICA:
            is_declared = self.session.transaction.is_open and self.session.is_read_only
            reason = Reason.DECLARED_READ_ONLY if is_declared else Reason.PLAIN_READ
        else:
            is_ahead = self.session.tracker.is_ahead(view, self.consistency)
            reason = Reason.OWN_WRITES if is_ahead else Reason.NO_REPLICA
        reasons = (*self.route.reasons[:-1], (reason, WHY[reason]))
        self.role, self.route = role, replace(self.route, role=role, reasons=reasons)

    def _turn(self) -> int:
        """Take the next turn among replicas, unless the hot path has taken it."""
        if not (self.session.is_unconstrained and self.plan.is_simple):
            self.session.turn += 1
        return self.session.rotation()

    def _branch(self) -> Link | None:
        """Return the branch that is there, promoted to home when it is to write."""
        transaction = self.session.transaction
        link = transaction.branches.get(self.group)
        if link is not None and self.pinned not in (None, link):
            raise errors.CrossDatabaseError(
                f"{self.route.reason}, but this transaction runs on {link.node.name}: "
                "commit or roll back first"
            )
        if link is None or not self.may_write or transaction.home == self.group:
            return link
        if transaction.home >= 0 and not (
            self.is_one_of_several or self.group in transaction.wrote
        ):
            raise second_home_refused(self.session, self.plan, self.group)
        if transaction.home < 0:
            transaction.make_home(self.group)
        return link

    def _join(self) -> Link:
        """Give the transaction a branch on the group; refuse a second one to write."""
        transaction = self.session.transaction
        is_home = self.plan.placement.database is not None or self.may_write
        if transaction.home >= 0 and self.may_write and not self.is_one_of_several:
            raise second_home_refused(self.session, self.plan, self.group)
        self.begins = not (
            transaction.branches
            or self.is_in_parts
            or self.is_one_of_several
            or self.pinned is not None
        )
        for _ in range(_MOST_BEGINS):
            # One that is alive: it cannot be changed later.
            link = self._find(must_live=True)
            try:
                transaction.add_branch(
                    self.group, link, self.role, is_home and transaction.home < 0
                )
            except Exception as exc:
                lost = exc
                fault = link.adapter.fault(exc, link.raw)
                if fault is Fault.NODE_READ_ONLY and not self._is_alone(link):
                    self.session.core.publish(
                        NodeRefusedWrite(link.id, link.generation)
                    )
                elif fault is not Fault.LINK_LOST:
                    link.adapter.adopt(exc)
                    raise
                self.session.links.drop(link)  # only BEGIN was sent: nothing is lost
            else:
                if self.look is not None:
                    self.session.tracker.switch_source(self.group, link.id, self.look)
                return link
        raise link.adapter.adopt(lost)

    def _check_alive(self, link: Link) -> None:
        """Before what may commit is sent: afterwards nobody could tell what became of
        it."""
        transaction = self.session.transaction
        if control.may_commit(self.plan) and not link.is_alive():
            transaction.lose(link)
            raise errors.TransactionLost(
                f"the link to {link.node.name} had ended before "
                f"{self.plan.statement.verb} was sent, so nothing was committed; after "
                "rollback(), running the whole transaction again is safe"
            )

    # -- judging -------------------------------------------------------------------

    def _moment(self, link: Link) -> Moment:
        transaction = self.session.transaction
        if not transaction.is_open or self.is_early:
            return Moment.READING if self.is_read else Moment.WRITING
        begins = self.begins and not self._has_refused_enough(link)
        if transaction.mode.read_only:
            return Moment.BEGINNING_READ_ONLY if begins else Moment.IN_READ_ONLY
        if control.may_commit(self.plan):
            return Moment.COMMITTING
        return Moment.BEGINNING if begins else Moment.IN_TRANSACTION

    def _is_alone(self, link: Link) -> bool:
        return self.session.core.groups[link.node.group].is_single

    def _is_final(self, link: Link, fault: Fault) -> bool:
        """Tell whether no other node would say anything else."""
        if fault is Fault.MISSING:
            writer = self.session.core.topology.groups[self.group].writer
            return writer in (None, link.id) or self.pinned is not None
        return fault is Fault.NODE_READ_ONLY and self._is_alone(link)

    def _has_refused_enough(self, link: Link) -> bool:
        """Tell whether a node that says it is the writer, and refuses, is to be
        believed the latter. A MariaDB that becomes read-only does both for a moment."""
        return self.refused.count(link.id) >= _MOST_REFUSALS - 1

    def _elsewhere(self, link: Link, exc: Exception, fault: Fault) -> None:
        self._tell_lost(link, exc)
        if self.pinned is not None:
            raise exc
        # As often as there are nodes, also where only one of them may answer: its
        # links may be dying. Not for ever: what breaks every link may be the statement.
        self.failures += 1
        if self.failures > len(self.session.core.topology.groups[self.group].members):
            raise exc
        self.tried.add(link.node.id)

    def _tell_lost(self, link: Link, exc: Exception) -> None:
        if self.session.links.pins.lost:
            raise link.adapter.error_class(errors.OperationalError)(
                f"the link to {link.node.name} was lost, and with it what lived there: "
                f"{self.session.links.pins.pop_lost()}. The connection can be "
                "used again, without them"
            ) from exc

    def _await_writer(self, link: Link, exc: Exception, fault: Fault) -> None:
        """The node writes nothing: find the one that does, and run it there."""
        plan, core = self.plan, self.session.core
        view = core.topology.groups[self.group]
        if plan.statement.parts > 1 or self._is_alone(link) or self.pinned is not None:
            raise exc
        if fault is Fault.MISSING:
            why = f"{link.node.name} does not have what it names"
            self.role, self.look = Role.WRITER, None
            self.route = self.route.to_writer(Reason.NOT_REPLAYED, why)
            return
        if self.is_read and fault is Fault.NODE_READ_ONLY:
            if view.writer == link.node.id:
                raise exc
            plan.set_read(False)  # the shape writes, whatever it looks like
            self.is_read, self.may_write, self.role = False, True, Role.WRITER
            self.route = plan.writer_route
            return
        if self.is_in_parts:
            self._unknown(link, exc, fault)
        if self._has_refused_enough(link):
            raise exc
        if link.id in self.refused:
            core.pause(_REFUSED_PAUSE_S)
        self.refused.append(link.id)
        self.session.links.drop(link)
        self._tell_lost(link, exc)

    def _unknown(self, link: Link, exc: Exception, fault: Fault) -> None:
        self.session.tracker.note_write(
            link.node.group, link.id
        )  # maybe: do not read behind it
        raise unknown(link, self.plan.statement.verb, exc, fault) from exc

    def _raise(self, link: Link, exc: Exception, fault: Fault) -> None:
        raise exc


_SHOWING = (Fault.STATEMENT, Fault.MISSING, Fault.CONFLICT)
_BEGINNINGS = (Moment.BEGINNING, Moment.BEGINNING_READ_ONLY)
_RESPONSES = {
    Action.RAISE: Attempts._raise,
    Action.LOSE: Attempts._raise,
    Action.RETRY_ELSEWHERE: Attempts._elsewhere,
    Action.AWAIT_WRITER: Attempts._await_writer,
    Action.RAISE_OUTCOME_UNKNOWN: Attempts._unknown,
}
