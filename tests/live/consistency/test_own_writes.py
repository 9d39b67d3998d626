"""Reading one's own writes on real replicas that really lag."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import pytest

import routedb
from tests.live.failover.test_cancel import SLEEP, Sleeping
from tests.support.replay import resume_all, stop_replay
from tests.support.server_rig import insert, name_of, read
from tests.support.servers import wait_until


def test_reads_come_back_to_replicas_that_hold_the_write(rig):
    connection = rig.connect()
    assert read(connection) in rig.replicas
    insert(connection, 100)
    # In a tight loop: the monitor's samples are always older than the last read.
    wait_until(lambda: read(connection) in rig.replicas, "a replica answers again", 10)
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM t WHERE id = 100")
    assert cursor.fetchone() == (1,)


def test_while_no_replica_replays_the_writer_answers(rig):
    connection = rig.connect(max_lag="off")
    other = rig.connect(max_lag="off")
    assert read(other) in rig.replicas
    with stop_replay(rig):
        insert(connection, 100)
        for _ in range(20):
            assert read(connection) == "writer"
            assert read(other) in rig.replicas  # it has seen nothing newer
            time.sleep(0.01)
    wait_until(lambda: read(connection) in rig.replicas, "a replica answers again", 10)


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_transaction_is_read_where_it_is_known(rig, autocommit):
    connection = rig.connect(autocommit=autocommit, max_lag="off")
    cursor = connection.cursor()
    with stop_replay(rig):
        if autocommit:
            cursor.execute("BEGIN")
        insert(connection, 100)
        connection.commit()
        connection.readonly = True
        assert read(connection, "SELECT id FROM t WHERE id = 100") == "writer"
        connection.rollback()
    resume_all(rig)
    wait_until(lambda: _reads_in_transaction(connection) in rig.replicas, "it replays")


def _reads_in_transaction(connection):
    time.sleep(0.02)
    name = read(connection, "SELECT id FROM t WHERE id = 100")
    connection.rollback()
    return name


NEW = {
    "table": ("CREATE TABLE fresh (id int)", "SELECT id FROM fresh"),
    "column": ("ALTER TABLE t ADD COLUMN fresh int", "SELECT fresh FROM t"),
}


@pytest.mark.parametrize("what", NEW)
@pytest.mark.parametrize("begin", [None, "START TRANSACTION READ ONLY"])
def test_what_another_session_has_made_is_read_before_replicas_know(rig, what, begin):
    connection = rig.connect(max_lag="off")
    assert read(connection) in rig.replicas
    make, look = NEW[what]
    cursor = connection.cursor()
    with stop_replay(rig):
        rig.database.execute(make)
        if begin is not None:
            cursor.execute(begin)
        cursor.execute(look)
        assert name_of(cursor) == "writer"
        connection.rollback()
        with pytest.raises(connection.ProgrammingError):
            cursor.execute("SELECT id FROM nowhere")
        connection.rollback()
    # What a read of the catalogs has pruned is sent with the next commit, or after up
    # to 15 s: replicas of PostgreSQL's are behind the writer's position that long.
    rig.database.execute("INSERT INTO t (id, v) VALUES (900, 0)")
    wait_until(partial(_reads_from_replica, rig, connection), "a replica answers", 10)


def test_process_consistency_sees_the_writes_of_other_connections(rig):
    cluster = rig.cluster(consistency="process", max_lag="off")
    one, other = (cluster.connect(autocommit=True) for _ in range(2))
    assert read(other) in rig.replicas
    with stop_replay(rig):
        insert(one, 100)
        assert read(other, "SELECT id FROM t WHERE id = 100") == "writer"
        late = cluster.connect(autocommit=True)
        assert read(late, "SELECT id FROM t WHERE id = 100") == "writer"
    for each in (one, other, late):
        wait_until(partial(_reads_from_replica, rig, each), "replicas answer", 10)


def _reads_from_replica(rig, connection):
    return read(connection) in rig.replicas


def test_process_consistency_sees_the_writes_of_another_configuration(rig):
    """The same servers, in another order, and by a name instead of a number: for the
    clients of MySQL that name means a socket."""
    cluster = rig.cluster(consistency="process", max_lag="off")
    reader = cluster.connect(autocommit=True)
    assert read(reader) in rig.replicas
    dsns = list(rig.database.dsns)
    if rig.engine == "postgresql":
        dsns = [dsn.replace("127.0.0.1", "localhost") for dsn in dsns]
    other = routedb.connect(dsns[::-1], autocommit=True, max_lag="off")
    with closing(other), stop_replay(rig):
        insert(other, 100)
        assert read(reader, "SELECT id FROM t WHERE id = 100") == "writer"


def test_each_host_of_a_dsn_is_a_node_of_its_own(pg_rig):
    """libpq would choose one of them for each link, and no position would mean
    anything."""
    nodes = pg_rig.database.cluster.nodes
    hosts, ports = (
        ",".join(str(getattr(node, key)) for node in reversed(nodes))
        for key in ("host", "port")
    )
    one = f"{pg_rig.database.dsns[0]}?target_session_attrs=read-write"
    connection = routedb.connect(one, host=hosts, port=ports, autocommit=True)
    with closing(connection):
        assert len(connection.session.core.nodes) == len(nodes)
        wait_until(lambda: _is_replica(connection), "a replica answers", 10)
        for key in range(100, 130):
            insert(connection, key)
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM t WHERE id = %s", (key,))
            assert cursor.fetchone() == (1,)


def _is_replica(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT current_setting('in_hot_standby') FROM t")
    return cursor.fetchone() == ("on",)


def test_a_token_lets_another_process_see_what_this_one_wrote(rig):
    writer = rig.connect(max_lag="off")
    with stop_replay(rig):
        insert(writer, 100)
        token = writer.token()
        reader = rig.cluster(max_lag="off").connect(autocommit=True, after=token)
        assert read(reader, "SELECT id FROM t WHERE id = 100") == "writer"
        stranger = rig.connect(max_lag="off")
        assert read(stranger) in rig.replicas
        assert not stranger.wait_for(token, timeout=0.2)
        assert read(stranger, "SELECT id FROM t WHERE id = 100") == "writer"
    late = rig.connect()
    assert late.wait_for(token, timeout=10)
    assert read(late, "SELECT id FROM t WHERE id = 100") in rig.replicas
    wait_until(partial(_reads_from_replica, rig, reader), "a replica answers", 10)


def test_a_token_of_a_reader_stands_for_what_it_saw(rig):
    reader = rig.connect()
    name = read(reader)
    assert name in rig.replicas
    token = reader.token()
    with stop_replay(rig):
        insert(rig.connect(max_lag="off"), 100)
        other = rig.connect(max_lag="off")
        other.after(token)
        assert read(other) in rig.replicas  # the newest is not in the token


@pytest.mark.parametrize("shift", [1, 7])
def test_a_token_of_another_history_means_the_writer(pg_rig, shift):
    token = pg_rig.connect().token()
    connection = pg_rig.connect()
    connection.after(f"{token}~main!!w{shift + 1:x}.ffffffffff")
    assert read(connection) == "writer"
    wait_until(
        partial(_reads_from_replica, pg_rig, connection), "a replica answers", 10
    )


def test_a_cursor_leaves_a_link_where_another_thread_s_statement_runs(rig):
    connection = rig.connect(only=["writer", "replica1"])
    moves, closes = connection.cursor(), connection.cursor()
    for cursor in (moves, closes):
        cursor.execute("SELECT id FROM t")
        assert name_of(cursor) == "replica1"
    sleeping = Sleeping(connection.cursor(), SLEEP[rig.engine])
    sleeping.wait_on(rig.servers["replica1"])
    moves.execute("INSERT INTO t VALUES (10, 0)")
    closes.close()
    connection.cancel()
    assert isinstance(sleeping.end(), routedb.OperationalError)
    assert rig.rows("id = 10") == 1


def test_threads_that_share_a_connection_read_what_it_has_written(rig):
    connection = rig.connect(max_lag="off")
    until = time.monotonic() + 3.0
    stale: list[str] = []

    def work(key: int) -> None:
        cursor = connection.cursor()
        value = 0
        while time.monotonic() < until:
            value += 1
            cursor.execute("UPDATE t SET v = %s WHERE id = %s", (value, key))
            for _ in range(3):
                cursor.execute("SELECT v FROM t WHERE id = %s", (key,))
                if next(cursor) != (value,):
                    stale.append(f"{key}: not {value} on {cursor.node}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(1, 5)))
    assert stale == []
