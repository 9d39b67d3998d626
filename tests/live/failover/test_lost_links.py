"""Links that die while a statement is on its way: what is said of it, and what is so.

The proxy loses either the request, before the server has it, or the answer, when the
server has done its work. Nobody on this side can tell which, so for both the same is
said; and both must leave the same connection usable.
"""

from __future__ import annotations

import pytest

import routedb
from tests.support.replay import stop_replay
from tests.support.server_rig import insert, link_to, name_of, read

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

LOST = ["request", "answer"]


def lose(rig, what, pattern, name="writer"):
    getattr(rig.proxies[name], f"lose_{what}")(pattern)


def check_usable(rig, connection, cursor):
    """The same cursor and connection work as if nothing had been."""
    before = rig.rows()
    cursor.execute("INSERT INTO t VALUES (900, 0)")
    assert (cursor.rowcount, name_of(cursor)) == (1, "writer")
    connection.rollback()
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (before + (1 if connection.autocommit else 0),)
    connection.rollback()


@pytest.mark.parametrize("what", LOST)
def test_a_plain_read_is_answered_by_another_node(rig, what):
    for name in rig.replicas:
        rig.proxy(name)
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in rig.replicas:
        read(connection)
    for name in rig.replicas:
        lose(rig, what, b"SELECT sum(id)", name)
    for _ in rig.replicas:
        cursor.execute("SELECT sum(id) FROM t")
        assert int(cursor.fetchone()[0]) == 15
    check_usable(rig, connection, cursor)


@pytest.mark.parametrize("what", LOST)
def test_a_plain_read_on_the_writer_is_run_again(rig, what):
    rig.proxy("writer")
    connection = rig.connect(reads="writer")
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    lose(rig, what, b"SELECT sum(id)")
    cursor.execute("SELECT sum(id) FROM t")
    assert (int(cursor.fetchone()[0]), name_of(cursor)) == (15, "writer")
    check_usable(rig, connection, cursor)


