"""The order in which a group's replicas take reads.

A ring is computed when the set of readable replicas changes, and walked by
`select.pick` for every read, so all thinking is done here.
"""

from __future__ import annotations

from collections.abc import Sequence

from routedb.topology.snapshot import NodeState, NodeView, Role

MAX_LENGTH = 64


def is_readable(node: NodeView) -> bool:
    """Tell whether plain reads may go to this replica."""
    return node.role is Role.REPLICA and node.state is NodeState.UP and node.weight > 0


def spread(weights: Sequence[tuple[int, float]]) -> tuple[int, ...]:
    """Return node ids, each as often as its weight says, evenly spread.

    This is smooth weighted round robin: at each place the node goes that is furthest
    behind its due. The result has at most `MAX_LENGTH` places, or one for each node.
    """
    counts = _counts([weight for _, weight in weights])
    total = sum(counts)
    due = [0] * len(counts)
    ring = []
    for _ in range(total):
        for i, count in enumerate(counts):
            due[i] += count
        chosen = max(range(len(due)), key=due.__getitem__)
        due[chosen] -= total
        ring.append(weights[chosen][0])
    return tuple(ring)


def _counts(weights: Sequence[float]) -> list[int]:
    """Scale weights to small integers: the shortest ring that is nearest to them."""
    if not weights:
        return []
    options = (_rounded(weights, n) for n in range(len(weights), MAX_LENGTH + 1))
    fitting = [counts for counts in options if sum(counts) <= MAX_LENGTH]
    return min(
        fitting, key=lambda counts: _error(weights, counts), default=[1] * len(weights)
    )


def _rounded(weights: Sequence[float], length: int) -> list[int]:
    total = sum(weights)
    return [max(1, round(weight * length / total)) for weight in weights]


def _error(weights: Sequence[float], counts: Sequence[int]) -> float:
    # Rounded, so that float noise does not prefer a longer ring that is no better.
    weight_sum, count_sum = sum(weights), sum(counts)
    pairs = zip(weights, counts, strict=True)
    return round(sum(abs(w / weight_sum - c / count_sum) for w, c in pairs), 9)
