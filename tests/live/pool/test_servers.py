"""Pools on PostgreSQL and MariaDB: what the servers see, and what is left behind."""

from __future__ import annotations

import gc
import os
import re
import threading
import tracemalloc

import pytest

import routedb
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.engine_in_turn]


def use(cluster, sql="SELECT 1"):
    """Open a connection, run one statement, close."""
    connection = cluster.connect()
    cursor = connection.cursor()
    cursor.execute(sql)
    cursor.fetchall()
    connection.close()


def session(place, cluster):
    connection = cluster.connect()
    number = place.session_of(connection)
    connection.close()
    return number


def storm(cluster, place, threads=50, times=20):
    """Use connections from many threads; return the most sessions that were seen."""
    failures, most = [], 0

    def work():
        try:
            for _ in range(times):
                use(cluster)
        except BaseException as exc:
            failures.append(exc)
            raise

    crowd = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    while any(thread.is_alive() for thread in crowd):
        most = max(most, len(place.sessions()))
    assert failures == []
    return most


def test_a_thousand_connections_from_fifty_threads_leave_nothing(place):
    others = set(threading.enumerate())
    cluster = place.cluster(pool={"max": 5, "wait_timeout": "1m"})
    storm(cluster, place, times=2)  # what is made once
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    most = storm(cluster, place)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 1 <= most <= 5
    assert grown < 300_000
    [pool] = cluster.runtime.core.pools._pools.values()
    assert pool.open == len(place.sessions()) <= 5
    [upkeep] = set(threading.enumerate()) - others
    assert upkeep.name == "routedb-upkeep"
    cluster.close()
    wait_until(lambda: not place.sessions(), "all sessions end")
    assert set(threading.enumerate()) <= others


