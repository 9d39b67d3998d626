"""Who waits for a newer sample of a group: what makes the monitor hurry.

A write alone does not: where no read asks for a replica, under `consistency = "strong"`
or with `reads = "writer"`, nobody waits. A read that no replica may answer does. A
write after reads that looked for earlier ones is told as well, so that the next read
need not wait; and with no such read since, for some seconds, at a slower pace.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

INTEREST_S = 5.0  # writes count for this long after a read that waited
# While what was told to the monitor has not led to a sample, later requests are not
# told for so long: each would wake its threads, and the sample will cover them.
BATCH_S = 0.01
WRITES_BATCH_S = 0.2


class SampleRequests:
    """The requests of one runtime, by group id; `clock` gives monotonic seconds.

    `sampled_at` returns when the newest sample of a group was asked for.
    """

    def __init__(
        self, clock: Callable[[], float], sampled_at: Callable[[int], float]
    ) -> None:
        self._clock = clock
        self._sampled_at = sampled_at
        # The monitor's, once there is one: a group, and whether a read waits.
        self.tell: Callable[[int, bool], None] = lambda group, waits: None
        self._refused_at: dict[int, float] = {}
        self._looked_at: dict[int, float] = {}
        self._told_at: dict[tuple[int, bool], float] = {}

    def request(self, group: int) -> None:
        """Say that a read waits: a newer sample would let a replica answer."""
        now = self._refused_at[group] = self._clock()
        self._tell(group, True, now)

    def note_look(self, group: int) -> None:
        """Take note that a read has looked whether a replica holds what was written."""
        self._looked_at[group] = self._clock()

    def note_write(self, group: int) -> None:
        """Take note of a write that reads may soon want to see."""
        looked_at = self._looked_at.get(group, -inf)
        waited_at = max(looked_at, self._refused_at.get(group, -inf))
        if waited_at == -inf:
            return
        now = self._clock()
        if looked_at > self._told_at.get((group, True), -inf):
            self._tell(group, True, now)
        elif now - waited_at < INTEREST_S:
            self._tell(group, False, now)

    def refused_at(self, group: int) -> float:
        """Return when a read of `group` last waited for a sample; -inf: never."""
        return self._refused_at.get(group, -inf)

    def _tell(self, group: int, waits: bool, now: float) -> None:
        batch_s = BATCH_S if waits else WRITES_BATCH_S
        told_at = self._told_at.get((group, waits), -inf)
        if now - told_at >= batch_s or (waits and self._sampled_at(group) >= told_at):
            self._told_at[group, waits] = now
            self.tell(group, waits)