WRITES = {
    "insert": ("INSERT INTO t VALUES (10, 7)", "id = 10"),
    "update": ("UPDATE t SET v = v + 1 WHERE id = 1", "v = 1"),
    "delete": ("DELETE FROM t WHERE id = 1", "id = 1"),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("write", WRITES)
def test_the_outcome_of_a_write_is_unknown_and_it_is_not_run_again(rig, what, write):
    rig.proxy("writer")
    connection = rig.connect()
    cursor = connection.cursor()
    insert(connection, 800)
    sql, where = WRITES[write]
    before = rig.rows(where)
    lose(rig, what, sql[:11].encode())
    with pytest.raises(routedb.OutcomeUnknown, match="may or may not") as caught:
        cursor.execute(sql)
    assert not caught.value.retry_is_safe
    change = abs(rig.rows(where) - before)
    assert change == (1 if what == "answer" else 0)
    assert rig.rows("v > 1") == (1 if change and write == "insert" else 0)
    check_usable(rig, connection, cursor)


def test_after_an_unknown_outcome_the_session_does_not_read_behind_it(rig):
    rig.proxy("writer")
    connection = rig.connect(max_lag="off")
    with stop_replay(rig):
        lose(rig, "answer", b"INSERT INTO t")
        with pytest.raises(routedb.OutcomeUnknown):
            insert(connection, 10)
        assert {read(connection) for _ in range(4)} == {"writer"}


BEGINNINGS = {
    "autocommit off": lambda connection, cursor: None,
    "begun by text": lambda connection, cursor: cursor.execute("BEGIN"),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("how", BEGINNINGS)
@pytest.mark.parametrize("sql", ["SELECT 42 FROM t", "INSERT INTO t VALUES (42, 0)"])
def test_inside_a_transaction_it_is_lost_as_a_whole(rig, what, how, sql):
    rig.proxy("writer")
    connection = rig.connect(autocommit=how == "begun by text")
    cursor = connection.cursor()
    BEGINNINGS[how](connection, cursor)
    insert(connection, 10)
    lose(rig, what, sql[:12].encode())
    with pytest.raises(routedb.TransactionLost) as caught:
        cursor.execute(sql)
    assert caught.value.retry_is_safe
    refused = ["SELECT 1", "INSERT INTO t VALUES (11, 0)", "SAVEPOINT a", "BEGIN"]
    for statement in refused:
        with pytest.raises(routedb.TransactionLost):
            cursor.execute(statement)
    connection.rollback()
    assert rig.rows() == 5
    check_usable(rig, connection, cursor)


@pytest.mark.parametrize("how", BEGINNINGS)
def test_a_commit_of_what_is_lost_says_so_once_more(rig, how):
    connection = rig.connect(autocommit=how == "begun by text")
    cursor = connection.cursor()
    BEGINNINGS[how](connection, cursor)
    insert(connection, 10)
    rig.end(link_to(connection, "writer"))
    with pytest.raises(routedb.TransactionLost):
        insert(connection, 11)
    with pytest.raises(routedb.TransactionLost):
        cursor.execute("COMMIT")
    assert rig.rows() == 5
    check_usable(rig, connection, cursor)


def test_a_session_ended_inside_a_transaction_takes_nothing_with_it(rig):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    insert(connection, 10)
    rig.end(link_to(connection, "writer"))
    with pytest.raises(routedb.TransactionLost):
        insert(connection, 11)
    with pytest.raises(routedb.TransactionLost):
        insert(connection, 12)
    connection.rollback()
    assert rig.rows() == 5
    check_usable(rig, connection, cursor)


ENDS = {
    "commit()": lambda connection, cursor: connection.commit(),
    "COMMIT": lambda connection, cursor: cursor.execute("COMMIT"),
}


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("end", ENDS)
def test_the_outcome_of_a_commit_is_unknown(rig, what, end):
    rig.proxy("writer")
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    insert(connection, 10)
    insert(connection, 11)
    lose(rig, what, b"COMMIT")
    with pytest.raises(routedb.OutcomeUnknown, match="may or may not") as caught:
        ENDS[end](connection, cursor)
    assert not caught.value.retry_is_safe
    assert rig.rows() == (7 if what == "answer" else 5)
    check_usable(rig, connection, cursor)


def test_a_commit_that_was_never_sent_is_certain(rig):
    connection = rig.connect(autocommit=False)
    insert(connection, 10)
    rig.end(link_to(connection, "writer"))
    with pytest.raises(routedb.TransactionLost, match="before commit was sent"):
        connection.commit()
    assert rig.rows() == 5
    check_usable(rig, connection, connection.cursor())


@pytest.mark.parametrize("what", LOST)
def test_the_outcome_of_a_with_block_is_unknown(pg_rig, what):
    """With psycopg2 a block's end commits; with mysqlclient it closes."""
    pg_rig.proxy("writer")
    connection = pg_rig.connect(autocommit=False)
    connection.__enter__()
    insert(connection, 10)
    lose(pg_rig, what, b"COMMIT")
    with pytest.raises(routedb.OutcomeUnknown):
        connection.__exit__(None, None, None)
    assert pg_rig.rows() == (6 if what == "answer" else 5)
    check_usable(pg_rig, connection, connection.cursor())


@pytest.mark.parametrize("what", LOST)
def test_the_commit_of_a_transaction_that_only_read_is_safe_to_repeat(rig, what):
    rig.proxy("writer")
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM t")
    lose(rig, what, b"COMMIT")
    with pytest.raises(routedb.TransactionLost, match="wrote nothing"):
        connection.commit()
    check_usable(rig, connection, cursor)


def test_a_rollback_needs_no_link(rig):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    insert(connection, 10)
    rig.end(link_to(connection, "writer"))
    connection.rollback()
    assert rig.rows() == 5
    check_usable(rig, connection, cursor)


def test_a_batch_whose_answer_is_lost_is_unknown_and_not_run_again(rig):
    rig.proxy("writer")
    connection = rig.connect()
    cursor = connection.cursor()
    insert(connection, 800)
    lose(rig, "answer", b"41")
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.executemany("INSERT INTO t VALUES (%s, 0)", [(40,), (41,), (42,)])
    assert rig.rows("id = 42") == rig.rows("id = 41") or rig.rows("id = 42") == 0
    check_usable(rig, connection, cursor)
