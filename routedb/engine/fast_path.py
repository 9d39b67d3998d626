"""The link that a simple statement runs on, where that is plain to see.

A connection stays with one replica: what that has shown, it will not take back, and a
backend that has just answered answers faster than one that must be woken. (Measured on
two cores: a SELECT by key takes a fifth longer when two take turns.) `Links.near` has
the link it stays with, so that the next read is one look-up; it is thrown away when
anything changes that was looked at here. With every new picture the choice is made
anew: among the replicas that are known to hold what the session has seen.

Under `consistency = "eventual"` nothing is remembered, and the first reads of a
connection go round the replicas one by one.
"""

from __future__ import annotations

from routedb.engine.consistency.tracker import BLANK
from routedb.engine.links.link import Link
from routedb.engine.plans.plan import Plan
from routedb.engine.session import Session
from routedb.routing import Route
from routedb.session import View
from routedb.topology import GroupView, Snapshot, pick

# Under "eventual": so many reads go round, so that short-lived connections share the
# replicas evenly; later ones stay for so many.
YOUNG = 128
STAY = 32
LONG = 1 << 62  # those who remember stay until something changes

Near = dict[int, Link]  # by group id


def choose(session: Session, plan: Plan, near: Near) -> tuple[Link | None, Route]:
    """Return an open link that is up to date, and the route; None: the long way.

    `near` was taken before anything is looked at here: when another thread changes
    that, what is put there goes nowhere.
    """
    group_id, route = plan.group_id, plan.writer_route
    if not plan.is_simple:
        return None, route
    if not session.is_unconstrained:
        return _within(session, plan)
    topology = session.core.topology
    group = topology.groups[group_id]
    if plan.may_replica and group.read_ring:
        if plan.reads_own_writes:
            return _held(session, plan, near, group, topology)
        link = _next(session, group)
        if link is not None and session.turn > YOUNG:
            _stay(session, near, plan, link, topology, STAY)
        return link, plan.replica_route
    link = session.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
    if link is None or not _is_fresh(session, link):
        return None, route
    if not plan.is_read:
        return (link if link.is_alive() else None), route
    if group.is_single:
        _stay(session, near, plan, link, topology, STAY)
    elif (
        plan.shows_data
        and session.read_states.get(group_id, BLANK).last_node != link.id
    ):
        session.tracker.note_read(link)
    return link, route


def _is_fresh(session: Session, link: Link) -> bool:
    return link.synced_version == session.links.version


def _stay(
    session: Session,
    near: Near,
    plan: Plan,
    link: Link,
    topology: Snapshot,
    left: int,
) -> None:
    if plan.sticky_group >= 0:
        if session.sticky_topology is not topology:
            near.clear()
        session.sticky_topology, session.sticky_left, near[plan.sticky_group] = (
            topology,
            left,
            link,
        )


def _held(
    session: Session, plan: Plan, near: Near, group: GroupView, topology: Snapshot
) -> tuple[Link | None, Route]:
    """Return a link to a replica that holds what the session has seen, or to the
    writer when it is known that none does; None: find out on the long way."""
    group_id, sight = group.id, session.tracker
    mark = session.read_states.get(group_id, BLANK)
    if sight.writer_only.get(group_id) is topology:
        link = session.open.get(mark.last_node)
        if (
            mark.last_node != group.writer
            or link is None
            or not _is_fresh(session, link)
        ):
            link = None
        return link, plan.own_writes_route
    shared_at = (
        session.core.wrote_at.get(group_id, 0.0) if plan.shares_process_writes else 0.0
    )
    look = None
    node: int | None = mark.last_node
    if mark.confirmed_in is not topology or shared_at > mark.process_wrote_at:
        look = sight.view_of(mark, shared_at)
        node = _pick(session, group, look)
    link = None if node is None else session.open.get(node)
    if link is None or not _is_fresh(session, link):
        return None, plan.replica_route
    if look is not None:
        moved = sight.switch_source(group_id, link.id, look)
        if moved is None:  # another thread was faster
            return None, plan.replica_route
        moved.confirmed_in = topology
    _stay(
        session, near, plan, link, topology, LONG
    )  # in vain when the mark is a new one
    return link, plan.replica_route


def _pick(session: Session, group: GroupView, look: View) -> int | None:
    """Return the source again unless it is busy, or another replica that may answer."""
    among, loads = session.tracker.allowed_replicas(group, look), session.core.loads
    read_ring, source = (
        group.read_ring if among is None else among,
        look.read_state.last_node,
    )
    if source in read_ring and not loads[source]:
        return source
    return pick(read_ring, loads, session.start)


def _next(session: Session, group: GroupView) -> Link | None:
    loads, read_ring = session.core.loads, group.read_ring
    session.turn += 1
    turn = session.start + session.turn
    node = read_ring[turn % len(read_ring)]
    if loads[node]:  # busy: see whether its neighbour is less so
        node = pick(read_ring, loads, turn)  # type: ignore[assignment]
    link = session.open.get(node)
    return link if link is not None and _is_fresh(session, link) else None


def _within(session: Session, plan: Plan) -> tuple[Link | None, Route]:
    """In a transaction that has a link to the group: that one."""
    if session.temporary_names and not session.temporary_names.isdisjoint(plan.names):
        return None, plan.writer_route
    transaction = session.transaction
    if plan.group_id != transaction.home:
        return None, plan.writer_route
    if (
        plan.shows_data
        and (session.consistency or plan.database.consistency) != "eventual"
    ):
        transaction.has_shown = True
    if transaction.is_on_writer:
        if not plan.is_read:
            transaction.note_write(plan.group_id)
        return transaction.home_link, plan.tx_route
    return (transaction.home_link if plan.is_read else None), plan.tx_replica_route
