"""An exception at any line of ours in transactions over several databases."""

from __future__ import annotations

import pytest

from tests.support.fake_pair import pair
from tests.support.inject import KINDS
from tests.support.later import later
from tests.support.two_phase_acts import ACTS, interrupt

STEP = 71  # of the lines, where not all are tried
LATER = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


@pytest.mark.parametrize("name", ACTS)
def test_all_have_it_or_none(name):
    """Some lines, once; `test_at_each_line` has a second signal as well."""
    act, turn = ACTS[name], list(ACTS).index(name)
    with pair(*act.names) as world:
        at = 1 + turn * 4
        while interrupt(world, act, at, KINDS[at % 2]):
            at += STEP


@pytest.mark.parametrize("name", later(ACTS))
@pytest.mark.parametrize("then", [0, *LATER])
def test_at_each_line(name, then):
    act, at = ACTS[name], 1
    with pair(*act.names) as world:
        while interrupt(world, act, at, KINDS[at % 2], then) or (then and at < 60):
            at += 1
    assert at > 10
