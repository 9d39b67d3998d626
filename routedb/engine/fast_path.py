"""The link that a simple statement runs on, where that is plain to see.

A connection stays with one replica: what that has shown, it will not take back, and a
backend that has just answered answers faster than one that must be woken. (Measured on
two cores: a SELECT by key takes a fifth longer when two take turns.)
`SessionVersion.sticky` has the link it stays with, so that the next read is one
look-up; it is thrown away when anything changes that was looked at here. With every new
topology the choice is made anew: among the replicas that are known to hold what the
session has seen.

Under `consistency = "eventual"` nothing is remembered, and reads go round the replicas.

What cannot be seen at a glance is None: the executor decides it (`routing.decider`).
"""

from __future__ import annotations

from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.routing import Route
from routedb.routing.plan import Plan
from routedb.session import AFTER, TxEvent, TxState
from routedb.session.read_state import NOTHING_SEEN, View, allowed_replicas
from routedb.topology import GroupView, Snapshot, pick
from routedb.topology.snapshot import Role

# Under "eventual": so many reads take turns one by one, so that short-lived connections
# share the replicas evenly; later ones by so many.
YOUNG = 128
STAY = 32

Sticky = dict[int, Link]  # by group id
_UNSEEN: tuple[None, None] = (None, None)


def choose(
    session: Session, plan: Plan, sticky: Sticky
) -> tuple[Link | None, Route | None]:
    """Return an open link that is up to date, and the route; None: the long way.

    `sticky` was taken from the session before anything is looked at here: when another
    thread changes that, what is put there goes nowhere. `plan` is the statement's.
    """
    if not plan.is_simple:
        return _UNSEEN
    settled = session.settled
    if settled[0] is not session.version.constraints:
        settled = session.settle()
    if not settled[1]:
        return _begin(session, plan) if settled[2] else _UNSEEN
    topology = session.core.topology
    group = topology.groups[plan.group_id]
    if plan.may_replica and group.read_ring:
        if plan.reads_own_writes:
            return _held(session, plan, sticky, group, topology)
        return _next(session, group), plan.replica_route or plan.to_replica()
    link = session.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
    if link is None or link.synced_version != session.version.settings:
        return _UNSEEN
    route = plan.writer_route or plan.to_writer()
    if not plan.is_read:
        return (link if link.is_alive() else None), route
    if group.is_single:
        _stay(session, sticky, plan, link, topology)
    elif plan.shows_data:
        state = session.read_states.get(plan.group_id, NOTHING_SEEN)
        if state.last_node != link.id:
            session.tracker.note_read(link)
    return link, route


def _stay(
    session: Session, sticky: Sticky, plan: Plan, link: Link, topology: Snapshot
) -> None:
    if plan.sticky_group >= 0:
        if session.sticky_topology is not topology:
            sticky.clear()
        session.sticky_topology = topology
        sticky[plan.sticky_group] = link


def _held(
    session: Session, plan: Plan, sticky: Sticky, group: GroupView, topology: Snapshot
) -> tuple[Link | None, Route | None]:
    """Return a link to a replica that holds what the session has seen, or to the
    writer when it is known that none does; None: find out on the long way."""
    tracker, settings = session.tracker, session.version.settings
    state = session.read_states.get(group.id, NOTHING_SEEN)
    held = tracker.writer_only.get(group.id)
    if (
        held is not None
        and held.topology is topology
        and session.core.clock() < held.until
    ):
        link = session.open.get(state.last_node)
        if state.last_node != group.writer or link is None:
            return _UNSEEN
        if link.synced_version != settings:
            return _UNSEEN
        return link, plan.own_writes_route or plan.to_own_writes()
    if state.last_node == group.writer and state.confirmed_in is not topology:
        return _UNSEEN  # it has written: which replicas hold that?
    wrote_at = 0.0
    if plan.shares_process_writes:
        wrote_at = session.core.process_wrote_at.get(group.id, 0.0)
    view = None
    node: int | None = state.last_node
    if state.confirmed_in is not topology or wrote_at > state.process_wrote_at:
        if wrote_at:
            session.core.samples.note_look(group.id)
        view = tracker.view_of(state, wrote_at)
        node = _pick(session, group, view)
    link = None if node is None else session.open.get(node)
    if link is None or link.synced_version != settings:
        return _UNSEEN
    if view is not None:
        moved = tracker.switch_node(group.id, link.id, view)
        if moved is None:  # another thread was faster
            return _UNSEEN
        moved.confirmed_in = topology
    # In vain when the read state is a new one.
    _stay(session, sticky, plan, link, topology)
    return link, plan.replica_route or plan.to_replica()


