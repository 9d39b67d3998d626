"""Positions: what servers print, and which of two is at or beyond the other."""

from __future__ import annotations

import pytest

from routedb.topology.positions import WalPosition, read_position

UUID, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4" + "0" * 31


def at(dialect, text, history="1"):
    return read_position(dialect, text, history)


# dialect, a position, another, does the first cover the second
COVERS = [
    ("postgresql", "0/3000060", "0/3000060", True),
    ("postgresql", "0/3000060", "0/3000061", False),
    ("postgresql", "1/0", "0/FFFFFFFF", True),
    ("postgresql", "A/0", "9/FFFFFFFF", True),
    # The last record filled its page: the writer is behind the next page's header.
    ("postgresql", "0/3002000", "0/3002018", True),
    ("postgresql", "0/3002000", "0/3002019", False),
    ("postgresql", "0/4000000", "0/4000028", True),  # a segment's first page
    ("postgresql", "0/3002000", "0/3002028", False),  # no long header here
    ("mysql", "0-1-100", "0-1-100", True),
    ("mysql", "0-1-99", "0-1-100", False),
    ("mysql", "0-1-101", "0-1-100", True),
    ("mysql", "0-2-101", "0-1-100", False),  # numbered on by another server
    ("mysql", "0-1-100", "0-1-100,1-1-5", False),  # a domain that is missing
    ("mysql", "0-1-100,1-1-5", "1-1-5", True),
    ("mysql", f"{UUID}:1-100", f"{UUID}:1-100", True),
    ("mysql", f"{UUID}:1-99", f"{UUID}:1-100", False),
    ("mysql", f"{UUID}:1-100", f"{UUID}:7", True),
    ("mysql", f"{UUID}:1-5:7-100", f"{UUID}:1-7", False),  # a gap
    ("mysql", f"{UUID}:1-5:7-100", f"{UUID}:2-4:8", True),
    ("mysql", f"{UUID}:1-5,{OTHER}:1", f"{OTHER}:1", True),
    ("mysql", f"{UUID}:1-5", f"{UUID}:1-5,{OTHER}:1", False),
    ("mysql", f"{UUID.upper()}:1-5", f"{UUID}:1-5", True),
    ("mysql", f"{UUID}:1-5", "0-1-5", False),  # MySQL's and MariaDB's
    ("mysql", "0-1-5", f"{UUID}:1-5", False),
]


@pytest.mark.parametrize(("dialect", "one", "other", "answer"), COVERS)
def test_a_position_covers_what_is_certainly_before_it(dialect, one, other, answer):
    assert at(dialect, one).covers(at(dialect, other)) is answer


def test_positions_of_two_timelines_do_not_compare():
    old, new = WalPosition(1, 100), WalPosition(2, 200)
    assert not new.covers(old)
    assert not old.covers(new)


@pytest.mark.parametrize(
    ("dialect", "text", "history"),
    [
        ("postgresql", None, "1"),
        ("postgresql", "0/3000060", None),
        ("postgresql", "nonsense", "1"),
        ("postgresql", "0/3000060", "x"),
        ("mysql", "", "0"),
        ("mysql", "0-1", "0"),
        ("mysql", f"0-1-5,{UUID}:1", "0"),
        ("sqlite", "5", "1"),
    ],
)
def test_what_cannot_be_compared_is_no_position(dialect, text, history):
    assert read_position(dialect, text, history) is None


@pytest.mark.parametrize(
    ("dialect", "text"),
    [("mysql", "0-1-100,1-2-5"), ("mysql", f"{UUID}:1-5:7-7")],
)
def test_a_position_prints_as_the_server_does(dialect, text):
    assert str(at(dialect, text)) == text


def test_a_wal_position_prints_its_timeline_too():
    assert str(at("postgresql", "1/3000060", "7")) == "1/03000060@7"
