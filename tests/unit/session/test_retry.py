"""A retry budget: what an attempt costs, and when it is spent."""

from __future__ import annotations

import random

import pytest

from routedb.session.retry import FIRST_S, LONGEST_S, Budget

ERROR = ValueError("secret\nline")


class Longest:
    """Randomness that always waits as long as it may."""

    def uniform(self, a, b):
        return b


def spend(budget, times, now=0.0, rng=None):
    for _ in range(times):
        budget = budget.after(ERROR, True, now, rng or Longest())
    return budget


@pytest.mark.parametrize(
    ("attempts", "deadline", "failures", "is_safe", "is_spent"),
    [
        (1, 60.0, 1, True, True),
        (5, 60.0, 1, True, False),
        (5, 60.0, 4, True, False),
        (5, 60.0, 5, True, True),
        (5, 60.0, 1, False, True),
        (5, 0.0, 1, True, True),
        (5, FIRST_S, 1, True, True),  # the wait alone would take it
        (5, FIRST_S * 1.01, 1, True, False),
    ],
)
def test_it_is_spent_by_attempts_by_time_and_by_an_unsafe_error(
    attempts, deadline, failures, is_safe, is_spent
):
    budget = spend(Budget(attempts, deadline), failures - 1)
    budget = budget.after(ERROR, is_safe, 0.0, Longest())
    assert budget.is_spent is is_spent
    assert len(budget.history) == failures
    assert (budget.history[-1].waited_s is None) is is_spent


def test_the_bound_of_the_wait_doubles_up_to_a_longest():
    waits = [a.waited_s for a in spend(Budget(99, 1e9), 12).history]
    assert waits[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert waits[-1] == LONGEST_S


def test_waits_are_spread_from_nothing_to_the_bound():
    rng = random.Random(1)
    waits = [spend(Budget(9, 1e9), 1, rng=rng).wait_s for _ in range(500)]
    assert 0 <= min(waits) < 0.1 * FIRST_S
    assert 0.9 * FIRST_S < max(waits) <= FIRST_S


def test_a_budget_is_a_value():
    budget = Budget(5, 60.0)
    after = spend(budget, 1)
    assert budget == Budget(5, 60.0)
    assert after != budget
    assert (budget.wait_s, after.wait_s) == (0.0, FIRST_S)


def test_the_history_is_told_in_one_line_an_attempt():
    told = [str(attempt) for attempt in spend(Budget(2, 60.0), 2).history]
    assert told == [
        "attempt 1: ValueError: secret (waited 0.020 s)",
        "attempt 2: ValueError: secret (the last)",
    ]


def test_there_is_at_least_one_attempt():
    with pytest.raises(ValueError, match="at least 1"):
        Budget(0, 60.0)
