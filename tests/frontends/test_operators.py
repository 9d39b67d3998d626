"""What an operator sees of the nodes, and may tell a cluster of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import FrozenInstanceError

import pytest

import routedb
from routedb.adapters import fake
from tests.support.servers import wait_until

NODES = {"w": "writer", "r1": "replica", "r2": "replica"}


@pytest.fixture
def servers() -> Iterator[dict[str, fake.Server]]:
    with ExitStack() as stack:
        made = {
            name: stack.enter_context(fake.Server(name, role=role))
            for name, role in NODES.items()
        }
        for server in made.values():
            server.answer("SELECT", rows=[(1,)], columns=["a"])
            server.answer("INSERT", rowcount=1)
        yield made


@pytest.fixture
def cluster(servers: dict[str, fake.Server]) -> Iterator[routedb.Cluster]:
    nodes = [{"dsn": f"fake://{name}", "name": name} for name in servers]
    main = {"nodes": nodes, "failover_timeout": "30s", "consistency": "eventual"}
    with routedb.Cluster({"databases": {"main": main}}) as cluster:
        cluster.connect().close()
        wait_until(lambda: shares(cluster) == {"w": 0.0, "r1": 0.5, "r2": 0.5}, "known")
        yield cluster


def shares(cluster: routedb.Cluster) -> dict[str, float]:
    return {node.name: node.share for node in cluster.status()}


def run(connection: routedb.Connection, sql: str) -> str:
    cursor = connection.cursor()
    cursor.execute(sql)
    assert cursor.node is not None
    return cursor.node.name


def test_the_status_tells_how_well_texts_are_known(cluster):
    assert cluster.status().shape_hit_rate is None
    cursor = cluster.connect(autocommit=True).cursor()
    for number in range(20):
        cursor.execute(f"SELECT a FROM t WHERE b = {number}")
        cursor.execute("SELECT a FROM t")  # known as it is, but for the first time
    status = cluster.status()
    assert (status.shapes, status.shapes_missed, status.shapes_found) == (2, 2, 19)
    assert status.shape_hit_rate == 19 / 21
    assert status == (*status,)
    assert routedb.status().shapes >= status.shapes  # others may be alive


def test_the_status_shows_every_node_and_cannot_be_changed(cluster):
    writer, replica, _ = cluster.status()
    assert (writer.name, writer.role, writer.state) == ("w", "writer", "up")
    assert (writer.database, writer.shard, writer.is_writer) == ("main", None, True)
    assert (replica.role, replica.is_writer, replica.lag_s) == ("replica", False, 0.0)
    assert writer.lag_s is None
    assert replica.latency_s is not None
    assert replica.failure == ""
    with pytest.raises(FrozenInstanceError):
        writer.role = "replica"


def test_a_drained_replica_gets_no_reads_until_it_is_resumed(cluster):
    connection = cluster.connect(autocommit=True)
    assert {run(connection, "SELECT a FROM t") for _ in range(8)} == {"r1", "r2"}
    cluster.drain("r1")
    assert {run(connection, "SELECT a FROM t") for _ in range(8)} == {"r2"}
    assert {node.name: node.state for node in cluster.status()}["r1"] == "draining"
    cluster.resume("r1")
    wait_until(lambda: shares(cluster)["r1"] == 0.5, "r1 is read from again")
    assert {run(connection, "SELECT a FROM t") for _ in range(8)} == {"r1", "r2"}


def test_a_transaction_ends_on_the_node_that_drains(cluster, servers):
    connection = cluster.connect(autocommit=False)
    run(connection, "INSERT INTO t VALUES (1)")
    cluster.drain("w")
    assert run(connection, "INSERT INTO t VALUES (2)") == "w"
    connection.commit()
    assert servers["w"].texts[-1] == "COMMIT"


def test_new_writes_wait_for_another_writer_when_theirs_drains(cluster, servers):
    connection = cluster.connect(autocommit=True)
    cluster.drain("w")
    servers["w"].role = servers["r1"].role  # as a switch-over leaves it
    servers["r1"].role = type(servers["r1"].role)("writer")
    assert run(connection, "INSERT INTO t VALUES (1)") == "r1"
    assert [node.is_writer for node in cluster.status()] == [False, True, False]


def test_a_name_that_no_node_has_is_refused_with_those_there_are(cluster):
    with pytest.raises(routedb.ConfigError, match="'r9'; there are w, r1, r2"):
        cluster.drain("r9")


def test_a_dead_node_is_shown_with_what_its_failure_said(cluster, servers):
    servers["r1"].stop()
    run(cluster.connect(autocommit=True), "SELECT a FROM t")
    wait_until(lambda: cluster.status()[1].state == "down", "it is seen")
    assert cluster.status()[1].failure != ""
    assert cluster.status()[1].role == "unknown"
