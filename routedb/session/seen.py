"""What a session has seen of a group, and which replicas are known to hold it.

A session reads its own writes and never goes back in time (DESIGN.md, section 6). It
does so without a question of its own: it remembers whom it last spoke with, its
*source*, and its link to the source remembers when. The source itself may always answer
again, for no server goes back. Another node may, when a sample shows that it has all
the source can have shown:

    a sample of the group's writer, or of the source, that was *asked for* after the
    session's last contact, is at or beyond all that the session has written or seen;
    a replica whose own position covers that sample holds it.

So a session that pauses for longer than the monitor samples is free to move, and one
that never pauses stays where it is, or asks its source once (engine's catch_up), which
turns the source into a *floor*, a position. A token from another process is a floor as
well. A sample of the writer that was asked for after a floor was set stands above it,
also when the floor is of another history: what that history had more is lost, and the
writer has all there is.

Under `consistency = "process"` the writes of all connections of the process count, by
the time of the last one.

Threads may share a session. So a mark is never changed, only replaced: who has taken
one sees nothing half done, and what is decided by it counts only while it is there.
"""

from __future__ import annotations

from typing import NamedTuple

from routedb.topology import GroupView, NodeView, Snapshot
from routedb.topology.positions import Position

NOBODY = -1
SHORTEST_S, LONGEST_S = 0.01, 1.0  # between two questions to a source


class Floor(NamedTuple):
    """A position that must not be fallen behind of, since when, and the last write of
    the process that it is known to hold."""

    position: Position
    since: float
    shared_at: float = 0.0


class Mark:
    """How far one session has seen one group.

    `source` is the id of the node it last read from or wrote to, which holds all it had
    seen by `since`, and what the process had written by `shared_at`. `floors` are what
    the source is not known to hold.
    """

    __slots__ = ("chosen", "floors", "shared_at", "since", "source")

    def __init__(
        self,
        source: int = NOBODY,
        since: float = 0.0,
        shared_at: float = 0.0,
        floors: tuple[Floor, ...] = (),
    ) -> None:
        self.source = source
        self.since = since
        self.shared_at = shared_at
        self.floors = floors
        # The picture in which it was found that the source may go on answering: what
        # was worked out, not what was seen.
        self.chosen: Snapshot | None = None

    @property
    def is_blank(self) -> bool:
        """Tell whether the session has seen nothing yet."""
        return self.source == NOBODY and not self.since and not self.floors

    def above(self, floor: Floor) -> Mark:
        """Return a mark that does not fall behind this either."""
        floors = (*self.floors, floor)
        return Mark(self.source, self.since, self.shared_at, floors)


class Look(NamedTuple):
    """What a choice between nodes goes by: the session's mark, its last contact with
    the source, and the process's last write that counts, 0.0 for none. Both times are
    monotonic seconds, as samples have them."""

    mark: Mark
    seen_at: float
    shared_at: float


class Patience:
    """When a source may be asked again; each time takes longer to come, until asking
    has led to a replica."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self._until = 0.0

    def is_over(self, now: float) -> bool:
        """Tell whether it is time to ask; if so, have patience again."""
        if now < self._until:
            return False
        self.wait_s = min(max(self.wait_s * 2, SHORTEST_S), LONGEST_S)
        self._until = now + self.wait_s
        return True

    def reward(self) -> None:
        """It was worth asking."""
        self.wait_s = 0.0


def holders(view: GroupView, look: Look) -> tuple[int, ...]:
    """Return that part of the group's ring whose replicas are known to hold all that
    the session has written or seen."""
    known = {
        node.id
        for node in view.nodes
        if node.id in view.ring
        and _holds_seen(node, view, look)
        and _holds_shared(node, view, look)
    }
    return tuple(node for node in view.ring if node in known)


def _holds_seen(node: NodeView, view: GroupView, look: Look) -> bool:
    return _holds_source(node, view, look) and all(
        _covers(node, floor.position) or _covers_sample(node, view, floor.since)
        for floor in look.mark.floors
    )


def _holds_source(node: NodeView, view: GroupView, look: Look) -> bool:
    source, seen_at = look.mark.source, look.seen_at
    if node.id == source or not seen_at or _covers_sample(node, view, seen_at):
        return True
    if source == NOBODY:
        return False
    told = view.find(source)
    return (
        told.position is not None
        and told.asked_at >= seen_at
        and _covers(node, told.position)
    )


def _holds_shared(node: NodeView, view: GroupView, look: Look) -> bool:
    mark, shared_at = look.mark, look.shared_at
    if node.id == mark.source and shared_at <= mark.shared_at:
        return True
    if any(
        shared_at <= floor.shared_at and _covers(node, floor.position)
        for floor in mark.floors
    ):
        return True
    return shared_at <= 0.0 or _covers_sample(node, view, shared_at)


def _covers_sample(node: NodeView, view: GroupView, since: float) -> bool:
    """Tell whether `node` covers a sample of the writer asked for since then."""
    sample = view.sample
    return (
        sample is not None
        and sample.asked_at >= since
        and _covers(node, sample.position)
    )


def _covers(node: NodeView, position: Position) -> bool:
    return node.position is not None and node.position.covers(position)
