"""Which node has all the GTIDs of another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routedb.topology.gtid import read_extent

A, B = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"

CONTAINED = [
    # what, one, other, whether all that the other has is certainly in the one
    ("the same", "0-1-9", "0-1-9", True),
    ("further", "0-1-10", "0-1-9", True),
    ("behind", "0-1-8", "0-1-9", False),
    ("gone on by another server", "0-1-9,0-2-11", "0-1-9", True),
    ("lost the end and gone on", "0-1-8,0-2-11", "0-1-9", False),
    ("both wrote on", "0-1-9,0-2-10", "0-1-11", False),
    (
        "a copy lists no server of before, and has the last",
        "0-1-9",
        "0-3-5,0-1-9",
        True,
    ),
    ("a copy that lacks the last", "0-1-8", "0-3-5,0-1-9", False),
    ("it lists the server, with less", "0-1-9,0-3-4", "0-3-5,0-1-9", False),
    ("every domain counts", "0-1-9", "0-1-9,7-1-1", False),
    ("domains are apart", "0-1-9,7-1-2", "7-1-1", True),
    ("a log without what was replayed proves nothing", "0-2-10", "0-1-9", False),
    ("the replica's position speaks for it", "0-2-10,,0-1-9", "0-1-9", True),
    ("of one pair the greater counts", "0-1-9,0-1-3", "0-1-9", True),
    ("a set in a set", f"{A}:1-9,{B}:1-2", f"{A}:1-9", True),
    ("a set with a hole", f"{A}:1-4:6-9", f"{A}:1-9", False),
    ("another server's set", f"{A}:1-9", f"{B}:1", False),
    ("letters of either case", f"{A.upper()}:1-9", f"{A}:2-3", True),
    ("two kinds of server", f"{A}:1-9", "0-1-9", False),
]


@pytest.mark.parametrize(
    ("what", "one", "other", "contains"), CONTAINED, ids=[row[0] for row in CONTAINED]
)
def test_containment(what, one, other, contains):
    ours, theirs = read_extent(one), read_extent(other)
    assert ours is not None
    assert ours.contains(theirs) is contains


@pytest.mark.parametrize("text", [None, "", ",", "nonsense", "0-1", "0-1-9,nonsense"])
def test_what_cannot_be_read_is_no_extent(text):
    assert read_extent(text) is None


WITHOUT = [
    ("0-1-9,0-2-10,7-2-3", "2", "0-1-9"),
    (f"{A}:1-9,{B}:1-2", B.upper(), f"{A}:1-9"),
]


@pytest.mark.parametrize(("text", "origin", "rest"), WITHOUT)
def test_what_a_server_has_not_written_itself(text, origin, rest):
    extent = read_extent(text)
    assert extent is not None
    assert extent.without(origin) == read_extent(rest)


def test_nothing_is_contained_in_everything():
    some = read_extent("0-1-9")
    assert some is not None
    assert some.contains(some.without("1"))


@given(st.lists(st.sampled_from([(1, 0), (2, 0), (1, 7), (3, 7)]), max_size=30))
def test_a_server_that_replays_a_log_contains_every_earlier_state_of_it(log):
    states: list[dict[tuple[int, int], int]] = [{}]
    for number, (server, domain) in enumerate(log, start=1):
        states.append({**states[-1], (domain, server): number})
    texts = [",".join(f"{d}-{s}-{n}" for (d, s), n in one.items()) for one in states]
    extents = [read_extent(text) for text in texts if text]
    for at, extent in enumerate(extents):
        assert extent is not None
        assert all(extent.contains(earlier) for earlier in extents[: at + 1])
        assert not any(extent.contains(later) for later in extents[at + 1 :])
