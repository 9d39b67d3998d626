"""Threads that share a connection, and children that inherit one."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

import routedb
from tests.frontends.home import Home

THREADS = 8
ROUNDS = 40


def together(work: Callable[[int], None]) -> None:
    """Run in all threads at once; raise the first error of any."""
    errors: list[BaseException] = []
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        try:
            start.wait()
            work(number)
        except BaseException as exc:  # told to the thread that waits
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("autocommit", [True, False])
def test_threads_with_cursors_of_their_own_get_their_own_rows(cluster, autocommit):
    connection = cluster.connect(autocommit=autocommit)

    def work(number: int) -> None:
        cursor = connection.cursor()
        for turn in range(ROUNDS):
            mark = number * 1000 + turn
            cursor.execute("SELECT %s, id FROM t WHERE id < 4 ORDER BY id", (mark,))
            assert list(cursor.fetchall()) == [(mark, 1), (mark, 2), (mark, 3)]

    together(work)


@pytest.mark.parametrize("autocommit", [True, False])
def test_threads_write_each_row_once(home: Home, cluster, autocommit):
    connection = cluster.connect(autocommit=autocommit)

    def work(number: int) -> None:
        cursor = connection.cursor()
        for turn in range(ROUNDS):
            key = 100 + number * ROUNDS + turn
            cursor.execute("INSERT INTO t VALUES (%s, 'x')", (key,))
            assert cursor.rowcount == 1
            cursor.execute("SELECT id FROM t WHERE id = %s", (key,))
            assert list(cursor.fetchall()) == [(key,)]

    together(work)
    connection.commit()
    keys = [key for key, _ in home.rows()[5:]]
    assert keys == list(range(100, 100 + THREADS * ROUNDS))


def test_threads_that_fail_do_not_disturb_the_others(cluster):
    connection = cluster.connect(autocommit=True)

    def work(number: int) -> None:
        cursor = connection.cursor()
        for turn in range(ROUNDS):
            if number % 2:
                with pytest.raises(routedb.DatabaseError):
                    cursor.execute("SELECT * FROM nowhere")
            else:
                cursor.execute("SELECT id FROM t WHERE id = %s", (turn % 5 + 1,))
                assert list(cursor.fetchall()) == [(turn % 5 + 1,)]

    together(work)


def test_threads_open_and_close_connections_of_one_cluster(cluster):
    def work(number: int) -> None:
        for _ in range(5):
            connection = cluster.connect(autocommit=True)
            cursor = connection.cursor()
            cursor.execute("SELECT %s", (number,))
            assert list(cursor.fetchall()) == [(number,)]
            connection.close()

    together(work)
    assert not cluster.runtime.is_used


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked child, which ends without a goodbye; return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def session(home: Home, connection: routedb.Connection) -> object:
    """Return what the server, or the process, calls the link that answers."""
    ask = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
    cursor = connection.cursor()
    with connection.using(role="writer"):
        cursor.execute(ask.get(home.engine, "SELECT id FROM t WHERE id = 1"))
    if home.engine == "sqlite":
        raw: Any = cursor.raw
        return id(raw.connection)
    return next(cursor)[0]


def test_a_child_has_links_of_its_own(home: Home, cluster):
    connection = cluster.connect(autocommit=True)
    mine = session(home, connection)

    def work() -> None:
        assert session(home, connection) != mine
        cursor = connection.cursor()
        cursor.execute("INSERT INTO t VALUES (10, 'child')")
        cursor.execute("SELECT name FROM t WHERE id = 10")
        assert list(cursor.fetchall()) == [("child",)]
        connection.close()

    assert in_child(work) == 0
    assert session(home, connection) == mine
    assert home.rows()[5:] == [(10, "child")]


@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.long)])
def test_a_child_connects_while_others_were_connecting(home: Home, cluster, count):
    is_over = threading.Event()

    def connect() -> None:
        while not is_over.is_set():
            cluster.connect().close()

    def work() -> None:
        signal.alarm(30)
        with cluster.connect(autocommit=True) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM t")
            assert list(cursor.fetchall()) == [(5,)]

    threads = [threading.Thread(target=connect) for _ in range(3)]
    gc.disable()  # what it closes of other tests is outside of any gate
    try:
        for thread in threads:
            thread.start()
        codes = [in_child(work) for _ in range(count)]
        is_over.set()
        for thread in threads:
            thread.join()
    finally:
        gc.enable()
    assert codes == [0] * count


def test_a_childs_end_does_not_end_the_parents_transaction(home: Home, cluster):
    connection = cluster.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM t ORDER BY id")
    cursor.fetchone()

    def work() -> None:
        connection.rollback()
        connection.cursor().execute("SELECT id FROM t")
        connection.close()

    assert in_child(work) == 0
    assert list(cursor.fetchmany(2)) == [(2,), (3,)]
    cursor.execute("INSERT INTO t VALUES (10, 'parent')")
    connection.commit()
    assert home.rows()[5:] == [(10, "parent")]


def test_a_child_is_told_that_the_transaction_is_the_parents(home: Home, cluster):
    connection = cluster.connect()
    connection.cursor().execute("INSERT INTO t VALUES (10, 'parent')")

    def work() -> None:
        with pytest.raises(routedb.TransactionLost):
            connection.cursor().execute("INSERT INTO t VALUES (11, 'child')")
        with pytest.raises(routedb.TransactionLost):
            connection.commit()

    assert in_child(work) == 0
    connection.commit()
    assert home.rows()[5:] == [(10, "parent")]


def test_a_childs_cursor_goes_on_with_a_link_of_the_child(home: Home, cluster):
    connection = cluster.connect(autocommit=True)
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM t ORDER BY id")

    def work() -> None:
        cursor.execute("SELECT id FROM t WHERE id = 2")
        assert list(cursor.fetchall()) == [(2,)]

    assert in_child(work) == 0
    assert list(cursor.fetchall()) == [(1,), (2,), (3,), (4,), (5,)]


def test_children_of_children(home: Home, cluster):
    connection = cluster.connect(autocommit=True)
    connection.cursor().execute("SELECT id FROM t")

    def insert(key: int) -> None:
        connection.cursor().execute("INSERT INTO t VALUES (%s, 'x')", (key,))

    def work() -> None:
        insert(10)
        assert in_child(lambda: insert(11)) == 0
        insert(12)

    assert in_child(work) == 0
    insert(13)
    assert [key for key, _ in home.rows()[5:]] == [10, 11, 12, 13]


def test_threads_may_commit_while_others_run_statements(cluster):
    connection = cluster.connect()

    def work(number: int) -> None:
        cursor = connection.cursor()
        for step in range(20):
            cursor.execute(
                "INSERT INTO t VALUES (%s, 'x')", (1000 + number * 100 + step,)
            )
            connection.commit()

    together(work)
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM t WHERE id >= 1000")
    assert cursor.fetchone() == (20 * THREADS,)
