"""Which replicas are known to hold what a session has seen: the rule, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from routedb.session.read_state import (
    NO_NODE,
    MinPosition,
    ReadState,
    View,
    replicas_holding,
)
from routedb.topology import GroupView, NodeState, NodeView, Role, Sample
from routedb.topology.positions import WalPosition

W, A, B = 0, 1, 2  # the writer and its replicas


def wal(lsn, timeline=1):
    return WalPosition(timeline, lsn)


@dataclass
class Case:
    """What the nodes have told, each as (position, asked at), and the session."""

    last_node: int = NO_NODE
    used_at: float = 5.0
    since: float = 0.0
    min_positions: list = field(default_factory=list)
    sample: tuple = (wal(100), 10.0)  # the writer's
    a: tuple = (wal(100), 10.0)
    b: tuple = (wal(100), 10.0)
    read_ring: tuple = (A, B)
    wrote_at: float = 0.0  # the process, where that counts
    held_at: float = 0.0  # up to here the source holds it


CASES = {
    "nothing was seen": (Case(), (A, B)),
    "nothing was seen, and nobody tells a position": (
        Case(a=(None, 10.0), b=(None, 10.0)),
        (A, B),
    ),
    "the source is always held": (Case(A, used_at=99.0), (A,)),
    "a pause frees it": (Case(A), (A, B)),
    "a sample asked for before the last contact does not": (Case(A, 10.5), (A,)),
    "a sample asked for at the last contact does": (Case(A, 10.0), (A, B)),
    "another is behind the sample": (Case(A, b=(wal(99), 12.0)), (A,)),
    "another was asked before, and had it all already": (
        Case(A, b=(wal(100), 1.0)),
        (A, B),
    ),
    "after a write": (Case(W), (A, B)),
    "after a write, replicas behind": (Case(W, a=(wal(99), 12.0)), (B,)),
    "after a write, no sample yet": (Case(W, used_at=11.0), ()),
    "after a write, no position is told": (
        Case(W, a=(None, 12.0), b=(None, 12.0)),
        (),
    ),
    "replicas of another timeline": (Case(W, a=(wal(999, 2), 12.0)), (B,)),
    "the source's own sample frees it as well": (
        Case(A, used_at=11.0, a=(wal(90), 12.0), b=(wal(95), 9.0)),
        (A, B),
    ),
    "… unless another has not got so far": (
        Case(A, used_at=11.0, a=(wal(90), 12.0), b=(wal(89), 13.0)),
        (A,),
    ),
    "the source has left the ring": (Case(A, used_at=11.0, read_ring=(B,)), ()),
    "the source has left the ring, after a pause": (Case(A, read_ring=(B,)), (B,)),
    "a floor that is reached": (
        Case(min_positions=[MinPosition(wal(100), 20.0)]),
        (A, B),
    ),
    "a floor that one has reached": (
        Case(min_positions=[MinPosition(wal(101), 20.0)], b=(wal(101), 1.0)),
        (B,),
    ),
    "a floor of another history": (
        Case(min_positions=[MinPosition(wal(1, 2), 20.0)]),
        (),
    ),
    "… and a newer sample of this one": (
        Case(min_positions=[MinPosition(wal(1, 2), 9.0)]),
        (A, B),
    ),
    "two floors": (
        Case(
            min_positions=[MinPosition(wal(100), 20.0), MinPosition(wal(101), 20.0)],
            b=(wal(101), 12.0),
        ),
        (B,),
    ),
    "a source and a floor": (
        Case(
            A,
            used_at=11.0,
            min_positions=[MinPosition(wal(101), 20.0)],
            b=(wal(200), 12.0),
        ),
        (),
    ),
    "the process wrote, before the sample": (Case(wrote_at=9.0), (A, B)),
    "the process wrote, after the sample": (Case(wrote_at=11.0), ()),
    "the process wrote, and the source holds it": (
        Case(A, used_at=99.0, wrote_at=11.0, held_at=11.0),
        (A,),
    ),
    "the process wrote since": (
        Case(A, used_at=99.0, wrote_at=11.0, held_at=10.0),
        (),
    ),
    "the process wrote, and the writer was asked then": (
        Case(
            min_positions=[MinPosition(wal(101), 20.0, 11.0)],
            wrote_at=11.0,
            a=(wal(101), 1.0),
        ),
        (A,),
    ),
    "two nodes have shown something": (Case(since=11.0), ()),
    "two nodes had shown something": (Case(since=10.0), (A, B)),
    "… and what one replica has is not enough": (
        Case(since=9.0, a=(wal(99), 12.0)),
        (B,),
    ),
    "the source had it all before it showed anything": (
        Case(A, used_at=1.0, since=11.0),
        (A,),
    ),
    "no sample at all": (Case(A, used_at=11.0, sample=()), (A,)),
    "weights stay": (Case(read_ring=(A, B, A)), (A, B, A)),
}


@pytest.mark.parametrize("name", CASES)
def test_who_is_known_to_hold_it(name):
    case, expected = CASES[name]
    read_state = ReadState(case.last_node, case.since, case.held_at)
    for minimum in case.min_positions:
        read_state = read_state.with_min_position(minimum)
    seen_at = max(case.since, 0.0 if case.last_node == NO_NODE else case.used_at)
    view = View(read_state, seen_at, case.wrote_at)
    assert replicas_holding(picture(case), view) == expected


def picture(case):
    told = {W: case.sample or (None, 0.0), A: case.a, B: case.b}
    nodes = tuple(
        NodeView(
            node,
            state=NodeState.UP,
            role=Role.WRITER if node == W else Role.REPLICA,
            position=position,
            asked_at=asked_at,
        )
        for node, (position, asked_at) in told.items()
    )
    sample = Sample(*case.sample) if case.sample else None
    return GroupView(0, nodes, W, case.read_ring, sample=sample)
