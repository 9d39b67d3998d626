"""Commits over several databases, on fake servers that keep what is prepared."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import routedb
from routedb import adapters, events
from routedb.adapters import fake
from routedb.engine.shared import recovery
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.transactions import several
from routedb.errors import Fault
from routedb.session.two_phase import Step
from tests.support.fake_pair import Pair, pair
from tests.support.inject import Interrupt
from tests.support.servers.server import wait_until

FAULTS = [Fault.LINK_LOST, Fault.STATEMENT, Fault.CONFLICT, Fault.NODE_READ_ONLY]


@pytest.fixture
def two() -> Iterator[Pair]:
    with pair() as made:
        yield made


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What observers are told of branches."""
    seen: list[Any] = []
    with routedb.observe(
        lambda event: (
            seen.append(event)
            if isinstance(event, events.BranchLeft | events.BranchRecovered)
            else None
        )
    ):
        yield seen


def test_one_database_is_committed_as_ever(two):
    connection = two.connect()
    two.transfer(connection, "a")
    connection.commit()
    assert two.texts("a") == ["UPDATE t_a SET v = 1", "COMMIT"]
    assert two.texts("b") == []


def test_a_reader_beside_one_writer_costs_nothing_more(two):
    connection = two.connect()
    connection.cursor().execute("SELECT v FROM t_b")
    two.transfer(connection, "a")
    connection.commit()
    assert two.texts("a") == ["UPDATE t_a SET v = 1", "COMMIT"]
    assert two.texts("b") == ["SELECT v FROM t_b", "COMMIT"]


def test_all_but_the_decider_are_prepared(two):
    connection = two.connect()
    two.transfer(connection, "a", "b")  # the first one asks for the table, and makes it
    connection.commit()
    two.forget()
    two.transfer(connection, "a", "b")
    connection.commit()
    assert two.texts("a") == [
        "UPDATE t_a SET v = 1",
        "INSERT INTO routedb_decisions",
        "COMMIT",
    ]
    assert two.texts("b") == [
        "UPDATE t_b SET v = 1",
        "PREPARE TRANSACTION",
        "COMMIT PREPARED",
    ]
    assert two.prepared == {}
    assert two.rows == ["committed", "committed"]


def test_the_home_may_only_read_and_be_none_of_the_parts():
    with pair("a", "b", "c") as three:
        connection = three.connect()
        connection.cursor().execute("SELECT v FROM t_a")
        three.transfer(connection, "b", "c")
        three.forget()
        connection.commit()
        assert three.texts("a") == ["COMMIT"]
        assert three.texts("b") == ["INSERT INTO routedb_decisions", "COMMIT"]
        assert three.texts("c") == ["PREPARE TRANSACTION", "COMMIT PREPARED"]


def test_the_home_may_write_last():
    with pair("a", "b", "c") as three:
        connection = three.connect()
        connection.cursor().execute("SELECT v FROM t_a")
        three.transfer(connection, "b", "c", "a")
        connection.commit()
        assert three.prepared == {}
        assert [three.committed(name) for name in "abc"] == [True] * 3


@pytest.mark.parametrize("end", ["commit()", "COMMIT"])
def test_a_transaction_begun_by_text_is_the_same(two, end):
    connection = two.connect(autocommit=True)
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    two.transfer(connection, "a", "b")
    if end == "COMMIT":
        cursor.execute(end)
    else:
        connection.commit()
    assert two.rows == ["committed"]
    assert two.prepared == {}


def test_savepoints_reach_every_branch_and_late_ones_get_the_open_ones(two):
    connection = two.connect()
    cursor = connection.cursor()
    two.transfer(connection, "a")
    cursor.execute("SAVEPOINT s")
    two.transfer(connection, "b")
    cursor.execute("ROLLBACK TO SAVEPOINT s")
    connection.commit()
    assert two.texts("b")[-5:] == [
        "SAVEPOINT s",
        "UPDATE t_b SET v = 1",
        "ROLLBACK TO SAVEPOINT s",
        "PREPARE TRANSACTION",
        "COMMIT PREPARED",
    ]


def test_rollback_prepares_nothing(two):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    connection.rollback()
    assert two.rows == []
    assert [two.committed(name) for name in "ab"] == [False, False]


