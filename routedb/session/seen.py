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
that never pauses stays where it is, or asks its source once (engine/catch.py), which
turns the source into a *floor*, a position. A token from another process is a floor as
well. A sample of the writer that was asked for after a floor was set stands above it,
also when the floor is of another history: what that history had more is lost, and the
writer has all there is.

Under `consistency = "process"` the writes of all connections of the process count, by
the time of the last one.
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
    """How far one session has seen one group."""

    __slots__ = (
        "barred",
        "chosen",
        "epoch",
        "floors",
        "patience_s",
        "shared_at",
        "source",
        "unasked_until",
    )

    def __init__(self) -> None:
        self.source = NOBODY  # id of the node it last read from or wrote to
        self.epoch = 0  # goes up with whatever is written, and when the source changes
        self.shared_at = 0.0  # the source holds what the process had written by then
        self.floors: tuple[Floor, ...] = ()  # what the source is not known to hold
        # The pictures in which it was found that the source may go on answering, and
        # that only the writer may.
        self.chosen: Snapshot | None = None
        self.barred: Snapshot | None = None
        self.unasked_until = 0.0  # when its source may be asked again
        self.patience_s = 0.0  # and how long it is then left alone

    @property
    def is_blank(self) -> bool:
        """Tell whether the session has seen nothing yet."""
        return self.source == NOBODY and not self.floors

    def meet(self, node: int, shared_at: float) -> None:
        """Take note that `node` answers: it holds what was seen before, and what the
        process had written by `shared_at`."""
        if node != self.source:
            self.source, self.chosen = node, None
        self.shared_at = shared_at
        self.floors = ()

    def leave(self, floor: Floor) -> None:
        """Take where the source is instead of the source."""
        self.source = NOBODY
        self.add(floor)

    def add(self, floor: Floor) -> None:
        """Do not fall behind this either."""
        self.floors += (floor,)
        self.chosen = self.barred = None

    def may_ask(self, now: float) -> bool:
        """Tell whether it is time to ask the source; each time takes longer to come,
        until asking has led to a replica."""
        if now < self.unasked_until:
            return False
        self.patience_s = min(max(self.patience_s * 2, SHORTEST_S), LONGEST_S)
        self.unasked_until = now + self.patience_s
        return True


def holders(
    view: GroupView, mark: Mark, used_at: float, shared_at: float
) -> tuple[int, ...]:
    """Return that part of the group's ring whose replicas are known to hold all that
    the session has written or seen.

    `used_at` is the last contact with the source. `shared_at` is the last write of the
    process that counts, 0.0 for none. Both are monotonic seconds, as samples have them.
    """
    known = {
        node.id
        for node in view.nodes
        if node.id in view.ring
        and _holds_seen(node, view, mark, used_at)
        and _holds_shared(node, view, mark, shared_at)
    }
    return tuple(node for node in view.ring if node in known)


def _holds_seen(node: NodeView, view: GroupView, mark: Mark, used_at: float) -> bool:
    return _holds_source(node, view, mark, used_at) and all(
        _covers(node, floor.position) or _covers_sample(node, view, floor.since)
        for floor in mark.floors
    )


def _holds_source(node: NodeView, view: GroupView, mark: Mark, used_at: float) -> bool:
    if mark.source in (NOBODY, node.id) or _covers_sample(node, view, used_at):
        return True
    source = view.find(mark.source)
    told = source.position
    return told is not None and source.asked_at >= used_at and _covers(node, told)


def _holds_shared(
    node: NodeView, view: GroupView, mark: Mark, shared_at: float
) -> bool:
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
