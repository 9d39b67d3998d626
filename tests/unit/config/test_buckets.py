"""The map of buckets: read, written, and changed as little as can be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routedb.config import buckets
from routedb.config.buckets import BUCKETS

SHARDS = st.integers(1, 40)


@st.composite
def maps(draw):
    """A map over some shards, after any history of growing and shrinking."""
    shards = draw(SHARDS)
    owners = buckets.even(shards)
    for count in draw(st.lists(SHARDS, max_size=3)):
        owners, shards = buckets.moved(owners, buckets.plan(owners, count)), count
    for first, width, shard in draw(
        st.lists(st.tuples(st.integers(0, BUCKETS - 1), SHARDS, SHARDS), max_size=3)
    ):
        run = range(first, min(BUCKETS, first + width))
        for bucket in run:
            owners[bucket] = shard % shards
    return owners, shards


@given(SHARDS)
def test_the_even_map_gives_each_shard_one_run(shards):
    owners = buckets.even(shards)
    counts = Counter(owners)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert [len(buckets.runs(owners, shard)) for shard in range(shards)] == [1] * shards
    assert buckets.text_of(owners, shards) == buckets.EVEN


@settings(max_examples=25)
@given(maps())
def test_a_map_is_read_as_it_was_written(made):
    owners, shards = made
    assert buckets.owners_of(buckets.text_of(owners, shards), shards) == owners
    assert buckets.read(buckets.written(owners, shards)) == owners


@settings(max_examples=25)
@given(maps(), SHARDS)
def test_a_plan_leads_to_an_even_map_and_moves_no_more_than_it_must(made, wanted):
    owners, _ = made
    moves = buckets.plan(owners, wanted)
    after = buckets.moved(owners, moves)
    counts, before = Counter(after), Counter(owners)
    assert set(counts) == set(range(wanted))
    assert max(counts.values()) - min(counts.values()) <= 1
    for first, last, source, target in moves:
        assert set(owners[first : last + 1]) == {source}
        assert source != target
    # Who has too many gives no more than that: to any even map as many would move.
    least, more = divmod(BUCKETS, wanted)
    kept = sorted((before[shard] for shard in range(wanted)), reverse=True)
    most = sum(min(own, least + (n < more)) for n, own in enumerate(kept))
    assert sum(move.size for move in moves) == BUCKETS - most


def test_one_shard_more_moves_its_part_and_nothing_else():
    moves = buckets.plan(buckets.even(4), 5)
    assert sum(move.size for move in moves) == BUCKETS // 5
    assert {move.target for move in moves} == {4}
    assert len(moves) == 4  # one run of each


def test_a_plan_for_what_is_even_is_empty():
    assert buckets.plan(buckets.even(7), 7) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([["0-16383"], ["5"]], "bucket 5 is on shard 0 and on 1"),
        ([["0-16382"], []], "bucket 16383 is on no shard"),
        ([["0-16384"], []], "numbered from 0 to 16383"),
        ([["9-8"], []], "numbered from 0"),
        ([["x"], []], "'x' is no bucket"),
        ([[True], []], "True is no bucket"),
        ([[-1], []], "no bucket"),
    ],
)
def test_what_is_no_map_is_refused(said, why):
    with pytest.raises(ValueError, match=why):
        buckets.read(said)
