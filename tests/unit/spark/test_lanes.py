"""How many partitions and ranges rows make."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routedb.integrations.spark.slots import lanes


@pytest.mark.parametrize(
    ("rows", "most", "bound", "expected"),
    [
        (0, 100, 4, (1, 1)),
        (100, 100, 4, (1, 1)),
        (101, 100, 4, (2, 1)),
        (400, 100, 4, (4, 1)),
        (401, 100, 4, (4, 2)),
        (1000, 100, 1, (1, 10)),
    ],
)
def test_partitions_come_first_then_ranges(rows, most, bound, expected):
    assert lanes(rows, most, bound) == expected


@settings(max_examples=50)
@given(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 64))
def test_no_range_is_larger_than_asked_and_no_node_busier(rows, most, bound):
    count, each = lanes(rows, most, bound)
    assert 1 <= count <= bound
    assert ceil(rows / (count * each)) <= most
