"""Replicas that die, lag behind and come back."""

from __future__ import annotations

import pytest

from tests.support.replay import go_on, stop
from tests.support.server_rig import insert, name_of, read
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]


def test_a_dead_replica_is_skipped_at_once_and_used_again_after_its_return(pg_rig):
    cluster = pg_rig.cluster(consistency="eventual")
    connection = cluster.connect(autocommit=True)
    assert {read(connection) for _ in range(4)} == {"replica1", "replica2"}
    pg_rig.kill("replica1")
    cursor = connection.cursor()
    for _ in range(20):  # the first of them meets the dead link, and nobody sees it
        cursor.execute("SELECT count(*) FROM t")
        assert (cursor.fetchone(), name_of(cursor)) == ((5,), "replica2")
    pg_rig.servers["replica1"].start()
    pg_rig.settle(cluster)
    assert {read(connection) for _ in range(40)} == {"replica1", "replica2"}


def test_a_reader_whose_replica_dies_reads_on_and_comes_back_to_a_replica(rig):
    cluster = rig.cluster()
    connection = cluster.connect(autocommit=True)
    first = read(connection)
    rig.kill(first)
    cursor = connection.cursor()
    for _ in range(20):
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == (5,)
        assert name_of(cursor) != first
    rig.servers[first].start()
    rig.settle(cluster)
    wait_until(lambda: read(connection) in rig.replicas, "a replica answers")


def test_a_new_connection_does_not_wait_for_a_dead_replica(pg_rig):
    cluster = pg_rig.cluster()
    pg_rig.kill("replica1")
    for _ in range(4):
        assert read(cluster.connect(autocommit=True)) == "replica2"


def test_the_writer_answers_when_all_replicas_are_dead(rig):
    cluster = rig.cluster()
    connection = cluster.connect(autocommit=True)
    read(connection)
    for name in rig.replicas:
        rig.kill(name)
    assert {read(connection) for _ in range(10)} == {"writer"}
    assert insert(connection, 10) == "writer"
    other = cluster.connect(autocommit=True)
    assert read(other) == "writer"
    for name in rig.replicas:
        rig.servers[name].start()
    rig.settle(cluster)
    wait_until(lambda: read(other) in rig.replicas, "a replica answers")


def test_a_replica_that_refuses_new_links_loses_only_itself(pg_rig):
    proxy = pg_rig.proxy("replica1")
    connection = pg_rig.connect(consistency="eventual")
    proxy.refuse()
    proxy.cut()
    assert {read(connection) for _ in range(10)} == {"replica2"}


def test_a_frozen_replica_is_left_within_the_time_to_connect(pg_rig):
    cluster = pg_rig.cluster(connect_timeout=1, consistency="eventual")
    pg_rig.servers["replica1"].pause()
    pg_rig.settle(cluster, without="replica1")
    connection = cluster.connect(autocommit=True)
    assert {read(connection) for _ in range(4)} == {"replica2"}
    pg_rig.servers["replica1"].resume()
    pg_rig.settle(cluster)
    assert {read(connection) for _ in range(40)} == {"replica1", "replica2"}


def test_a_replica_beyond_max_lag_is_not_read_from_until_it_caught_up(rig):
    cluster = rig.cluster(max_lag="500ms", consistency="eventual")
    connection = cluster.connect(autocommit=True)
    assert {read(connection) for _ in range(4)} == set(rig.replicas)
    rig.servers["replica1"].is_disturbed = True
    stop(rig, "replica1")
    rig.database.execute("INSERT INTO t VALUES (10, 0)")
    rig.settle(cluster, without="replica1")
    fresh = {name for name in rig.replicas if name != "replica1"} or {"writer"}
    assert {read(connection) for _ in range(4)} == fresh
    go_on(rig, "replica1")
    rig.settle(cluster)
    assert {read(connection) for _ in range(40)} == set(rig.replicas)
