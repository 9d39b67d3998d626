"""The order of reads: as often as the weights say, evenly spread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routedb.topology.read_ring import (
    MAX_LENGTH,
    MOST_HALVINGS,
    WARM_UP_S,
    build_ring,
    coldness,
    slowness,
    smooth,
)

RINGS = [
    ([], ()),
    ([(7, 1.0)], (7,)),
    ([(1, 1.0), (2, 1.0)], (1, 2)),
    ([(1, 1.0), (2, 2.0)], (2, 1, 2)),
    ([(1, 0.5), (2, 1.5)], (2, 1, 2, 2)),
    ([(1, 0.1), (2, 0.2), (3, 0.3)], (3, 2, 1, 3, 2, 3)),
    ([(1, 100.0), (2, 100.0), (3, 200.0)], (3, 1, 2, 3)),
]


@pytest.mark.parametrize(("weights", "read_ring"), RINGS)
def test_small_rings(weights, read_ring):
    assert build_ring(weights) == read_ring


@given(st.lists(st.floats(0.01, 1000.0), min_size=1, max_size=80))
def test_every_node_has_a_place_and_the_ring_is_bounded(weights):
    read_ring = build_ring(list(enumerate(weights)))
    assert set(read_ring) == set(range(len(weights)))
    assert len(read_ring) <= max(MAX_LENGTH, len(weights))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_small_whole_weights_are_met_exactly(weights):
    read_ring = build_ring([(i, float(weight)) for i, weight in enumerate(weights)])
    shares = [read_ring.count(i) / len(read_ring) for i in range(len(weights))]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights])


@given(st.integers(2, 9))
def test_equal_weights_need_one_place_each(weight):
    read_ring = build_ring([(0, float(weight)), (1, float(weight))])
    assert read_ring == (0, 1)


LEVELS = [
    # what, latency, the fastest one's, level before, level now
    ("the fastest", 0.002, 0.002, 0, 0),
    ("twice the time is not clearly slower", 0.004, 0.002, 0, 0),
    ("more than that is", 0.0045, 0.002, 0, 1),
    ("but not when it costs less than a millisecond", 0.0012, 0.0003, 0, 0),
    ("four times", 0.009, 0.002, 0, 2),
    ("eight times", 0.017, 0.002, 0, 3),
    ("no share goes to nothing", 10.0, 0.002, 0, MOST_HALVINGS),
    ("at the border it stays slow", 0.0039, 0.002, 1, 1),
    ("inside it it is fast again", 0.003, 0.002, 1, 0),
    ("from far it comes down at once", 0.003, 0.002, 3, 0),
    ("a clock that shows nothing", 0.005, 0.0, 0, MOST_HALVINGS),
]


@pytest.mark.parametrize(
    ("what", "latency_s", "best_s", "before", "level"),
    LEVELS,
    ids=[row[0] for row in LEVELS],
)
def test_how_often_a_slow_replica_halves_its_share(
    what, latency_s, best_s, before, level
):
    assert slowness(latency_s, best_s, before) == level


def test_one_slow_answer_moves_the_latency_little_and_many_move_it_there():
    latency_s = smooth(None, 0.001)
    assert latency_s == 0.001
    assert smooth(latency_s, 60.0) == pytest.approx(0.0018)
    assert smooth(latency_s, None) == 0.001
    for _ in range(40):
        latency_s = smooth(latency_s, 0.05)
    assert latency_s == pytest.approx(0.05, rel=0.01)


def test_a_returned_replica_warms_up_step_by_step():
    levels = [coldness(WARM_UP_S, now) for now in (0.0, 1.0, 1.4, 2.7, 3.9, 4.0, 9.0)]
    assert levels == [3, 3, 2, 1, 1, 0, 0]
    assert coldness(float("inf"), 1e9) == MOST_HALVINGS
