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
from routedb.session import Look
from routedb.topology import GroupView, Snapshot, pick

# Under "eventual": so many reads go round, so that short-lived connections share the
# replicas evenly; later ones stay for so many.
YOUNG = 128
STAY = 32
LONG = 1 << 62  # those who remember stay until something changes

Near = dict[int, Link]  # by group id


def choose(d: Session, plan: Plan, near: Near) -> tuple[Link | None, Route]:
    """Return an open link that is up to date, and the route; None: the long way.

    `near` was taken before anything is looked at here: when another thread changes
    that, what is put there goes nowhere.
    """
    gid, route = plan.gid, plan.writer
    if not plan.is_simple:
        return None, route
    if not d.free:
        return _within(d, plan)
    topology = d.core.topology
    group = topology.groups[gid]
    if plan.may_replica and group.ring:
        if plan.minds_writes:
            return _held(d, plan, near, group, topology)
        link = _next(d, group)
        if link is not None and d.turn > YOUNG:
            _stay(d, near, plan, link, topology, STAY)
        return link, plan.replica
    link = d.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
    if link is None or not _is_fresh(d, link):
        return None, route
    if not plan.is_read:
        return (link if link.is_alive() else None), route
    if group.is_single:
        _stay(d, near, plan, link, topology, STAY)
    elif plan.shows_data and d.marks.get(gid, BLANK).source != link.id:
        d.sight.meet(link)
    return link, route


def _is_fresh(d: Session, link: Link) -> bool:
    return link.fresh == d.links.version


def _stay(
    d: Session,
    near: Near,
    plan: Plan,
    link: Link,
    topology: Snapshot,
    left: int,
) -> None:
    if plan.near >= 0:
        if d.seen is not topology:
            near.clear()
        d.seen, d.left, near[plan.near] = topology, left, link


def _held(
    d: Session, plan: Plan, near: Near, group: GroupView, topology: Snapshot
) -> tuple[Link | None, Route]:
    """Return a link to a replica that holds what the session has seen, or to the
    writer when it is known that none does; None: find out on the long way."""
    gid, sight = group.id, d.sight
    mark = d.marks.get(gid, BLANK)
    if sight.barred.get(gid) is topology:
        link = d.open.get(mark.source)
        if mark.source != group.writer or link is None or not _is_fresh(d, link):
            link = None
        return link, plan.own_writes
    shared_at = d.core.wrote_at.get(gid, 0.0) if plan.shares_writes else 0.0
    look = None
    node: int | None = mark.source
    if mark.chosen is not topology or shared_at > mark.shared_at:
        look = sight.look_at(mark, shared_at)
        node = _pick(d, group, look)
    link = None if node is None else d.open.get(node)
    if link is None or not _is_fresh(d, link):
        return None, plan.replica
    if look is not None:
        moved = sight.move(gid, link.id, look)
        if moved is None:  # another thread was faster
            return None, plan.replica
        moved.chosen = topology
    _stay(d, near, plan, link, topology, LONG)  # in vain when the mark is a new one
    return link, plan.replica


def _pick(d: Session, group: GroupView, look: Look) -> int | None:
    """Return the source again unless it is busy, or another replica that may answer."""
    among, loads = d.sight.among(group, look), d.core.loads
    ring, source = group.ring if among is None else among, look.mark.source
    if source in ring and not loads[source]:
        return source
    return pick(ring, loads, d.start)


def _next(d: Session, group: GroupView) -> Link | None:
    loads, ring = d.core.loads, group.ring
    d.turn += 1
    turn = d.start + d.turn
    node = ring[turn % len(ring)]
    if loads[node]:  # busy: see whether its neighbour is less so
        node = pick(ring, loads, turn)  # type: ignore[assignment]
    link = d.open.get(node)
    return link if link is not None and _is_fresh(d, link) else None


def _within(d: Session, plan: Plan) -> tuple[Link | None, Route]:
    """In a transaction that has a link to the group: that one."""
    if d.shadows and not d.shadows.isdisjoint(plan.names):
        return None, plan.writer
    transaction = d.transaction
    if plan.gid != transaction.home:
        return None, plan.writer
    if plan.shows_data and (d.consistency or plan.database.consistency) != "eventual":
        transaction.has_shown = True
    if transaction.is_on_writer:
        if not plan.is_read:
            transaction.note_write(plan.gid)
        return transaction.home_link, plan.within
    return (transaction.home_link if plan.is_read else None), plan.within_replica
