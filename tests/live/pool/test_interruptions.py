"""Exceptions while links are borrowed and given back, on servers: no place is lost.

At lines, one by one, and out of a handler of SIGALRM at random moments.
"""

from __future__ import annotations

import gc
import random
from itertools import count
from typing import Any

import pytest

from tests.live.conftest import FIXTURES
from tests.support.delays import Delays
from tests.support.inject import KINDS, TimeLimit
from tests.support.later import later
from tests.support.pool_acts import ACTS, interrupt, on_servers, on_sqlite
from tests.support.servers import wait_until

pytestmark = [
    pytest.mark.live,
    # What is raised inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STEP = 29  # of the lines, where not all are tried


@pytest.fixture
def pooled(place):
    with on_servers(place.database) as made:
        yield made


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


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def signalled(request, tmp_path):
    """A pool, and how many sessions its server has."""
    if request.param == "sqlite":
        with on_sqlite(str(tmp_path)) as made:
            yield made
        return
    place = request.getfixturevalue("place_of")(FIXTURES[request.param])
    with on_servers(place.database) as made:
        yield made._replace(sessions=lambda: len(place.sessions()))


def rounds(pooled, interrupted):
    """Connect, use and close until so many were interrupted."""
    delays = Delays(random.Random())
    for number in count():
        text = pooled.write if number % 2 else pooled.read
        made: list[Any] = []

        def act(text=text, autocommit=number % 3 > 0, made=made):
            made.append(pooled.used(text, autocommit))
            made[0].close()

        delays.is_done((number % 6, number % 10 == 1), act, TimeLimit)
        for connection in made:
            if not connection.closed:
                connection.close()
        if delays.interrupted == interrupted:
            return
        if number % 10 == 0:
            pooled.empty()


@pytest.fixture
def uncollected():
    """No place is free only because the garbage collector has come."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("alarm", "uncollected")
@pytest.mark.parametrize("interrupted", [30, *later([2000])])
def test_signals_lose_no_place(signalled, interrupted):
    rounds(signalled, interrupted)
    pool = signalled.pool
    pool.serve()
    assert pool.open == len(list(pool._slots.idle)), "lost places"
    wait_until(lambda: (signalled.sessions() or 0) <= pool.open, "others end")
