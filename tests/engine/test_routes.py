"""Which node a statement reaches in each situation, and why."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import routedb
from routedb.routing import Reason
from routedb.topology.read_ring import WARM_UP_S
from tests.support.fake_rig import farm, node_of, reason_of

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"
LOCK = "SELECT a FROM t FOR UPDATE"
HINT_W = "SELECT a FROM t /* routedb: role=writer */"
W, R = {"w"}, {"r1", "r2"}

# Options, what was run before, the statement; then the nodes and the reason.
CASES: dict[str, tuple[dict[str, Any], list[str], str, set[str], Reason]] = {
    "a plain read": ({}, [], READ, R, Reason.PLAIN_READ),
    "a write": ({}, [], WRITE, W, Reason.NOT_A_READ),
    "a lock": ({}, [], LOCK, W, Reason.NOT_A_READ),
    "a read after a write": ({}, [WRITE], READ, W, Reason.OWN_WRITES),
    "a read after a lock": ({}, [LOCK], READ, W, Reason.OWN_WRITES),
    "a read after a SET": ({}, ["SET a = 1"], READ, R, Reason.PLAIN_READ),
    "a read after a committed write": (
        *({}, ["BEGIN", WRITE, "COMMIT"], READ, W, Reason.OWN_WRITES),
    ),
    "a read after a rolled back write": (
        *({}, ["BEGIN", WRITE, "ROLLBACK"], READ, W, Reason.OWN_WRITES),
    ),
    "a read after a transaction that read": (
        *({}, ["BEGIN", READ, "COMMIT"], READ, W, Reason.OWN_WRITES),
    ),
    "eventual, after a write": (
        *({"consistency": "eventual"}, [WRITE], READ, R, Reason.PLAIN_READ),
    ),
    "strong": ({"consistency": "strong"}, [], READ, W, Reason.STRONG),
    "reads = writer": ({"reads": "writer"}, [], READ, W, Reason.READS_WRITER),
    "a hint": ({}, [], HINT_W, W, Reason.HINT_ROLE),
    "in a transaction": ({}, ["BEGIN"], READ, W, Reason.WRITER_TRANSACTION),
    "later in a transaction": ({}, ["BEGIN", READ], READ, W, Reason.IN_TRANSACTION),
    "in a read-only transaction": (
        *({}, ["BEGIN READ ONLY"], READ, R, Reason.DECLARED_READ_ONLY),
    ),
    "later in it": (*({}, ["BEGIN READ ONLY", READ], READ, R, Reason.IN_TRANSACTION),),
    "read-only, after a write": (
        *({}, [WRITE, "BEGIN READ ONLY"], READ, W, Reason.OWN_WRITES),
    ),
    "a write in a read-only transaction": (
        *({}, ["BEGIN READ ONLY", READ], WRITE, R, Reason.IN_TRANSACTION),
    ),
    "no tables": ({}, [], "SELECT 1", R, Reason.PLAIN_READ),
    "early reads": (
        {"transaction_reads": "replica"},
        ["BEGIN"],
        READ,
        R,
        Reason.PLAIN_READ,
    ),
    "no early read after a write": (
        {"transaction_reads": "replica"},
        ["BEGIN", WRITE],
        READ,
        W,
        Reason.IN_TRANSACTION,
    ),
    "no early read above read committed": (
        {"transaction_reads": "replica"},
        ["SET default_transaction_isolation = 'serializable'", "BEGIN"],
        READ,
        W,
        Reason.WRITER_TRANSACTION,
    ),
    "no early read above it in other words": (
        {"transaction_reads": "replica"},
        [
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "BEGIN",
        ],
        READ,
        W,
        Reason.WRITER_TRANSACTION,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_where_a_statement_runs(case):
    options, before, sql, nodes, reason = CASES[case]
    with farm(**options) as rig:
        connection = rig.connect()
        cursor = connection.cursor()
        for text in before:
            cursor.execute(text)
        explained = connection.explain(sql).route
        rig.forget()
        cursor.execute(sql)
        [(node, texts)] = rig.logs().items()
        assert node in nodes
        assert (texts[-1], texts.count(sql)) == (sql, 1)
        assert reason_of(cursor) is reason
        assert cursor.route == explained
        assert node_of(cursor) == node


def test_the_reads_of_a_read_only_transaction_stay_together(eventual):
    connection = eventual.connect(autocommit=False)
    connection.readonly = True
    cursor = connection.cursor()
    seen = []
    for _ in range(6):
        names: Counter[str] = Counter()
        for _ in range(5):
            cursor.execute(READ)
            names[node_of(cursor)] += 1
        connection.commit()
        seen.append(dict(names))
    assert all(len(names) == 1 for names in seen)
    assert {next(iter(names)) for names in seen} == R


def test_eventual_reads_are_spread_by_weight(eventual):
    cursor = eventual.connect().cursor()
    for _ in range(100):
        cursor.execute(READ)
    assert eventual.count(READ) == {"r1": 50, "r2": 50}


def test_connections_are_spread_by_weight(rig):
    for _ in range(10):
        cursor = rig.connect().cursor()
        for _ in range(10):
            cursor.execute(READ)
    assert rig.count(READ) == {"r1": 50, "r2": 50}


def test_a_busy_replica_is_passed_over(eventual):
    cursor = eventual.connect().cursor()
    eventual.core.loads[1] = 5  # r1
    for _ in range(10):
        cursor.execute(READ)
    assert eventual.count(READ) == {"r2": 10}
    eventual.core.loads[2] = 9
    for _ in range(10):
        cursor.execute(READ)
    assert eventual.count(READ) == {"r1": 10, "r2": 10}


def test_a_new_connection_passes_over_a_busy_replica(rig):
    rig.core.loads[1] = 5  # r1
    for _ in range(4):
        rig.connect().cursor().execute(READ)
    assert rig.count(READ) == {"r2": 4}


def test_a_dead_replica_is_tried_once_and_passed_over_until_it_is_trusted(eventual):
    rig = eventual
    cursor = rig.connect().cursor()
    for _ in range(2):
        cursor.execute(READ)
    rig.forget()
    rig.r1.stop()
    for _ in range(10):
        cursor.execute(READ)
        assert cursor.fetchall() == [(1,)]
    assert rig.logs() == {"r2": [READ] * 10}
    rig.r1.start()
    rig.look()  # one answer does not make it trusted
    rig.forget()
    for _ in range(4):
        cursor.execute(READ)
    assert rig.count(READ) == {"r2": 4}
    rig.look()
    rig.forget()
    for _ in range(18):  # its caches are cold, so it takes few
        cursor.execute(READ)
    assert rig.count(READ) == {"r1": 2, "r2": 16}
    rig.now += WARM_UP_S
    rig.look()
    rig.forget()
    for _ in range(4):
        cursor.execute(READ)
    assert rig.count(READ) == {"r1": 2, "r2": 2}


def test_without_replicas_the_writer_reads(rig):
    cursor = rig.connect().cursor()
    rig.r1.stop()
    rig.r2.stop()
    for _ in range(3):
        cursor.execute(READ)
        assert node_of(cursor) == "w"
    assert cursor.route.reasons[-1][0] is Reason.NO_REPLICA


def test_without_a_writer_replicas_read_and_writes_end_in_time():
    with farm(failover_timeout="5s") as rig:
        cursor = rig.connect().cursor()
        rig.w.stop()
        rig.look()
        for _ in range(3):
            cursor.execute(READ)
            assert node_of(cursor) in R
        began = rig.now
        with pytest.raises(routedb.NoNodeError, match="w: down"):
            cursor.execute(WRITE)
        assert rig.now - began < 6
        assert rig.count(WRITE) == {}
        rig.w.start()
        cursor.execute(WRITE)
        assert rig.count(WRITE) == {"w": 1}


def test_a_lagging_replica_is_not_read_from():
    with farm(max_lag="10s", consistency="eventual") as rig:
        cursor = rig.connect().cursor()
        rig.r1.lag_s = 11.0
        rig.look()
        for _ in range(4):
            cursor.execute(READ)
        rig.r1.lag_s = 1.0
        rig.look()
        for _ in range(4):
            cursor.execute(READ)
        assert rig.count(READ) == {"r1": 2, "r2": 6}


def test_process_consistency_counts_the_writes_of_all_connections():
    with farm(consistency="process") as rig:
        writer, reader = rig.connect().cursor(), rig.connect().cursor()
        reader.execute(READ)
        assert node_of(reader) in R
        writer.execute(WRITE)
        reader.execute(READ)
        assert (node_of(reader), reason_of(reader)) == ("w", Reason.OWN_WRITES)


def test_a_replica_that_was_asked_for_by_name_does_not_write(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    with connection.using(role="replica"):
        cursor.execute(READ)
        assert node_of(cursor) in R
        rig.forget()
        with pytest.raises(routedb.HintError):
            cursor.execute(WRITE)
    assert rig.logs() == {}
    cursor.execute(WRITE)
    assert rig.logs() == {"w": [WRITE]}


@pytest.mark.parametrize("hint", ["shard=9", "key=1"])
def test_a_hint_for_a_shard_is_refused_where_there_are_none(rig, hint):
    cursor = rig.connect().cursor()
    with pytest.raises(routedb.HintError, match="main is not sharded"):
        cursor.execute(f"SELECT a FROM t /* routedb: {hint} */")
    cursor.execute(READ)
