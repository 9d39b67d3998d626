"""Carry a decision out: reach a link, run, and act on what goes wrong.

The action for each fault comes from the table in session/recovery.py.
"""

from __future__ import annotations

from contextlib import nullcontext

from routedb import errors
from routedb.adapters.base import Fault, RawCursor
from routedb.engine import control, fence
from routedb.engine.aim import Aim
from routedb.engine.link import AUTOCOMMIT, Link
from routedb.engine.misuse import as_dbapi_error
from routedb.engine.plan import Plan
from routedb.engine.session import Call, Seat, Session
from routedb.events import NodeRefusedWrite
from routedb.session import Action, Event, Moment, action_for
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role


def once(
    d: Session,
    cursor: Seat,
    plan: Plan,
    decided: Aim,
    call: Call,
    is_batch: bool = False,
) -> None:
    """Run on one group, on another node of it where that is allowed."""
    attempts = Attempts(d, plan, decided, is_batch=is_batch)
    while True:
        link = attempts.reach()
        raw = cursor.raws.get(link) or cursor.take(link)
        try:
            run_on(d, link, call, raw)
        except Exception as exc:
            cursor.link, cursor.raw, cursor.route = link, raw, attempts.route
            attempts.judge(link, exc)
            continue
        break
    cursor.link, cursor.raw, cursor.route = link, raw, attempts.route
    attempts.met(link)
    if d.transaction.is_open and not decided.is_early and not attempts.may_write:
        d.transaction.on(Event.READ)
    wrote(d, cursor, plan, raw)


def wrote(d: Session, cursor: Seat, plan: Plan, raw: RawCursor) -> None:
    """Take note of a statement that may have written, and of whether it gave rows.

    Raises OutcomeUnknown when the node is found to be an old writer.
    """
    link = cursor.link
    if link is not None and not plan.is_read:
        link.is_changed = True
    if not plan.is_read and plan.statement.kind is not Kind.SESSION:
        if link is not None:
            if d.core.topology.groups[link.node.group].fenced:
                _check_fence(d, plan, link)
            d.sight.wrote(link.node.group, link.id)
            if plan.leaves_key:
                d.links.pins.inserted = link.id
        if plan.statement.kind is Kind.WRITE:
            d.transaction.has_written = link is None or link.holds_writes
    if raw.description is None:
        cursor.unseat()
    elif raw is not cursor.seated:
        cursor.seat(raw)


def _check_fence(d: Session, plan: Plan, link: Link) -> None:
    """Inside a transaction the commit tells."""
    if not d.transaction.is_open and fence.is_overtaken(d.core, link):
        raise fence.unknown(link, plan.statement.verb)


_MOST_BEGINS = 3  # a BEGIN that fails on a fresh link twice will not succeed


