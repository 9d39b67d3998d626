"""Sums over two databases, while others transfer between them: never half of it."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import routedb
from routedb.engine.shared.old_counts import OldCounts
from routedb.engine.transactions import several
from routedb.merge.atomic import AtomicRead
from routedb.session.two_phase import Step
from tests.support.later import later
from tests.support.two_banks import FIRST, NUMBERS, PAIRS, Banks, banks

pytestmark = [pytest.mark.live, pytest.mark.engine_in_turn]

WRITERS = 4
SUM = 2 * FIRST * len(NUMBERS)
QUERY = (
    "SELECT sum(v) FROM (SELECT v FROM acc_a UNION ALL SELECT v FROM acc_b) AS accounts"
)


# Of the others no rows are merged: they are carried into PostgreSQL only.
MERGED = [name for name, kinds in PAIRS.items() if kinds[0] in {"pg", kinds[1]}]


@pytest.fixture(params=MERGED)
def bank(request, tmp_path):
    """A bank on each pair of kinds, whose transfers are counted."""
    kinds = PAIRS[request.param]
    wanted = {"pg": "postgresql", "my": "mariadb"}
    clusters = {k: request.getfixturevalue(wanted[k]) for k in kinds if k in wanted}
    with banks(kinds, clusters, tmp_path) as made:
        made.source["atomic_reads"] = True
        made.set_up()
        yield made


@contextmanager
def transferring(bank: Banks, rest_s: float = 0.0) -> Iterator[None]:
    """Transfer, by four threads, each of which rests between two of its transfers."""
    stop, troubles = threading.Event(), list[BaseException]()

    def transfer(number: int) -> None:
        connection = bank.connect()
        while not stop.wait(rest_s):
            try:
                bank.transfer(connection, 1, number + 1)
                connection.commit()
            except routedb.OperationalError:  # SQLite: the file is locked
                connection.rollback()
            except BaseException as exc:
                troubles.append(exc)
                break
        connection.close()

    threads = [threading.Thread(target=transfer, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert troubles == []


@pytest.fixture
def tries(monkeypatch) -> list[int]:
    """How often each atomic read has looked."""
    found: list[int] = []
    read = AtomicRead.read

    def counted(self: AtomicRead) -> None:
        read(self)
        found.append(self.tries)

    monkeypatch.setattr(AtomicRead, "read", counted)
    return found


def read(connection: Any) -> int:
    cursor = connection.cursor()
    cursor.execute(QUERY)
    [(total,)] = cursor.fetchall()
    return int(total)


def sums(
    bank: Banks, count: int, begin: Callable[[Any], None], rest_s: float = 0.0
) -> set[int]:
    """Return the sums that were read `count` times, each after `begin`, while others
    transfer and rest for `rest_s` seconds."""
    found = set()
    connection = bank.connect(autocommit=True)
    with transferring(bank, rest_s):
        for _ in range(count):
            begin(connection)
            found.add(read(connection))
            connection.rollback()
    connection.close()
    return found


def none(connection: Any) -> None:
    """Begin nothing: each statement is by itself."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [60, *later([2500])])
def test_no_sum_is_wrong_outside_of_transactions(bank, count, tries):
    assert sums(bank, count, none) == {SUM}
    assert len(tries) == count
    print(f"mean tries {statistics.mean(tries):.3f}, most {max(tries)}")


def whole(connection: Any) -> None:
    """Begin with a statement that reads all, in a transaction with one snapshot."""
    cursor = connection.cursor()
    cursor.execute("BEGIN" if _is_mysql(connection) else "BEGIN ISOLATION LEVEL " + RR)
    assert read(connection) == SUM


def late(connection: Any) -> None:
    """Begin to read one database, some time before the other."""
    cursor = connection.cursor()
    cursor.execute("BEGIN" if _is_mysql(connection) else "BEGIN ISOLATION LEVEL " + RR)
    cursor.execute("SELECT v FROM acc_a WHERE id = 1")
    cursor.fetchall()


