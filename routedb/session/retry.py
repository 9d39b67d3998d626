"""When a whole transaction may be run again, and after how long: a budget as a value.

An attempt costs the budget one of its attempts and the time that has passed. What is
left, with the history, is another budget. Nothing here sleeps or looks at a clock.

Waiting has full jitter: between nothing and a bound that doubles. Two
transactions that have just deadlocked, or failed to serialize, would do so again if
they waited equally long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

FIRST_S = 0.02  # the first wait is at most this
LONGEST_S = 2.0


class Random(Protocol):
    """The part of random.Random that is used."""

    def uniform(self, a: float, b: float) -> float:
        """Return a number between `a` and `b`."""


class Attempt(NamedTuple):
    """One failed attempt, and the seconds that were waited after it; None: it was the
    last."""

    number: int  # from 1
    error: BaseException
    waited_s: float | None

    def __str__(self) -> str:
        text = str(self.error).strip().partition("\n")[0]
        then = "the last" if self.waited_s is None else f"waited {self.waited_s:.3f} s"
        return f"attempt {self.number}: {type(self.error).__name__}: {text} ({then})"


@dataclass(frozen=True, slots=True)
class Budget:
    """The attempts that are left, and the time up to `deadline`."""

    attempts: int
    deadline: float  # on the clock that gives `now`
    history: tuple[Attempt, ...] = ()
    is_spent: bool = False

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts={self.attempts}: at least 1 is needed")

    def after(
        self, error: BaseException, is_safe: bool, now: float, rng: Random
    ) -> Budget:
        """Return the budget after an attempt that failed with `error` at `now`.

        `is_safe`: it may be run again, after `wait_s` of the result, which `rng` draws.
        """
        number = len(self.history) + 1
        bound = min(LONGEST_S, FIRST_S * 2.0 ** min(number - 1, 16))
        wait_s = rng.uniform(0.0, bound)
        is_over = (
            not is_safe or number >= self.attempts or now + wait_s >= self.deadline
        )
        attempt = Attempt(number, error, None if is_over else wait_s)
        return replace(self, history=(*self.history, attempt), is_spent=is_over)

    @property
    def wait_s(self) -> float:
        """The seconds to wait before the next attempt."""
        last = self.history[-1].waited_s if self.history else None
        return last or 0.0
