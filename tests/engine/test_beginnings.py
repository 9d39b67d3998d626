"""What a node refuses, having done nothing, is for another node: a read of what it has
not replayed yet, the first statement of a transaction."""

from __future__ import annotations

import pytest

import routedb
from routedb.errors import Fault
from routedb.routing import Reason
from routedb.session import TxState
from tests.engine.test_faults import READ, WAYS, WRITE, switch
from tests.support.fake_rig import check_sound, node_of, reason_of, state

BEGINS = {
    "implicit": lambda connection, cursor: None,
    "by text": lambda connection, cursor: cursor.execute("BEGIN"),
    "savepoint": lambda connection, cursor: cursor.execute("SAVEPOINT a"),
}


def miss(rig, *names, times=1):
    """Have nodes not know what READ names."""
    for name in names:
        rig.servers[name].fail("execute", Fault.MISSING, match=READ, times=times)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("consistency", ["session", "eventual"])
def test_what_a_replica_does_not_know_the_writer_does(rig, way, consistency):
    connection = rig.connect()
    cursor = connection.cursor()
    with connection.using(consistency=consistency):
        for _ in range(3 if way == "hot path" else 0):
            cursor.execute(READ)
        rig.forget()
        miss(rig, "r1", "r2", times=2)
        cursor.execute(READ)
    assert (node_of(cursor), reason_of(cursor)) == ("w", Reason.NOT_REPLAYED)
    assert rig.count(READ) == {"w": 1}
    used = 4 - sum(len(rig.servers[name]._failures) for name in ("r1", "r2"))
    assert used == 1
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("way", WAYS)
def test_what_the_writer_does_not_know_either_it_says(rig, way):
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(3 if way == "hot path" else 0):
        cursor.execute(READ)
    miss(rig, "w", "r1", "r2")
    with pytest.raises(routedb.DatabaseError, match="w: scripted not there"):
        cursor.execute(READ)
    check_sound(rig, connection, cursor)


def test_without_a_writer_the_replica_s_word_is_final(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(READ)
    rig.w.stop()
    rig.look()
    miss(rig, "r1", "r2")
    with pytest.raises(routedb.DatabaseError, match="r.: scripted not there"):
        cursor.execute(READ)


def test_a_read_only_transaction_begins_anew_on_the_writer(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN READ ONLY")
    cursor.execute("SAVEPOINT a")
    miss(rig, "r1", "r2")
    cursor.execute(READ)
    assert (node_of(cursor), state(connection)) == ("w", TxState.READING)
    assert rig.w.texts[-3:] == ["BEGIN READ ONLY", "SAVEPOINT a", READ]
    connection.commit()
    check_sound(rig, connection, cursor)


def test_but_not_at_its_second_statement(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN READ ONLY")
    cursor.execute("SELECT a FROM other")
    miss(rig, "r1", "r2")
    with pytest.raises(routedb.DatabaseError, match="not there"):
        cursor.execute(READ)
    assert rig.count(READ) == {}
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("begin", BEGINS)
def test_a_transaction_begins_anew_where_the_writer_is_now(rig, begin):
    connection = rig.connect(autocommit=begin == "by text")
    cursor = connection.cursor()
    cursor.execute(WRITE)
    connection.commit()
    rig.forget()
    switch(rig)
    BEGINS[begin](connection, cursor)
    cursor.execute(WRITE)
    assert state(connection) is TxState.WRITING
    connection.commit()
    assert (node_of(cursor), rig.count(WRITE)) == ("r1", {"r1": 1})
    assert "COMMIT" not in rig.w.texts
    check_sound(rig, connection, cursor)


def test_a_node_that_refuses_three_times_is_not_begun_on_again(rig):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match=WRITE, times=99)
    with pytest.raises(routedb.TransactionLost):
        cursor.execute(WRITE)
    assert 99 - len(rig.w._failures) == 3
    assert state(connection) is TxState.LOST
    check_sound(rig, connection, cursor)


def test_a_node_may_refuse_the_begin_itself(rig):
    """MariaDB does, to START TRANSACTION READ WRITE."""
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.forget()
    switch(rig)
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match="BEGIN")
    cursor.execute("BEGIN")
    cursor.execute(WRITE)
    connection.commit()
    assert rig.r1.texts == ["BEGIN", WRITE, "COMMIT"]
    assert rig.w.texts == ["ROLLBACK"]
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("fault", [Fault.STATEMENT, Fault.LINK_LOST])
def test_a_transaction_that_cannot_begin_leaves_none_open(rig, fault):
    """What the next user of the link writes must not be part of it."""
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    cursor.execute("SET TRANSACTION READ WRITE")
    rig.w.fail("execute", fault, match="SET TRANSACTION", times=9)
    for _ in range(2):
        with pytest.raises(routedb.DatabaseError):
            cursor.execute(WRITE)
    assert rig.count(WRITE) == {}
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("first", [READ, "INSERT INTO first VALUES (1)"])
def test_what_was_shown_or_written_before_ties_a_transaction(rig, first):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(first)
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match=WRITE)
    with pytest.raises(routedb.TransactionLost):
        cursor.execute(WRITE)
    check_sound(rig, connection, cursor)


def test_a_batch_does_not_begin_anew(rig):
    """Its first rows may be what has been done."""
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    batch = "INSERT INTO batch VALUES (%s)"
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match=batch)
    with pytest.raises(routedb.TransactionLost):
        cursor.executemany(batch, [(1,), (2,)])
    check_sound(rig, connection, cursor)
