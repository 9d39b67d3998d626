"""How soon a node is probed again."""

from __future__ import annotations

import random

import pytest

from routedb.monitor.intervals import CALM_S, FAST_S, TROUBLE_S, URGENT_S, ProbeInterval
from routedb.topology import GroupView, NodeState, NodeView

UP, DOWN, SUSPECT = NodeState.UP, NodeState.DOWN, NodeState.SUSPECT
DRAINING, LAGGING = NodeState.DRAINING, NodeState.LAGGING


class Even(random.Random):
    def uniform(self, a, b):
        return (a + b) / 2


def group(*states, writer=0):
    nodes = tuple(NodeView(id, state=state) for id, state in enumerate(states))
    return GroupView(0, nodes, writer)


PACES = [
    ("all well", group(UP, UP), False, CALM_S),
    ("somebody waits", group(UP, UP), True, FAST_S),
    (
        "a lagging or draining node is no trouble",
        group(UP, LAGGING, DRAINING),
        False,
        1,
    ),
    ("no writer", group(UP, UP, writer=None), False, FAST_S),
    ("no writer, and somebody waits", group(UP, UP, writer=None), True, URGENT_S),
    ("another node of the group is down", group(UP, DOWN), False, FAST_S),
    ("this node is one answer short of trust", group(SUSPECT, UP), False, URGENT_S),
    ("another node is", group(UP, SUSPECT), False, FAST_S),
]


@pytest.mark.parametrize(
    ("what", "group", "hurry", "interval"), PACES, ids=[row[0] for row in PACES]
)
def test_interval_after_a_probe_of_node_0(what, group, hurry, interval):
    assert ProbeInterval(Even()).interval(0, group, 0.0, hurry) == pytest.approx(
        interval
    )


def test_trouble_that_stays_slows_down_until_something_changes():
    pace = ProbeInterval(Even())
    assert pace.interval(0, group(UP, DOWN, UP), 0.0, False) == FAST_S
    assert pace.interval(0, group(UP, DOWN, UP), TROUBLE_S - 0.1, False) == FAST_S
    assert pace.interval(0, group(UP, DOWN, UP), TROUBLE_S, False) == CALM_S
    assert pace.interval(0, group(UP, DOWN, DOWN), TROUBLE_S + 1, False) == FAST_S


def test_who_waits_long_for_a_writer_does_not_keep_the_processor_busy():
    pace = ProbeInterval(Even())
    assert pace.interval(0, group(UP, UP, writer=None), 0.0, True) == URGENT_S
    later = pace.interval(0, group(UP, UP, writer=None), TROUBLE_S, True)
    assert later == FAST_S


def test_jitter_keeps_processes_out_of_step_within_a_fifth():
    pace = ProbeInterval(random.Random(1))
    intervals = [pace.interval(0, group(UP, UP), 0.0, False) for _ in range(200)]
    assert 0.8 <= min(intervals) < 0.85
    assert 1.15 < max(intervals) <= 1.2
