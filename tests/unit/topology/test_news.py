"""What observers are told of the difference between two snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from routedb.config import load
from routedb.errors import Fault
from routedb.events import (
    NodeAnswered,
    NodeDrained,
    NodeFailed,
    NodeFenced,
    NodeLeft,
    NodeRefusedWrite,
    NodeStateChanged,
    SameServerSeen,
    ServerSeen,
    SeveralServersSeen,
    SplitBrainBegan,
    SplitBrainEnded,
    WriterChanged,
)
from routedb.topology import Answer, Limits, Role, initial, update
from routedb.topology.news import TopologyNews

NODES = [{"dsn": f"fake://{name}", "name": name} for name in ("w", "r", "s")]
CONFIG = load(NODES, {}, environ={}, read_file=str)


def says(node, role, history="1", lag_s=None, server=None):
    answer = Answer(role, history=history, lag_s=lag_s, server=server)
    return NodeAnswered(node, 0, answer)


def again(event, generation):
    return event._replace(generation=generation)


W, R, S = range(3)
START = [says(W, Role.WRITER), says(R, Role.REPLICA), says(S, Role.REPLICA)]
LOST = NodeFailed(W, 0, "link closed", Fault.LINK_LOST)
REFUSED = NodeFailed(W, 0, "no route", Fault.REFUSED)
PROMOTED = says(R, Role.WRITER, "2")

CASES = [
    ("the same as before", [says(R, Role.REPLICA)], []),
    ("a link is lost", [LOST], ["w up suspect link closed"]),
    (
        "the writer is gone",
        [REFUSED],
        ["w up down no route", "writer w -> None"],
    ),
    (
        "another is promoted",
        [REFUSED, PROMOTED],
        [
            "w up down no route",
            "writer w -> None",
            "writer w -> r failover",
            "fenced w an old writer",
        ],
    ),
    (
        "it comes back itself",
        [REFUSED, again(says(W, Role.WRITER), 1), again(says(W, Role.WRITER), 1)],
        [
            "w up down no route",
            "writer w -> None",
            "w down suspect answered once after a failure",
            "w suspect up answered",
            "writer w -> w",
        ],
    ),
    (
        "an old writer goes on",
        [PROMOTED],
        ["writer w -> r failover", "fenced w an old writer"],
    ),
    (
        "it demotes itself",
        [NodeRefusedWrite(W, 0)],
        ["writer w -> None"],
    ),
    ("a replica lags", [says(R, Role.REPLICA, lag_s=60)], ["r up lagging it is 60.0"]),
    ("drained", [NodeDrained(R, True)], ["r up draining an operator has drained it"]),
    (
        "and not any more",
        [NodeDrained(R, True), NodeDrained(R, False), says(R, Role.REPLICA)],
        [
            "r up draining an operator has drained it",
            "r draining unknown it has not been asked yet",
            "r unknown up answered",
        ],
    ),
    (
        "it has two names",
        [
            says(W, Role.WRITER, server="1"),
            says(R, Role.WRITER, server="1"),
            says(R, Role.WRITER, server="1"),
        ],
        ["same r is the same server as w, listed under another name"],
    ),
    (
        "its address leads to two",
        [
            says(S, Role.REPLICA, server="1"),
            ServerSeen(S, 0, "2", 1.0),
            ServerSeen(S, 0, "1", 2.0),
            ServerSeen(S, 0, "2", 3.0),
        ],
        ["several s connections to it lead to several servers"],
    ),
    ("it leaves", [NodeLeft(S)], ["s up gone it has left its group"]),
]


def told(events, news=None):
    """Apply events; return what is new, in words."""
    limits, now = Limits.of(CONFIG), 0.0
    snapshot = initial(CONFIG)
    news = TopologyNews(CONFIG.groups, CONFIG.nodes)
    said = []
    for event in events:
        now += 1.0
        after = update(snapshot, event, now, limits)
        said.append([spelt(each) for each in news.changes(snapshot, after)])
        snapshot = after
    return said


def spelt(event):
    match event:
        case NodeStateChanged(node, before, after, why):
            return f"{node} {before} {after} {why}"
        case WriterChanged(_, _, before, after):
            failover = " failover" if event.is_failover else ""
            return f"writer {before} -> {after}{failover}"
        case NodeFenced(node, why):
            return f"fenced {node} {why}"
        case SeveralServersSeen(node, why):
            return f"several {node} {why}"
        case SameServerSeen(node, why):
            return f"same {node} {why}"
        case SplitBrainBegan(_, _, nodes):
            return f"split {' '.join(map(str, nodes))}"
        case SplitBrainEnded():
            return "split over"
    raise AssertionError(event)


def test_what_a_program_that_starts_is_told():
    assert told(START) == [
        ["w unknown up answered", "writer None -> w"],
        ["r unknown up answered"],
        ["s unknown up answered"],
    ]


@pytest.mark.parametrize(("what", "events", "expected"), CASES)
def test_news(what, events, expected):
    said = [each for some in told([*START, *events])[len(START) :] for each in some]
    assert [each[: len(want)] for each, want in zip(said, expected, strict=True)] == (
        expected
    )


def test_two_writers_of_which_neither_is_newer_and_the_end_of_it():
    start = [says(W, Role.WRITER, None), says(R, Role.WRITER, None)]
    assert told([*start, says(R, Role.REPLICA, None)]) == [
        ["w unknown up answered", "writer None -> w"],
        ["r unknown up answered", "split w r", "writer w -> None"],
        ["split over", "writer w -> w"],
    ]


def test_a_label_has_an_address_and_no_password():
    dsns = ["postgresql://app:s3cret@db1:5433/shop", "host=db2 password=s3cret"]
    config = load(dsns, {}, environ={}, read_file=str)
    news, limits = TopologyNews(config.groups, config.nodes), Limits.of(config)
    before = initial(config)
    events: list[Any] = []
    for node in (0, 1):
        after = update(before, says(node, Role.REPLICA), 0.0, limits)
        events += news.changes(before, after)
        before = after
    first, second = (event.node for event in events)
    assert (first.host, first.port, first.namespace) == ("db1", 5433, "shop")
    assert (second.host, second.port, second.system) == ("db2", None, "postgresql")
    assert "s3cret" not in repr(events)
