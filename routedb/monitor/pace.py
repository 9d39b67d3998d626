"""How long to wait before a node is probed again."""

from __future__ import annotations

import random

from routedb.topology.snapshot import GroupView, NodeState

CALM_S = 1.0
FAST_S = 0.1  # something in the node's group is wrong, or somebody waits
SUSPECT_S = 0.02  # one more answer decides
# Trouble that has not changed for this long is how the cluster is, such as a replica
# that was taken away for good: it is not worth ten probes a second.
TROUBLE_S = 30.0
JITTER = 0.2  # so that many processes do not probe in step

_WELL = (NodeState.UP, NodeState.LAGGING, NodeState.DRAINING)


class Pace:
    """The pace of one node's probes. Remembers how long its group has looked so."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._look: object = None
        self._since = 0.0

    def interval(self, node: int, group: GroupView, now: float, hurry: bool) -> float:
        """Return the seconds to wait after a probe of `node` that ended `now`."""
        look = (group.writer, group.is_split, [view.state for view in group.nodes])
        if look != self._look:
            self._look, self._since = look, now
        return self._base(node, group, now, hurry) * self._rng.uniform(
            1 - JITTER, 1 + JITTER
        )

    def _base(self, node: int, group: GroupView, now: float, hurry: bool) -> float:
        is_fresh = now - self._since < TROUBLE_S
        states = {view.id: view.state for view in group.nodes}
        if states[node] is NodeState.SUSPECT and is_fresh:
            return SUSPECT_S
        is_well = group.writer is not None and all(s in _WELL for s in states.values())
        return FAST_S if hurry or (is_fresh and not is_well) else CALM_S
