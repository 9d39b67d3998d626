"""Connecting, and failing to: in time, with the reason, and without blaming a node."""

from __future__ import annotations

import time

import pytest

import routedb
from routedb.topology import NodeState
from tests.support.server_rig import insert, link_to, name_of, read
from tests.support.servers import PASSWORD

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

GENEROUS_S = 10.0


def single(rig, **options):
    """A cluster of one node, the writer."""
    return rig.cluster(only=["writer"], **options)


def test_a_wrong_password_is_told_and_does_not_count_against_the_node(rig):
    cluster = rig.cluster()
    wrong = rig.database.dsns[0].replace(PASSWORD, "not-the-password")
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.connect(wrong)
    assert "not-the-password" not in str(caught.value)
    assert not isinstance(caught.value, routedb.NoNodeError)
    states = {node.state for node in cluster.runtime.core.topology.groups[0].nodes}
    assert states == {NodeState.UP}


def test_a_wrong_password_for_all_nodes_is_told(rig):
    wrong = [dsn.replace(PASSWORD, "not-the-password") for dsn in rig.database.dsns]
    began = time.monotonic()
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.connect(wrong, failover_timeout="1h")
    assert "not-the-password" not in str(caught.value)
    assert "lets this user in" in str(caught.value)
    assert time.monotonic() - began < GENEROUS_S


UNKNOWN_OPTION = {"postgresql": routedb.ProgrammingError, "mysql": TypeError}


def test_what_is_wrong_with_the_arguments_the_driver_says(rig):
    for dsns in (rig.database.dsns[0], rig.database.dsns):
        with pytest.raises(UNKNOWN_OPTION[rig.engine], match="no_such_option"):
            routedb.connect(dsns, no_such_option=1)


def test_a_frozen_server_is_given_up_within_connect_timeout(rig):
    rig.servers["writer"].pause()
    began = time.monotonic()
    with pytest.raises(routedb.OperationalError):
        single(rig, connect_timeout="2s").connect()
    assert time.monotonic() - began < 2 + GENEROUS_S


def test_a_dead_server_among_several_does_not_hinder(rig):
    rig.kill("replica1")
    connection = rig.connect(settled=False)
    assert insert(connection, 10) == "writer"


def test_a_dead_writer_leaves_a_connection_that_reads(rig):
    rig.kill("writer")
    connection = rig.connect(settled=False, connect_timeout="2s")
    assert read(connection) in rig.replicas


def test_no_server_at_all_ends_in_time(rig):
    for name in rig.servers:
        rig.kill(name)
    began = time.monotonic()
    with pytest.raises(routedb.OperationalError):
        rig.connect(settled=False, connect_timeout="1s", failover_timeout="1s")
    assert time.monotonic() - began < 2 + GENEROUS_S


def test_a_single_node_is_not_waited_for(rig):
    connection = single(rig, failover_timeout="1h").connect(autocommit=True)
    cursor = connection.cursor()
    insert(connection, 10)
    rig.kill("writer")
    for sql in ("INSERT INTO t VALUES (11, 0)", "SELECT count(*) FROM t"):
        with pytest.raises(routedb.OperationalError):
            cursor.execute(sql)
    with pytest.raises(routedb.OperationalError):
        single(rig, failover_timeout="1h").connect()
    rig.servers["writer"].start()
    cursor.execute("SELECT count(*) FROM t")
    assert (cursor.fetchone(), name_of(cursor)) == ((6,), "writer")


def test_a_single_node_replaces_its_dead_link(rig):
    connection = single(rig).connect(autocommit=True)
    insert(connection, 10)
    rig.end(link_to(connection, "writer"))
    insert(connection, 11)
    assert rig.rows() == 7


def test_a_single_replica_is_read_from_and_refuses_writes_itself(rig):
    connection = rig.cluster(only=["replica1"]).connect(autocommit=True)
    assert read(connection) == "replica1"
    with pytest.raises(connection.Error, match="read.only"):
        insert(connection, 10)
    assert read(connection) == "replica1"


def test_a_full_server_is_not_a_dead_one(pg_rig):
    cluster = pg_rig.cluster(only=["writer", "replica1"])
    connection = cluster.connect(autocommit=True)
    writer = pg_rig.servers["writer"]
    insert(connection, 10)
    role = f"{pg_rig.database.name}_few"
    writer.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
    try:
        full = pg_rig.database.dsns[0].replace(f"//{writer.user}:", f"//{role}:")
        with pytest.raises(routedb.OperationalError, match="too many connections"):
            routedb.connect(full)
    finally:
        writer.execute(f"DROP ROLE {role}")
    assert insert(connection, 11) == "writer"
