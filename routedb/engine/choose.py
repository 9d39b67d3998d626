"""The link that a simple statement runs on, where that is plain to see.

A connection stays with one replica: what that has shown, it will not take back, and a
backend that has just answered answers faster than one that must be woken. (Measured on
two cores: a SELECT by key takes a fifth longer when two take turns.) `Session.near` has
the link it stays with, so that the next read is one look-up; it is emptied when
anything changes that was looked at here. With every new picture the choice is made
anew: among the replicas that are known to hold what the session has seen.

Under `consistency = "eventual"` nothing is remembered, and the first reads of a
connection go round the replicas one by one.
"""

from __future__ import annotations

from routedb.engine.link import Link
from routedb.engine.plan import Plan
from routedb.engine.session import Session
from routedb.routing import Route
from routedb.session import Mark
from routedb.topology import GroupView, Snapshot, pick

# Under "eventual": so many reads go round, so that short-lived connections share the
# replicas evenly; later ones stay for so many.
YOUNG = 128
STAY = 32
LONG = 1 << 62  # those who remember stay until something changes


def choose(d: Session, plan: Plan) -> tuple[Link | None, Route]:
    """Return an open link that is up to date, and the route; None: the long way."""
    gid, route = plan.gid, plan.writer
    if not plan.is_simple:
        return None, route
    if not d.free:
        return _within(d, plan)
    topology = d.core.topology
    group = topology.groups[gid]
    if plan.may_replica and group.ring:
        if plan.minds_writes:
            return _held(d, plan, group, topology)
        link = _next(d, group)
        if link is not None and d.turn > YOUNG:
            _stay(d, plan, link, topology, STAY)
        return link, plan.replica
    link = d.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
    if link is None or link.fresh != d.links.version:
        return None, route
    if not plan.is_read:
        return (link if link.is_alive() else None), route
    if group.is_single:
        _stay(d, plan, link, topology, STAY)
    elif plan.shows_data and (gid not in d.marks or d.marks[gid].source != link.id):
        d.sight.meet(gid, link.id)
    return link, route


def _stay(d: Session, plan: Plan, link: Link, topology: Snapshot, left: int) -> None:
    if plan.near >= 0:
        if d.seen is not topology:
            d.near.clear()
        d.seen, d.left, d.near[plan.near] = topology, left, link


def _held(
    d: Session, plan: Plan, group: GroupView, topology: Snapshot
) -> tuple[Link | None, Route]:
    """Return a link to a replica that holds what the session has seen, or to the
    writer when it is known that none does; None: find out on the long way."""
    gid = group.id
    mark = d.marks.get(gid)
    epoch = 0 if mark is None else mark.epoch  # before it is looked at
    shared_at = d.core.wrote_at.get(gid, 0.0) if plan.shares_writes else 0.0
    if mark is not None and mark.barred is topology:
        link = d.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
        is_usable = link is not None and link.fresh == d.links.version
        return (link if is_usable else None), plan.own_writes
    if mark is not None and mark.chosen is topology and shared_at <= mark.shared_at:
        node: int | None = mark.source
    else:
        node = _pick(d, group, mark, shared_at)
    link = d.open.get(node)  # type: ignore[arg-type]
    if node is None or link is None or link.fresh != d.links.version:
        return None, plan.replica
    if mark is None or mark.chosen is not topology:
        epoch = d.sight.meet(gid, node, shared_at, epoch, topology)
        if epoch < 0:  # another thread of this connection has written
            return None, plan.replica
    _stay(d, plan, link, topology, LONG)
    if d.marks[gid].epoch != epoch:
        d.near.pop(gid, None)
    return link, plan.replica


def _pick(
    d: Session, group: GroupView, mark: Mark | None, shared_at: float
) -> int | None:
    """Return the source again unless it is busy, or another replica that may answer."""
    ring, loads = group.ring, d.core.loads
    if mark is None:
        mark = _BLANK
    if shared_at or not mark.is_blank:
        ring = d.sight.holders(group, mark, shared_at)
    if mark.source in ring and not loads[mark.source]:
        return mark.source
    return pick(ring, loads, d.start)


_BLANK = Mark()


def _next(d: Session, group: GroupView) -> Link | None:
    loads, ring = d.core.loads, group.ring
    d.turn += 1
    turn = d.start + d.turn
    node = ring[turn % len(ring)]
    if loads[node]:  # busy: see whether its neighbour is less so
        node = pick(ring, loads, turn)  # type: ignore[assignment]
    link = d.open.get(node)
    return link if link is not None and link.fresh == d.links.version else None


def _within(d: Session, plan: Plan) -> tuple[Link | None, Route]:
    """In a transaction that has a link to the group: that one."""
    if d.shadows and not d.shadows.isdisjoint(plan.names):
        return None, plan.writer
    transaction = d.transaction
    if plan.gid != transaction.home:
        return None, plan.writer
    if plan.shows_data:
        transaction.has_shown = True
    if transaction.is_on_writer:
        if not plan.is_read:
            transaction.note_write(plan.gid)
        return transaction.home_link, plan.within
    return (transaction.home_link if plan.is_read else None), plan.within_replica
