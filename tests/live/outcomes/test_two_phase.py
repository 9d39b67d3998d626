"""Transactions over two databases on real servers: all or nothing, whatever dies."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import routedb
from routedb import events
from routedb.engine.transactions import several
from routedb.session.two_phase import Step
from tests.support.inject import Interrupt
from tests.support.later import later, one_of
from tests.support.two_banks import PAIRS, Banks, banks

pytestmark = [pytest.mark.live]

STEPS = [Step.PREPARE, Step.WRITE_ROW, Step.COMMIT, Step.COMMIT_PREPARED]
COMMITTED = [
    (Step.COMMIT, "after"),
    (Step.COMMIT_PREPARED, "before"),
    (Step.COMMIT_PREPARED, "after"),
]


@pytest.fixture(params=PAIRS)
def bank(request, tmp_path):
    """A bank on each pair of kinds."""
    kinds = PAIRS[request.param]
    wanted = {"pg": "postgresql", "my": "mariadb"}
    clusters = {
        kind: request.getfixturevalue(wanted[kind]) for kind in kinds if kind in wanted
    }
    with banks(kinds, clusters, tmp_path) as made:
        yield made


@pytest.fixture
def pg_bank(postgresql, tmp_path):
    with banks(("pg", "pg"), {"pg": postgresql}, tmp_path) as made:
        yield made


@pytest.fixture
def mixed_bank(postgresql, mariadb, tmp_path):
    with banks(("pg", "my"), {"pg": postgresql, "my": mariadb}, tmp_path) as made:
        yield made


@pytest.fixture
def my_bank(mariadb, tmp_path):
    with banks(("my", "my"), {"my": mariadb}, tmp_path) as made:
        yield made


# -- what is usual ---------------------------------------------------------------------


@pytest.mark.engine_in_turn
def test_it_is_committed_on_both(bank):
    connection = bank.connect()
    for amount in (1, 2, 3):
        bank.transfer(connection, amount)
        connection.commit()
    bank.transfer(connection, 40)
    connection.rollback()
    cursor = connection.cursor()
    cursor.execute("SELECT v FROM acc_b WHERE id = 1")
    assert list(cursor.fetchall()) == [(106,)]
    connection.close()
    assert bank.moved == (6, 6)
    assert bank.prepared == []


@pytest.mark.engine_in_turn
def test_it_is_the_same_in_a_transaction_begun_by_text(bank):
    connection = bank.connect(autocommit=True)
    cursor = connection.cursor()
    for end in ("COMMIT", "ROLLBACK", "COMMIT"):
        cursor.execute("BEGIN")
        bank.transfer(connection)
        cursor.execute(end)
    cursor.execute("UPDATE acc_b SET v = v + 1 WHERE id = 2")  # alone, as ever
    connection.close()
    assert bank.moved == (2, 3)
    assert bank.prepared == []


@pytest.mark.engine_in_turn
def test_savepoints_reach_both(bank):
    connection = bank.connect()
    cursor = connection.cursor()
    cursor.execute("UPDATE acc_a SET v = v - 1 WHERE id = 1")
    cursor.execute("SAVEPOINT s")
    bank.transfer(connection, 5)
    cursor.execute("ROLLBACK TO SAVEPOINT s")
    cursor.execute("UPDATE acc_b SET v = v + 1 WHERE id = 1")
    cursor.execute("RELEASE SAVEPOINT s")
    connection.commit()
    connection.close()
    assert bank.moved == (1, 1)


@pytest.mark.engine_in_turn
def test_what_was_read_before_may_be_written_to(bank):
    bank.set_up()
    connection = bank.connect()
    cursor = connection.cursor()
    for name in "ab":
        cursor.execute(f"SELECT v FROM acc_{name} WHERE id = 1")
        assert list(cursor.fetchall()) == [(100,)]
    bank.transfer(connection)
    connection.commit()
    connection.close()
    assert bank.moved == (1, 1)


def test_two_mariadbs_that_are_read_first_are_refused_once(my_bank):
    def read_first(connection: routedb.Connection) -> None:
        cursor = connection.cursor()
        for name in "ab":
            cursor.execute(f"SELECT v FROM acc_{name} WHERE id = 1")
            cursor.fetchall()
        my_bank.transfer(connection)

    connection = my_bank.connect()
    with pytest.raises(routedb.CrossDatabaseError, match="run the transaction again"):
        read_first(connection)
    connection.rollback()
    routedb.run(connection, read_first)
    connection.close()
    assert my_bank.moved == (1, 1)


# -- crashes ---------------------------------------------------------------------------


def at_step(monkeypatch: pytest.MonkeyPatch, step: Step, moment: str, act: Any) -> None:
    """Call `act` before or after a step of the next commits."""
    do = several._DO[step]

    def done(*args: Any) -> None:
        if moment == "before":
            act()
        do(*args)
        if moment == "after":
            act()

    monkeypatch.setitem(several._DO, step, done)


@pytest.mark.timeout(300)
def test_a_crash_at_any_step_leaves_all_or_nothing(bank):
    def crash() -> None:
        raise Interrupt

    connection = bank.connect()
    bank.transfer(connection)  # makes the table
    connection.commit()
    amount = 1
    for step, moment in product(STEPS, ("before", "after")):
        bank.transfer(connection)
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, step, moment, crash)
            with pytest.raises(Interrupt):
                connection.commit()
        is_committed = (step, moment) in COMMITTED
        amount += is_committed
        finished = {each.finished for each in bank.recover()}
        assert finished <= {"committed" if is_committed else "aborted"}
        assert bank.moved == (amount, amount)
        assert bank.prepared == []
        connection.rollback()
        bank.transfer(connection)  # nothing is locked, and the connection works
        connection.commit()
        amount += 1
    connection.close()
    assert bank.moved == (amount, amount)


PROGRAM = """
import json, os, signal, sys
import routedb
from routedb.engine.transactions import several
from routedb.session.two_phase import Step

