"""What of all this SQLite has: replicas that are read-only openings of one file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

import pytest

import routedb
from tests.support.server_rig import insert, name_of, read, settle


@pytest.fixture
def path(sqlite_dir):
    path = sqlite_dir / "shop.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
        raw.executemany("INSERT INTO t VALUES (?, 0)", [(n,) for n in range(1, 6)])
        raw.commit()
    return path


REPLICAS = {"replica1", "replica2"}


def cluster(path, **options):
    nodes = [
        {"dsn": f"sqlite:///{path}?mode=ro", "name": "replica1"},
        {"dsn": f"sqlite:///{path}?mode=ro", "name": "replica2", "weight": 2},
        {"dsn": f"sqlite:///{path}?mode=rw", "name": "writer"},
    ]
    main = {"nodes": nodes, **options}
    return routedb.Cluster({"default": "main", "databases": {"main": main}})


def test_writes_go_to_the_file_that_is_open_for_writing(path):
    with cluster(path) as made, closing(made.connect(autocommit=True)) as connection:
        assert insert(connection, 10) == "writer"
        assert read(connection) == "writer"


def test_reads_go_to_the_others_by_weight(path):
    with (
        cluster(path, consistency="eventual") as made,
        closing(made.connect(autocommit=True)) as connection,
    ):
        settle(made, REPLICAS)
        seen = Counter(read(connection) for _ in range(30))
    # How much each gets, unit/topology counts: here latencies have a say as well.
    assert set(seen) == REPLICAS


def test_a_file_that_is_taken_away_is_an_error_and_its_return_the_end_of_it(path):
    with cluster(path, failover_timeout="200ms") as made:
        away = path.with_suffix(".away")
        path.rename(away)
        with pytest.raises(routedb.OperationalError):
            made.connect()
        away.rename(path)
        with closing(made.connect(autocommit=True)) as connection:
            assert insert(connection, 10) == "writer"


def test_a_read_only_transaction_stays_on_one_replica(path):
    with cluster(path) as made, closing(made.connect()) as connection:
        settle(made, REPLICAS)
        connection.readonly = True
        names = {read(connection) for _ in range(6)}
        assert len(names) == 1
        assert names < REPLICAS
        cursor = connection.cursor()
        with pytest.raises(connection.Error, match="readonly"):
            cursor.execute("INSERT INTO t VALUES (10, 0)")
        connection.rollback()
        connection.readonly = False
        cursor.execute("INSERT INTO t VALUES (10, 0)")
        assert (cursor.rowcount, name_of(cursor)) == (1, "writer")


def test_a_locked_file_is_the_users_to_see(path):
    with (
        cluster(path, connect_timeout="10ms") as made,
        closing(made.connect(autocommit=True)) as connection,
        closing(sqlite3.connect(path)) as other,
    ):
        settle(made, REPLICAS)
        cursor = connection.cursor()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(routedb.OperationalError, match="locked"):
            cursor.execute("INSERT INTO t VALUES (10, 0)")
        assert read(connection) in REPLICAS
        other.rollback()
        assert insert(connection, 10) == "writer"
