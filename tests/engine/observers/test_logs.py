"""What an operator finds in the log: a line for each thing that happens, once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

import routedb
import routedb.runtime  # which has the log written
from routedb.errors import Fault
from routedb.events import NodeLabel, ObserverFailed, SplitBrainBegan, SplitBrainEnded
from routedb.logs import line
from routedb.topology.snapshot import Role
from tests.support.fake_rig import Rig, farm

READ, WRITE = "SELECT a FROM t", "INSERT INTO t VALUES (1)"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged since the last call."""
    caplog.set_level(logging.DEBUG, "routedb")
    caplog.clear()

    def since() -> list[str]:
        said = [f"{r.levelname} {r.getMessage()}" for r in caplog.records]
        caplog.clear()
        return said

    return since


@pytest.fixture
def rig(lines, rig: Rig) -> Rig:
    """A rig whose beginnings are not looked at."""
    lines()
    return rig


def test_nobody_is_disturbed_who_has_not_configured_logging():
    handlers = logging.getLogger("routedb").handlers
    assert [type(handler) for handler in handlers] == [logging.NullHandler]


def test_a_program_begins(lines):
    with farm(replicas=1):
        assert lines() == [
            "INFO node w of main: unknown -> up: answered",
            "INFO main: writer is w",
            "INFO node r1 of main: unknown -> up: answered",
        ]


def test_a_node_fails_and_returns(rig, lines):
    rig.r1.stop()
    for _ in range(3):
        rig.look()
    assert lines() == ["WARNING node r1 of main: up -> down: r1 refuses connections"]
    rig.r1.start()
    for _ in range(3):
        rig.look()
    assert lines() == [
        "INFO node r1 of main: down -> suspect: answered once after a failure",
        "INFO node r1 of main: suspect -> up: answered",
    ]


def test_a_replica_lags(rig, lines):
    rig.r1.lag_s = 12.5
    rig.look()
    assert lines() == ["WARNING node r1 of main: up -> lagging: it is 12.5 s behind"]


def test_a_writer_is_replaced(rig, lines):
    rig.w.stop()
    rig.look()
    rig.r1.role, rig.r1.history = Role.WRITER, "2"
    rig.look()
    assert lines()[:3] == [
        "WARNING node w of main: up -> down: w refuses connections",
        "WARNING main has no writer now; w was it",
        "WARNING main: r1 was promoted, writer in the place of w",
    ]


def test_an_old_writer_is_fenced(rig, lines):
    rig.r1.role, rig.r1.history = Role.WRITER, "2"
    rig.look()
    promoted, fenced = lines()
    assert promoted == "WARNING main: r1 was promoted, writer in the place of w"
    assert fenced.startswith("WARNING node w of main: fenced: an old writer: it lacks")


def test_a_read_loses_its_link_and_is_run_again(rig, lines):
    cursor = rig.connect().cursor()
    cursor.execute(READ)
    for server in rig.servers.values():
        server.fail("execute", Fault.LINK_LOST)
    cursor.execute(READ)
    said = lines()
    lost = [each for each in rig.servers if not rig.servers[each].has_script]
    assert lost
    for name in lost:
        why = f"{name}: scripted link lost"
        assert said.count(f"WARNING link to {name} of main lost: {why}") == 1
        again = f"WARNING SELECT on {name} of main failed, the read is run again: {why}"
        assert said.count(again) == 1


def test_an_idle_link_is_replaced(rig, lines):
    cursor = rig.connect().cursor()
    cursor.execute(WRITE)
    rig.w.drop_links()
    cursor.execute(WRITE)
    assert lines() == [
        "INFO link to w of main replaced: it was closed by the server while it was idle"
    ]


def test_a_link_grows_old(lines):
    with farm(max_age="1m") as rig:
        cursor = rig.connect().cursor()
        cursor.execute(WRITE)
        lines()
        rig.now += 100
        for link in cursor.connection.session.links:
            link.synced_version = -1
        cursor.execute(WRITE)
        assert lines() == ["INFO link to w of main replaced: it was older than max_age"]


def test_a_transaction_is_lost_and_told_once(rig, lines):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute(WRITE)
    rig.w.fail("execute", Fault.LINK_LOST)
    for _ in range(2):
        with pytest.raises(routedb.TransactionLost):
            cursor.execute(WRITE)
    with pytest.raises(routedb.TransactionLost):
        connection.commit()
    said = lines()
    assert [each[:33] for each in said if "TransactionLost" in each] == [
        "WARNING TransactionLost: the link"
    ]
    assert "WARNING link to w of main lost: w: scripted link lost" in said


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_finds_its_link_dead(rig, lines, when):
    connection = rig.connect(autocommit=False)
    connection.cursor().execute(WRITE)
    if when == "before":
        rig.w.drop_links()
    else:
        rig.w.fail("commit", Fault.LINK_LOST)
    with pytest.raises(routedb.OperationalError):
        connection.commit()
    said = lines()
    assert len([each for each in said if "link to w of main lost" in each]) == 1
    [outcome] = [each for each in said if "TransactionLost" in each or "ERROR" in each]
    kind = "WARNING TransactionLost" if when == "before" else "ERROR OutcomeUnknown"
    assert outcome.startswith(kind)


def test_a_write_whose_outcome_is_unknown(rig, lines):
    cursor = rig.connect().cursor()
    rig.w.fail("execute", Fault.LINK_LOST)
    with pytest.raises(routedb.OutcomeUnknown):
        cursor.execute(WRITE)
    assert [each[:20] for each in lines() if each.startswith("ERROR")] == [
        "ERROR OutcomeUnknown"
    ]


def test_somebody_waits_for_a_link_in_vain(lines):
    with farm(replicas=0, pool={"max": 1, "wait_timeout": "10ms"}) as rig:
        holder = rig.connect()
        holder.cursor().execute(WRITE)
        lines()
        with pytest.raises(routedb.PoolTimeout):
            rig.connect().cursor().execute(WRITE)
        [said] = lines()
        assert said.startswith("WARNING pool of w of main: no link became free in ")


OTHERS = [
    (
        SplitBrainBegan(
            "orders", 2, (NodeLabel("a", "orders"), NodeLabel("b", "orders"))
        ),
        logging.ERROR,
        "orders[2]: split brain: a and b both claim to be the writer and neither is "
        "provably newer; writes are refused",
    ),
    (SplitBrainEnded("main", None), logging.INFO, "main: split brain is over"),
    (
        ObserverFailed("mine", "KeyError: 'a'"),
        logging.ERROR,
        "observer mine raised KeyError: 'a'; further failures of it are not logged",
    ),
]


@pytest.mark.parametrize(("event", "level", "text"), OTHERS)
def test_other_lines(event, level, text):
    assert line(event) == (level, text)
