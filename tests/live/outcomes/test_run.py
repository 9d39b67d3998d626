"""`routedb.run()` on real servers: conflicts, deadlocks, and links that die."""

from __future__ import annotations

import threading

import pytest

import routedb
from tests.live.failover.test_lost_links import LOST, lose
from tests.support.server_rig import insert, link_to

pytestmark = [pytest.mark.live, pytest.mark.chaos]


class Pair:
    """Two connections, each running a transaction in a thread of its own, which meet in
    the middle of their first attempts."""

    def __init__(self, rig, works, **how):
        cluster = rig.cluster()
        self.barrier = threading.Barrier(2, timeout=30)
        self.runs = [0, 0]
        self.failures: list[BaseException] = []
        self._how = how
        self._threads = [
            threading.Thread(target=self._run, args=(cluster.connect(), n, work))
            for n, work in enumerate(works)
        ]

    def run(self):
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(60)
        assert not self.failures
        return self.runs

    def meet(self, number):
        if self.runs[number] == 1:
            self.barrier.wait()

    def _run(self, connection, number, work):
        def counted(given):
            self.runs[number] += 1
            return work(given.cursor(), lambda: self.meet(number))

        try:
            routedb.run(connection, counted, **self._how)
        except BaseException as exc:  # shown by the test
            self.failures.append(exc)


def test_of_two_in_a_serializable_conflict_one_runs_again(pg_rig):
    def count_up(cursor, meet):
        cursor.execute("SELECT sum(v) FROM t")
        [(total,)] = cursor.fetchall()
        meet()
        cursor.execute("UPDATE t SET v = %s WHERE id = 1", (int(total) + 1,))

    runs = Pair(pg_rig, [count_up, count_up], isolation_level="serializable").run()
    assert sorted(runs) == [1, 2]
    assert pg_rig.database.execute("SELECT v FROM t WHERE id = 1") == [(2,)]


def test_of_two_in_a_deadlock_one_runs_again(rig):
    def crossing(first, second):
        def work(cursor, meet):
            cursor.execute("UPDATE t SET v = v + 1 WHERE id = %s", (first,))
            meet()
            cursor.execute("UPDATE t SET v = v + 1 WHERE id = %s", (second,))

        return work

    runs = Pair(rig, [crossing(1, 2), crossing(2, 1)]).run()
    assert sorted(runs) == [1, 2]
    assert rig.rows("v = 2") == 2


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_killed_session_costs_one_more_run(rig, autocommit):
    connection = rig.connect(autocommit=autocommit)
    runs = []

    def work(given):
        runs.append(1)
        insert(given, 10)
        if len(runs) == 1:
            rig.end(link_to(given, "writer"))
        insert(given, 11)
        return "done"

    assert routedb.run(connection, work) == "done"
    assert (len(runs), rig.rows()) == (2, 7)
    assert connection.autocommit in (autocommit, int(autocommit))


@pytest.mark.parametrize("what", LOST)
def test_an_unknown_outcome_is_not_run_again(rig, what):
    rig.proxy("writer")
    connection = rig.connect()
    runs = []

    def work(given):
        runs.append(1)
        insert(given, 10)
        lose(rig, what, b"COMMIT")

    with pytest.raises(routedb.OutcomeUnknown):
        routedb.run(connection, work)
    assert (runs, rig.rows()) == ([1], 6 if what == "answer" else 5)


@pytest.mark.parametrize("what", LOST)
def test_and_with_commit_check_each_is_done_once(pg_rig, what):
    pg_rig.proxy("writer")
    connection = pg_rig.connect(commit_check=True)
    runs = []

    def work(given):
        runs.append(1)
        insert(given, 10)
        if len(runs) == 1:
            lose(pg_rig, what, b"COMMIT")

    routedb.run(connection, work)
    assert len(runs) == (1 if what == "answer" else 2)
    assert pg_rig.rows() == 6


def test_a_transaction_that_the_function_lost_without_a_word_is_told(pg_rig):
    connection = pg_rig.connect()

    def work(given):
        insert(given, 10)
        with pytest.raises(routedb.IntegrityError):
            insert(given, 10)

    with pytest.raises(routedb.InternalError, match="nothing is committed"):
        routedb.run(connection, work)
    assert pg_rig.rows() == 5
