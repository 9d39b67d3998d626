"""The order in which a group's replicas take reads.

A ring is computed when the set of readable replicas changes or what each of them can
take, and walked by `node_selection.pick` for every read: the costly part is here.

A replica's share is its weight, halved for being slow and for being cold. Halves, so
that the ring does not change with every probe. A replica is slow when it answers after
more than twice the time of the fastest, and at least a millisecond later: below that it
is noise. It is cold for some seconds after it was away. No share is less than an
eighth: a replica without reads could not be measured to be fast again.
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
    """Return the smoothed latency, in seconds, after another answer.

    `before` is the smoothed latency so far, `latency_s` that of the answer; None when
    there is none. One answer counts for at most four times `before`: a garbage
    collection here or a checkpoint there does not predict the next read.
    """
    if before is None or latency_s is None:
        return before if latency_s is None else latency_s
    sample = min(latency_s, 4 * before + NOISE_S)
    return before + SMOOTHING * (sample - before)


def slowness(latency_s: float, best_s: float, before: int) -> int:
    """Return how often to halve the share of a replica with latency `latency_s`.

    `best_s` is the lowest latency among the group's replicas. Near a bound the result
    stays what it was `before`, or the ring would change with every probe.
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
    """Return how often to halve the share of a replica that is warm from `warm_at` on;
    `now` too is monotonic seconds."""
    left_s = min(max(0.0, warm_at - now), WARM_UP_S)
    return math.ceil(left_s / WARM_UP_S * MOST_HALVINGS)


def share(node: NodeView) -> float:
    """Return the weight of a node in the ring: its configured one, after halving."""
    halvings = min(node.slowness + node.coldness, MOST_HALVINGS)
    return float(node.weight / 2**halvings)


def is_readable(node: NodeView) -> bool:
    """Tell whether plain reads may go to this replica."""
    return node.role is Role.REPLICA and node.state is NodeState.UP and node.weight > 0


def build_ring(weights: Sequence[tuple[int, float]]) -> tuple[int, ...]:
    """Return node ids, each in proportion to its weight, evenly spread.

    `weights` are pairs of node id and weight. This is smooth weighted round robin: each
    entry is the node that is furthest behind its share. The result has at most
    `MAX_LENGTH` entries, or one for each node.
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
