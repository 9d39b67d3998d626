"""Pools of several nodes: a read waits for none while another may answer."""

from __future__ import annotations

import pytest

import routedb
from tests.support.fake_rig import farm, node_of

READ = "SELECT a FROM t"


@pytest.fixture
def rig():
    with farm(consistency="session", pool={"max": 1, "wait_timeout": "20ms"}) as rig:
        yield rig


def reader(rig):
    """Read on a connection of its own; return that and the node."""
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(READ)
    return connection, node_of(cursor)


def test_a_read_goes_round_a_replica_whose_links_are_all_in_use(rig):
    readers = [reader(rig) for _ in range(3)]
    assert {node for _, node in readers} == {"w", "r1", "r2"}
    assert readers[-1][1] == "w"
    with pytest.raises(routedb.PoolTimeout, match="no link to r"):
        reader(rig)
    connection, node = readers[0]
    connection.close()
    assert reader(rig)[1] == node


def test_but_to_no_replica_that_lacks_what_the_session_has_seen(rig):
    rig.at(w=1, r1=1, r2=0)
    rig.look()
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (1)")
    rig.look()
    holder, node = reader(rig)
    while node != "r1":
        holder.close()
        holder, node = reader(rig)
    cursor.execute(READ)
    assert node_of(cursor) == "w"
