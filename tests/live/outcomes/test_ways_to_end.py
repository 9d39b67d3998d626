"""Every way to end a transaction, with its link cut: what is said is what is so.

Three places: before the text is sent (the server has ended the session), when the
request is lost, and when the answer is lost. Of the last two nobody can tell which it
was, so both are OutcomeUnknown; of the first one can.
"""

from __future__ import annotations

import pytest

import routedb
from tests.live.failover.test_lost_links import lose
from tests.support.server_rig import insert, link_to

pytestmark = [pytest.mark.live, pytest.mark.chaos]

BEFORE, REQUEST, ANSWER = "before it is sent", "request", "answer"
PLACES = [BEFORE, REQUEST, ANSWER]


def text(sql):
    return lambda connection: connection.cursor().execute(sql)


def commit(connection):
    connection.commit()


# How it ends on each engine -> what the proxy waits for, and whether it commits.
WAYS = {
    "postgresql": {
        "commit()": (commit, b"COMMIT", True),
        "COMMIT": (text("COMMIT"), b"COMMIT", True),
        "COMMIT AND CHAIN": (text("COMMIT AND CHAIN"), b"COMMIT", True),
        "END": (text("END"), b"COMMIT", True),
        "statement; COMMIT": (
            text("INSERT INTO t VALUES (11, 0); COMMIT"),
            b"INSERT INTO t VALUES (11",
            True,
        ),
        "COMMIT; statement": (text("COMMIT; SELECT 42"), b"COMMIT; SELECT", True),
        "PREPARE TRANSACTION": (
            text("PREPARE TRANSACTION 'p'"),
            b"PREPARE TRANSACTION",
            False,
        ),
    },
    "mysql": {
        "commit()": (commit, b"COMMIT", True),
        "COMMIT": (text("COMMIT"), b"COMMIT", True),
        "DDL": (text("CREATE TABLE ddl (a int)"), b"CREATE TABLE ddl", True),
        "SET autocommit = 1": (text("SET autocommit = 1"), b"COMMIT", True),
    },
}


def cases():
    return [
        pytest.param(engine, way, place, id=f"{engine} {way} {place}")
        for engine, ways in WAYS.items()
        for way in ways
        for place in PLACES
    ]


@pytest.mark.parametrize(("engine", "way", "place"), cases())
def test_a_way_to_end_a_transaction(request, engine, way, place):
    rig = request.getfixturevalue("pg_rig" if engine == "postgresql" else "my_rig")
    rig.proxy("writer")
    end, pattern, commits = WAYS[engine][way]
    connection = rig.connect(autocommit=False)
    insert(connection, 10)
    if place is BEFORE:
        rig.end(link_to(connection, "writer"))
        with pytest.raises(routedb.TransactionLost):
            end(connection)
    else:
        lose(rig, place, pattern)
        with pytest.raises(routedb.OutcomeUnknown):
            end(connection)
    assert rig.rows("id = 10") == (1 if commits and place is ANSWER else 0)
    finish_prepared(rig, connection, place is ANSWER and not commits)
    connection.rollback()
    insert(connection, 900)
    connection.commit()
    assert rig.rows("id = 900") == 1


def finish_prepared(rig, connection, is_prepared):
    """What may have been prepared is there to be finished, by its name."""
    if rig.engine != "postgresql":
        return
    connection.rollback()
    found = [str(xid) for xid in connection.tpc_recover()]
    assert found == (["p"] if is_prepared else [])
    if is_prepared:
        connection.tpc_rollback("p")


# -- two phases ----------------------------------------------------------------------


STEPS = {
    "tpc_prepare": (lambda c: c.tpc_prepare(), b"PREPARE TRANSACTION"),
    "tpc_commit": (lambda c: c.tpc_commit(), b"COMMIT PREPARED"),
    "tpc_rollback": (lambda c: c.tpc_rollback(), b"ROLLBACK PREPARED"),
}


@pytest.mark.parametrize("what", [REQUEST, ANSWER])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_two_phases_whose_answer_is_lost_is_told_by_recover(
    pg_rig, step, what
):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(autocommit=False)
    connection.tpc_begin("p")
    insert(connection, 10)
    if step != "tpc_prepare":
        connection.tpc_prepare()
    call, pattern = STEPS[step]
    lose(pg_rig, what, pattern)
    with pytest.raises(routedb.OutcomeUnknown, match=r"tpc_recover\(\)"):
        call(connection)
    is_there = (step == "tpc_prepare") == (what == ANSWER)
    assert [str(xid) for xid in connection.tpc_recover()] == ["p"] * is_there
    if is_there:
        connection.tpc_commit("p")
    is_kept = is_there or (step == "tpc_commit" and what == ANSWER)
    assert pg_rig.rows() == (6 if is_kept else 5)
    insert(connection, 900)
    connection.commit()


