"""How long until a signal comes, whatever the machine: by those that came in time.

A share of what is interrupted at random moments is over before. How large it is depends
on the machine and on its load, so none is asserted: a test goes on until enough came.
"""

from __future__ import annotations

import random
import signal
from collections import defaultdict
from collections.abc import Callable

FIRST_S, SHORTEST_S, LONGEST_S = 0.002, 1e-6, 0.05


class Delays:
    """Random delays for SIGALRM, by the name of what it interrupts."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._within_s = defaultdict[object, float](lambda: FIRST_S)
        self.interrupted = 0

    def is_done(
        self, name: object, act: Callable[[], object], raised: type[BaseException]
    ) -> bool:
        """Tell whether the act was done before the handler has `raised` something in
        it. What else comes out of it is raised."""
        within_s = self._within_s[name]
        try:
            try:
                delay_s = self._rng.uniform(SHORTEST_S, within_s)
                signal.setitimer(signal.ITIMER_REAL, delay_s)
                act()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except raised:
            self.interrupted += 1
            self._within_s[name] = min(within_s * 1.2, LONGEST_S)
            return False
        self._within_s[name] = max(within_s * 0.7, 2 * SHORTEST_S)
        return True
