"""Time calls against one another, interleaved, so that a noisy machine hits all alike.

The machines this runs on are shared: only ratios of medians taken in the same minutes
mean anything. Calls alternate in small blocks, in an order that changes every round.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Timing(NamedTuple):
    """Seconds per call. `rounds` are the medians of each round's block."""

    median: float
    p99: float
    rounds: tuple[float, ...]


class Row(NamedTuple):
    """One line of the report. `bar` is the most (or least) that the value may be."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """None when there is no bar."""
        return None if self.bar is None else self.value <= self.bar


def interleave(
    calls: Mapping[str, Callable[[], object]], rounds: int, block: int = 20
) -> dict[str, Timing]:
    """Time each call `rounds * block` times, in turn."""
    samples: dict[str, list[list[int]]] = {name: [] for name in calls}
    order = list(calls)
    rng = random.Random(1)
    clock = time.perf_counter_ns
    for call in calls.values():
        for _ in range(block):
            call()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            rng.shuffle(order)
            for name in order:
                call, times = calls[name], []
                call()  # the first after a switch pays for cold caches: not counted
                for _ in range(block):
                    start = clock()
                    call()
                    times.append(clock() - start)
                samples[name].append(times)
    finally:
        gc.enable()
    return {name: _timing(values) for name, values in samples.items()}


def ratio(timings: Mapping[str, Timing], ours: str, theirs: str) -> float:
    """Return how many times as long ours takes: the median over the rounds, in each of
    which both ran within a few milliseconds, on a machine as busy for one as for the
    other."""
    pairs = zip(timings[ours].rounds, timings[theirs].rounds, strict=True)
    return statistics.median(mine / other for mine, other in pairs)


def _timing(blocks: list[list[int]]) -> Timing:
    values = [value for block in blocks for value in block]
    return Timing(
        statistics.median(values) / 1e9,
        statistics.quantiles(values, n=100)[98] / 1e9,
        tuple(statistics.median(block) / 1e9 for block in blocks),
    )
