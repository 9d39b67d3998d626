"""One statement on one group: reach a link, and run there.

A decision says where; here is found, opened or joined what it takes. What a fault on a
link leads to is decided in `recovery`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from math import inf

from routedb import errors
from routedb.adapters.base import AUTOCOMMIT, Fault, RawCursor
from routedb.engine.links import find_node
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.run.control import may_commit, may_end
from routedb.engine.run.follow import check_stays
from routedb.engine.run.guard import show
from routedb.engine.run.interrupted import statement_interrupted
from routedb.engine.run.outcome import ran
from routedb.engine.run.recovery import judge
from routedb.engine.run.undo import cover
from routedb.engine.session import Session
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import read_otherwise, second_home_refused
from routedb.engine.transactions.failure import check_failed
from routedb.engine.transactions.interruption import met_error
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.events import NodeRefusedWrite
from routedb.routing import Reason, Route
from routedb.routing.decider import Decision
from routedb.routing.plan import Plan
from routedb.routing.role import WHY
from routedb.session import TxState
from routedb.session.read_state import View, allowed_replicas
from routedb.sql import Reading
from routedb.sql.statement import Kind
from routedb.topology import GroupView, pick
from routedb.topology.snapshot import Role

_MOST_BEGINS = 3  # a BEGIN that fails on a fresh link twice will not succeed
# The writer is to answer, for want of a replica.
_FOR_WANT = frozenset({Reason.NO_REPLICA, Reason.OWN_WRITES})


class Attempt:
    """A statement under way on a group: what was decided, where it has been tried.

    `plan` and `decision` are the statement's; `group` is one of the decision's, the
    first by default. `is_one_of_several`: other groups take part in it as well, in the
    same transaction. `is_batch`: it runs for many sets of parameters, so that a part of
    them may be done when it fails.

    `role`, `route` and `is_read` begin as decided; when a node says otherwise they are
    what it has said.
    """

    def __init__(
        self,
        session: Session,
        plan: Plan,
        decision: Decision,
        group: int | None = None,
        is_one_of_several: bool = False,
        is_batch: bool = False,
    ) -> None:
        self.session = session
        self.plan = plan
        self.group = decision.groups[0] if group is None else group
        self.is_one_of_several = is_one_of_several  # groups that take part in it
        self.topology = decision.topology
        self.role = decision.role
        self.route = decision.route
        self.is_read = decision.is_read
        statement = plan.statement
        # A SET is sent to the writer, but a transaction that has run one may still
        # find its home elsewhere.
        self.may_write = not self.is_read and statement.kind is not Kind.SESSION
        # What is not one transaction may be done in part when it fails.
        self.is_in_parts = (
            is_batch or statement.parts > 1 or statement.kind is Kind.CALL
        )
        self.is_early = decision.is_early
        self.consistency = decision.consistency
        self.view: View | None = decision.seen  # by which a replica was chosen
        self.replicas = decision.replicas
        self.pinned = decision.node  # what it needs lives there
        self.tried: set[int] = set()
        self.failures, self.refused = 0, list[int]()  # by which node, for each time
        self.chosen_as: Role | None = (
            None  # by the hot path: what its node was taken for
        )
        self.begins = False  # it is the first statement of its transaction
        # Who runs it can run it by another plan; it is to be; when it met a fence.
        self.may_move, self.is_moved, self.fenced_at = False, False, 0.0

    @property
    def is_outside(self) -> bool:
        """Tell whether it runs outside of the transaction, or there is none."""
        return self.is_early or self.session.transaction.state is TxState.AUTOCOMMIT

    def reach(self) -> Link:
        """Return the link to run on, a branch of the transaction when there is one.

        Raises the refusal of a second home, of a session that reads the text in another
        way, what `find_node` raises, and what a server says of BEGIN.
        """
        session = self.session
        transaction = session.transaction
        if transaction.state is TxState.AUTOCOMMIT:
            link = (self._at_hand() if session.open else None) or self._find()
        elif self.is_early:
            link = self._find()
            link.set_mode(AUTOCOMMIT)
        else:
            if transaction.state is TxState.FAILED:
                check_failed(transaction, self.group)
            link = self._branch() or self._join()
            if self.plan.statement.tx:
                self._check_alive(link)
            if self.may_write:
                if transaction.wrote and self.group not in transaction.wrote:
                    self._admit()
                transaction.note_write(self.group)
                cover(transaction, link)
            elif transaction.roles[self.group] is Role.WRITER:
                transaction.reads.keep(self.group, self.plan)
        if self.plan.reading is not None:
            self._check_reading(link, self.plan.reading)
        if (self.plan.guard or link.guard) and self.may_write:
            show(session.core, self.plan, link)
        return link

    def run(self, cursor: VirtualCursor, call: Call) -> None:
        """Make `call` until it succeeds, on other links where that is allowed, or
        `is_moved`; let `cursor` show the result, or raise what the user must see."""
        has_run, before = False, sys.exc_info()[1]
        while not (has_run or self.is_moved):
            link = self.reach()
            try:
                has_run = self._run_once(cursor, call, link)
            except BaseException as exc:
                if is_from_program(exc) or not is_verdict(exc):
                    has_failed = met_error(link, exc, before)
                    statement_interrupted(
                        self.session, cursor, self.plan, link, has_failed
                    )
                raise

    def _run_once(self, cursor: VirtualCursor, call: Call, link: Link) -> bool:
        """Tell whether the call has succeeded on `link`; it may be made again else."""
        raw = cursor.raw_cursors.get(link) or cursor.open_raw_cursor(link)
        try:
            run_on(self.session, link, call, raw)
        except Exception as exc:
            # What the driver shows of a statement that failed is there.
            cursor.link, cursor.raw, cursor.route = link, raw, self.route
            judge(self, link, exc)
            return False
        ran(self.session, cursor, self, link, raw)
        return True

    def is_alone(self, link: Link) -> bool:
        """Tell whether the group of `link` has one node."""
        return self.session.core.groups[link.node.group].is_single

    # -- outside a transaction -----------------------------------------------------

    def _at_hand(self) -> Link | None:
        """Return the link that was decided on, when it is open, up to date, and nothing
        has changed since the decision."""
        session, core = self.session, self.session.core
        if self.tried or self.refused or self.pinned is not None:
            return None
        if self.topology is not core.topology:
            return None
        view = self.topology.groups[self.group]
        node = view.writer
        if self.role is Role.REPLICA:
            if not (self.plan.is_simple and session.settled[1]):
                return None  # reads that are asked to go to replicas go round them
            ring = view.read_ring if self.replicas is None else self.replicas
            turn = session.start + session.turn
            node = ring[turn % len(ring)]
            if core.loads[node]:  # busy: see whether its neighbour is less so
                node = pick(ring, core.loads, turn)
        link = session.open.get(node)  # type: ignore[arg-type]  # None is no node
        if link is None or link.synced_version != session.version.settings:
            return None
        is_usable = link.expires_at == inf and (self.is_read or link.is_alive())
        return link if is_usable else None

    def _find(self, must_live: bool | None = None) -> Link:
        must_live = not self.is_read if must_live is None else must_live
        links = self.session.links
        if self.pinned is not None:
            return links.get(self.pinned, must_live)
        if not self._is_for_any():
            return find_node.writer(links, self.group, must_live)
        session = self.session
        if not (self.plan.is_simple and session.settled[1]):
            session.turn += 1  # else the fast path has taken it
        turn = session.start + session.turn
        link = find_node.reader(
            links, self.group, turn, self.tried, self._allowed, must_live
        )
        view = session.core.topology.groups[self.group]
        role = Role.WRITER if link.id == view.writer else Role.REPLICA
        if role is not self.role:
            self._note_role(role, view)
        return link

    def _is_for_any(self) -> bool:
        """Tell whether a replica may answer, or could if there were one that may."""
        if self.role is Role.REPLICA:
            return True
        if not self.is_read or self.route.reasons[-1][0] not in _FOR_WANT:
            return False
        session = self.session
        return not session.transaction.is_open or session.is_read_only

    def _allowed(self, group: GroupView) -> tuple[int, ...] | None:
        """Return who may answer: as decided, unless there are news, or a failure."""
        if self.consistency == "eventual":
            return None
        is_as_decided = group is self.topology.groups[self.group]
        if is_as_decided and self.view is not None and not self.tried:
            return self.replicas
        self.view = self.session.tracker.view(self.group, self.consistency)
        return allowed_replicas(group, self.view)

    def _note_role(self, role: Role, view: GroupView) -> None:
        """Take the role of the node that was found, where another was decided on."""
        session = self.session
        if role is Role.REPLICA:
            is_declared = session.transaction.is_open and session.is_read_only
            reason = Reason.DECLARED_READ_ONLY if is_declared else Reason.PLAIN_READ
        else:
            is_ahead = session.tracker.is_ahead(view, self.consistency)
            reason = Reason.OWN_WRITES if is_ahead else Reason.NO_REPLICA
        route = _answered(self.route, role, reason)
        self.role, self.route = role, self.plan.counted(route)

    # -- inside a transaction ------------------------------------------------------

    def _branch(self) -> Link | None:
        """Return the branch that is there, promoted to home when it is to write."""
        transaction = self.session.transaction
        link = transaction.branches.get(self.group)
        if link is not None and self.pinned not in (None, link.id):
            raise errors.CrossDatabaseError(
                f"{self.route.reason}, but this transaction runs on {link.node.name}: "
                "commit or roll back first"
            )
        if link is None or not self.may_write or transaction.home == self.group:
            return link
        if transaction.home >= 0 and self.group not in transaction.wrote:
            self._check_second(transaction.roles[self.group])
        if transaction.home < 0:
            transaction.make_home(self.group)
        return link

    def _join(self) -> Link:
        """Give the transaction a branch on the group; refuse a second one to write."""
        session, transaction = self.session, self.session.transaction
        if transaction.branches:
            check_stays(transaction, self.plan)
        # A part of a read decides nothing about where the transaction writes.
        is_home = self.may_write or (
            self.plan.placement.database is not None and not self.is_one_of_several
        )
        if transaction.home >= 0 and self.may_write:
            self._check_second(self.role)
        self.begins = not (
            transaction.branches
            or self.is_in_parts
            or self.is_one_of_several
            or self.pinned is not None
        )
        tries = 0
        while True:
            # One that is alive: it cannot be changed later.
            link = self._find(must_live=True)
            try:
                is_first = is_home and transaction.home < 0
                transaction.add_branch(
                    self.group, link, self.role, is_first, self.may_write
                )
            except Exception as exc:
                if is_from_program(exc):
                    raise
                tries += 1
                fault = link.adapter.fault(exc, link.raw)
                if fault is Fault.NODE_READ_ONLY and not self.is_alone(link):
                    session.core.publish(NodeRefusedWrite(link.id, link.generation))
                elif fault is not Fault.LINK_LOST:
                    link.adapter.adopt(exc)
                    raise
                session.links.drop(link)  # only BEGIN was sent: nothing is lost
                session.note_retry(link, "BEGIN", self.is_read, exc)
                if tries == _MOST_BEGINS:
                    link.adapter.adopt(exc)
                    raise
            else:
                if self.view is not None:
                    session.tracker.switch_node(self.group, link.id, self.view)
                return link

    def _check_second(self, role: Role) -> None:
        """Refuse a write beside the home, whose branch's node is chosen as `role`,
        where a transaction is for one group."""
        if not (self.is_one_of_several or self.session.transaction.spread.is_allowed):
            raise self._second_home()
        if role is not Role.WRITER:
            name = self.session.core.groups[self.group].database
            raise errors.CrossDatabaseError(
                f"{self.plan.statement.verb} is for {name}, where this transaction "
                "reads from a replica: commit first, or have the transaction write "
                "there before it reads"
            )

    def _admit(self) -> None:
        """See to it that this group can be written to beside those that were."""
        transaction = self.session.transaction
        spread = transaction.spread
        if not spread.is_allowed:
            return  # it is one of several: see `_check_second`
        try:
            spread.admit(self.group, transaction.branches, transaction.wrote)
        except errors.Error:
            is_asked = self.session.core.config.is_two_phase_asked
            if is_asked or not self.is_one_of_several:
                raise
            spread.commit_one_by_one()

    def _second_home(self) -> errors.Error:
        groups = self.session.core.groups
        home = groups[self.session.transaction.home]
        return second_home_refused(self.plan.statement, home, groups[self.group])

    def _check_alive(self, link: Link) -> None:
        """Before what may commit is sent: afterwards nobody could tell what became of
        it; nor what of a transaction is left that has ended on one of its groups."""
        others = self.session.transaction.wrote - {self.group}
        if others and may_end(self.plan) and not self.is_one_of_several:
            names = [self.session.core.groups[at].database for at in others]
            raise errors.CrossDatabaseError(
                f"{self.plan.statement.verb} would end on {link.node.name} alone a "
                f"transaction that has written to {', '.join(names)} as well: commit "
                "or roll back first, and send it by itself"
            )
        if may_commit(self.plan) and not link.is_alive():
            self.session.links.drop_dead(link)
            self.session.transaction.lose(link)
            raise errors.TransactionLost(
                f"the link to {link.node.name} had ended before "
                f"{self.plan.statement.verb} was sent, so nothing was committed; after "
                "rollback(), running the whole transaction again is safe"
            )

    def _check_reading(self, link: Link, reading: Reading) -> None:
        """Send nothing to a session that would take other parts of it for strings."""
        try:
            mode = link.lexical_mode()
        except Exception as exc:
            if link.adapter.fault(exc, link.raw) is Fault.LINK_LOST:
                return  # the statement will meet that too
            raise link.adapter.adopt(exc) from None
        if not reading.holds_in(mode):
            self.session.links.on_mode_change()
            raise read_otherwise(link.node.name, self.plan.statement.verb, mode)


def run_on(session: Session, link: Link, call: Call, raw: RawCursor) -> None:
    """Run `call` on `raw`, a cursor of `link`: counted as load, one thread at a time
    where needed."""
    loads, node, lock = session.core.loads, link.id, link.lock
    loads[node] += 1
    is_judged = False
    try:
        if lock is None:
            call(raw)
        else:
            with lock:
                call(raw)
    except Exception:
        is_judged = True  # `judge` tells whether the node has answered
        raise
    finally:
        loads[node] -= 1
        if not is_judged:
            now = session.core.clock()
            if now > link.used_at:  # as in Link.touch
                link.used_at = now


def _answered(route: Route, role: Role, reason: Reason) -> Route:
    reasons = (*route.reasons[:-1], (reason, WHY[reason]))
    return replace(route, role=role, reasons=reasons)