class Attempts:
    """The attempts at one statement: where it has been tried, and what may follow."""

    def __init__(
        self,
        d: Session,
        plan: Plan,
        decided: Aim,
        group: int | None = None,
        is_one_of_several: bool = False,
        is_batch: bool = False,
    ) -> None:
        self.d = d
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
        self.shared_at = 0.0
        self.epoch: int | None = None  # of the mark by which a replica was chosen
        self.pinned = decided.link
        self.tried: set[int] = set()
        self.failures = 0
        self.refused: set[int] = set()

    def reach(self) -> Link:
        """Return the link to run on, a branch of the transaction when there is one."""
        link = self._reach()
        if not self.is_read:
            link.is_changed = True
        return link

    def _reach(self) -> Link:
        d = self.d
        if not d.transaction.is_open:
            return self._find()
        if self.is_early:
            link = self._find()
            link.set_mode(AUTOCOMMIT)
            link.fresh = -1
            return link
        link = self._branch() or self._join()
        if self.plan.statement.tx:
            self._check_alive(link)
        if self.may_write:
            d.transaction.note_write(self.group)
        return link

    def judge(self, link: Link, exc: Exception) -> None:
        """Return when the statement may be run again; raise what the user must see."""
        if isinstance(exc, errors.Error):  # ours, from the adapter: nothing was sent
            raise exc
        fault = link.take(exc)
        if not self.is_read:  # a procedure may have done half of what it does
            link.is_changed = True
        if not isinstance(exc, errors.Error):
            raise as_dbapi_error(exc) from exc
        # An error of the statement shows data too: a row that is in the way, say.
        if fault in (Fault.STATEMENT, Fault.CONFLICT):
            link.used_at = self.d.core.clock()
            self.met(link)
        moment = self._moment()
        action = action_for(fault, moment)
        if fault is Fault.NODE_READ_ONLY and self._is_alone(link):
            action = Action.RAISE  # no other node would say anything else
        if moment is Moment.COMMITTING and self.is_in_parts and action is Action.LOSE:
            action = Action.RAISE_OUTCOME_UNKNOWN  # a COMMIT may have come before
        if moment is Moment.WRITING and self.is_in_parts:
            exc.retry_is_safe = False  # the first of them may have been committed
        if self.may_write and self.is_in_parts:
            self.d.sight.wrote(link.node.group, link.id)
        self.d.core.heard(link, exc, fault)
        if fault is Fault.NODE_READ_ONLY and self.role is Role.WRITER:
            self.d.core.publish(NodeRefusedWrite(link.node.id, link.generation))
        if action is Action.RAISE_OUTCOME_UNKNOWN and moment is Moment.COMMITTING:
            self.d.transaction.forget(link)
        elif self.d.transaction.is_open and not self.is_early:
            try:
                ends_itself = bool(self.plan.statement.tx)
                self.d.transaction.blame(link, exc, fault, action, ends_itself)
            finally:
                control.settle_failed(self.d, self.plan, link)
        elif fault in (Fault.STATEMENT, Fault.CONFLICT):
            control.settle_begun(self.d, self.plan, link)
        if fault in (Fault.LINK_LOST, Fault.TOO_LARGE):
            self.d.links.drop(link)
        _RESPONSES[action](self, link, exc, fault)

    def met(self, link: Link) -> None:
        """Take note that the session has seen what `link` has shown."""
        if self.is_read and self.d.core.config.shadow:
            return  # it would have been shown a replica's
        if self.plan.shows_data and not (
            self.is_read and self.consistency == "eventual"
        ):
            group, epoch = link.node.group, self.epoch
            self.d.sight.meet(group, link.id, self.shared_at, epoch)

    # -- reaching ------------------------------------------------------------------

    def _find(self) -> Link:
        links = self.d.links
        if self.pinned is not None:
            return links.get(self.pinned.id, must_live=not self.is_read)
        if self.role is Role.REPLICA:
            return self._replica()
        return links.writer(self.group, must_live=not self.is_read)

    def _replica(self, must_live: bool = False) -> Link:
        sight = self.d.sight
        # Before the question who holds it: a write that comes between does not count.
        self.epoch = sight.epoch(self.group)
        self.shared_at = sight.shared_at(self.group, self.consistency)
        view = self.d.core.topology.groups[self.group]
        among = sight.among(view, self.consistency)
        links, turn = self.d.links, self._turn()
        return links.replica(self.group, turn, self.tried, among, must_live)

    def _turn(self) -> int:
        """Take the next turn among replicas, unless the hot path has taken it."""
        if not (self.d.free and self.plan.is_simple):
            self.d.turn += 1
        return self.d.place()

    def _branch(self) -> Link | None:
        """Return the branch that is there, promoted to home when it is to write."""
        transaction = self.d.transaction
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
            raise second_home(self.d, self.plan, self.group)
        if transaction.home < 0:
            transaction.make_home(self.group)
        return link

    def _join(self) -> Link:
        """Give the transaction a branch on the group; refuse a second one to write."""
        transaction = self.d.transaction
        is_home = self.plan.placement.database is not None or self.may_write
        if transaction.home >= 0 and self.may_write and not self.is_one_of_several:
            raise second_home(self.d, self.plan, self.group)
        for _ in range(_MOST_BEGINS):
            link = self._find_alive()
            try:
                return transaction.join(
                    self.group, link, self.role, is_home and transaction.home < 0
                )
            except Exception as exc:
                lost = exc
                if link.adapter.fault(exc, link.raw) is not Fault.LINK_LOST:
                    link.adapter.adopt(exc)
                    raise
                self.d.links.drop(link)  # only BEGIN was sent: nothing is lost
        raise link.adapter.adopt(lost)

    def _find_alive(self) -> Link:
        """Find a link that a transaction may start on: it cannot be changed later."""
        links = self.d.links
        if self.pinned is not None:
            return links.get(self.pinned.id, must_live=True)
        if self.role is Role.REPLICA:
            return self._replica(must_live=True)
        return links.writer(self.group, must_live=True)

    def _check_alive(self, link: Link) -> None:
        """Before what may commit is sent: afterwards nobody could tell what became of
        it."""
        transaction = self.d.transaction
        if control.may_commit(self.plan) and not link.is_alive():
            transaction.lose(link)
            raise errors.TransactionLost(
                f"the link to {link.node.name} had ended before "
                f"{self.plan.statement.verb} was sent, so nothing was committed; after "
                "rollback(), running the whole transaction again is safe"
            )

    # -- judging -------------------------------------------------------------------

    def _moment(self) -> Moment:
        transaction = self.d.transaction
        if not transaction.is_open or self.is_early:
            return Moment.READING if self.is_read else Moment.WRITING
        if transaction.mode.read_only:
            return Moment.IN_READ_ONLY
        if control.may_commit(self.plan):
            return Moment.COMMITTING
        return Moment.IN_TRANSACTION

    def _is_alone(self, link: Link) -> bool:
        return self.d.core.groups[link.node.group].is_single

    def _elsewhere(self, link: Link, exc: Exception, fault: Fault) -> None:
        self._tell_lost(link, exc)
        if self.pinned is not None:
            raise exc
        # As often as there are nodes, also where only one of them may answer: its
        # links may be dying. Not for ever: what breaks every link may be the statement.
        self.failures += 1
        if self.failures > len(self.d.core.topology.groups[self.group].members):
            raise exc
        self.tried.add(link.node.id)

    def _tell_lost(self, link: Link, exc: Exception) -> None:
        if self.d.links.pins.lost:
            raise link.adapter.own(errors.OperationalError)(
                f"the link to {link.node.name} was lost, and with it what lived there: "
                f"{self.d.links.pins.take_lost()}. The connection can be used again, "
                "without them"
            ) from exc

    def _await_writer(self, link: Link, exc: Exception, fault: Fault) -> None:
        """The node writes nothing: find the one that does, and run it there."""
        plan, core = self.plan, self.d.core
        view = core.topology.groups[self.group]
        if plan.statement.parts > 1 or self._is_alone(link) or self.pinned is not None:
            raise exc
        if self.is_read and fault is Fault.NODE_READ_ONLY:
            if view.writer == link.node.id:
                raise exc
            plan.turn_read(False)  # the shape writes, whatever it looks like
            self.is_read, self.may_write, self.role = False, True, Role.WRITER
            self.route = plan.writer
            return
        if self.is_in_parts:
            self._unknown(link, exc, fault)
        if link.node.id in self.refused:
            raise exc
        self.refused.add(link.node.id)
        self.d.links.drop(link)
        self._tell_lost(link, exc)

    def _unknown(self, link: Link, exc: Exception, fault: Fault) -> None:
        self.d.sight.wrote(link.node.group, link.id)  # maybe: do not read behind it
        verb, name = self.plan.statement.verb, link.node.name
        said = link.end if link.silence_s else f"{_SAID[fault]}: {exc}"
        raise errors.OutcomeUnknown(
            f"{verb} was sent to {name} and {said}. It may or may not have happened; "
            "running it again may do it twice"
        ) from exc

    def _raise(self, link: Link, exc: Exception, fault: Fault) -> None:
        raise exc


