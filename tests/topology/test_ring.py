"""The order of reads: as often as the weights say, evenly spread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routedb.topology.ring import MAX_LENGTH, spread

RINGS = [
    ([], ()),
    ([(7, 1.0)], (7,)),
    ([(1, 1.0), (2, 1.0)], (1, 2)),
    ([(1, 1.0), (2, 2.0)], (2, 1, 2)),
    ([(1, 0.5), (2, 1.5)], (2, 1, 2, 2)),
    ([(1, 0.1), (2, 0.2), (3, 0.3)], (3, 2, 1, 3, 2, 3)),
    ([(1, 100.0), (2, 100.0), (3, 200.0)], (3, 1, 2, 3)),
]


@pytest.mark.parametrize(("weights", "ring"), RINGS)
def test_small_rings(weights, ring):
    assert spread(weights) == ring


@given(st.lists(st.floats(0.01, 1000.0), min_size=1, max_size=80))
def test_every_node_has_a_place_and_the_ring_is_bounded(weights):
    ring = spread(list(enumerate(weights)))
    assert set(ring) == set(range(len(weights)))
    assert len(ring) <= max(MAX_LENGTH, len(weights))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_small_whole_weights_are_met_exactly(weights):
    ring = spread([(i, float(weight)) for i, weight in enumerate(weights)])
    shares = [ring.count(i) / len(ring) for i in range(len(weights))]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights])


@given(st.integers(2, 9))
def test_equal_weights_need_one_place_each(weight):
    ring = spread([(0, float(weight)), (1, float(weight))])
    assert ring == (0, 1)