source, step, moment = json.loads(sys.argv[1])
do = several._DO[Step[step]]

def done(*args):
    if moment == "after":
        do(*args)
    os.kill(os.getpid(), signal.SIGKILL)

several._DO[Step[step]] = done
connection = routedb.connect(source)
cursor = connection.cursor()
cursor.execute("UPDATE acc_a SET v = v - 1 WHERE id = 1")
cursor.execute("UPDATE acc_b SET v = v + 1 WHERE id = 1")
connection.commit()
"""


@pytest.mark.parametrize(
    ("step", "moment"),
    [
        ("COMMIT", "after"),
        *later([("PREPARE", "after"), ("WRITE_ROW", "after"), ("COMMIT", "before")]),
    ],
)
def test_a_process_that_is_killed_leaves_all_or_nothing(bank, step, moment):
    told = json.dumps([bank.source, step, moment])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, told],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(routedb.__file__).parents[1],
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    _await_recovered(bank)
    amount = 1 if (Step[step], moment) in COMMITTED else 0
    assert bank.moved == (amount, amount)


def _await_recovered(bank: Banks) -> None:
    """Servers may take a moment to see that their client is gone."""
    for _ in range(100):
        if all(each.finished for each in bank.recover()):
            break
        threading.Event().wait(0.05)
    assert bank.prepared == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bank", one_of(3, PAIRS), indirect=True)
def test_recovery_in_the_middle_of_a_commit_makes_it_lose(bank):
    """Of MariaDB nobody else can finish what is prepared while its link is open: there
    it may lose, and need not."""
    amount = 0
    for step in STEPS[:3]:
        connection = bank.connect()
        bank.transfer(connection)
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, step, "before", bank.recover)
            try:
                connection.commit()
            except routedb.TransactionLost:
                amount += 0
            else:
                amount += 1
        connection.close()
        _await_recovered(bank)
        assert bank.moved == (amount, amount)


def test_a_link_that_dies_before_it_is_told_is_left_to_recovery(
    monkeypatch, mixed_bank
):
    connection = mixed_bank.connect()
    mixed_bank.transfer(connection)

    def kill() -> None:
        for link in connection.session.links:
            if link.node.database == "b":
                mixed_bank.run["b"](f"KILL {link.raw.thread_id()}")

    at_step(monkeypatch, Step.COMMIT, "after", kill)
    told: list[Any] = []
    with routedb.observe(told.append):
        connection.commit()
    left = [event for event in told if isinstance(event, events.BranchLeft)]
    assert [(event.node.database, event.outcome) for event in left] == [
        ("b", "committed")
    ]
    _await_recovered(mixed_bank)
    assert mixed_bank.moved == (1, 1)
    mixed_bank.transfer(connection)
    monkeypatch.undo()
    connection.commit()
    connection.close()
    assert mixed_bank.moved == (2, 2)


# -- what servers refuse ---------------------------------------------------------------


def test_a_deferred_constraint_fails_at_prepare_and_undoes_all(pg_bank):
    pg_bank.run["b"](
        "CREATE TABLE acc_child (id int REFERENCES acc_b DEFERRABLE INITIALLY DEFERRED)"
    )
    pg_bank.source["tables"]["acc_child"] = "b"
    connection = pg_bank.connect()
    pg_bank.transfer(connection)
    connection.cursor().execute("INSERT INTO acc_child VALUES (99)")
    with pytest.raises(routedb.IntegrityError):
        connection.commit()
    assert pg_bank.moved == (0, 0)
    assert pg_bank.prepared == []
    pg_bank.transfer(connection)
    connection.commit()
    connection.close()
    assert pg_bank.moved == (1, 1)


def test_what_cannot_be_prepared_undoes_all(pg_bank):
    connection = pg_bank.connect()
    pg_bank.transfer(connection)
    with connection.using("b"):
        connection.cursor().execute("CREATE TEMPORARY TABLE mine (id int)")
    with pytest.raises(routedb.NotSupportedError, match="temporary"):
        connection.commit()
    connection.close()
    assert pg_bank.moved == (0, 0)


def test_no_warning_of_the_server_is_left_with_the_driver(pg_bank):
    connection: Any = pg_bank.connect()
    pg_bank.transfer(connection)
    connection.commit()
    for link in connection.session.links:
        assert link.raw.notices == []
        assert link.is_idle()


def test_a_statement_that_commits_by_itself_is_refused(my_bank):
    connection = my_bank.connect()
    my_bank.transfer(connection)
    with pytest.raises(routedb.CrossDatabaseError, match="commit or roll back first"):
        connection.cursor().execute("CREATE TABLE acc_a2 (id int)")
    connection.commit()
    connection.close()
    assert my_bank.moved == (1, 1)


def test_branches_of_other_programs_are_left_alone(pg_bank):
    connection: Any = pg_bank.connect()
    connection.tpc_begin("another")
    cursor = connection.cursor()
    cursor.execute("UPDATE acc_a SET v = v - 1 WHERE id = 2")
    with pytest.raises(routedb.CrossDatabaseError):
        cursor.execute("UPDATE acc_b SET v = v + 1 WHERE id = 2")
    connection.tpc_prepare()
    assert pg_bank.recover() == []
    connection.tpc_commit()
    connection.close()
    assert pg_bank.moved == (1, 0)


def test_a_failed_branch_fails_them_all(pg_bank):
    connection = pg_bank.connect()
    pg_bank.transfer(connection)
    with pytest.raises(routedb.IntegrityError):
        connection.cursor().execute("INSERT INTO acc_b VALUES (1, 1)")
    connection.commit()  # rolls back, as PostgreSQL's COMMIT does then
    connection.close()
    assert pg_bank.moved == (0, 0)
    assert pg_bank.prepared == []


def test_check_lists_what_is_prepared(monkeypatch, mixed_bank, tmp_path):
    def crash() -> None:
        raise Interrupt

    connection = mixed_bank.connect()
    mixed_bank.transfer(connection)
    at_step(monkeypatch, Step.COMMIT_PREPARED, "before", crash)
    with pytest.raises(Interrupt):
        connection.commit()
    config = tmp_path / "banks.toml"
    config.write_text(_toml(mixed_bank.source))
    shown = _routedb("check", str(config))
    assert "is prepared for" in shown.stderr
    assert _routedb("recover", str(config), "--grace", "60").returncode == 1
    assert _routedb("recover", str(config), "--grace", "0").returncode == 0
    assert mixed_bank.moved == (1, 1)


def _toml(source: dict[str, Any]) -> str:
    lines = ['default = "a"']
    for name, database in source["databases"].items():
        lines += [f"[databases.{name}]", f"nodes = {json.dumps(database['nodes'])}"]
    return "\n".join(lines)


def _routedb(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "routedb", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(routedb.__file__).parents[1],
    )
