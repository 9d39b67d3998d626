"""`routedb.run()` over fake servers: what is run again, and what is said in the end."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

import routedb
from routedb.errors import Fault
from routedb.session import TxState
from tests.support.fake_rig import farm, state

WRITE = "INSERT INTO t VALUES (1)"


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Nothing sleeps; what would have been slept is kept."""
    waits: list[float] = []
    monkeypatch.setattr("routedb.run_transaction.time.sleep", waits.append)
    return waits


@pytest.fixture
def rig():
    with farm() as rig:
        yield rig


def write(connection):
    connection.cursor().execute(WRITE)
    return "done"


# Fault of the first statement in the first attempt -> how often the function runs.
FAULTS = {
    Fault.LINK_LOST: 2,
    Fault.NODE_STARTING: 2,
    Fault.NODE_READ_ONLY: 2,
    Fault.CONFLICT: 2,
    Fault.TIMEOUT: 1,
    Fault.OVERLOAD: 1,
    Fault.STATEMENT: 1,
}


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.value)
def test_what_left_nothing_behind_is_run_again(rig, fault, autocommit):
    connection = rig.connect(autocommit)
    runs = []

    def work(given):
        assert given is connection
        runs.append(1)
        write(given)
        given.cursor().execute("INSERT INTO second VALUES (1)")
        return len(runs)

    rig.w.fail("execute", fault, match="INSERT INTO second")
    if FAULTS[fault] == 1:
        with pytest.raises(routedb.DatabaseError) as caught:
            routedb.run(connection, work)
        assert len(caught.value.attempts) == 1
    else:
        assert routedb.run(connection, work) == 2
    assert len(runs) == FAULTS[fault]
    assert rig.w.texts.count("COMMIT") == FAULTS[fault] - 1
    rest = TxState.AUTOCOMMIT if autocommit else TxState.OPEN
    assert state(connection) is rest
    assert connection.autocommit is autocommit


@pytest.mark.parametrize(
    ("fault", "runs"),
    [(Fault.LINK_LOST, 1), (Fault.CONFLICT, 2), (Fault.NODE_READ_ONLY, 2)],
)
def test_a_commit_is_run_again_only_when_it_was_refused(rig, fault, runs):
    connection = rig.connect()
    count = []
    rig.w.fail("commit", fault)

    def work(given):
        count.append(1)
        return write(given)

    if runs == 1:
        with pytest.raises(routedb.OutcomeUnknown) as caught:
            routedb.run(connection, work)
        assert not caught.value.retry_is_safe
    else:
        assert routedb.run(connection, work) == "done"
    assert len(count) == runs


def test_an_error_of_the_function_rolls_back_and_comes_out(rig):
    connection = rig.connect()

    def work(given):
        write(given)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        routedb.run(connection, work)
    assert "COMMIT" not in rig.w.texts
    assert not connection.in_transaction


def test_an_interrupt_rolls_back_too(rig):
    connection = rig.connect()

    def work(given):
        write(given)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        routedb.run(connection, work)
    assert not connection.in_transaction


def test_the_last_error_tells_of_all_attempts(rig, waits):
    connection = rig.connect()
    rig.w.fail("execute", Fault.CONFLICT, match=WRITE, times=99)
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.run(connection, write, attempts=3)
    error = caught.value
    assert [attempt.number for attempt in error.attempts] == [1, 2, 3]
    assert error.attempts[-1].error is error
    assert notes(error)[0] == "run(): 3 attempts"
    assert len(notes(error)) == 4
    assert len(waits) == 2
    shown = "".join(traceback.format_exception(error))
    assert shown.count("Traceback") == 3


def test_no_attempt_begins_when_time_is_over(rig):
    connection = rig.connect()
    rig.w.fail("execute", Fault.CONFLICT, match=WRITE, times=99)
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.run(connection, write, attempts=99, timeout=1e-9)
    assert len(caught.value.attempts) == 1


def notes(exc: Any) -> list[str]:
    return list(exc.__notes__)


BEGUN = {
    "a statement": write,
    "BEGIN": lambda c: c.cursor().execute("BEGIN"),
    "SAVEPOINT": lambda c: c.cursor().execute("SAVEPOINT a"),
}


@pytest.mark.parametrize("how", BEGUN)
def test_inside_an_open_transaction_it_is_refused(rig, how):
    connection = rig.connect(autocommit=how == "BEGIN")
    BEGUN[how](connection)
    before = state(connection)
    with pytest.raises(routedb.ProgrammingError, match="inside an open transaction"):
        routedb.run(connection, write)
    assert state(connection) is before


@pytest.mark.parametrize("autocommit", [True, False])
def test_inside_another_run_it_is_refused(rig, autocommit):
    connection = rig.connect(autocommit)
    with pytest.raises(routedb.ProgrammingError, match="inside another run"):
        routedb.run(connection, lambda c: routedb.run(c, write))
    assert routedb.run(connection, write) == "done"


def test_a_lost_transaction_must_be_acknowledged_first(rig):
    connection = rig.connect(autocommit=False)
    write(connection)
    rig.w.drop_links()
    with pytest.raises(routedb.TransactionLost):
        write(connection)
    with pytest.raises(routedb.ProgrammingError, match="open transaction"):
        routedb.run(connection, write)


def test_what_the_function_committed_itself_is_not_done_twice(rig):
    connection = rig.connect()
    runs = []

    def work(given):
        runs.append(1)
        write(given)
        given.commit()
        rig.w.fail("execute", Fault.CONFLICT, match="INSERT INTO second")
        given.cursor().execute("INSERT INTO second VALUES (1)")

    with pytest.raises(routedb.OperationalError) as caught:
        routedb.run(connection, work)
    assert runs == [1]
    assert not caught.value.retry_is_safe
    assert "committed by itself" in notes(caught.value)[0]


def test_the_mode_of_the_transaction_is_as_asked_and_then_as_before(rig):
    connection = rig.connect()
    seen = []
    routedb.run(
        connection,
        lambda c: seen.append((c.isolation_level, c.readonly)),
        isolation_level="serializable",
        readonly=True,
    )
    assert seen == [("SERIALIZABLE", True)]
    assert (connection.isolation_level, connection.readonly) == (None, False)


def test_options_are_for_a_connection_that_is_opened(rig):
    with pytest.raises(routedb.InterfaceError, match="reads: for opening"):
        routedb.run(rig.connect(), write, reads="writer")


def test_a_connection_that_it_opened_is_closed(tmp_path):
    kept = []

    def work(connection):
        kept.append(connection)
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE t (a int)")
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute("SELECT count(*) FROM t")
        return cursor.fetchone()[0]

    dsn = f"sqlite:///{tmp_path}/a.db"
    assert routedb.run(dsn, work) == 1
    assert kept[0].closed
    with routedb.Cluster(dsn) as cluster:
        count = "SELECT count(*) FROM t"
        assert routedb.run(cluster, lambda c: c.execute(count).fetchone()) == (1,)


def test_a_server_that_cannot_be_reached_counts_as_an_attempt(waits):
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.run("postgresql://127.0.0.1:1/x", write, attempts=3)
    assert len(caught.value.attempts) == 3
    assert len(waits) == 2


def test_every_error_says_whether_running_again_is_safe():
    kinds = [k for k in vars(routedb).values() if isinstance(k, type)]
    errors = [k for k in kinds if issubclass(k, routedb.Error)]
    safe = {k.__name__ for k in errors if k.retry_is_safe}
    assert len(errors) > 15
    assert safe == {"TransactionLost", "NoNodeError", "PoolTimeout", "SplitBrain"}
