"""What a session has seen of a group, and which replicas are known to hold it.

A session reads its own writes and never goes back in time. It
does so without a query of its own: its *read state* has the node that answered it last,
and its link to that node has the time. That node may always answer again, for no server
goes back. Another node may, when a sample proves that it has all that the last node can
have shown:

    a sample of the group's writer, or of the last node, that was *sent* after the
    session's last contact, is at or beyond all that the session has written or seen;
    a replica whose own position covers that sample holds it (`topology.samples` keeps
    the newest that it covers).

So a session that pauses for longer than a sample takes may move to another node, and
one that never pauses stays on its node, or queries that node's position once, which
becomes a *minimum position*. A token from another process is a minimum position as
well. A sample of the writer that was sent after a minimum position was set supersedes
it, also when the minimum is of another history: what only that history had is lost, and
the writer has all the rest.

Under `consistency = "process"` the writes of all connections of the process count, by
the time of the last one.

Threads may share a session. So a read state is never changed, only replaced: a thread
that has read the reference sees no partial update, and a decision made by a read state
counts only while it is the current one.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from routedb.topology import GroupView, NodeView, Snapshot
from routedb.topology.positions import Position
from routedb.topology.snapshot import Sample

NO_NODE = -1
# More of one group than histories that a session can have met: only a forged token has
# so many. The writer answers then, until a sample is newer than all of them.
MOST_POSITIONS = 16


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
        "is_empty",
        "kept",
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
        # The session has seen nothing yet.
        self.is_empty = last_node == NO_NODE and not since and not min_positions
        # The last answer of `allowed_replicas`, with what it was worked out from.
        self.kept: Kept | None = None

    def with_min_position(self, minimum: MinPosition) -> ReadState:
        """Return a read state that does not fall behind this position either."""
        return ReadState(
            self.last_node,
            self.since,
            self.process_wrote_at,
            with_position(self.min_positions, minimum),
        )


def with_position(
    before: tuple[MinPosition, ...], minimum: MinPosition
) -> tuple[MinPosition, ...]:
    """Return `before` with one more `minimum`, without those that others cover: who has
    reached a position has all that is before it."""
    wrote_at = minimum.process_wrote_at
    kept = []
    for each in before:
        if each.position.covers(minimum.position):
            return before
        if minimum.position.covers(each.position):
            wrote_at = max(wrote_at, each.process_wrote_at)
        else:
            kept.append(each)
    return (*kept, minimum._replace(process_wrote_at=wrote_at))


NOTHING_SEEN = ReadState()  # of a group that has none
Kept: TypeAlias = tuple[GroupView, float, float, tuple[int, ...]]


class View(NamedTuple):
    """What a choice between nodes goes by: the session's read state, its last contact
    with the last node, and the process's last write that counts, 0.0 for none. Both
    times are monotonic seconds, as samples have them."""

    read_state: ReadState
    seen_at: float
    process_wrote_at: float


def allowed_replicas(group: GroupView, view: View) -> tuple[int, ...] | None:
    """Return the part of the group's read ring that may answer a plain read; None: all
    of it. `view` is what the choice goes by.

    The answer is kept with the read state: one choice asks for it several times.
    """
    read_state, seen_at, wrote_at = view
    if read_state.is_empty and not wrote_at:
        return None
    kept = read_state.kept
    if (
        kept is not None
        and kept[0] is group
        and kept[1] == seen_at
        and kept[2] == wrote_at
    ):
        return kept[3]
    replicas = replicas_holding(group, view)
    read_state.kept = (group, seen_at, wrote_at, replicas)
    return replicas


def replicas_holding(group: GroupView, view: View) -> tuple[int, ...]:
    """Return that part of the group's read ring whose replicas are known to hold all
    that the session has written or seen. `view` is what the choice goes by."""
    last = None
    for node in group.nodes:
        if node.id == view.read_state.last_node:
            last = node
    holding = set()
    for node in group.nodes:
        if node.id in group.read_ring and _holds(node, last, group.sample, view):
            holding.add(node.id)
    if not holding:
        return ()
    if len(holding) == len(group.read_ring):
        return group.read_ring
    return tuple([id_ for id_ in group.read_ring if id_ in holding])


def _holds(
    node: NodeView, last: NodeView | None, sample: Sample | None, view: View
) -> bool:
    """Tell whether a replica holds what was seen. `last` is the session's last node."""
    read_state, seen_at, wrote_at = view
    # That it was the last one proves nothing of a node whose links may lead to another
    # server than that link did.
    position, is_last = node.position, node is last and not node.is_unsure
    # What the writer had acknowledged up to this time, the replica holds.
    covered_at = node.holds_until
    if sample is not None and position is not None and position.covers(sample.position):
        covered_at = sample.asked_at
    if not is_last and seen_at and covered_at < seen_at:
        if last is None or last.position is None or last.asked_at < seen_at:
            return False
        if position is None or not position.covers(last.position):
            return False
    holds_process = (
        wrote_at <= 0.0
        or covered_at >= wrote_at
        or (is_last and wrote_at <= read_state.process_wrote_at)
    )
    for minimum in read_state.min_positions:
        reaches = position is not None and position.covers(minimum.position)
        if not reaches and covered_at < minimum.since:
            return False
        if reaches and wrote_at <= minimum.process_wrote_at:
            holds_process = True
    return holds_process
