"""When a session queries the positions of nodes itself.

It does so while it reads on the writer and never pauses long enough for a sample to
fall between two of its statements. A query that leads to no replica costs two round
trips for nothing, so two things are kept in mind:

- A replica has a write a little after the writer, and as the writes come, so much later
  each time. A query before that is in vain, and one long after it is late: how much
  later to query is learnt from what earlier ones have led to.
- Where replicas are far behind, queries become rarer and rarer, until one has led to a
  replica.
"""

from __future__ import annotations

from math import inf

SHORTEST_S, LONGEST_S = 0.01, 1.0  # between two
# How long after a write the first one is sent. Replicas that have most writes at once,
# and some much later, should be asked soon; so one in three may be in vain.
LONGEST_DELAY_S = 0.1
SOONER, LATER, LATER_S = 0.9, 1.25, 0.0005


class PositionQueries:
    """When one session may query positions in one group. Times are monotonic seconds;
    `wrote_at` is when the process has last written to the group."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self._until = -inf
        self._wrote_at = 0.0
        self._delay_s = 0.0
        self._is_sent = True  # one, since that write
        self._first_s: float | None = None  # the delay of the last one, if it was first
        self._sent_s = 0.0  # after the write

    def due(self, wrote_at: float) -> float:
        """Return when the next one may be sent, after a write at `wrote_at`."""
        if wrote_at > self._wrote_at:
            # Where the next write comes first, none would ever be sent.
            if not self._is_sent and self._until < self._wrote_at + self._delay_s:
                self._delay_s /= 2
            self._wrote_at, self._is_sent = wrote_at, False
        return max(self._until, wrote_at + self._delay_s)

    def try_acquire(self, now: float, wrote_at: float) -> bool:
        """Tell whether one may be sent `now`, after a write at `wrote_at`; if so, the
        next time is set as if it led to nothing."""
        if now < self.due(wrote_at):
            return False
        self._first_s = None if self._is_sent else self._delay_s
        self._is_sent, self._sent_s = True, now - wrote_at
        if self._first_s is not None and self._sent_s < LONGEST_DELAY_S:
            self._delay_s = min(self._delay_s * LATER + LATER_S, LONGEST_DELAY_S)
        self.wait_s = min(max(self.wait_s * 2, SHORTEST_S), LONGEST_S)
        self._until = now + self.wait_s
        return True

    def succeed(self) -> None:
        """Take note that the last one has led to a replica."""
        self._until -= self.wait_s - SHORTEST_S
        self.wait_s = 0.0
        if self._first_s is None:
            self._delay_s = min(self._delay_s, self._sent_s)
        else:
            self._delay_s = min(self._first_s, self._sent_s) * SOONER
