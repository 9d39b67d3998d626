"""The order in which a group's replicas take reads.

A ring is computed when the set of readable replicas changes or what each of them can
take, and walked by `node_selection.pick` for every read, so all thinking is done here.

A replica's share is what its weight says, halved for being slow and for being cold.
Halves, so that the ring does not change with every probe. Slow is one that answers
after more than twice the time of the fastest, and loses a millisecond by it: below that
it is noise. Cold is one that has just returned from being away, for some seconds. No
share is less than an eighth: what is asked of nobody cannot be seen to get better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from routedb.topology.snapshot import NodeState, NodeView, Role

MAX_LENGTH = 64
MOST_HALVINGS = 3
WARM_UP_S = 4.0
SMOOTHING = 0.2  # the part of a new latency in the smoothed one
NOISE_S = 0.001
CALMER = 0.8  # how far inside its bound a slow one must be to count as faster again


def smooth(before: float | None, latency_s: float | None) -> float | None:
    """Return the smoothed latency after another answer.

    One answer counts for at most four times what came before: a garbage collection
    here or a checkpoint there says nothing of the next read.
    """
    if before is None or latency_s is None:
        return before if latency_s is None else latency_s
    sample = min(latency_s, 4 * before + NOISE_S)
    return before + SMOOTHING * (sample - before)


def slowness(latency_s: float, best_s: float, before: int) -> int:
    """Return how often to halve the share of a replica for its latency.

    At a border it keeps what it had `before`, or it would come and go.
    """
    level = _level(latency_s, best_s)
    if level < before and _level(latency_s / CALMER, best_s) >= before:
        return before
    return level


def _level(latency_s: float, best_s: float) -> int:
    if latency_s <= 2 * best_s or latency_s - best_s <= NOISE_S:
        return 0
    ratio = min(latency_s / max(best_s, 1e-9), 1e6)
    return min(int(ratio).bit_length() - 1, MOST_HALVINGS)


def coldness(warm_at: float, now: float) -> int:
    """Return how often to halve the share of a replica that is warm at `warm_at`."""
    left_s = min(max(0.0, warm_at - now), WARM_UP_S)
    return math.ceil(left_s / WARM_UP_S * MOST_HALVINGS)


def share(node: NodeView) -> float:
    """Return what a node weighs in the ring."""
    halvings = min(node.slowness + node.coldness, MOST_HALVINGS)
    return float(node.weight / 2**halvings)


def is_readable(node: NodeView) -> bool:
    """Tell whether plain reads may go to this replica."""
    return node.role is Role.REPLICA and node.state is NodeState.UP and node.weight > 0


def build_ring(weights: Sequence[tuple[int, float]]) -> tuple[int, ...]:
    """Return node ids, each as often as its weight says, evenly spread.

    This is smooth weighted round robin: at each place the node goes that is furthest
    behind its due. The result has at most `MAX_LENGTH` places, or one for each node.
    """
    counts = _counts([weight for _, weight in weights])
    total = sum(counts)
    due = [0] * len(counts)
    read_ring = []
    for _ in range(total):
        for i, count in enumerate(counts):
            due[i] += count
        chosen = max(range(len(due)), key=due.__getitem__)
        due[chosen] -= total
        read_ring.append(weights[chosen][0])
    return tuple(read_ring)


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
