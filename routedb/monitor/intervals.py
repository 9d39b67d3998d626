"""How long to wait before a node is probed again."""

from __future__ import annotations

import random

from routedb.topology.snapshot import GroupView, NodeState

CALM_S = 1.0
FAST_S = 0.1  # something in the node's group is wrong, or somebody waits
URGENT_S = 0.02  # one more answer decides, or somebody waits for a writer to be found
# While a sample is wanted, so that replicas may answer who has written. Those who
# write all the time want it all the time, so it becomes slower.
SHORTEST_WANTED_S, LONGEST_WANTED_S = 0.02, 0.1
WANTED_S = 5.0  # a wish that was not granted for so long is not worth it any more
# Trouble that has not changed for this long is how the cluster is, such as a replica
# that was taken away for good: it is not worth ten probes a second.
TROUBLE_S = 30.0
JITTER = 0.2  # so that many processes do not probe in step

_WELL = (NodeState.UP, NodeState.LAGGING, NodeState.DRAINING, NodeState.GONE)


class ProbeInterval:
    """How often one node is probed. Remembers how long its group has been in this
    state."""

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
        """Return the seconds to wait after a probe of `node` that ended `now`.

        `wanted_at` is when somebody last wanted a replica to hold all there is.
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
        is_well = group.writer is not None and all(s in _WELL for s in states.values())
        return FAST_S if hurry or (is_fresh and not is_well) else CALM_S


def _is_wanted(group: GroupView, now: float, wanted_at: float) -> bool:
    """Tell whether a sample is wanted, and no replica covers a newer one yet."""
    if wanted_at <= 0.0 or now - wanted_at > WANTED_S:
        return False
    sample = group.sample
    if sample is None:  # these servers do not tell where they are
        return False
    if sample.asked_at < wanted_at:
        return True
    return not any(
        node.id in group.read_ring
        and node.position is not None
        and node.position.covers(sample.position)
        for node in group.nodes
    )
