"""What a session has seen of a group, and which replicas are known to hold it.

A session reads its own writes and never goes back in time (docs/architecture.rst,
Reading one's own writes). It does so without a question of its own: its *read state*
remembers the node that it last spoke with, and its link to that node remembers when.
That node may always answer again, for no server goes back. Another node may, when a
sample shows that it has all that the last node can have shown:

    a sample of the group's writer, or of the last node, that was *asked for* after the
    session's last contact, is at or beyond all that the session has written or seen;
    a replica whose own position covers that sample holds it.

So a session that pauses for longer than the monitor samples is free to move, and one
that never pauses stays where it is, or asks its last node once, which turns that node
into a *minimum position*. A token from another process is a minimum position as well.
A sample of the writer that was asked for after a minimum position was set stands above
it, also when the minimum is of another history: what that history had more is lost,
and the writer has all there is.

Under `consistency = "process"` the writes of all connections of the process count, by
the time of the last one.

Threads may share a session. So a read state is never changed, only replaced: who has
taken one sees nothing half done, and what is decided by it counts only while it is
there.
"""

from __future__ import annotations

from typing import NamedTuple

from routedb.topology import GroupView, NodeView, Snapshot
from routedb.topology.positions import Position

NO_NODE = -1
SHORTEST_S, LONGEST_S = 0.01, 1.0  # between two questions to a node


class MinPosition(NamedTuple):
    """A position that a replica must have reached, since when, and the last write of
    the process that it is known to hold."""

    position: Position
    since: float
    process_wrote_at: float = 0.0


class ReadState:
    """How far one session has seen one group.

    `last_node` is the id of the node it last read from or wrote to, which holds all it
    had seen by `since`, and what the process had written by `process_wrote_at`.
    `min_positions` are what the last node is not known to hold.
    """

    __slots__ = (
        "confirmed_in",
        "last_node",
        "min_positions",
        "process_wrote_at",
        "since",
    )

    def __init__(
        self,
        last_node: int = NO_NODE,
        since: float = 0.0,
        process_wrote_at: float = 0.0,
        min_positions: tuple[MinPosition, ...] = (),
    ) -> None:
        self.last_node = last_node
        self.since = since
        self.process_wrote_at = process_wrote_at
        self.min_positions = min_positions
        # The snapshot in which it was found that the last node may go on answering:
        # what was worked out, not what was seen.
        self.confirmed_in: Snapshot | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether the session has seen nothing yet."""
        return self.last_node == NO_NODE and not self.since and not self.min_positions

    def with_min_position(self, minimum: MinPosition) -> ReadState:
        """Return a read state that does not fall behind this position either."""
        min_positions = (*self.min_positions, minimum)
        return ReadState(
            self.last_node, self.since, self.process_wrote_at, min_positions
        )


class View(NamedTuple):
    """What a choice between nodes goes by: the session's read state, its last contact
    with the last node, and the process's last write that counts, 0.0 for none. Both
    times are monotonic seconds, as samples have them."""

    read_state: ReadState
    seen_at: float
    process_wrote_at: float


class Backoff:
    """When a node may be asked again where it is; each time takes longer to come, until
    asking has led to a replica."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self._until = 0.0

    def try_acquire(self, now: float) -> bool:
        """Tell whether it is time to ask; if so, the next time is set."""
        if now < self._until:
            return False
        self.wait_s = min(max(self.wait_s * 2, SHORTEST_S), LONGEST_S)
        self._until = now + self.wait_s
        return True

    def reset(self) -> None:
        """Begin with short waits again: asking was of use."""
        self.wait_s = 0.0


def replicas_holding(group: GroupView, view: View) -> tuple[int, ...]:
    """Return that part of the group's read ring whose replicas are known to hold all
    that the session has written or seen."""
    known = {
        node.id
        for node in group.nodes
        if node.id in group.read_ring
        and _holds_seen(node, group, view)
        and _holds_process_writes(node, group, view)
    }
    return tuple(node for node in group.read_ring if node in known)


def _holds_seen(node: NodeView, group: GroupView, view: View) -> bool:
    return _holds_last_node(node, group, view) and all(
        _covers(node, minimum.position) or _covers_sample(node, group, minimum.since)
        for minimum in view.read_state.min_positions
    )


def _holds_last_node(node: NodeView, group: GroupView, view: View) -> bool:
    last_node, seen_at = view.read_state.last_node, view.seen_at
    if node.id == last_node or not seen_at or _covers_sample(node, group, seen_at):
        return True
    if last_node == NO_NODE:
        return False
    last = group.find(last_node)
    return (
        last.position is not None
        and last.asked_at >= seen_at
        and _covers(node, last.position)
    )


def _holds_process_writes(node: NodeView, group: GroupView, view: View) -> bool:
    read_state, process_wrote_at = view.read_state, view.process_wrote_at
    if (
        node.id == read_state.last_node
        and process_wrote_at <= read_state.process_wrote_at
    ):
        return True
    if any(
        process_wrote_at <= minimum.process_wrote_at and _covers(node, minimum.position)
        for minimum in read_state.min_positions
    ):
        return True
    return process_wrote_at <= 0.0 or _covers_sample(node, group, process_wrote_at)


def _covers_sample(node: NodeView, group: GroupView, since: float) -> bool:
    """Tell whether `node` covers a sample of the writer asked for since then."""
    sample = group.sample
    return (
        sample is not None
        and sample.asked_at >= since
        and _covers(node, sample.position)
    )


def _covers(node: NodeView, position: Position) -> bool:
    return node.position is not None and node.position.covers(position)
