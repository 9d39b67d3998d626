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
    """Seconds per call."""

    median: float
    p99: float


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
    samples: dict[str, list[int]] = {name: [] for name in calls}
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
                call, add = calls[name], samples[name].append
                call()  # the first after a switch pays for cold caches: not counted
                for _ in range(block):
                    start = clock()
                    call()
                    add(clock() - start)
    finally:
        gc.enable()
    return {name: _timing(values) for name, values in samples.items()}


def ratio(timings: Mapping[str, Timing], ours: str, theirs: str) -> float:
    """Return how many times as long ours takes, by medians."""
    return timings[ours].median / timings[theirs].median


def _timing(values: list[int]) -> Timing:
    return Timing(
        statistics.median(values) / 1e9, statistics.quantiles(values, n=100)[98] / 1e9
    )
