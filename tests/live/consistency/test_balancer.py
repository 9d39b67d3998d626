"""One configured node, several servers behind its address, one of which lags."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

import routedb
from tests.support.later import later
from tests.support.proxy import Balancer
from tests.support.replay import go_on, stop
from tests.support.server_rig import insert, link_to, name_of, read
from tests.support.servers import wait_until

pytestmark = pytest.mark.engine_in_turn

# No `with connection` here: with psycopg2 that is a transaction, which the writer has.
ROUNDS = 30
# What stands behind the balancer, in the order of its connections: the monitor's is the
# first of all. The replica that lags is replica2.
BEHIND = [
    ("replica1", "replica2"),
    ("replica2", "replica1"),
    ("replica1", "replica2", "replica2"),
    ("replica2", "replica2", "replica1"),
]


@pytest.fixture
def lagging(rig):
    """Have one replica replay nothing."""
    stop(rig, "replica2")
    yield rig
    go_on(rig, "replica2")


def balanced(rig, behind, direct=("writer",), node=None, **options):
    """Make a cluster of the servers in `direct` and a balancer before those `behind`;
    `node` are further keys of the balancer's node."""
    servers = [rig.servers[name] for name in behind]
    balancer = rig._stack.enter_context(Balancer([(s.host, s.port) for s in servers]))
    nodes = [{"dsn": rig._dsns[name], "name": name} for name in direct]
    dsn = balancer.through(rig._dsns[behind[0]])
    nodes.append({"dsn": dsn, "name": "balancer", **(node or {})})
    main = {"nodes": nodes, "max_lag": "off", **options}
    source = {"default": "main", "databases": {"main": main}}
    return rig._stack.enter_context(routedb.Cluster(source))


def node_status(cluster):
    return next(n for n in cluster.status() if n.name == "balancer")


def is_there(cursor, key):
    cursor.execute("SELECT count(*) FROM t WHERE id = %s", (key,))
    return cursor.fetchone() == (1,)


@pytest.mark.parametrize(
    ("behind", "pool"),
    [*((behind, "off") for behind in BEHIND), (BEHIND[0], "on"), (BEHIND[1], "on")],
)
def test_what_was_written_is_read_whichever_replica_a_link_leads_to(
    lagging, behind, pool
):
    cluster = balanced(lagging, behind, pool=pool)
    stale = 0
    for key in range(100, 100 + ROUNDS):
        with closing(cluster.connect(autocommit=True)) as connection:
            cursor = connection.cursor()
            read(connection)
            insert(connection, key)
            time.sleep(0.03)  # a sample may come, and say that a replica has it
            stale += not is_there(cursor, key)
    assert stale == 0