@pytest.mark.parametrize(("finish", "rows"), [("tpc_commit", 6), ("tpc_rollback", 5)])
def test_what_is_prepared_outlives_its_session(pg_rig, finish, rows):
    connection = pg_rig.connect(autocommit=False)
    connection.tpc_begin("p")
    insert(connection, 10)
    connection.tpc_prepare()
    pg_rig.end(link_to(connection, "writer"))
    getattr(connection, finish)()
    assert pg_rig.rows() == rows
    assert connection.tpc_recover() == []


def test_rolling_back_in_two_phases_needs_no_link(pg_rig):
    connection = pg_rig.connect(autocommit=False)
    connection.tpc_begin("p")
    insert(connection, 10)
    pg_rig.end(link_to(connection, "writer"))
    connection.tpc_rollback()
    assert pg_rig.rows() == 5
    insert(connection, 900)
    connection.commit()


def test_a_two_phase_transaction_that_ended_before_its_commit_is_lost(pg_rig):
    connection = pg_rig.connect(autocommit=False)
    connection.tpc_begin("p")
    insert(connection, 10)
    pg_rig.end(link_to(connection, "writer"))
    with pytest.raises(routedb.TransactionLost, match="before commit was sent"):
        connection.tpc_commit()
    assert pg_rig.rows() == 5


# -- XA ------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [REQUEST, ANSWER])
def test_a_lost_xa_prepare_is_unknown(my_rig, what):
    my_rig.proxy("writer")
    connection = my_rig.connect()
    cursor = connection.cursor()
    cursor.execute("XA START 'routedb'")
    insert(connection, 10)
    cursor.execute("XA END 'routedb'")
    lose(my_rig, what, b"XA PREPARE")
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute("XA PREPARE 'routedb'")
    cursor.execute("XA RECOVER")
    assert len(cursor.fetchall()) == (1 if what == ANSWER else 0)
    if what == ANSWER:
        cursor.execute("XA COMMIT 'routedb'")
    assert my_rig.rows() == (6 if what == ANSWER else 5)


@pytest.mark.parametrize("what", [REQUEST, ANSWER])
def test_a_lost_xa_commit_is_unknown(my_rig, what):
    my_rig.proxy("writer")
    connection = my_rig.connect()
    cursor = connection.cursor()
    cursor.execute("XA START 'routedb'")
    insert(connection, 10)
    cursor.execute("XA END 'routedb'")
    lose(my_rig, what, b"XA COMMIT")
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute("XA COMMIT 'routedb' ONE PHASE")
    assert my_rig.rows() == (6 if what == ANSWER else 5)
    insert(connection, 900)


# -- without an answer to lose -------------------------------------------------------


def test_close_rolls_back_what_is_open(rig):
    connection = rig.connect(autocommit=False)
    insert(connection, 10)
    connection.close()
    assert rig.rows() == 5


@pytest.mark.parametrize("what", [REQUEST, ANSWER])
def test_a_batch_inside_a_transaction_is_lost_with_it(rig, what):
    rig.proxy("writer")
    connection = rig.connect(autocommit=False)
    insert(connection, 10)
    lose(rig, what, b"(42")
    with pytest.raises(routedb.TransactionLost):
        connection.cursor().executemany(
            "INSERT INTO t VALUES (%s, 0)", [(41,), (42,), (43,)]
        )
    connection.rollback()
    assert rig.rows() == 5


def test_a_rollback_whose_answer_is_lost_has_rolled_back(rig):
    rig.proxy("writer")
    connection = rig.connect(autocommit=False)
    insert(connection, 10)
    lose(rig, ANSWER, b"ROLLBACK")
    connection.rollback()
    assert rig.rows() == 5
    insert(connection, 900)
    connection.commit()
    assert rig.rows() == 6


def test_tpc_prepare_on_a_link_that_has_ended_sends_nothing(pg_rig):
    connection = pg_rig.cluster().connect()
    connection.tpc_begin(connection.xid(1, "ended", "q"))
    insert(connection, 100)
    pg_rig.end(link_to(connection, "writer"))
    with pytest.raises(routedb.TransactionLost):
        connection.tpc_prepare()
    connection.rollback()
    assert connection.tpc_recover() == []
    assert pg_rig.rows("id = 100") == 0
    insert(connection, 101)
    connection.commit()
    assert pg_rig.rows("id = 101") == 1
