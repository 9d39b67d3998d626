"""Find out, by asking, that a replica holds what a session has seen.

Samples answer that for nothing, if the session has paused since its last contact with
its source. One that never pauses would stay with the writer for ever after a write. So
now and then its source is asked where it is, over the session's own link, and when no
sample covers that, the replica is asked as well: two round trips in ten milliseconds at
the most, and fewer and fewer while they lead to nothing.
"""

from __future__ import annotations

from routedb.engine.links.link import AUTOCOMMIT, Link
from routedb.engine.session import Session
from routedb.session import MinPosition, View
from routedb.topology import GroupView
from routedb.topology.positions import Position, read_position
from routedb.topology.snapshot import Answer, Role


def catch_up(session: Session, view: GroupView) -> None:
    """Turn the source into a floor that a replica holds, where one does.

    Asks nobody in vain: a replica that did not even cover the writer's last sample
    would not cover this either.
    """
    tracker = session.tracker
    mark = tracker.read_state(view.id)
    nearest, link = _nearest(session, view), session.open.get(mark.last_node)
    if nearest is None or link is None or link in session.transaction.branches.values():
        return
    patience = tracker.backoff(view.id)
    if not patience.try_acquire(session.core.clock()):
        return
    # What the process writes while the question is under way is not in the answer.
    shared_at = (
        session.core.wrote_at.get(view.id, 0.0) if link.id == view.writer else 0.0
    )
    look = tracker.view_of(mark, shared_at)
    position = ask(session, link)
    if position is None:
        return
    floor = MinPosition(position, session.core.clock(), shared_at)
    left = tracker.replace_source(view.id, floor, look)
    if left is None:
        return
    look = tracker.view_of(left, shared_at)
    if tracker.allowed_replicas(view, look) or _has_reached(session, nearest, look):
        patience.reset()


def ask(session: Session, link: Link) -> Position | None:
    """Ask a node over an idle link where it is; None when that cannot be told."""
    answer = _probe(session, link)
    return None if answer is None else _position(link, answer)


def _has_reached(session: Session, node: int, look: View) -> bool:
    link = session.open.get(node)
    answer = None if link is None else _probe(session, link)
    if link is None or answer is None or answer.role is not Role.REPLICA:
        return False
    reached = _position(link, answer)
    if reached is None or not all(
        reached.covers(floor.position) for floor in look.read_state.min_positions
    ):
        return False
    return session.tracker.switch_source(link.node.group, node, look) is not None


def _nearest(session: Session, view: GroupView) -> int | None:
    """Return the replica, one with a link if possible, that has come as far as the
    writer's last sample."""
    sample = view.sample
    if sample is None:
        return None
    near = [
        node.id
        for node in view.nodes
        if node.id in view.read_ring
        and node.position is not None
        and node.position.covers(sample.position)
    ]
    return max(near, key=lambda node: node in session.open, default=None)


def _probe(session: Session, link: Link) -> Answer | None:
    """Ask outside any transaction, whatever mode the link is in."""
    try:
        link.set_mode(AUTOCOMMIT)
        with link.exclusive:
            return link.adapter.probe(link.raw)
    except Exception:  # the driver's own classes: it is as if it had not been asked
        if not link.is_alive():
            session.links.drop(link)
        return None
    finally:
        link.synced_version = -1


def _position(link: Link, answer: Answer) -> Position | None:
    return read_position(link.adapter.dialect, answer.position, answer.history)