@pytest.mark.parametrize("behind", BEHIND[:2], ids=" ".join)
def test_a_token_of_another_connection_is_kept(lagging, behind):
    cluster = balanced(lagging, behind)
    writing = cluster.connect(autocommit=True)
    for key in range(100, 100 + ROUNDS // 3):
        insert(writing, key)
        time.sleep(0.03)
        with closing(
            cluster.connect(autocommit=True, after=writing.token())
        ) as reading:
            assert is_there(reading.cursor(), key)


@pytest.mark.parametrize("meant", later([True, False]))
def test_what_was_written_is_read_over_shards_behind_balancers(rig, meant):
    """Of each shard one node is a balancer, before a replica that lags and another."""
    with rig.database.cluster.database() as more:
        more.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
        rig.database.execute("DELETE FROM t")
        more.wait_replayed()
        shards = [_shard(rig, each, meant) for each in (rig.database, more)]
        rule = {"database": "shop", "shard_key": "id", "function": "modulo"}
        source = {
            "default": "shop",
            "databases": {"shop": {"shards": shards, "max_lag": "off"}},
            "tables": {"t": rule},
        }
        stop(rig, "replica2")
        try:
            with routedb.Cluster(source) as cluster:
                seen = [_counted(cluster, key) for key in range(ROUNDS // 3)]
        finally:
            go_on(rig, "replica2")
    assert seen == [2 * key + 2 for key in range(ROUNDS // 3)]


def _shard(rig, database, meant):
    behind = [rig.servers[name] for name in BEHIND[0]]
    balancer = rig._stack.enter_context(Balancer([(s.host, s.port) for s in behind]))
    through = balancer.through(database.dsns[1])
    return [database.writer_dsn, {"dsn": through, "balanced": meant}]


def _counted(cluster, key):
    """Write a row to each shard; return how many are read over both."""
    with closing(cluster.connect(autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM t")
        cursor.fetchall()
        for number in (2 * key, 2 * key + 1):
            cursor.execute("INSERT INTO t (id, v) VALUES (%s, 0)", (number,))
        time.sleep(0.03)  # a sample may come, and say that a replica has it
        cursor.execute("SELECT count(*) FROM t")
        [(count,)] = cursor.fetchall()
    return count


def test_a_writer_is_not_a_replica_that_its_address_leads_to(lagging):
    behind = ("writer", "replica2", "replica2")
    cluster = balanced(lagging, behind, ("replica1",), failover_timeout="1s")
    answers = []
    for key in range(100, 100 + ROUNDS // 5):
        try:
            connection = cluster.connect(autocommit=True)
            insert(connection, key)
            answers.append(is_there(connection.cursor(), key))
            connection.close()
        except routedb.NoNodeError:  # the monitor has been led to the replica
            answers.append(None)
    assert True in answers
    assert False not in answers


def test_it_is_said_and_what_is_meant_is_not(rig, caplog):
    cluster = balanced(rig, ("replica1", "replica2"))
    for _ in range(5):
        connection = cluster.connect(autocommit=True)
        read(connection)
        link_to(connection, "balancer")
        connection.close()
    wait_until(lambda: "several servers" in node_status(cluster).failure, "it is said")
    said = [r.getMessage() for r in caplog.records if "several" in r.getMessage()]
    assert len(said) == 1
    assert "node balancer of main" in said[0]
    caplog.clear()
    meant = balanced(rig, ("replica1", "replica2"), node={"balanced": True})
    for _ in range(5):
        connection = meant.connect(autocommit=True)
        assert read(connection) == "balancer"
        connection.close()
    assert node_status(meant).failure == ""
    assert not [r for r in caplog.records if "several" in r.getMessage()]


def test_reads_that_mind_nothing_are_spread_over_what_is_there(rig):
    cluster = balanced(
        rig, ("replica1", "replica2"), node={"balanced": True}, consistency="eventual"
    )
    connection = cluster.connect(autocommit=True)
    insert(connection, 100)
    cursor = connection.cursor()
    cursor.execute("SELECT 1 FROM t")
    assert name_of(cursor) == "balancer"


def test_one_server_under_two_names_is_one(rig, caplog):
    cluster = balanced(rig, ("writer",), ("replica1", "writer"), failover_timeout="5s")
    connection = cluster.connect(autocommit=True)
    for key in range(100, 110):
        insert(connection, key)
    wait_until(lambda: "is the same server" in node_status(cluster).failure, "said")
    assert "is the same server as writer" in node_status(cluster).failure
    assert [n.name for n in cluster.status() if n.is_writer] == ["writer"]
    said = [r.getMessage() for r in caplog.records]
    assert sum("is the same server" in each for each in said) == 1
    assert not [each for each in said if "split brain" in each]


def test_one_server_that_is_started_anew_is_not_several(rig):
    cluster = balanced(rig, ("replica1",), ("writer", "replica2"))
    connection = cluster.connect(autocommit=True)
    wait_until(lambda: node_status(cluster).share > 0, "it is read from")
    for _ in range(2):
        rig.kill("replica1")
        rig.servers["replica1"].start()
        wait_until(lambda: node_status(cluster).share > 0, "it is read from again", 30)
        for _ in range(20):
            read(connection)
            cluster.connect().close()
    assert "several" not in node_status(cluster).failure
