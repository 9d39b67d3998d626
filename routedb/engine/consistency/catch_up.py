"""Find out, by asking, that a replica holds what a session has seen.

Samples answer that for nothing, if the session has paused since its last contact with
its last node. One that never pauses would stay with the writer for ever after a write.
So now and then that node is asked where it is, over the session's own link, and when no
sample covers that, the replica is asked as well: two round trips in ten milliseconds at
the most, and fewer and fewer while they lead to nothing
(`routedb.session.position_queries`).
"""

from __future__ import annotations

from collections.abc import Collection

from routedb.adapters.base import AUTOCOMMIT
from routedb.engine.consistency.tracker import ConsistencyTracker
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.session.read_state import MinPosition, View, allowed_replicas
from routedb.topology.positions import Position, read_position
from routedb.topology.snapshot import Answer, Role


def catch_up(
    tracker: ConsistencyTracker, group: int, nearest: int, bound: Collection[Link]
) -> None:
    """Turn the session's last node of `group` into a position that a replica has
    reached, where one has. `nearest` is the replica that may have reached it; `bound`
    are links with a transaction: they are not asked.
    """
    core, links = tracker.core, tracker.links
    core.samples.note_look(group)
    view = core.topology.groups[group]
    state = tracker.read_state(group)
    link = links.open.get(state.last_node)
    if link is None or link in bound:
        return
    queries = tracker.queries(group)
    wrote_at = core.process_wrote_at.get(group, 0.0)
    if not queries.try_acquire(core.clock(), wrote_at):
        return
    # What the process writes while the question is under way is not in the answer.
    wrote_at = wrote_at if link.id == view.writer else 0.0
    seen = tracker.view_of(state, wrote_at)
    position = ask(links, link)
    if position is None:
        return
    minimum = MinPosition(position, core.clock(), wrote_at)
    left = tracker.replace_node(group, minimum, seen)
    if left is None:
        return
    seen = tracker.view_of(left, wrote_at)
    if allowed_replicas(view, seen) or _has_reached(tracker, nearest, seen):
        queries.succeed()


def ask(links: Links, link: Link) -> Position | None:
    """Ask a node over `link`, an idle one of `links`, where it is; None when that
    cannot be told."""
    answer = _probe(links, link)
    return None if answer is None else _position(link, answer)


def _has_reached(tracker: ConsistencyTracker, node: int, view: View) -> bool:
    link = tracker.links.open.get(node)
    answer = None if link is None else _probe(tracker.links, link)
    if link is None or answer is None or answer.role is not Role.REPLICA:
        return False
    reached = _position(link, answer)
    if reached is None:
        return False
    for minimum in view.read_state.min_positions:
        if not reached.covers(minimum.position):
            return False
    return tracker.switch_node(link.node.group, node, view) is not None


def _probe(links: Links, link: Link) -> Answer | None:
    """Ask outside any transaction, whatever mode the link is in."""
    try:
        link.set_mode(AUTOCOMMIT)
        return link.probe()
    except Exception as exc:  # the driver's own classes
        if not is_verdict(link.adapter.adopt(exc)):
            raise
        if not link.is_alive():  # else it is as if it had not been asked
            links.drop(link)
        return None


def _position(link: Link, answer: Answer) -> Position | None:
    return read_position(link.adapter.dialect, answer.position, answer.history)