# What became of a statement whose outcome is unknown; the last two stopped a batch.
_SAID = {
    Fault.LINK_LOST: "its answer was lost",
    Fault.NODE_READ_ONLY: "refused on the way",
    Fault.NODE_STARTING: "broken off on the way",
    Fault.TOO_LARGE: "refused on the way",
}
_RESPONSES = {
    Action.RAISE: Attempts._raise,
    Action.LOSE: Attempts._raise,
    Action.RETRY_ELSEWHERE: Attempts._elsewhere,
    Action.AWAIT_WRITER: Attempts._await_writer,
    Action.RAISE_OUTCOME_UNKNOWN: Attempts._unknown,
}


def second_home(d: Session, plan: Plan, group: int) -> errors.Error:
    """Return the refusal of a write to `group` by a transaction that is elsewhere."""
    home, other = d.core.groups[d.transaction.home], d.core.groups[group]
    tables = ", ".join(map(str, plan.statement.tables)) or "no table"
    if home.database == other.database:
        return errors.ShardError(
            f"{plan.statement.verb} on {tables} is for shard {other.shard} of "
            f"{other.database}, but this transaction is on shard {home.shard}: a "
            "transaction writes to one shard. Commit first"
        )
    return errors.CrossDatabaseError(
        f"{plan.statement.verb} on {tables} is for database {other.database}, "
        f"but this transaction is on {home.database}: a transaction writes to one "
        "database. Commit first, or use a connection of its own for the other"
    )


def run_on(d: Session, link: Link, call: Call, raw: RawCursor) -> None:
    """Run on a raw cursor: counted as load, one thread at a time where needed."""
    loads, node = d.core.loads, link.node.id
    loads[node] += 1
    try:
        with link.lock or nullcontext():
            call(raw)
    finally:
        loads[node] -= 1
        link.used_at = d.core.clock()