def test_max_may_be_all_that_the_server_allows(pg_place):
    """Also where each session is replaced by another: nobody keeps to functions."""
    role = f"few_{pg_place.database.name}"
    server = pg_place.database.cluster.writer
    server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'few' CONNECTION LIMIT 3")
    dsn = re.sub("//.*@", f"//{role}:few@", pg_place.database.writer_dsn)
    cluster = pg_place.cluster(dsn, pool={"max": 3, "wait_timeout": "1m"})
    failures = []

    def work():
        try:
            for _ in range(5):
                connection = cluster.connect()
                cursor = connection.cursor()
                cursor.execute("SELECT 1")
                connection.close()
        except BaseException as exc:
            failures.append(exc)
            raise

    crowd = [threading.Thread(target=work) for _ in range(15)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    cluster.close()
    assert failures == []
    server.execute(f"DROP ROLE {role}")


def test_one_session_serves_one_user_after_another(place):
    cluster = place.cluster(pool={"max": 5})
    assert len({session(place, cluster) for _ in range(10)}) == 1


def test_replicas_have_pools_of_their_own(place):
    cluster = place.cluster(place.database.dsns, pool={"max": 2}, reads="replica")
    cluster.connect().close()
    core = cluster.runtime.core
    replicas = len(core.nodes) - 1
    read_ring = lambda: set(core.topology.groups[0].read_ring)  # noqa: E731
    wait_until(lambda: len(read_ring()) == replicas, "all replicas are read from")
    for _ in range(6):
        connection = cluster.connect(autocommit=True)
        connection.cursor().execute("SELECT 1")
        connection.close()
    opened = {node.name: core.pools.of(node.id).open for node in core.nodes}
    assert all(1 <= count <= 2 for count in opened.values()), opened
    # The monitor has one session of its own.
    assert all(len(place.sessions(n)) <= 3 for n in range(len(core.nodes)))


def test_a_setting_is_undone_on_replicas_too(place):
    change, show = STATES["pg" if place.engine == "postgresql" else "my"][0]
    cluster = place.cluster(place.database.dsns[:2], pool={"max": 1})
    cluster.connect().close()
    core = cluster.runtime.core
    wait_until(lambda: core.topology.groups[0].read_ring, "the replica is read from")

    def shown(*texts):
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        for sql in (*texts, "SELECT 1", show):
            with connection.using(role="replica"):
                cursor.execute(sql)
        answer = cursor.fetchall()
        assert cursor.node.id in core.topology.groups[0].read_ring
        connection.close()
        return answer

    before = shown()
    assert shown(change) != before
    assert shown() == before
    assert [core.pools.of(node.id).open for node in core.nodes] == [1, 1]


def test_sessions_that_were_ended_while_idle_are_replaced_without_a_word(place):
    cluster = place.cluster(pool={"max": 3})
    held = [cluster.connect() for _ in range(3)]
    for connection in held:
        connection.close()
    del held, connection
    place.end_sessions()
    wait_until(lambda: not place.sessions(), "they end")
    for _ in range(6):
        use(cluster)
    assert len(place.sessions()) <= 3


def test_a_session_that_was_ended_while_in_use_is_not_lent_again(place):
    cluster = place.cluster(pool={"max": 1, "wait_timeout": "5s"})
    connection = cluster.connect()
    connection.cursor().execute("SELECT 1")
    place.end_sessions()
    wait_until(lambda: not place.sessions(), "it ends")
    connection.close()
    use(cluster)


def test_a_forked_child_and_its_parent_use_sessions_of_their_own(place):
    cluster = place.cluster(pool={"max": 2})
    mine = session(place, cluster)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            use(cluster)
            os.write(write, str(session(place, cluster)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(read, 99))
    os.close(read)
    os.close(write)
    assert theirs != mine == session(place, cluster)


# How a session is changed, and what shows it, with what a new session shows.
STATES = {
    "pg": [
        ("SET work_mem = '1234kB'", "SHOW work_mem"),
        ("SELECT set_config('search_path', 'nowhere', false)", "SHOW search_path"),
        ("SET ROLE pg_monitor", "SELECT current_user"),
        ("SET TIME ZONE 'Asia/Tokyo'", "SHOW TimeZone"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SHOW default_"
         "transaction_read_only"),
        ("CREATE TEMP TABLE mine (a int)", "SELECT to_regclass('mine')"),
        ("SELECT pg_advisory_lock(7)", "SELECT count(*) FROM pg_locks WHERE pid = "
         "pg_backend_pid() AND locktype = 'advisory'"),
        ("LISTEN news", "SELECT count(*) FROM pg_listening_channels()"),
        ("PREPARE p AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements"),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors"),
    ],
    "my": [
        ("SET sort_buffer_size = 65536", "SELECT @@sort_buffer_size"),
        ("SET @mine = 1", "SELECT @mine"),
        ("SET time_zone = '+09:00'", "SELECT @@time_zone"),
        ("SET SESSION TRANSACTION READ ONLY", "SELECT @@tx_read_only"),
        ("SET NAMES latin1", "SELECT @@character_set_client"),
        ("SELECT GET_LOCK('mine', 1)", "SELECT IS_USED_LOCK('mine')"),
        ("USE mysql", "SELECT database()"),
    ],
}  # fmt: skip
CASES = [(where, *case) for where, cases in STATES.items() for case in cases]


@pytest.mark.parametrize(("where", "change", "show"), CASES, ids=[c[1] for c in CASES])
def test_what_one_user_changes_the_next_does_not_see(place_of, where, change, show):
    place = place_of(where)
    cluster = place.cluster(pool={"max": 1})

    def shown(*texts):
        connection = cluster.connect(autocommit=True)
        cursor = connection.cursor()
        for text in texts:
            cursor.execute(text)
        cursor.execute(show)
        answer = cursor.fetchall()
        number = place.session_of(connection)
        connection.close()
        return answer, number

    before, number = shown()
    assert shown(change)[0] != before
    assert shown() == (before, number)


def test_a_transaction_left_open_is_rolled_back(place):
    place.database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    cluster = place.cluster(pool={"max": 1})
    connection = cluster.connect()
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    connection.close()
    assert place.database.execute("SELECT count(*) FROM t")[0][0] == 0
    use(cluster, "SELECT count(*) FROM t")


def test_writes_are_not_lost_with_a_pool(place):
    place.database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    cluster = place.cluster(pool={"max": 2})
    for number in range(10):
        connection = cluster.connect()
        connection.cursor().execute("INSERT INTO t VALUES (%s)", (number,))
        connection.commit()
        connection.close()
    assert place.database.execute("SELECT count(*) FROM t")[0][0] == 10


@pytest.mark.chaos
def test_a_promoted_writer_is_used_by_a_pooled_cluster(place):
    place.database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    place.database.wait_replayed()
    writer, replica = place.database.cluster.nodes[:2]
    cluster = place.cluster(place.database.dsns[:2], pool={"max": 3})
    for _ in range(3):
        use(cluster, "SELECT count(*) FROM t")
    writer.kill()
    replica.promote()

    def insert():
        connection = cluster.connect(autocommit=True)
        try:
            connection.cursor().execute("INSERT INTO t VALUES (1)")
        finally:
            connection.close()
        return True

    wait_until(insert, "a write succeeds")
    assert replica.execute("SELECT id FROM t", dbname=place.database.name) == [(1,)]
    for _ in range(5):
        use(cluster, "SELECT count(*) FROM t")
    core = cluster.runtime.core
    assert all(core.pools.of(node.id).open <= 3 for node in core.nodes)


def test_max_age_replaces_the_link_of_a_connection_that_stays_open(place):
    cluster = place.cluster(max_age="200ms", reads="writer")
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    first = place.sessions()

    def is_replaced():
        cursor.execute("SELECT 1")
        assert cursor.fetchall()
        return not first & place.sessions()

    wait_until(is_replaced, "another session serves it")
    assert len(place.sessions()) == 1
    assert not connection.closed
    connection.close()


def test_a_link_that_something_lives_on_is_kept_beyond_max_age(place):
    cluster = place.cluster(max_age="100ms")
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    cursor.execute("CREATE TEMPORARY TABLE mine (a int)")
    for _ in range(3):
        threading.Event().wait(0.1)
        cursor.execute("SELECT count(*) FROM mine")
        assert cursor.fetchall()[0][0] == 0
    connection.close()


def test_a_transaction_is_not_moved_by_max_age(place):
    place.database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    cluster = place.cluster(max_age="100ms")
    connection = cluster.connect()
    cursor = connection.cursor()
    for number in range(3):
        cursor.execute("INSERT INTO t VALUES (%s)", (number,))
        threading.Event().wait(0.1)
    connection.commit()
    assert place.database.execute("SELECT count(*) FROM t")[0][0] == 3
    connection.close()


def test_the_pool_can_be_full(place):
    cluster = place.cluster(pool={"max": 1, "wait_timeout": "50ms"})
    held = cluster.connect()
    with pytest.raises(routedb.OperationalError, match="pool.max") as caught:
        cluster.connect()
    assert isinstance(caught.value, held.OperationalError)  # the driver's as well
    held.close()
    use(cluster)


@pytest.mark.chaos
def test_giving_back_to_a_server_that_hangs_ends_within_connect_timeout(place):
    cluster = place.cluster(pool={"max": 2}, connect_timeout="2s")
    connection = cluster.connect(autocommit=True)
    connection.cursor().execute("CREATE TEMPORARY TABLE mine (a int)")
    server = place.database.cluster.writer
    server.pause()
    closing = threading.Thread(target=connection.close)
    closing.start()
    closing.join(30)
    server.resume()
    assert not closing.is_alive()
    assert cluster.runtime.core.pools.of(0).open == 0
    use(cluster)