def test_a_third_write_asks_no_server_again(two):
    connection = two.connect()
    for names in (["a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]):
        two.transfer(connection, *names)
        connection.commit()
    for name in "ab":
        asked = [t for t in two.servers[name].texts if t.endswith("decisions token")]
        assert len(asked) == 2  # before it was made, and after


# -- what is refused -------------------------------------------------------------------


def test_single_refuses_as_before():
    with pair(transactions="single") as two:
        connection = two.connect()
        two.transfer(connection, "a")
        with pytest.raises(routedb.CrossDatabaseError, match="to one database"):
            two.transfer(connection, "b")
        connection.commit()
        assert two.texts("a") == ["UPDATE t_a SET v = 1", "COMMIT"]
        assert two.texts("b") == []


def cannot_prepare(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def refusal(self: object, raw: Any) -> str:
        return "max_prepared_transactions is 0" if raw.server.name in names else ""

    monkeypatch.setattr(type(fake.ADAPTER.branches), "refusal", refusal)


def test_who_cannot_prepare_decides(monkeypatch, two):
    cannot_prepare(monkeypatch, "b")
    connection = two.connect()
    two.transfer(connection, "a", "b")
    connection.commit()
    assert two.texts("a")[-2:] == ["PREPARE TRANSACTION", "COMMIT PREPARED"]
    assert two.texts("b")[-1] == "COMMIT"


def test_two_who_cannot_are_refused_and_the_setting_is_named(monkeypatch, two):
    cannot_prepare(monkeypatch, "a", "b")
    connection = two.connect()
    two.transfer(connection, "a")
    with pytest.raises(routedb.CrossDatabaseError, match="max_prepared_transactions"):
        two.transfer(connection, "b")
    connection.commit()
    assert two.committed("a")
    assert "UPDATE t_b SET v = 1" not in two.texts("b")


def test_without_the_right_to_make_the_table_a_second_write_is_refused(two):
    two.servers["a"].fail("execute", Fault.STATEMENT, match="CREATE TABLE")
    connection = two.connect()
    two.transfer(connection, "a")
    with pytest.raises(routedb.OperationalError, match="routedb setup CONFIG"):
        two.transfer(connection, "b")
    connection.commit()
    assert two.committed("a")


# -- failures --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_who_cannot_be_prepared_ends_it_for_all(two, fault):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", fault, match="PREPARE")
    is_lost = fault in (Fault.LINK_LOST, Fault.NODE_READ_ONLY)
    kind = routedb.TransactionLost if is_lost else routedb.DatabaseError
    with pytest.raises(kind) as caught:
        connection.commit()
    assert caught.value.retry_is_safe is (is_lost or fault is Fault.CONFLICT)
    assert not two.committed("a")
    assert (two.rows, two.prepared) == ([], {})


def test_a_lost_answer_of_prepare_is_left_to_recovery(two, told):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", Fault.LINK_LOST, match="PREPARE", after=True)
    with pytest.raises(routedb.TransactionLost):
        connection.commit()
    assert two.prepared == {"b": 1}
    assert [(str(e.node), e.outcome) for e in told] == [("b", "aborted")]
    assert two.recover() == ["aborted"]
    assert (two.prepared, two.rows) == ({}, ["aborted"])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_that_cannot_be_written_ends_it_for_all(two, fault):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["a"].fail("execute", fault, match="INSERT INTO routedb_decisions")
    with pytest.raises(routedb.OperationalError):
        connection.commit()
    assert [two.committed(name) for name in "ab"] == [False, False]
    assert (two.rows, two.prepared) == ([], {})


@pytest.mark.parametrize("fault", [Fault.STATEMENT, Fault.CONFLICT])
def test_a_decider_that_refuses_ends_it_for_all(two, fault):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["a"].fail("commit", fault)
    with pytest.raises(routedb.DatabaseError):
        connection.commit()
    assert (two.rows, two.prepared) == ([], {})
    assert not two.committed("b")


@pytest.mark.parametrize("is_committed", [True, False])
def test_the_lost_answer_of_the_decider_is_found_in_its_table(two, is_committed):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["a"].fail("commit", Fault.LINK_LOST, after=is_committed)
    if is_committed:
        connection.commit()
    else:
        with pytest.raises(routedb.TransactionLost, match="so nowhere"):
            connection.commit()
    assert two.committed("b") is is_committed
    assert two.prepared == {}
    assert two.rows == ["committed" if is_committed else "aborted"]


@pytest.mark.parametrize("is_committed", [True, False])
def test_nobody_to_ask_is_unknown_and_recovery_ends_it(two, told, is_committed):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["a"].fail("commit", Fault.LINK_LOST, after=is_committed)
    two.servers["a"].is_up = False
    with pytest.raises(routedb.OutcomeUnknown, match="routedb recover"):
        connection.commit()
    assert two.prepared == {"b": 1}
    assert [e.outcome for e in told] == ["in doubt"]
    assert "refuses" in two.recover()[0]
    two.servers["a"].is_up = True
    assert two.recover() == ["committed" if is_committed else "aborted"]
    assert two.committed("b") is is_committed


@pytest.mark.parametrize("after", [True, False])
def test_who_cannot_be_told_is_left_and_the_commit_returns(two, told, after):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", match="COMMIT PREPARED", after=after)
    connection.commit()
    assert two.committed("a")
    assert two.prepared == ({} if after else {"b": 1})
    assert [(str(e.node), e.outcome) for e in told] == [("b", "committed")]
    assert two.recover() == ([] if after else ["committed"])
    assert two.committed("b")
    two.transfer(connection, "a", "b")
    connection.commit()  # the connection goes on


# -- races -----------------------------------------------------------------------------

STEPS = [Step.PREPARE, Step.WRITE_ROW, Step.COMMIT, Step.COMMIT_PREPARED]
COMMITTED = [
    (Step.COMMIT, "after"),
    (Step.COMMIT_PREPARED, "before"),
    (Step.COMMIT_PREPARED, "after"),
]


def at_step(
    monkeypatch: pytest.MonkeyPatch, step: Step, before: Any = None, after: Any = None
) -> None:
    """Call something before or after a step of a commit."""
    for table in (several._DO, several._SEND):
        if step in table:
            monkeypatch.setitem(table, step, _with(table[step], before, after))


def _with(do: Any, before: Any, after: Any) -> Any:
    def done(*args: Any) -> None:
        if before is not None:
            before()
        do(*args)
        if after is not None:
            after()

    return done


@pytest.mark.parametrize("step", [Step.PREPARE, Step.COMMIT_PREPARED])
def test_branches_do_not_wait_for_one_another(monkeypatch, step):
    with pair(*"abcd") as world:
        connection = world.connect()
        world.transfer(connection, *world.servers)
        met = threading.Barrier(3)
        at_step(monkeypatch, step, before=lambda: met.wait(30))
        connection.commit()
        assert world.prepared == {}
        assert {world.committed(name) for name in world.servers} == {True}


@pytest.mark.parametrize("step", [Step.PREPARE, Step.COMMIT_PREPARED])
@pytest.mark.parametrize("others", ["bc", "bcd"])
def test_branches_that_fail_at_once_end_alike(step, others):
    """Those that could be prepared are rolled back, or all are committed or left."""
    with pair(*"abcd") as world:
        connection = world.connect()
        world.transfer(connection, *world.servers)
        text = "PREPARE" if step is Step.PREPARE else "COMMIT PREPARED"
        for name in others:
            world.servers[name].fail("execute", Fault.LINK_LOST, match=text)
        is_committed = _commit(connection)
        world.recover()
        assert is_committed is (step is Step.COMMIT_PREPARED)
        assert world.prepared == {}
        assert world.committed("a") is is_committed


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("others", [1, 2])
def test_recovery_at_any_step_leaves_all_or_nothing(monkeypatch, step, others):
    with pair(*"abc"[: others + 1]) as world:
        connection = world.connect()
        world.transfer(connection, *world.servers)
        for moment in ("before", "after"):
            at_step(monkeypatch, step, **{moment: world.recover})
        with pytest.MonkeyPatch.context():
            outcome = _commit(connection)
        world.recover()
        assert world.prepared == {}
        ends = {world.committed(name) for name in world.servers}
        assert ends == {outcome}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_whatever_interrupts_leaves_all_or_nothing(monkeypatch, two, step, moment):
    def interrupt() -> None:
        raise Interrupt

    connection = two.connect()
    two.transfer(connection, "a", "b")
    at_step(monkeypatch, step, **{moment: interrupt})
    with pytest.raises(Interrupt):
        connection.commit()
    two.recover()
    assert two.prepared == {}
    ends = {two.committed(name) for name in "ab"}
    assert ends == {(step, moment) in COMMITTED}
    connection.rollback()
    monkeypatch.undo()
    two.transfer(connection, "a", "b")
    connection.commit()
    assert two.prepared == {}


def _commit(connection: routedb.Connection) -> bool:
    try:
        connection.commit()
    except routedb.TransactionLost:
        return False
    return True


# -- whose branches --------------------------------------------------------------------


def test_young_branches_and_those_of_others_are_left_alone(two):
    foreign = ["x", "routedb-other-6553f1000000000000000005-main~0123456789ab-7"]
    two.servers["b"].prepared |= dict.fromkeys(foreign, [])
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", match="COMMIT PREPARED")
    connection.commit()
    assert two.recover(grace_s=60) == ["younger than the grace"]
    assert two.recover() == ["committed"]
    assert list(two.servers["b"].prepared) == foreign


@pytest.mark.parametrize("transactions", ["two-phase", "single"])
def test_who_has_written_nothing_recovers_what_others_left(
    monkeypatch, two, transactions
):
    monkeypatch.setattr(recovery, "_INTERVAL_S", 0.01)
    monkeypatch.setattr(recovery, "GRACE_S", 0.0)
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", Fault.LINK_LOST, match="PREPARE", after=True)
    with pytest.raises(routedb.TransactionLost):
        connection.commit()
    used, core = [True], Core(two.config, adapters.load)
    object.__setattr__(core.config, "transactions", transactions)
    looks: list[Any] = []
    find = recovery.Recovery.round

    def look(*args: Any) -> Any:
        looks.append(args)
        return find(*args)

    monkeypatch.setattr(recovery.Recovery, "round", look)
    recoverer = recovery.Recoverer(ledger_of(core), lambda: bool(used))
    recoverer.begin()
    if transactions == "two-phase":
        wait_until(lambda: two.prepared == {}, "nothing is prepared")
        used.clear()  # no connection is open any more
        wait_until(lambda: _stays(looks), "nobody looks any more")
    recoverer.stop()
    assert bool(looks) is (transactions == "two-phase")
    core.close()


def _stays(looks: list[Any]) -> bool:
    before = len(looks)
    time.sleep(0.2)
    return len(looks) == before


def test_a_table_that_is_another_one_decides_nothing(two):
    """A configuration may call other servers by the same names."""
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", match="COMMIT PREPARED")
    connection.commit()
    two.servers["a"].decisions.clear()
    two.servers["a"].decisions["token"] = "f" * 12
    assert "no database here has that table" in two.recover()[0]
    assert two.prepared == {"b": 1}


def test_what_is_older_than_decisions_are_kept_is_not_decided(two):
    connection = two.connect()
    two.transfer(connection, "a", "b")
    two.servers["b"].fail("execute", match="COMMIT PREPARED")
    connection.commit()
    [(key, rows)] = two.servers["b"].prepared.items()
    old = key.replace(key.split("-")[2][:8], "5553f100")
    two.servers["b"].prepared = {old: rows}
    assert "finish it by hand" in two.recover()[0]
    assert two.rows == ["committed"]


def test_parts_of_a_statement_are_committed_one_by_one_without_a_table():
    rule = {"database": "s", "reference": True}
    servers = {name: fake.Server(name) for name in ("s0", "s1")}
    try:
        for server in servers.values():
            server.fail("execute", Fault.STATEMENT, match="CREATE TABLE", times=9)
        shards = [["fake://s0"], ["fake://s1"]]
        source = {"databases": {"s": {"shards": shards}}, "tables": {"t": rule}}
        with routedb.Cluster(source) as cluster:
            connection = cluster.connect(autocommit=True)
            for _ in range(2):
                connection.cursor().execute("UPDATE t SET v = 1")
            connection.close()
        for server in servers.values():
            assert server.texts.count("COMMIT") == 2
            assert server.prepared == {}
    finally:
        for server in servers.values():
            server.close()
