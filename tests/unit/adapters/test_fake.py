"""The scripted fake answers, fails and logs as it was told to."""

from __future__ import annotations

import doctest

import pytest

from routedb.adapters import fake
from routedb.adapters.base import TxMode
from routedb.errors import Fault
from routedb.topology import Role
from tests.support.drivers import node

ADAPTER = fake.ADAPTER


@pytest.fixture
def server():
    with fake.Server("db1") as server:
        yield server


@pytest.fixture
def raw(server):
    return ADAPTER.connect(node("fake://db1"), 1.0)


def fault_of(call, *arguments):
    with pytest.raises(fake.Error) as caught:
        call(*arguments)
    return ADAPTER.fault(caught.value, None)


def test_the_example_of_its_module_is_true():
    failed, tried = doctest.testmod(fake)
    assert (failed, tried > 0) == (0, True)


def test_a_text_is_answered_as_the_latest_script_says(server, raw):
    server.answer("SELECT", rows=[(1,), (2,), (3,)], columns=["id"])
    server.answer("SELECT 7", rows=[(7,)], columns=["seven"])
    cursor = ADAPTER.cursor(raw)
    cursor.execute("SELECT id", (1,))
    assert (cursor.rowcount, cursor.description[0][0]) == (3, "id")
    assert (cursor.fetchone(), cursor.fetchmany(1)) == ((1,), [(2,)])
    assert (cursor.fetchall(), cursor.fetchone()) == ([(3,)], None)
    assert ADAPTER.run(raw, "SELECT 7") == [(7,)]
    assert ADAPTER.run(raw, "UPDATE t") == []


def test_fetching_a_part_leaves_the_rest(server, raw):
    server.answer("SELECT", rows=[(n,) for n in range(5)], columns=["n"])
    cursor = ADAPTER.cursor(raw)
    cursor.execute("SELECT n")
    assert cursor.fetchmany(2) == [(0,), (1,)]
    assert cursor.fetchmany(2) == [(2,), (3,)]
    assert list(cursor) == [(4,)]


def test_a_script_may_say_a_count_or_an_error(server, raw):
    server.answer("UPDATE", rowcount=4)
    server.answer("INSERT", error=fake.IntegrityError("twice"))
    cursor = ADAPTER.cursor(raw)
    cursor.execute("UPDATE t SET v = 1")
    assert (cursor.rowcount, cursor.description) == (4, None)
    assert fault_of(cursor.execute, "INSERT INTO t") is Fault.STATEMENT


def test_the_log_holds_what_arrived_and_on_which_link(server, raw):
    other = ADAPTER.connect(node("fake://db1"), 1.0)
    ADAPTER.begin(raw, TxMode(read_only=True))
    ADAPTER.cursor(other).executemany("INSERT %s", [(1,), (2,)])
    ADAPTER.cursor(raw).callproc("p", (3,))
    ADAPTER.commit(raw)
    assert list(server.log) == [
        (1, "BEGIN READ ONLY", None),
        (2, "INSERT %s", (1,)),
        (2, "INSERT %s", (2,)),
        (1, "CALL p", (3,)),
        (1, "COMMIT", None),
    ]


@pytest.mark.parametrize(
    ("texts", "is_idle"),
    [
        (["BEGIN"], False),
        (["START TRANSACTION"], False),
        (["BEGIN", "COMMIT"], True),
        (["BEGIN", "ROLLBACK"], True),
        (["BEGIN", "ROLLBACK TO a"], False),
        (["SELECT 1"], True),
    ],
)
def test_transaction_control_by_text_is_followed(server, raw, texts, is_idle):
    for text in texts:
        ADAPTER.run(raw, text)
    assert ADAPTER.is_idle(raw) is is_idle
    assert not ADAPTER.is_failed(raw)


def test_without_autocommit_every_text_opens_a_transaction(server, raw):
    ADAPTER.set_mode(raw, TxMode(autocommit=False))
    ADAPTER.run(raw, "SELECT 1")
    assert not ADAPTER.is_idle(raw)
    ADAPTER.rollback(raw)
    assert ADAPTER.is_idle(raw)


@pytest.mark.parametrize("fault", list(Fault))
def test_a_failure_is_of_the_fault_that_was_asked_for(server, raw, fault):
    server.fail("execute", fault, match="UPDATE")
    assert ADAPTER.run(raw, "SELECT 1") == []
    assert fault_of(ADAPTER.run, raw, "UPDATE t") is fault
    assert ADAPTER.is_alive(raw) is (fault is not Fault.LINK_LOST)


@pytest.mark.parametrize(("after", "logged"), [(False, []), (True, ["COMMIT"])])
def test_a_commit_is_lost_before_or_after_it_was_done(server, raw, after, logged):
    server.fail("commit", after=after)
    assert fault_of(ADAPTER.commit, raw) is Fault.LINK_LOST
    assert server.texts == logged
    assert fault_of(ADAPTER.run, raw, "SELECT 1") is Fault.LINK_LOST


def test_a_failure_comes_as_often_as_was_said(server):
    server.fail("connect", Fault.OVERLOAD, times=2)
    server.fail("probe", Fault.TIMEOUT)
    here = node("fake://db1")
    faults = [fault_of(ADAPTER.connect, here, 1.0) for _ in range(2)]
    assert faults == [Fault.OVERLOAD] * 2
    raw = ADAPTER.connect(here, 1.0)
    assert fault_of(ADAPTER.probe, raw) is Fault.TIMEOUT
    assert ADAPTER.probe(raw).role is Role.WRITER
    assert not server.has_script


def test_a_probe_says_what_the_script_says(server, raw):
    server.role, server.lag_s, server.position = Role.REPLICA, 3.0, "0/5"
    assert ADAPTER.probe(raw)[:5] == (Role.REPLICA, "1.0", "0/5", "1", 3.0)


def test_a_server_that_is_stopped_drops_links_and_refuses_new_ones(server, raw):
    server.stop()
    assert not ADAPTER.is_alive(raw)
    assert fault_of(ADAPTER.probe, raw) is Fault.LINK_LOST
    assert fault_of(ADAPTER.connect, node("fake://db1"), 1.0) is Fault.REFUSED
    server.start()
    assert ADAPTER.is_alive(ADAPTER.connect(node("fake://db1"), 1.0))


@pytest.mark.parametrize("end", ["close", "interrupt", "abandon"])
def test_a_link_that_was_ended_is_dead(server, raw, end):
    getattr(ADAPTER, end)(raw)
    assert not ADAPTER.is_alive(raw)
    assert fault_of(ADAPTER.run, raw, "SELECT 1") is Fault.LINK_LOST
    assert server.texts == []


def test_a_name_is_one_server_s_at_a_time(server):
    with pytest.raises(ValueError, match="there is a fake server 'db1' already"):
        fake.Server("db1")
    server.close()
    assert fault_of(ADAPTER.connect, node("fake://db1"), 1.0) is Fault.REFUSED


def test_its_catalog_knows_what_it_was_told(server, raw):
    server.volatile = {"f": True, "g": False}
    known = [ADAPTER.volatility(raw, name, None) for name in "fgh"]
    assert known == [True, False, None]
