"""Which replica takes a read, and which nodes are tried when it could not."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from routedb.topology import (
    GroupView,
    NodeState,
    NodeView,
    Role,
    candidates,
    pick,
)
from routedb.topology.read_ring import build_ring

PICKS = [
    # what, ring, loads by node id, turn, picked
    ("nobody there", (), [0, 0, 0], 5, None),
    ("the only one, however busy", (1,), [0, 9, 0], 3, 1),
    ("idle nodes take turns: first", (1, 2), [0, 0, 0], 0, 1),
    ("idle nodes take turns: second", (1, 2), [0, 0, 0], 1, 2),
    ("the less loaded neighbour", (1, 2), [0, 3, 1], 0, 2),
    ("equally loaded: whose turn it is", (1, 2), [0, 2, 2], 0, 1),
    ("twice the weight may carry twice the load", (1, 1, 2), [0, 2, 1], 0, 1),
    ("but no more than that", (1, 1, 2), [0, 3, 1], 0, 2),
    ("no other node in the ring", (1, 1), [0, 3, 0], 1, 1),
]


@pytest.mark.parametrize(
    ("what", "read_ring", "loads", "turn", "picked"),
    PICKS,
    ids=[row[0] for row in PICKS],
)
def test_pick(what, read_ring, loads, turn, picked):
    assert pick(read_ring, loads, turn) == picked


def test_a_slow_replica_gets_fewer_reads() -> None:
    """Ten readers; a read takes one tick on node 0 and five on node 1."""
    loads = [0, 0]
    done: Counter[int] = Counter()
    running: list[tuple[int, int]] = []
    rng = random.Random(1)
    for tick in range(2000):
        for node, end in running:
            loads[node] -= end <= tick
        running = [(node, end) for node, end in running if end > tick]
        while len(running) < 10:
            chosen = pick((0, 1), loads, rng.randrange(1000))
            assert chosen is not None
            loads[chosen] += 1
            done[chosen] += 1
            running.append((chosen, tick + (1, 5)[chosen]))
    assert 3 < done[0] / done[1] < 7


def test_load_counts_for_more_where_an_answer_takes_longer():
    """Six readers; a replica that takes four times as long has a quarter of the places.

    In the ring it gets one read of five; busy, it is compared by its load times its
    latency, and gets fewer.
    """
    read_ring = build_ring([(0, 1.0), (1, 0.25)])
    loads = [0, 0]
    done: Counter[int] = Counter()
    running: list[int] = []
    rng = random.Random(3)
    for _ in range(4000):
        while len(running) < 6:
            chosen = pick(read_ring, loads, rng.randrange(1000))
            assert chosen is not None
            loads[chosen] += 1
            done[chosen] += 1
            running.append(chosen)
        # The fast one ends four times as often.
        ended = running.pop(rng.choices(range(6), [(4, 1)[n] for n in running])[0])
        loads[ended] -= 1
    assert 4 < done[0] / done[1] < 16


def group(writer=None):
    up, down = NodeState.UP, NodeState.DOWN
    replica, unknown = Role.REPLICA, Role.UNKNOWN
    return GroupView(
        id=0,
        nodes=(
            NodeView(0, state=up, role=unknown),
            NodeView(1, state=up, role=replica),
            NodeView(2, state=up, role=replica),
            NodeView(3, state=down, role=unknown, retry_at=10.0),
            NodeView(4, state=NodeState.LAGGING, role=replica),
            NodeView(5, state=NodeState.DRAINING, role=replica),
            NodeView(6, state=NodeState.UNKNOWN, role=unknown),
            NodeView(7, state=NodeState.SUSPECT, role=Role.WRITER),
            NodeView(8, state=down, role=unknown),
        ),
        writer=writer,
        read_ring=(2, 1, 2),
        fenced=(7,),
        foreign_nodes=(8,),
    )


CANDIDATES = [
    ("replicas in ring order", 0, (), 99.0, (2, 1)),
    ("not those tried before", 0, (2,), 99.0, (1,)),
    ("without a writer, those never asked", None, (), 9.0, (2, 1, 6)),
    ("and a dead node when its time has come", None, (1,), 10.0, (2, 3, 6)),
]


@pytest.mark.parametrize(
    ("what", "writer", "avoid", "now", "order"),
    CANDIDATES,
    ids=[row[0] for row in CANDIDATES],
)
def test_candidates(what, writer, avoid, now, order):
    assert candidates(group(writer), avoid, now) == order


def test_the_only_node_is_tried_once_even_before_it_was_asked():
    only = NodeView(0, role=Role.REPLICA)
    assert candidates(GroupView(0, (only,), read_ring=(0,)), (), 0.0) == (0,)
