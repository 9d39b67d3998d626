"""Which plans stay when there are more shapes than are kept."""

from __future__ import annotations

import random
from itertools import chain, repeat
from typing import Any

import pytest

from routedb.engine.plans.shape_cache import PLAN_BYTES, ShapeCache

MOST = 400


class Counted:
    """What the cache asks of a plan."""

    def __init__(self):
        self.uses = 0


Plan: Any = Counted


def share_found(shapes, cache):
    """Look up these shapes, add those that are not there; return which part was."""
    found = total = 0
    for shape in shapes:
        key = ("postgresql", str(shape), None)
        plan = cache.plans.get(key)
        found += plan is not None
        if plan is None:
            plan = Plan()
            gone = cache.add(key, plan)
            assert not gone.keys() & cache.plans.keys()
            assert cache.plans[key] is plan  # the latest is there for its statement
        plan.uses += 1
        total += 1
        assert len(cache.plans) <= MOST
    assert cache.weight == sum(PLAN_BYTES + 3 * len(key[1]) for key in cache.plans)
    return found / total


def cycle_of(size, rng):
    return chain.from_iterable(repeat(range(size), 20))


def skewed(size, rng):
    return (int(rng.paretovariate(0.8)) % size for _ in range(12_000))


def hot_among_new(size, rng):
    """Half of the statements are of few shapes, the others of a new one each."""
    return (rng.randrange(size) if n % 2 else -n for n in range(12_000))


def one_after_another(size, rng):
    """What a program does changes as a whole."""
    return (rng.randrange(size) + n // 8_000 * size for n in range(32_000))


@pytest.mark.parametrize(
    ("shapes", "size", "least"),
    [
        (cycle_of, MOST, 0.94),
        (cycle_of, MOST * 6 // 5, 0.7),
        (cycle_of, MOST * 3 // 2, 0.5),
        (cycle_of, MOST * 2, 0.3),
        (skewed, 10**6, 0.9),
        (hot_among_new, MOST // 20, 0.49),
        (hot_among_new, MOST // 4, 0.47),
        (hot_among_new, MOST // 2, 0.44),
        (one_after_another, MOST // 2, 0.9),
        (one_after_another, MOST * 3 // 4, 0.8),
    ],
)
def test_what_is_used_stays(shapes, size, least):
    assert share_found(shapes(size, random.Random(3)), ShapeCache(MOST)) >= least


def test_what_was_used_once_does_not_stay_for_ever():
    cache = ShapeCache(MOST)
    share_found((n % 50 for n in range(50_000)), cache)
    assert share_found(range(1_000, 1_000 + MOST), cache) == 0
    for _ in range(12):
        last = share_found(range(1_000, 1_000 + MOST), cache)
    assert last > 0.9


@pytest.mark.parametrize("most", [1, 2, 3, 5, 17])
def test_small_ones(most):
    cache = ShapeCache(most)
    rng = random.Random(most)
    for number in range(500):
        plan = Plan()
        cache.add(("sqlite", str(rng.randrange(30)), None), plan)
        plan.uses += rng.randrange(3)
        assert 1 <= len(cache.plans) <= most, number


def test_it_is_bounded_by_bytes():
    room = 100 * PLAN_BYTES
    cache = ShapeCache(MOST, room)
    share_found(cycle_of(110, None), cache)
    assert 90 <= len(cache.plans) <= 100
    for number in range(50):
        cache.add(("mysql", f"{number}".ljust(PLAN_BYTES, "x"), None), Plan())
        assert cache.weight <= room
    assert len(cache.plans) < 100


def test_one_that_is_heavier_than_all_may_stay_alone():
    cache = ShapeCache(MOST, 10 * PLAN_BYTES)
    share_found(range(5), cache)
    cache.add(("mysql", "x" * 100_000, None), Plan())
    share_found(range(5), cache)
    assert len(cache.plans) == 5


def test_a_plan_that_two_threads_have_made_is_there_once():
    cache, key = ShapeCache(MOST), ("sqlite", "SELECT 0", None)
    one, other = Plan(), Plan()
    assert cache.add(key, one) == {}
    weight = cache.weight
    assert cache.add(key, other) == {}
    assert (cache.plans[key], cache.weight) == (other, weight)


def test_those_that_go_are_told():
    cache, plans = ShapeCache(MOST), [Plan() for _ in range(3 * MOST)]
    told: list[Any] = []
    for number, plan in enumerate(plans):
        told += cache.add(("sqlite", str(number), None), plan).values()
    kept = cache.plans.values()
    assert len(told) + len(kept) == len(plans)
    assert {*told, *kept} == {*plans}
