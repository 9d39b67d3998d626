"""What a fault at a moment leads to: how often and where it ran, and what is said."""

from __future__ import annotations

import pytest

import routedb
from routedb.adapters.base import AUTOCOMMIT
from routedb.errors import Fault
from routedb.session import TxState
from tests.support.fake_rig import check_sound, farm, node_of, state

READ = "SELECT a FROM t"
WRITE = "INSERT INTO t VALUES (1)"

# Outside a transaction. The fault strikes once, before the statement has any effect;
# what follows is either one more run, which succeeds, or an error.
AGAIN, REFUSED, UNKNOWN = "runs again", "raises the driver's error", "outcome unknown"
OUTSIDE = {
    READ: {
        Fault.LINK_LOST: AGAIN,
        Fault.NODE_STARTING: AGAIN,
        Fault.NODE_READ_ONLY: AGAIN,
        Fault.CONFLICT: AGAIN,
        Fault.TIMEOUT: REFUSED,
        Fault.OVERLOAD: REFUSED,
        Fault.MISSING: AGAIN,
        Fault.STATEMENT: REFUSED,
    },
    WRITE: {
        Fault.LINK_LOST: UNKNOWN,
        Fault.NODE_STARTING: AGAIN,
        Fault.NODE_READ_ONLY: AGAIN,
        Fault.CONFLICT: REFUSED,
        Fault.TIMEOUT: REFUSED,
        Fault.OVERLOAD: REFUSED,
        Fault.MISSING: REFUSED,
        Fault.STATEMENT: REFUSED,
    },
}
CASES = [(sql, f, OUTSIDE[sql][f]) for sql in OUTSIDE for f in OUTSIDE[sql]]
WAYS = ["first use", "hot path"]


def names(cases):
    return [" ".join(getattr(c, "value", c) for c in case) for case in cases]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("sql", "fault", "expected"), CASES, ids=names(CASES))
def test_a_fault_outside_a_transaction(rig, sql, fault, expected, way):
    connection = rig.connect()
    cursor = connection.cursor()
    if way == "hot path":
        for text in [READ, READ, READ, WRITE][: 4 if sql == WRITE else 3]:
            cursor.execute(text)
    rig.forget()
    victims = ["w"] if sql == WRITE else ["r1", "r2"]
    for name in victims:
        rig.servers[name].fail("execute", fault, match=sql)
    if expected is AGAIN:
        cursor.execute(sql)
        runs = rig.count(sql)
        assert sum(runs.values()) == 1
        assert runs == {node_of(cursor): 1}
    else:
        kind = routedb.OutcomeUnknown if expected is UNKNOWN else routedb.DatabaseError
        with pytest.raises(kind) as caught:
            cursor.execute(sql)
        assert isinstance(caught.value, routedb.OutcomeUnknown) == (expected is UNKNOWN)
        assert rig.count(sql) == {}
    check_sound(rig, connection, cursor)


