"""An exception at any line of ours: what the session knows is what the servers did.

Every line of every act is tried, with KeyboardInterrupt and with the exception of a
task's time limit. The servers keep what was committed, so that what comes afterwards is
compared with what was there.
"""

from __future__ import annotations

import itertools

import pytest

from routedb.engine.shared.second_signals import done_or_undone
from tests.support.fake_acts import ACTS, AFTERMATHS, Books, interrupt
from tests.support.inject import KINDS, Injection, TimeLimit


@pytest.fixture
def books(monkeypatch):
    return Books(monkeypatch)


STEP = 5  # of the lines, where not all are tried


@pytest.mark.parametrize("name", ACTS)
def test_what_we_know_is_what_the_server_did(name, books):
    """Some lines; what is raised there and what comes afterwards take turns."""
    turn = list(ACTS).index(name)
    for at in range(1 + turn % STEP, 100_000, STEP):
        kind = KINDS[(at + turn) % 2]
        aftermath = AFTERMATHS[(at // 2 + turn) % 4]
        if not interrupt(books, ACTS[name], at, kind, aftermath):
            break
    assert at > 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [None, "before", "half", "after"])
def test_no_line_leaves_a_step_half_done(first, kind):
    """A second signal, at each line that undoes what the first one has interrupted."""
    steps = []

    def comes(at):
        if at == first:
            raise TimeLimit

    def act():
        comes("before")
        steps.append("half")
        comes("half")
        steps.append("done")
        comes("after")

    def run():
        done_or_undone(act, lambda: steps.append("undone"))

    for at in itertools.count(1):
        steps[:] = ["rest"]
        injection = Injection(at, kind)
        came = injection.run(run)
        assert steps[-1] != "half", at
        assert (steps[-1] == "done") is (came is None)
        if not injection.has_fired:
            break
    assert at > (8 if first else 3)


LATER = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]  # the second signal, in lines
RARELY = 211


def second_signals(name, books, step):
    """Have a second one come in the middle of what the first one has begun; return how
    often it did."""
    turn, came = list(ACTS).index(name), 0
    for at in range(1 + turn % step, 700, step):
        laters = LATER if step < RARELY else [LATER[(at + turn) % 8]]
        for then in laters:
            kind = KINDS[(at + then) % 2]
            aftermath = AFTERMATHS[(at + then // 2) % 4]
            came += interrupt(books, ACTS[name], at, kind, aftermath, then)
    return came


def test_a_second_signal_finds_nothing_half_done(books):
    assert sum(second_signals(name, books, RARELY) for name in ACTS) > 20


@pytest.mark.long
@pytest.mark.parametrize("name", ACTS)
def test_second_signals(name, books):
    assert second_signals(name, books, 7) > 10


@pytest.mark.long
@pytest.mark.parametrize("aftermath", AFTERMATHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACTS)
def test_each_with_each(name, kind, aftermath, books):
    at = 1
    while interrupt(books, ACTS[name], at, kind, aftermath):
        at += 1
    assert at > 10