def _pick(session: Session, group: GroupView, view: View) -> int | None:
    """Return the last node again unless it is busy, or another replica that may
    answer."""
    replicas, loads = allowed_replicas(group, view), session.core.loads
    ring = group.read_ring if replicas is None else replicas
    last = view.read_state.last_node
    if last in ring and not loads[last]:
        return last
    return pick(ring, loads, session.start)


def _next(session: Session, group: GroupView) -> Link | None:
    loads, ring = session.core.loads, group.read_ring
    session.turn = turn = session.turn + 1
    turn = session.start + (turn if turn <= YOUNG else turn // STAY)
    node = ring[turn % len(ring)]
    if loads[node]:  # busy: see whether its neighbour is less so
        node = pick(ring, loads, turn)  # type: ignore[assignment]
    link = session.open.get(node)
    if link is None or link.synced_version != session.version.settings:
        return None
    return link


def choose_home(session: Session, plan: Plan) -> tuple[Link | None, Route | None]:
    """Return the link and the route of a statement of `plan` on the home of the
    transaction of `session`; None: the long way."""
    names = session.pins.names
    if not plan.is_simple or (names and not names.isdisjoint(plan.names)):
        return _UNSEEN
    transaction = session.transaction
    transaction.is_first = False
    if plan.shows_data and not transaction.has_shown:
        consistency = session.consistency or plan.database.consistency
        transaction.has_shown = consistency != "eventual"
    if transaction.is_on_writer:
        if plan.is_read:
            if plan not in transaction.reads:
                transaction.reads.keep(plan.group_id, plan)
        elif plan.group_id not in transaction.wrote:
            if transaction.wrote:  # another group's: can they be committed together?
                return _UNSEEN
            transaction.note_write(plan.group_id)
        return transaction.home_link, plan.tx_route or plan.in_transaction(True)
    if not plan.is_read:
        return _UNSEEN
    return (
        transaction.home_link,
        plan.tx_replica_route or plan.in_transaction(False),
    )


def _begin(session: Session, plan: Plan) -> tuple[Link | None, Route | None]:
    """The first statement of a transaction that nothing was said about: on the writer,
    where the driver begins it with the statement. What else may have been said,
    `Session.settled` knows."""
    transaction, group_id = session.transaction, plan.group_id
    names = session.pins.names
    if (
        not plan.begins_on_writer
        or transaction.branches
        or transaction.state is not TxState.OPEN
        or transaction.is_explicit
        or transaction.prologue.texts
        or (names and not names.isdisjoint(plan.names))
    ):
        return _UNSEEN
    group = session.core.topology.groups[group_id]
    link = session.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
    if link is None or link.synced_version != session.version.settings:
        return _UNSEEN
    # Another one can be taken now, and not later.
    if not (link.is_quiet and link.is_quiet(link.raw)) and not link.is_alive():
        return _UNSEEN
    # The driver begins it with the statement: the link is its home.
    transaction.roles[group_id] = Role.WRITER
    transaction.branches[group_id] = link
    transaction.is_first = transaction.is_on_writer = True
    transaction.is_plain = link.adapter.commits_by_raw and not link.joins_begin
    transaction.home, transaction.home_link = group_id, link
    if plan.is_read:
        transaction.reads.add(plan)
        transaction.has_shown = plan.tracks_reads
        transaction.state = AFTER[False][TxState.OPEN, TxEvent.READ]  # as in `apply`
    else:
        transaction.wrote.add(group_id)
        transaction.state = AFTER[False][TxState.OPEN, TxEvent.WRITE]
    if link.joins_begin:
        link.pending_begin = transaction.mode
    return link, plan.begin_route or plan.to_begin()
