"""Transactions on several nodes: read-only ones, refused writes, deadlocks."""

from __future__ import annotations

import threading

import pytest

import routedb
from tests.support.server_rig import insert, link_to, name_of, read
from tests.support.servers import wait_until

pytestmark = pytest.mark.live

READ_ONLY = {
    "property": lambda connection, cursor: setattr(connection, "readonly", True),
    "set_session": lambda connection, cursor: connection.set_session(readonly=True),
    "SET TRANSACTION": lambda connection, cursor: cursor.execute(
        "SET TRANSACTION READ ONLY"
    ),
}
# What the server itself says to a write in such a transaction.
REFUSAL = {
    "postgresql": "in a read-only transaction",
    "mysql": "in a READ ONLY transaction|--read-only option",
}


@pytest.mark.parametrize("how", READ_ONLY)
def test_a_read_only_transaction_stays_on_one_replica(rig, how):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    for _ in range(3):
        READ_ONLY[how](connection, cursor)
        assert len({read(connection) for _ in range(5)} & set(rig.replicas)) == 1
        connection.commit()


def test_one_that_is_begun_by_text_stays_on_one_replica(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    begin = {"postgresql": "BEGIN READ ONLY", "mysql": "START TRANSACTION READ ONLY"}
    for _ in range(3):
        cursor.execute(begin[rig.engine])
        names = {read(connection) for _ in range(5)}
        assert len(names) == 1
        assert names <= set(rig.replicas)
        cursor.execute("COMMIT")


def test_read_only_transactions_are_spread_over_the_replicas(pg_rig):
    connection = pg_rig.connect(autocommit=False, consistency="eventual")
    connection.readonly = True
    names = set()
    for _ in range(24):
        names.add(read(connection))
        connection.rollback()
    assert names == {"replica1", "replica2"}


@pytest.mark.parametrize("how", READ_ONLY)
def test_a_write_in_it_is_refused_by_the_server_in_its_own_words(rig, how):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    READ_ONLY[how](connection, cursor)
    node = read(connection)
    with pytest.raises(connection.Error, match=REFUSAL[rig.engine]) as caught:
        cursor.execute("INSERT INTO t VALUES (10, 0)")
    assert not isinstance(caught.value, routedb.TransactionLost)
    connection.rollback()
    assert node in rig.replicas
    connection.readonly = False
    assert insert(connection, 11) == "writer"
    connection.commit()
    assert (rig.rows("id = 10"), rig.rows("id = 11")) == (0, 1)


def test_a_write_as_its_first_statement_is_refused_as_well(rig):
    connection = rig.connect(autocommit=False)
    connection.readonly = True
    with pytest.raises(connection.Error, match=REFUSAL[rig.engine]):
        insert(connection, 10)
    connection.rollback()
    connection.readonly = False
    assert insert(connection, 10) == "writer"
    connection.commit()
    assert rig.rows("id = 10") == 1


@pytest.mark.chaos
def test_a_read_only_transaction_that_loses_its_replica_begins_anew_elsewhere(rig):
    connection = rig.connect(autocommit=False)
    connection.readonly = True
    cursor = connection.cursor()
    node = read(connection)
    rig.end(link_to(connection, node))
    with pytest.raises(routedb.TransactionLost):
        cursor.execute("SELECT count(*) FROM t")
    with pytest.raises(routedb.TransactionLost):
        cursor.execute("SELECT count(*) FROM t")
    connection.rollback()
    cursor.execute("SELECT count(*) FROM t")
    assert (cursor.fetchone(), name_of(cursor) in rig.servers) == ((5,), True)


@pytest.mark.chaos
def test_the_lost_commit_of_a_read_only_transaction_is_safe_to_repeat(rig):
    connection = rig.connect(autocommit=False)
    connection.readonly = True
    node = read(connection)
    rig.end(link_to(connection, node))
    with pytest.raises(routedb.TransactionLost, match="wrote nothing"):
        connection.commit()
    assert read(connection) in rig.servers


def test_a_refused_statement_leaves_the_rest_of_the_transaction(my_rig):
    """MySQL goes on after an error; what came before it is committed."""
    connection = my_rig.connect(autocommit=False)
    insert(connection, 10)
    with pytest.raises(routedb.IntegrityError):
        insert(connection, 10)
    insert(connection, 11)
    connection.commit()
    assert my_rig.rows() == 7


def test_a_refused_statement_ends_the_transaction_up_to_a_savepoint(pg_rig):
    connection = pg_rig.connect(autocommit=False)
    cursor = connection.cursor()
    insert(connection, 10)
    cursor.execute("SAVEPOINT a")
    with pytest.raises(routedb.IntegrityError):
        insert(connection, 10)
    with pytest.raises(routedb.InternalError, match="aborted"):
        insert(connection, 11)
    cursor.execute("ROLLBACK TO SAVEPOINT a")
    insert(connection, 12)
    connection.commit()
    assert (pg_rig.rows(), pg_rig.rows("id = 11")) == (7, 0)


IMPOSSIBLE = {
    "postgresql": "SET TRANSACTION SNAPSHOT '00000003-0000001B-1'",
    "mysql": "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
}


def test_what_follows_a_transaction_that_could_not_begin_is_no_part_of_it(rig):
    """BEGIN went through, and what was set for it did not."""
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    cursor.execute(IMPOSSIBLE[rig.engine])
    with pytest.raises(routedb.DatabaseError):
        insert(connection, 10)
    connection.rollback()
    insert(connection, 11)
    connection.close()
    assert (rig.rows("id = 10"), rig.rows("id = 11")) == (0, 1)


@pytest.mark.parametrize("autocommit", [True, False])
def test_after_a_deadlock_the_rest_is_not_committed_alone(rig, autocommit):
    """The victim's first half is rolled back, so its second half must not be kept."""
    cluster = rig.cluster()
    one, two = cluster.connect(autocommit=autocommit), cluster.connect()
    here, there = one.cursor(), two.cursor()
    if autocommit:
        here.execute("BEGIN")
    there.executemany(
        "INSERT INTO t VALUES (%s, 0)", [(key,) for key in range(50, 60)]
    )  # more work: MySQL takes the other one as its victim
    here.execute("UPDATE t SET v = 1 WHERE id = 1")
    there.execute("UPDATE t SET v = 2 WHERE id = 2")
    failures = []

    def cross(cursor, key, value):
        try:
            cursor.execute("UPDATE t SET v = %s WHERE id = %s", (value, key))
        except routedb.Error as exc:
            failures.append((cursor, exc))

    waiting = threading.Thread(target=cross, args=(there, 1, 2))
    waiting.start()
    wait_until(lambda: is_waiting(rig), "one waits for the other")
    cross(here, 2, 1)
    waiting.join(30)
    [(victim, exc)] = failures
    assert isinstance(exc, routedb.OperationalError)
    survivor, other = (two, one) if victim is here else (one, two)
    if survivor is two or not autocommit:
        survivor.commit()
    else:
        here.execute("COMMIT")
    with pytest.raises(routedb.DatabaseError):
        victim.execute("INSERT INTO t VALUES (99, 0)")
    other.rollback()
    assert rig.rows("id = 99") == 0
    assert rig.rows("v > 0") == 2
    victim.execute("INSERT INTO t VALUES (98, 0)")
    other.commit()
    assert rig.rows("id = 98") == 1


def is_waiting(rig):
    ask = {
        "postgresql": "SELECT 1 FROM pg_locks WHERE NOT granted",
        # Not innodb_lock_waits: who asks often is shown what was so at first.
        "mysql": "SELECT 1 FROM information_schema.global_status WHERE variable_name = "
        "'INNODB_ROW_LOCK_CURRENT_WAITS' AND variable_value > 0",
    }
    return rig.database.execute(ask[rig.engine])
