"""Where plain reads go while all is well."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing

import pytest

from tests.support.replay import stop_replay
from tests.support.server_rig import insert, name_of, read
from tests.support.servers import wait_until

pytestmark = pytest.mark.live


def test_writes_go_to_the_writer_wherever_it_stands_in_the_list(rig):
    connection = rig.connect()
    assert insert(connection, 10) == "writer"
    assert rig.rows("id = 10") == 1


def test_eventual_reads_are_spread_evenly_over_the_replicas(rig):
    connection = rig.connect(consistency="eventual")
    seen = Counter(read(connection) for _ in range(40))
    # One that answers its probes slowly gets half as many reads, or fewer.
    assert set(seen) == set(rig.replicas)
    assert min(seen.values()) >= 40 // len(rig.replicas) // 4


def test_connections_are_spread_over_the_replicas_and_stay(rig):
    cluster = rig.cluster()
    seen: set[str] = set()
    for _ in range(12):
        with closing(cluster.connect(autocommit=True)) as connection:
            [name] = {read(connection) for _ in range(10)}
            seen.add(name)
    assert seen == set(rig.replicas)


def test_reads_follow_the_weights(pg_rig):
    weights = {"replica1": 3, "replica2": 1}
    connection = pg_rig.connect(weights=weights, consistency="eventual")
    seen = Counter(read(connection) for _ in range(80))
    # How much each gets, unit/topology counts: here latencies have a say as well.
    assert set(seen) == {"replica1", "replica2"}


def test_a_busy_replica_gets_fewer_reads(pg_rig):
    cluster = pg_rig.cluster(consistency="eventual")
    reader, other = cluster.connect(autocommit=True), cluster.connect(autocommit=True)
    for connection in (reader, other):
        assert {read(connection) for _ in range(16)} == set(pg_rig.replicas)
    pg_rig.servers["replica1"].pause()
    # One of a few reads in a row meets the frozen replica and stays there.
    stuck = threading.Thread(target=lambda: [read(other) for _ in range(16)])
    stuck.start()
    loads = cluster.runtime.core.loads
    ids = {node.name: node.id for node in cluster.config.nodes}
    wait_until(lambda: loads[ids["replica1"]] == 1, "a read is under way there")
    seen = Counter(read(reader) for _ in range(20))
    pg_rig.servers["replica1"].resume()
    stuck.join(30)
    assert seen == {"replica2": 20}
    assert sum(loads) == 0


# Who reads for a connection after a write of its own that no replica has replayed, and
# for another one then.
AFTER_A_WRITE = {
    "session": ("writer", "replica"),
    "process": ("writer", "writer"),
    "eventual": ("replica", "replica"),
    "strong": ("writer", "writer"),
}


@pytest.mark.parametrize("consistency", AFTER_A_WRITE)
def test_who_reads_from_the_writer_after_a_write(rig, consistency):
    cluster = rig.cluster(consistency=consistency, max_lag="off")
    one, other = cluster.connect(autocommit=True), cluster.connect(autocommit=True)
    before = {read(one) for _ in range(4)}
    assert before <= ({"writer"} if consistency == "strong" else set(rig.replicas))
    places = {"writer": {"writer"}, "replica": set(rig.replicas)}
    mine, others = AFTER_A_WRITE[consistency]
    with stop_replay(rig):
        insert(one, 10)
        assert {read(one) for _ in range(4)} <= places[mine]
        assert {read(other) for _ in range(4)} <= places[others]


def test_a_session_reads_its_own_write_a_hundred_times(rig):
    cluster = rig.cluster()
    for key in range(100, 200):
        connection = cluster.connect(autocommit=True)
        read(connection)
        insert(connection, key)
        cursor = connection.cursor()
        cursor.execute("SELECT v FROM t WHERE id = %s", (key,))
        assert cursor.fetchone() == (0,)
        connection.close()


def test_reads_stay_on_the_writer_where_the_configuration_says_so(rig):
    connection = rig.connect(reads="writer")
    assert {read(connection) for _ in range(4)} == {"writer"}


def test_a_choice_of_the_moment_goes_before_the_configuration(rig):
    connection = rig.connect()
    with connection.using(role="writer"):
        assert read(connection) == "writer"
    wait_until(lambda: read(connection) in rig.replicas, "it reads on a replica")
    hinted = "SELECT count(*) FROM t /* routedb: role=writer */"
    assert read(connection, hinted) == "writer"
    with connection.using(consistency="strong"):
        assert read(connection) == "writer"
    wait_until(lambda: read(connection) in rig.replicas, "it reads on a replica")


def test_a_transaction_reads_from_the_writer(rig):
    connection = rig.connect(autocommit=False)
    assert {read(connection) for _ in range(4)} == {"writer"}
    connection.rollback()
    assert read(connection) == "writer"


def test_a_function_that_writes_sends_its_statement_to_the_writer(pg_rig):
    pg_rig.database.execute(
        "CREATE FUNCTION put(k int) RETURNS int VOLATILE LANGUAGE sql "
        "AS 'INSERT INTO t VALUES (k, 0) RETURNING id'"
    )
    pg_rig.database.execute(
        "CREATE FUNCTION twice(k int) RETURNS int IMMUTABLE LANGUAGE sql "
        "AS 'SELECT 2 * k'"
    )
    pg_rig.database.wait_replayed()
    connection = pg_rig.connect()
    assert read(connection, "SELECT twice(4)") in pg_rig.replicas
    assert read(connection, "SELECT put(10)") == "writer"
    assert pg_rig.rows("id = 10") == 1


def test_a_write_that_only_the_replica_recognises_runs_once_on_the_writer(pg_rig):
    """The catalog calls it stable, and it is not: the replica's 25006 tells."""
    pg_rig.database.execute("CREATE SEQUENCE s")
    pg_rig.database.execute(
        "CREATE FUNCTION liar() RETURNS bigint STABLE LANGUAGE plpgsql "
        "AS $$BEGIN RETURN nextval('s'); END$$"
    )
    pg_rig.database.wait_replayed()
    connection = pg_rig.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT liar()")
    assert (cursor.fetchall(), name_of(cursor)) == ([(1,)], "writer")
    # The shape is remembered: the next one does not try a replica at all.
    cursor.execute("SELECT liar()")
    assert (cursor.fetchall(), name_of(cursor)) == ([(2,)], "writer")