def committed(connection: Any) -> None:
    """Begin a transaction each of whose statements has a snapshot of its own."""
    cursor = connection.cursor()
    if _is_mysql(connection):
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute("BEGIN")


RR = "REPEATABLE READ"


def _is_mysql(connection: Any) -> bool:
    return connection.session.frontend.dialect == "mysql"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("begin", "rest_s"), [(whole, 0.0), (committed, 0.1)])
def test_no_sum_is_wrong_in_a_transaction(bank, begin, rest_s):
    assert sums(bank, 30, begin, rest_s) == {SUM}


def test_a_snapshot_that_is_too_old_is_told_and_nothing_is_shown(bank):
    """Unless the transaction is made again until there is none in between."""
    connection = bank.connect(autocommit=True)
    late(connection)
    other = bank.connect()
    for _ in range(3):
        bank.transfer(other)
        other.commit()
    with pytest.raises(routedb.OperationalError, match="snapshot there") as told:
        read(connection)
    assert told.value.retry_is_safe
    connection.rollback()
    late(connection)
    assert read(connection) == SUM
    connection.close()
    other.close()


def test_half_of_a_transaction_is_waited_for(bank, monkeypatch):
    """Between the commit of the one and of the other."""
    connection, reader = bank.connect(), bank.connect(autocommit=True)
    bank.transfer(connection, 5)
    found = []

    def read_meanwhile(*args: Any) -> None:
        thread = threading.Thread(target=lambda: found.append(read(reader)))
        thread.start()
        thread.join(0.3)
        assert found == []
        do(*args)
        thread.join()

    do = several._DO[Step.COMMIT_PREPARED]
    monkeypatch.setitem(several._DO, Step.COMMIT_PREPARED, read_meanwhile)
    connection.commit()
    assert found == [SUM]
    assert bank.moved == (5, 5)
    connection.close()
    reader.close()


def test_what_stays_prepared_is_named_after_a_while(bank, monkeypatch):
    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    connection, reader = bank.connect(), bank.connect(autocommit=True)
    bank.transfer(connection, 5)
    with monkeypatch.context() as patch:
        patch.setitem(several._DO, Step.COMMIT_PREPARED, stop)
        with pytest.raises(KeyboardInterrupt):
            connection.commit()
    with pytest.raises(routedb.OperationalError, match="routedb recover"):
        read(reader)
    connection.rollback()
    for _ in range(100):
        if all(each.finished for each in bank.recover()):
            break
        threading.Event().wait(0.05)
    assert read(reader) == SUM
    bank.transfer(connection)  # under another name than the one that was left
    connection.commit()
    assert read(reader) == SUM
    connection.close()
    reader.close()


def test_using_chooses(bank, tries):
    bank.source["atomic_reads"] = "asked"
    connection = bank.connect(autocommit=True)
    read(connection)
    with connection.using(atomic=True):
        read(connection)
        with connection.using(atomic=False):
            read(connection)
        read(connection)
    assert tries == [1, 1]
    connection.close()
    bank.source["atomic_reads"] = False
    connection = bank.connect(autocommit=True)
    with (
        pytest.raises(routedb.HintError, match="atomic_reads"),
        connection.using(atomic=True),
    ):
        pass
    connection.close()


def test_rows_of_coordinators_that_are_gone_are_deleted(bank):
    for _ in range(3):
        connection = bank.connect()
        bank.transfer(connection)
        connection.commit()
        connection.close()
    now = [0.0]
    with bank.recovery() as recovery:
        old = OldCounts(recovery._ledger, lambda: now[0])
        for now[0], left in ((0.0, True), (3000.0, False)):
            old.round()
            rows = [bank.run[each]("SELECT id FROM routedb_counts") for each in "ab"]
            assert [bool(each) for each in rows] == [left, left]
    reader = bank.connect(autocommit=True)
    assert read(reader) == SUM
    reader.close()
