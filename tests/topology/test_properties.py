"""What no sequence of news may ever bring about."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeDrained, NodeFailed, NodeRefusedWrite
from routedb.topology import Answer, Limits, NodeState, Role, initial, update
from tests.topology.cluster import cluster

NODES = 3
node = st.integers(0, NODES - 1)
generation = st.integers(0, 6)
answer = st.builds(
    Answer,
    role=st.sampled_from(Role),
    history=st.sampled_from([None, "1", "2", "9", "10", "no number"]),
    lag_s=st.sampled_from([None, 0.0, 9.0, 11.0]),
)
event = st.one_of(
    st.builds(NodeAnswered, node, generation, answer),
    st.builds(NodeAnswered, node, st.just(99), answer),
    st.builds(NodeFailed, node, generation, st.just("no"), st.sampled_from(Fault)),
    st.builds(NodeFailed, node, st.just(99), st.just("no"), st.sampled_from(Fault)),
    st.builds(NodeRefusedWrite, node, generation),
    st.builds(NodeDrained, node, st.booleans()),
)
events = st.lists(event, max_size=40)
dialect = st.sampled_from(["postgresql", "mysql", "sqlite"])


def snapshots(dialect, events):
    """Yield the snapshot before and after each event."""
    config = cluster(["a", "b", "c"], dialect=dialect, read_only=("c",))
    limits = Limits.of(config)
    before = initial(config)
    for now, news in enumerate(events):
        after = update(before, news, float(now), limits)
        yield before, after
        before = after


def number(view):
    history = view.answer.history if view.answer else None
    return int(history) if history and history.isdecimal() else None


@given(dialect, events)
def test_the_writer_is_one_that_claims_it_and_may(dialect, events):
    for _, after in snapshots(dialect, events):
        (group,) = after.groups
        if group.writer is not None:
            view = group.nodes[group.writer]
            assert not view.is_read_only
            assert not group.is_split
            assert view.state in (NodeState.UP, NodeState.SUSPECT) or (
                view.state is NodeState.UNKNOWN
            )


@given(dialect, events)
def test_of_two_claimants_the_writer_is_the_provably_newer(dialect, events):
    for _, after in snapshots(dialect, events):
        (group,) = after.groups
        claims = [view for view in group.nodes if view.role is Role.WRITER]
        if group.writer is None or len(claims) < 2:
            continue
        assert dialect == "postgresql"
        newest = number(group.nodes[group.writer])
        others = [number(view) for view in claims if view.id != group.writer]
        assert newest is not None
        assert all(other is not None and other < newest for other in others)


@given(events)
def test_the_writer_is_never_older_than_one_before_it(events):
    newest = 0
    for _, after in snapshots("postgresql", events):
        (group,) = after.groups
        if group.writer is not None:
            history = number(group.nodes[group.writer])
            assert history is None or history >= newest
            newest = max(newest, history or 0)


@given(dialect, events)
def test_the_ring_holds_the_replicas_that_are_up_and_no_others(dialect, events):
    for _, after in snapshots(dialect, events):
        (group,) = after.groups
        readable = {
            view.id
            for view in group.nodes
            if view.role is Role.REPLICA and view.state is NodeState.UP
        }
        assert set(group.ring) == readable


@given(dialect, events)
def test_the_snapshot_is_the_same_object_exactly_when_nothing_changed(dialect, events):
    for before, after in snapshots(dialect, events):
        if after is before:
            continue
        assert after.version == before.version + 1
        assert after.groups != before.groups


@given(dialect, events)
def test_generations_only_grow(dialect, events):
    for before, after in snapshots(dialect, events):
        pairs = zip(before.groups[0].nodes, after.groups[0].nodes, strict=True)
        assert all(new.generation >= old.generation for old, new in pairs)
