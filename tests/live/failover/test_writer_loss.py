"""Writers that die, return, or hand their work to another node."""

from __future__ import annotations

import threading
import time

import pytest

import routedb
from routedb.events import NodeAnswered, NodeFailed
from routedb.topology import Answer, Role
from tests.live.conftest import FIXTURES
from tests.support.later import in_turn, later
from tests.support.server_rig import insert, name_of, read
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

GENEROUS_S = 10.0  # over a bound that the configuration states


def test_reads_go_on_without_a_writer_and_writes_end_in_time(rig):
    connection = rig.connect(failover_timeout="1s", connect_timeout="2s")
    cursor = connection.cursor()
    rig.kill("writer")
    assert {read(connection) for _ in range(4)} <= set(rig.replicas)
    began = time.monotonic()
    with pytest.raises(routedb.NoNodeError, match="writer"):
        cursor.execute("INSERT INTO t VALUES (10, 0)")
    assert time.monotonic() - began < 1 + GENEROUS_S
    cursor.execute("SELECT count(*) FROM t")
    assert (cursor.fetchone()[0], name_of(cursor) in rig.replicas) == (5, True)
    rig.servers["writer"].start()
    wait_until(lambda: insert(connection, 11), "the writer takes writes again")
    assert (rig.rows("id = 10"), rig.rows("id = 11")) == (0, 1)


def test_a_write_waits_for_a_writer_that_returns(rig):
    connection = rig.connect(failover_timeout="60s")
    insert(connection, 10)
    rig.kill("writer")
    start = threading.Thread(target=rig.servers["writer"].start)
    start.start()
    assert insert(connection, 11) == "writer"
    start.join()
    assert rig.rows() == 7


def test_a_transaction_begins_when_the_writer_has_returned(rig):
    connection = rig.connect(autocommit=False, failover_timeout="60s")
    insert(connection, 10)
    connection.commit()
    rig.servers["writer"].restart()
    insert(connection, 11)
    insert(connection, 12)
    connection.commit()
    assert rig.rows() == 8


@pytest.mark.parametrize(
    ("rig", "autocommit"), in_turn(sorted(FIXTURES), [True, False]), indirect=["rig"]
)
def test_the_same_connection_writes_to_a_promoted_replica(rig, autocommit):
    connection = rig.connect(autocommit=autocommit, failover_timeout="60s")
    insert(connection, 10)
    connection.rollback()
    rig.database.wait_replayed()
    rig.kill("writer")
    rig.servers["replica1"].promote()
    assert insert(connection, 11) == "replica1"
    if not autocommit:
        connection.commit()
    found = rig.servers["replica1"].execute(
        "SELECT count(*) FROM t WHERE id >= 10", dbname=rig.database.name
    )
    assert found == [(2 if autocommit else 1,)]
    with connection.using(role="writer"):
        assert read(connection) == "replica1"
    connection.rollback()


def test_an_open_transaction_does_not_move_to_the_new_writer(rig):
    connection = rig.connect(autocommit=False, failover_timeout="60s")
    insert(connection, 10)
    rig.kill("writer")
    rig.servers["replica1"].promote()
    with pytest.raises(routedb.TransactionLost):
        insert(connection, 11)
    connection.rollback()
    insert(connection, 12)
    connection.commit()
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM t WHERE id >= 10")
    assert [row[0] for row in cursor.fetchall()] == [12]


def switch_over(rig):
    """Have the two change places; MariaDB keeps all links, and only 1290 tells."""
    old, new = rig.servers["writer"], rig.servers["replica1"]
    old.is_disturbed = True
    old.execute("SET GLOBAL read_only = ON")
    new.promote()
    old.follow(new)
    return new


def test_a_write_that_the_old_writer_refuses_runs_once_on_the_new_one(my_rig):
    connection = my_rig.connect(failover_timeout="60s")
    cursor = connection.cursor()
    insert(connection, 10)
    my_rig.database.wait_replayed()
    new = switch_over(my_rig)
    cursor.execute("INSERT INTO t VALUES (11, 0)")
    assert (cursor.rowcount, name_of(cursor)) == (1, "replica1")
    count = "SELECT count(*) FROM t WHERE id >= 10"
    assert new.execute(count, dbname=my_rig.database.name) == [(2,)]
    for _ in range(3):  # the old writer may answer as soon as it is known to hold it
        cursor.execute(count)
        assert cursor.fetchone() == (2,)


