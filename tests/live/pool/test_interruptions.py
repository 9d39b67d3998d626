"""Exceptions while links are borrowed and given back, on servers: no place is lost.

At lines, one by one, and out of a handler of SIGALRM at random moments.
"""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.support.inject import TimeLimit
from tests.support.pool_acts import ACTS, KINDS, LIMITS, Pooled, interrupt
from tests.support.servers import wait_until

pytestmark = [
    pytest.mark.live,
    # What is raised inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STEP = 29  # of the lines, where not all are tried
LONGEST_S = 0.02


@pytest.fixture
def pooled(place):
    place.database.execute("CREATE TABLE t (a int)")
    cluster = place.cluster(pool=LIMITS)
    write = "INSERT INTO t VALUES (1)"
    return Pooled(cluster, "SELECT count(*) FROM t", write, lambda: None)


def test_no_place_is_lost(pooled, place):
    """Some lines of each act."""
    for turn, name in enumerate(ACTS):
        at = 1 + turn % STEP
        while interrupt(pooled, name, at, KINDS[at % 2]):
            at += STEP
    wait_until(lambda: len(place.sessions()) <= pooled.pool.open, "others end")


@pytest.mark.long
@pytest.mark.parametrize("name", ACTS)
def test_at_each_line(pooled, name):
    at = 1
    while interrupt(pooled, name, at, KINDS[at % 2]):
        at += 1
    assert at > 10


def rounds(pooled, count, rng):
    """Interrupt connecting, using and closing; return how often that came to pass."""
    interrupted = 0
    for number in range(count):
        text = pooled.write if number % 2 else pooled.read
        connection = None
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, LONGEST_S))
            connection = pooled.used(text, autocommit=number % 3 > 0)
            connection.close()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except TimeLimit:
            interrupted += 1
        if connection is not None and not connection.closed:
            connection.close()
        if number % 10 == 0:
            pooled.empty()
    return interrupted


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.long)])
def test_signals_lose_no_place(pooled, place, count):
    seed = random.randrange(1 << 32)
    interrupted = rounds(pooled, count, random.Random(seed))
    time.sleep(LONGEST_S)
    pool = pooled.pool
    pool.serve()
    assert pool.open == len(list(pool._slots.idle)), f"lost places, {seed=}"
    wait_until(lambda: len(place.sessions()) <= pool.open, "others end")
    assert interrupted > count // 20
