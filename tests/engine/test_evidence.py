"""What a failed statement tells of its node, before anybody has asked the node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import routedb
from routedb.errors import Fault
from routedb.topology import NodeState
from tests.support.fake_rig import Rig, farm, node_of

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Nobody asks the nodes: statements are all there is to go by."""
    with farm(consistency="eventual") as rig:
        rig.core.wake_monitor = lambda: None
        yield rig


def seen(rig: Rig) -> dict[str, NodeState]:
    [group] = rig.core.topology.groups
    return {rig.core.nodes[node.id].name: node.state for node in group.nodes}


def test_a_replica_that_lost_a_link_is_left_by_all_connections_until_it_answers(rig):
    cursor, other = rig.connect().cursor(), rig.connect().cursor()
    for each in (cursor, cursor, other, other):
        each.execute(READ)
    rig.r1.fail("execute", Fault.LINK_LOST)
    for _ in range(2):
        cursor.execute(READ)
    assert seen(rig)["r1"] is NodeState.SUSPECT
    rig.forget()
    for _ in range(6):
        other.execute(READ)
    assert rig.count(READ) == {"r2": 6}
    rig.look()
    assert seen(rig)["r1"] is NodeState.UP


def test_a_writer_that_lost_a_link_goes_on_being_the_writer(rig):
    cursor, other = rig.connect().cursor(), rig.connect().cursor()
    rig.w.fail("execute", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(WRITE)
    assert seen(rig)["w"] is NodeState.SUSPECT
    other.execute(WRITE)
    assert node_of(other) == "w"


def test_links_that_are_lost_together_are_one_failure(rig):
    cursors = [rig.connect().cursor() for _ in range(4)]
    for cursor in cursors:
        cursor.execute(WRITE)
    rig.w.fail("execute", Fault.LINK_LOST, times=4)
    for cursor in cursors:
        with pytest.raises(routedb.OutcomeUnknown):
            cursor.execute(WRITE)
    assert seen(rig)["w"] is NodeState.SUSPECT
    [group] = rig.core.topology.groups
    assert [node.failures for node in group.nodes] == [1, 0, 0]


def test_an_old_link_says_nothing_of_a_node_that_has_come_back(rig):
    cursor, old = rig.connect().cursor(), rig.connect().cursor()
    for each in (cursor, old):
        each.execute(WRITE)
    rig.w.fail("execute", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(WRITE)
    rig.look()
    assert seen(rig)["w"] is NodeState.UP
    rig.w.fail("execute", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        old.execute(WRITE)
    assert seen(rig)["w"] is NodeState.UP


def test_a_commit_whose_link_is_lost_is_evidence_too(rig):
    connection = rig.connect(autocommit=False)
    connection.cursor().execute(WRITE)
    rig.w.fail("commit", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        connection.commit()
    assert seen(rig)["w"] is NodeState.SUSPECT


@pytest.mark.parametrize("fault", [Fault.STATEMENT, Fault.TIMEOUT, Fault.CONFLICT])
def test_what_only_concerns_the_statement_tells_nothing_of_the_node(rig, fault):
    cursor = rig.connect().cursor()
    rig.w.fail("execute", fault)
    with pytest.raises(routedb.DatabaseError):
        cursor.execute(WRITE)
    assert set(seen(rig).values()) == {NodeState.UP}
