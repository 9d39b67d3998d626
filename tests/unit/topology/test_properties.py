"""What no sequence of news may ever bring about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routedb.errors import Fault
from routedb.events import (
    NodeAnswered,
    NodeDrained,
    NodeFailed,
    NodeJoined,
    NodeLeft,
    NodeRefusedWrite,
    ServerSeen,
)
from routedb.topology import (
    Answer,
    Event,
    GroupView,
    Limits,
    NodeState,
    Role,
    candidates,
    initial,
    update,
)
from routedb.topology.gtid import read_extent
from tests.support.configs import cluster

NODES = 3
MAX_LAG_S = 10.0
node = st.integers(0, NODES - 1)
generation = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 99])
HISTORIES: dict[str, list[str | None]] = {
    "postgresql": [None, "1", "2", "9", "10", "no number"],
    "mysql": ["0"],
    "sqlite": [None],
}
EXTENTS: dict[str, list[str | None]] = {
    "postgresql": [None],
    "mysql": [
        *(None, "0-0-1", "0-0-2", "0-0-1,0-1-2", "0-0-1,0-1-2,0-2-3", "0-0-2,0-2-3"),
        *("0-1-3", "0-0-1,0-2-3,0-1-4", "7-0-1", "nonsense"),
    ],
    "sqlite": [None],
}
SYSTEMS: dict[str, list[str | None]] = {
    "postgresql": [None, "one", "one", "one", "other"],
    "mysql": [None],
    "sqlite": [None],
}
SERVERS = [None, "s1", "s2", "s3"]


def stories(dialect: str) -> st.SearchStrategy[list[Event]]:
    """News of the nodes, each any of all that can be said."""
    answer = st.builds(
        Answer,
        role=st.sampled_from(Role),
        version=st.just(""),
        position=st.sampled_from([None, "0/5", "0/9"]),
        history=st.sampled_from(HISTORIES[dialect]),
        lag_s=st.sampled_from([None, 0.0, 9.0, 11.0]),
        latency_s=st.sampled_from([None, 0.001, 0.01]),
        extent=st.sampled_from(EXTENTS[dialect]),
        origin=st.sampled_from(["0", "1", "2"]),
        system=st.sampled_from(SYSTEMS[dialect]),
        namespace=st.sampled_from([None, "shop", "shop", "shop", "old"]),
        server=st.sampled_from(SERVERS),
    )
    fault = st.sampled_from(Fault)
    news: st.SearchStrategy[Event] = st.one_of(
        st.builds(NodeAnswered, node, generation, answer),
        st.builds(NodeAnswered, node, st.just(99), answer),
        st.builds(NodeFailed, node, generation, st.just("no"), fault),
        st.builds(NodeRefusedWrite, node, generation),
        st.builds(
            ServerSeen, node, generation, st.sampled_from(SERVERS[1:]), st.just(0.0)
        ),
        st.builds(NodeDrained, node, st.booleans()),
        st.builds(NodeJoined, node, st.just(0), st.sampled_from([1.0, 2.0])),
        st.builds(NodeLeft, node),
    )
    return st.lists(news, min_size=1, max_size=40)


class Story(NamedTuple):
    """What is told of the nodes of one kind of server."""

    dialect: str
    events: list[Event]


story = st.one_of(
    *(st.builds(Story, st.just(dialect), stories(dialect)) for dialect in HISTORIES)
)


class Step(NamedTuple):
    """One event, and the only group before and after it."""

    dialect: str
    event: Event
    before: GroupView
    after: GroupView
    versions: tuple[int, int]
    claims: tuple[tuple[int, Answer], ...]  # all that were heard so far


def play(dialect: str, events: list[Event]) -> list[Step]:
    """Tell the news one by one. Node c is configured read-only."""
    config = cluster(
        ["a", "b", "c"],
        dialect=dialect,
        read_only=("c",),
        max_lag_s=MAX_LAG_S,
        must_know_lag=True,
    )
    limits = Limits.of(config)
    snapshot = initial(config)
    steps = []
    claims: tuple[tuple[int, Answer], ...] = ()
    for now, event in enumerate(events):
        after = update(snapshot, event, float(now), limits)
        [was], [is_now] = snapshot.groups, after.groups
        view = is_now.nodes[event.node]
        is_claim = view.role is Role.WRITER and view.id not in is_now.barred
        if after is not snapshot and isinstance(event, NodeAnswered) and is_claim:
            assert isinstance(event.answer, Answer)
            claims += ((view.id, event.answer),)
        versions = (snapshot.version, after.version)
        steps.append(Step(dialect, event, was, is_now, versions, claims))
        snapshot = after
    return steps


def the_writer_is_one_that_may_be(step):
    group = step.after
    if group.writer is None:
        return
    view = group.nodes[group.writer]
    assert not view.is_read_only
    assert not group.is_split
    assert view.state in (NodeState.UP, NodeState.SUSPECT, NodeState.UNKNOWN)
    assert view.role is Role.WRITER or view.state is NodeState.UNKNOWN
    assert view.id not in (*group.read_ring, *group.fenced, *group.barred)


def of_two_claimants_the_writer_is_the_provably_newer(step):
    group = step.after
    claims = [
        view
        for view in group.nodes
        if view.role is Role.WRITER and view.id not in group.barred
    ]
    if group.writer is None or len(claims) < 2:
        return
    writer = group.nodes[group.writer].answer
    for other in (view.answer for view in claims if view.id != group.writer):
        if step.dialect == "postgresql":
            assert int(writer.history) > int(other.history)
        else:
            assert step.dialect == "mysql"
            ours, theirs = read_extent(writer.extent), read_extent(other.extent)
            assert ours is not None
            assert theirs is not None
            assert ours.contains(theirs)
            assert not theirs.contains(ours)


def no_writer_has_an_older_history_than_one_that_was_seen(step):
    """A history is seen when any node of the cluster claims with it."""
    group = step.after
    if group.writer is None:
        return
    answer = group.nodes[group.writer].answer
    if step.dialect == "postgresql" and timeline(answer) is not None:
        of_it = [a for _, a in step.claims if None not in (a.system, answer.system)]
        same = [timeline(a) for a in of_it if a.system == answer.system]
        assert timeline(answer) >= max((t for t in same if t is not None), default=0)
    if step.dialect == "mysql" and step.before.history_node not in (None, group.writer):
        seen, extent = read_extent(step.before.history), read_extent(answer.extent)
        is_proven = extent is not None and extent.contains(seen)
        assert is_proven or group.nodes[group.writer].is_promoted


def timeline(answer):
    history = answer.history if answer else None
    return int(history) if history and history.isdecimal() else None


def the_ring_holds_the_replicas_that_may_be_read_from_and_no_others(step):
    group = step.after
    readable = {
        view.id
        for view in group.nodes
        if view.role is Role.REPLICA
        and view.state is NodeState.UP
        and view.id not in group.barred
    }
    assert set(group.read_ring) == readable
    for answer in (group.nodes[id].answer for id in group.read_ring):
        if answer.role is Role.REPLICA:  # else a file that is only opened read-only
            assert answer.lag_s is not None
            assert answer.lag_s <= MAX_LAG_S
    barred = {*group.fenced, *group.barred}
    assert not barred & set(candidates(group, (), 1e9))


def only_news_of_this_generation_counts(step):
    was = step.before.nodes[step.event.node]
    has_generation = not isinstance(step.event, NodeDrained | NodeJoined | NodeLeft)
    if has_generation and step.event.generation < was.generation:
        assert step.after is step.before
    pairs = zip(step.before.nodes, step.after.nodes, strict=True)
    assert all(new.generation >= old.generation for old, new in pairs)


def a_node_that_left_does_nothing(step):
    group = step.after
    gone = {view.id for view in group.nodes if view.state is NodeState.GONE}
    assert group.writer not in gone
    assert not gone & {*group.read_ring, *candidates(group, (), 1e9)}
    assert gone.isdisjoint(view.id for view in group.members)


def the_snapshot_is_a_new_one_exactly_when_something_changed(step):
    old, new = step.versions
    assert new == old + (step.after is not step.before)
    assert (step.after is step.before) == (step.after == step.before)


def strangers_have_other_data_than_the_writer(step):
    group, differ = step.after, 0
    answers = {node.id: node.answer for node in group.nodes if node.answer}
    for field in ("system", "namespace"):
        known = {id: getattr(answer, field) for id, answer in answers.items()}
        ours = {said for id, said in known.items() if id not in group.foreign_nodes}
        assert len(ours - {None}) <= 1
        differ += len({*known.values()} - {None}) > 1
    assert differ or not group.foreign_nodes


def a_server_is_used_by_one_of_its_names(step):
    group = step.after
    seconds = {double.node for double in group.doubles}
    assert all(first < second for second, first in group.doubles)
    used = {*group.read_ring, *([] if group.writer is None else [group.writer])}
    assert not used & seconds


def an_unsure_node_has_no_position(step):
    assert all(not n.is_unsure or n.position is None for n in step.after.nodes)


INVARIANTS: list[Callable[[Step], None]] = [
    the_writer_is_one_that_may_be,
    a_node_that_left_does_nothing,
    of_two_claimants_the_writer_is_the_provably_newer,
    no_writer_has_an_older_history_than_one_that_was_seen,
    the_ring_holds_the_replicas_that_may_be_read_from_and_no_others,
    only_news_of_this_generation_counts,
    the_snapshot_is_a_new_one_exactly_when_something_changed,
    strangers_have_other_data_than_the_writer,
    a_server_is_used_by_one_of_its_names,
    an_unsure_node_has_no_position,
]
thorough = partial(settings, suppress_health_check=[HealthCheck.too_slow])


def check(story):
    for step in play(*story):
        for holds in INVARIANTS:
            holds(step)


@thorough(max_examples=500)
@given(story)
def test_whatever_is_heard_of_the_nodes_the_picture_is_sound(story):
    check(story)


@pytest.mark.long
@thorough(max_examples=10_000)
@given(story)
def test_the_picture_is_sound_in_ten_thousand_stories(story):
    check(story)
