"""An exception at any line of ours under reads over several groups, on real servers."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.live.conftest import FIXTURES
from tests.support.delays import Delays
from tests.support.inject import KINDS, TimeLimit
from tests.support.later import later
from tests.support.merged_line_acts import ACTS, Shards, on_servers, on_sqlite

pytestmark = [
    pytest.mark.live,
    # What is raised inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STEP = 421  # of the lines, where not all are tried


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def shards(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Shards]:
    if request.param == "sqlite":
        with on_sqlite(str(tmp_path)) as made:
            yield made
        return
    with on_servers(request.getfixturevalue(FIXTURES[request.param])) as made:
        yield made


def test_our_state_is_the_servers(shards):
    """Some lines of each act."""
    before = threading.active_count()
    for turn, name in enumerate(ACTS):
        at = 1 + turn % STEP
        while shards.interrupt(name, at, KINDS[at % 2]):
            at += STEP
    assert shards.injected > 2 * len(ACTS)
    assert threading.active_count() < before + 20


@pytest.mark.long
@pytest.mark.parametrize("name", ACTS)
def test_at_each_line(shards, name):
    at = 1
    while shards.interrupt(name, at, KINDS[at % 2]):
        at += 1


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("count", [10, *later([1000])])
def test_signals(shards, count):
    """A task's time limit, at random moments: acts go on until so many were met."""
    rng = random.Random()
    delays = Delays(rng)
    while delays.interrupted < count:
        name = rng.choice([name for name in ACTS if name != "close"])
        act = ACTS[name]
        connection, cursor = shards.ready(act)
        delays.is_done(name, partial(act.do, connection, cursor), TimeLimit)
        try:
            shards.check(connection)
        except BaseException as failure:
            raise AssertionError(f"{name}, {delays.interrupted}") from failure