def test_a_transaction_that_the_old_writer_refuses_is_lost(my_rig):
    connection = my_rig.connect(autocommit=False, failover_timeout="60s")
    insert(connection, 10)
    connection.commit()
    my_rig.database.wait_replayed()
    assert read(connection) == "writer"  # the transaction is bound to it
    new = switch_over(my_rig)
    with pytest.raises(routedb.TransactionLost):
        insert(connection, 11)
    connection.rollback()
    assert insert(connection, 12) == "replica1"
    connection.commit()
    found = new.execute("SELECT id FROM t WHERE id > 10", dbname=my_rig.database.name)
    assert found == [(12,)]


FIRST = {
    "implicit": insert,
    "BEGIN": lambda c, key: (c.cursor().execute("BEGIN"), insert(c, key)),
    "READ WRITE": lambda c, key: (
        c.cursor().execute("START TRANSACTION READ WRITE"),
        insert(c, key),
    ),
    "run()": lambda c, key: routedb.run(c, lambda inner: insert(inner, key)),
}


@pytest.mark.parametrize("how", ["implicit", *later(["run()", "BEGIN", "READ WRITE"])])
def test_a_transaction_that_has_not_begun_begins_on_the_new_writer(my_rig, how):
    """The old one refuses its first statement, or its begin: nothing was done."""
    connection = my_rig.connect(autocommit=how != "implicit", failover_timeout="60s")
    insert(connection, 10)
    connection.commit()
    my_rig.database.wait_replayed()
    new = switch_over(my_rig)
    FIRST[how](connection, 11)
    connection.commit()
    found = new.execute("SELECT id FROM t WHERE id > 9", dbname=my_rig.database.name)
    assert found == [(10,), (11,)]


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_replica_that_was_taken_for_the_writer_writes_nothing(pg_rig, autocommit):
    """The picture is wrong and no link is lost: 25006 is all there is to go by."""
    cluster = pg_rig.cluster(failover_timeout="60s")
    connection = cluster.connect(autocommit=autocommit)
    cursor = connection.cursor()
    core = cluster.runtime.core
    [group] = core.topology.groups
    ids = {node.name: node.id for node in core.nodes}
    seen = {node.id: node for node in group.nodes}[ids["replica1"]]
    claim = Answer(Role.WRITER, history=group.history)
    core.publish(NodeFailed(ids["writer"], 1000, "the test says so"))
    core.publish(NodeFailed(ids["writer"], 1001, "the test says so"))
    core.publish(NodeAnswered(ids["replica1"], seen.generation, claim))
    insert_or_lose(connection, cursor)
    connection.commit()
    assert (pg_rig.rows("id = 10"), name_of(cursor)) == (1, "writer")
    assert cluster.runtime.core.loads == [0, 0, 0]


def insert_or_lose(connection, cursor):
    """Insert a row; where that costs the transaction, as an application repeats it."""
    try:
        cursor.execute("INSERT INTO t VALUES (10, 0)")
    except routedb.TransactionLost:
        connection.rollback()
        cursor.execute("INSERT INTO t VALUES (10, 0)")


def test_two_writers_take_no_writes_until_one_of_them_is_gone(my_rig):
    connection = my_rig.connect(failover_timeout="500ms")
    core = connection.session.core
    my_rig.servers["replica1"].promote()
    wait_until(lambda: core.topology.groups[0].is_split, "the split is seen")
    with pytest.raises(routedb.SplitBrain, match="two nodes"):
        insert(connection, 10)
    my_rig.kill("replica1")
    wait_until(lambda: core.topology.groups[0].writer is not None, "one is left")
    assert insert(connection, 11) == "writer"
    assert (my_rig.rows("id = 10"), my_rig.rows("id = 11")) == (0, 1)