def test_a_read_is_tried_on_every_replica_and_the_writer_and_no_more(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for server in rig.servers.values():
        server.fail("execute", Fault.LINK_LOST, match=READ, times=99, after=True)
    with pytest.raises(routedb.OperationalError):
        cursor.execute(READ)
    assert sum(rig.count(READ).values()) <= 2 * len(rig.servers)
    assert set(rig.count(READ)) == {"w", "r1", "r2"}
    check_sound(rig, connection, cursor)


def test_a_read_that_breaks_every_link_of_the_hot_path_ends_too(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(3):
        cursor.execute(READ)
    rig.forget()
    for server in rig.servers.values():
        server.fail("execute", Fault.LINK_LOST, match=READ, times=99, after=True)
    with pytest.raises(routedb.OperationalError):
        cursor.execute(READ)
    assert sum(rig.count(READ).values()) <= 2 * len(rig.servers) + 1
    check_sound(rig, connection, cursor)


def test_a_write_whose_answer_is_lost_ran_once(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    rig.w.fail("execute", Fault.LINK_LOST, match=WRITE, after=True)
    with pytest.raises(routedb.OutcomeUnknown, match="INSERT was sent to w") as caught:
        cursor.execute(WRITE)
    assert rig.count(WRITE) == {"w": 1}
    assert isinstance(caught.value.__cause__, routedb.OperationalError)
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("consistency", ["session", "process"])
def test_what_may_have_been_written_is_not_read_behind(consistency):
    with farm(consistency=consistency) as rig:
        connection, other = rig.connect(), rig.connect()
        cursor = connection.cursor()
        rig.w.fail("execute", Fault.LINK_LOST, match=WRITE, after=True)
        with pytest.raises(routedb.OutcomeUnknown):
            cursor.execute(WRITE)
        cursor.execute(READ)
        assert node_of(cursor) == "w"
        reader = other.cursor()
        reader.execute(READ)
        assert (node_of(reader) == "w") == (consistency == "process")


def test_a_write_that_was_refused_runs_once_on_the_real_writer(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.forget()
    switch(rig)
    cursor.execute(WRITE)
    assert rig.count(WRITE) == {"r1": 1}
    check_sound(rig, connection, cursor)


def switch(rig):
    """r1 becomes the writer; w keeps its links and refuses."""
    rig.w.role, rig.r1.role = rig.r1.role, rig.w.role
    rig.r1.history = rig.w.history = "2"
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match="INSERT", times=99)


def test_a_node_that_says_it_is_the_writer_and_refuses_is_asked_thrice_at_most(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match=WRITE, times=99)
    with pytest.raises(routedb.DatabaseError, match="read-only"):
        cursor.execute(WRITE)
    used = 99 - len(rig.w._failures)
    assert used == 3
    check_sound(rig, connection, cursor)


def test_a_batch_is_not_run_again_from_the_start_when_it_was_refused_midway(rig):
    """The rows before the refusal may be there: outside a transaction each is final."""
    connection = rig.connect()
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.forget()
    rig.w.role, rig.r1.role = rig.r1.role, rig.w.role
    rig.r1.history = rig.w.history = "2"
    batch = "INSERT INTO batch VALUES (%s)"
    rig.w.fail("execute", Fault.NODE_READ_ONLY, match=batch, after=True)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.executemany(batch, [(1,), (2,), (3,)])
    assert rig.count(batch) == {"w": 1}


# Inside a transaction, at its second statement.
INSIDE = {
    Fault.LINK_LOST: routedb.TransactionLost,
    Fault.NODE_STARTING: routedb.TransactionLost,
    Fault.NODE_READ_ONLY: routedb.TransactionLost,
    Fault.CONFLICT: routedb.OperationalError,
    Fault.TIMEOUT: routedb.OperationalError,
    Fault.OVERLOAD: routedb.OperationalError,
    Fault.MISSING: routedb.OperationalError,
    Fault.STATEMENT: routedb.IntegrityError,
}


@pytest.mark.parametrize("sql", [READ, WRITE])
@pytest.mark.parametrize("fault", INSIDE, ids=lambda fault: fault.value)
@pytest.mark.parametrize("autocommit", [False, True], ids=["implicit", "by text"])
def test_a_fault_inside_a_transaction(rig, fault, sql, autocommit):
    connection = rig.connect(autocommit)
    cursor = connection.cursor()
    if autocommit:
        cursor.execute("BEGIN")
    cursor.execute("INSERT INTO first VALUES (1)")
    rig.w.fail("execute", fault, match=sql)
    with pytest.raises(INSIDE[fault]) as caught:
        cursor.execute(sql)
    is_lost = INSIDE[fault] is routedb.TransactionLost
    assert isinstance(caught.value, routedb.TransactionLost) == is_lost
    assert (state(connection) is TxState.LOST) == is_lost
    assert sum(rig.count(sql).values()) == 0
    assert set(rig.logs()) == {"w"}
    check_sound(rig, connection, cursor)


def test_a_transaction_that_the_server_ended_is_not_gone_on_with(rig):
    """As MySQL does after a deadlock: no transaction is open there any more."""
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO first VALUES (1)")
    rig.w.fail("execute", Fault.CONFLICT, match="INSERT INTO second")
    [link] = connection.session.links
    link.raw.mode = AUTOCOMMIT  # so that the fake sees no transaction after the fault
    link.raw.in_transaction = False
    with pytest.raises(routedb.OperationalError):
        cursor.execute("INSERT INTO second VALUES (1)")
    link.raw.mode = connection.session.links.mode
    with pytest.raises(routedb.TransactionLost):
        cursor.execute("INSERT INTO third VALUES (1)")
    assert rig.count("INSERT INTO third VALUES (1)") == {}
    check_sound(rig, connection, cursor)


def test_a_first_statement_that_fails_has_nothing_before_it_to_lose(rig):
    """On MySQL nothing is open after it; the transaction simply has not begun."""
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(READ)
    connection.rollback()
    rig.w.fail("execute", Fault.STATEMENT, match="INSERT INTO nowhere")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute("INSERT INTO nowhere VALUES (1)")
    cursor.execute(WRITE)
    connection.commit()
    assert rig.w.texts[-2:] == [WRITE, "COMMIT"]
    check_sound(rig, connection, cursor)


REFUSED_WHEN_LOST = [
    READ,
    WRITE,
    "BEGIN",
    "SAVEPOINT a",
    "RELEASE SAVEPOINT a",
    "ROLLBACK TO SAVEPOINT a",
    "SET TRANSACTION READ ONLY",
    "SET work_mem = '1MB'",
    "SELECT 1",
]


@pytest.mark.parametrize("sql", REFUSED_WHEN_LOST)
@pytest.mark.parametrize("end", ["rollback()", "ROLLBACK", "commit()", "COMMIT"])
def test_a_lost_transaction_refuses_all_until_it_is_ended(rig, sql, end):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.w.drop_links()
    with pytest.raises(routedb.TransactionLost):
        cursor.execute(WRITE)
    rig.forget()
    for _ in range(2):
        with pytest.raises(routedb.TransactionLost, match="rollback"):
            cursor.execute(sql)
        assert state(connection) is TxState.LOST
    assert rig.logs() == {}
    finish(connection, cursor, end)
    check_sound(rig, connection, cursor)


def finish(connection, cursor, end):
    acts = {
        "rollback()": connection.rollback,
        "ROLLBACK": lambda: cursor.execute("ROLLBACK"),
        "commit()": connection.commit,
        "COMMIT": lambda: cursor.execute("COMMIT"),
    }
    if end.lower().startswith("commit"):
        with pytest.raises(routedb.TransactionLost):
            acts[end]()
    else:
        acts[end]()


# At commit: what was said of it, by what came before and whether the server had it.
COMMITS = {
    (WRITE, False): routedb.OutcomeUnknown,
    (WRITE, True): routedb.OutcomeUnknown,
    (READ, False): routedb.TransactionLost,
    (READ, True): routedb.TransactionLost,
}


@pytest.mark.parametrize(("sql", "after"), COMMITS)
@pytest.mark.parametrize("by_text", [False, True], ids=["commit()", "COMMIT"])
def test_a_link_lost_at_commit(rig, sql, after, by_text):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(sql)
    rig.w.fail("commit", Fault.LINK_LOST, after=after)
    with pytest.raises(COMMITS[sql, after]):
        cursor.execute("COMMIT") if by_text else connection.commit()
    assert rig.count("COMMIT") == ({"w": 1} if after else {})
    assert rig.count(sql) == {"w": 1}
    check_sound(rig, connection, cursor)


@pytest.mark.parametrize("fault", [Fault.STATEMENT, Fault.CONFLICT, Fault.TIMEOUT])
def test_a_commit_that_the_server_refuses_is_the_users_to_see(rig, fault):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.w.fail("commit", fault)
    with pytest.raises(routedb.DatabaseError) as caught:
        connection.commit()
    assert not isinstance(
        caught.value, routedb.OutcomeUnknown | routedb.TransactionLost
    )
    assert rig.w.texts[-1] == "ROLLBACK"
    check_sound(rig, connection, cursor)


def test_a_rollback_of_a_dead_link_is_no_error(rig):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.w.drop_links()
    connection.rollback()
    check_sound(rig, connection, cursor)


def test_a_read_only_transaction_begins_elsewhere_when_its_replica_is_gone(rig):
    connection = rig.connect()
    cursor = connection.cursor()
    for _ in range(3):
        cursor.execute(READ)
    rig.r1.stop()
    for _ in range(3):
        cursor.execute("BEGIN READ ONLY")
        cursor.execute(READ)
        assert node_of(cursor) in ("r2", "w")
        connection.commit()
    check_sound(rig, connection, cursor)
