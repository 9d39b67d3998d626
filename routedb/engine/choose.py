"""The link that a simple statement runs on, where that is plain to see.

A connection stays with one replica for a while: a backend that has just answered
answers faster than one that must be woken. (Measured on two cores: a SELECT by key
takes a fifth longer when two take turns.) `Session.near` has the link it stays with, so
that the next read is one look-up; it is emptied when anything changes that was looked
at here.
"""

from __future__ import annotations

from routedb.engine.link import Link
from routedb.engine.plan import Plan
from routedb.engine.session import Session
from routedb.routing import Route
from routedb.topology import GroupView, Snapshot, pick

# A connection's first reads go round the replicas one by one, so that short-lived
# connections share them evenly; later ones stay for so many.
YOUNG = 128
STAY = 32


def choose(d: Session, plan: Plan) -> tuple[Link | None, Route]:
    """Return an open link that is up to date, and the route; None: the long way."""
    gid, route = plan.gid, plan.writer
    if not plan.is_simple:
        return None, route
    if not d.free:
        return _within(d, plan)
    topology = d.core.topology
    group = topology.groups[gid]
    if plan.minds_writes and (gid in d.own_writes or gid in d.core.shared_writes):
        route = plan.own_writes
    elif plan.may_replica and group.ring:
        link = _replica(d, group)
        if link is not None and d.turn > YOUNG:
            _stay(d, plan, link, topology)
        return link, plan.replica
    link = d.open.get(group.writer)  # type: ignore[arg-type]  # None is no node
    if link is None or link.fresh != d.links.version:
        return None, route
    if not plan.is_read:
        return (link if link.is_alive() else None), route
    if len(group.nodes) == 1:
        _stay(d, plan, link, topology)
    return link, route


def _stay(d: Session, plan: Plan, link: Link, topology: Snapshot) -> None:
    if plan.near >= 0:
        if d.seen is not topology:
            d.near.clear()
        d.seen, d.left, d.near[plan.near] = topology, STAY, link


def _replica(d: Session, group: GroupView) -> Link | None:
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
    transaction = d.transaction
    if plan.gid != transaction.home:
        return None, plan.writer
    if transaction.is_on_writer:
        if not plan.is_read:
            transaction.note_write(plan.gid)
        return transaction.home_link, plan.within
    return (transaction.home_link if plan.is_read else None), plan.within_replica
