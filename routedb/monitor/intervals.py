"""How long to wait before a node is probed again."""

from __future__ import annotations

import random

from routedb.topology.snapshot import GroupView, NodeState

CALM_S = 1.0
FAST_S = 0.1  # the group is in trouble, or a statement waits
URGENT_S = 0.02  # one more answer decides, or a statement waits for a writer
# While reads wait for a sample that lets a replica answer them. Where others write all
# the time they wait all the time, so the interval grows from the shortest, which is
# twenty probes a second at the least jitter, to the longest.
SHORTEST_WANTED_S, LONGEST_WANTED_S = 0.0625, 0.1
WANTED_S = 5.0  # a request for a sample expires after this
# Trouble that has not changed for this long is probed at the normal interval again: a
# replica that was removed for good is not worth ten probes a second.
TROUBLE_S = 30.0
JITTER = 0.2  # so that many processes do not probe in step

# While nothing happens in a group, its nodes are probed so seldom: what they answer is
# for statements. One that begins is noticed at the normal interval.
IDLE_S = 3.0

WELL = (NodeState.UP, NodeState.LAGGING, NodeState.DRAINING, NodeState.GONE)


class ProbeInterval:
    """How often one node is probed. Keeps since when its group is in its state."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._state: object = None
        self._since = 0.0
        self._wanted_s = SHORTEST_WANTED_S

    def interval(
        self,
        node: int,
        group: GroupView,
        now: float,
        hurry: bool,
        wanted_at: float = 0.0,
    ) -> float:
        """Return the seconds to wait after a probe of `node`, an id in `group`.

        `now` is when the probe ended and `wanted_at` when a session last requested a
        sample, both in monotonic seconds; `hurry`: a statement waits for the node.
        """
        state = (group.writer, group.is_split, [view.state for view in group.nodes])
        if state != self._state:
            self._state, self._since = state, now
        base = self._base(node, group, now, hurry)
        if _is_wanted(group, now, wanted_at):
            base = min(base, self._wanted_s)
            self._wanted_s = min(self._wanted_s * 1.5, LONGEST_WANTED_S)
        else:
            self._wanted_s = SHORTEST_WANTED_S
        return base * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def _base(self, node: int, group: GroupView, now: float, hurry: bool) -> float:
        is_fresh = now - self._since < TROUBLE_S
        states = {view.id: view.state for view in group.nodes}
        is_one_short = states[node] is NodeState.SUSPECT
        if is_fresh and (is_one_short or (hurry and group.writer is None)):
            return URGENT_S
        return FAST_S if hurry or (is_fresh and not is_well(group)) else CALM_S


def is_well(group: GroupView) -> bool:
    """Tell whether there is no trouble in a group, as far as is known. A node that was
    not probed yet is none: its own first probe is under way."""
    states = [view.state for view in group.nodes]
    if NodeState.UNKNOWN in states:
        return all(s in (*WELL, NodeState.UNKNOWN) for s in states)
    return group.writer is not None and all(s in WELL for s in states)


def _is_wanted(group: GroupView, now: float, wanted_at: float) -> bool:
    """Tell whether a read waits for a sample, and no replica covers a newer one yet."""
    if wanted_at <= 0.0 or now - wanted_at > WANTED_S:
        return False
    sample = group.sample
    if sample is None:  # these servers report no position
        return False
    if sample.asked_at < wanted_at:
        return True
    return not any(
        node.id in group.read_ring and node.holds_until >= wanted_at
        for node in group.nodes
    )
