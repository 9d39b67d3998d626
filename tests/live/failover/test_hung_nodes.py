"""Nodes that accept and never answer, and nodes that are only slow."""

from __future__ import annotations

import os
import threading

import pytest

import routedb
from tests.support.server_rig import insert, name_of, read
from tests.support.servers import wait_until

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]

TIMES = {"failover_timeout": "2s", "connect_timeout": "2s"}
BOUND_S = 2 * 2 + 2 * 2 + 20.0  # of the above, and a machine with other things to do
SLEEP = {"postgresql": "SELECT pg_sleep({}), 7", "mysql": "SELECT SLEEP({}), 7"}


class Task(threading.Thread):
    """A call in a thread, and what came of it."""

    def __init__(self, call, *args):
        super().__init__(daemon=True)
        self.result = None
        self._work = call, args
        self.start()

    def run(self):
        call, args = self._work
        try:
            self.result = call(*args)
        except Exception as exc:
            self.result = exc

    def end(self):
        self.join(BOUND_S)
        assert not self.is_alive(), "it hangs"
        return self.result


@pytest.mark.parametrize("where", ["writer", "replica"])
def test_a_slow_statement_on_a_healthy_node_is_never_ended(rig, where):
    connection = rig.connect(reads=where, failover_timeout="1s", connect_timeout="1s")
    cursor = connection.cursor()
    cursor.execute(SLEEP[rig.engine].format(3))
    assert cursor.fetchone()[-1] == 7
    assert name_of(cursor).startswith(where)


def test_the_error_names_the_node_and_its_silence(rig):
    proxy = rig.proxy("writer")
    connection = rig.connect(**TIMES)
    insert(connection, 10)
    proxy.blackhole()
    error = Task(insert, connection, 11).end()
    assert isinstance(error, routedb.OutcomeUnknown)
    assert "INSERT was sent to writer and writer did not answer for" in str(error)
    proxy.cut()
    proxy.accept()
    wait_until(lambda: insert(connection, 12), "the writer takes writes again")


def test_a_transaction_that_rests_on_a_hung_node_is_lost_and_certainly_so(rig):
    """Its link is ended too, so its commit is not sent into the void."""
    proxy = rig.proxy("writer")
    cluster = rig.cluster(**TIMES)
    resting, waiting = cluster.connect(), cluster.connect(autocommit=True)
    insert(resting, 10)
    insert(waiting, 11)
    proxy.blackhole()
    assert isinstance(Task(insert, waiting, 12).end(), routedb.OutcomeUnknown)
    error = Task(resting.commit).end()
    assert isinstance(error, routedb.TransactionLost)
    proxy.cut()
    proxy.accept()
    wait_until(lambda: insert(waiting, 13), "the writer takes writes again")
    assert rig.rows("id = 10") == 0


@pytest.mark.parametrize("how", ["connection", "cluster"])
def test_closing_ends_while_a_statement_waits_on_a_hung_node(rig, how):
    proxy = rig.proxy("replica1")
    cluster = rig.cluster(only=["writer", "replica1"], **TIMES)
    connection = cluster.connect(autocommit=True)
    assert read(connection) == "replica1"
    proxy.blackhole()
    task = Task(read, connection)
    wait_until(lambda: sum(cluster.runtime.core.loads) == 1, "it waits")
    closing = Task(connection.close if how == "connection" else cluster.close)
    assert not isinstance(closing.end(), Exception)
    # Nor is it run again elsewhere, on a connection that is closed.
    assert isinstance(task.end(), routedb.InterfaceError)


def test_closing_a_cluster_ends_what_runs_for_long_on_a_healthy_node(rig, monkeypatch):
    monkeypatch.setattr("routedb.runtime._PATIENCE_S", 0.5)
    cluster = rig.cluster(reads="writer", failover_timeout="1h")
    running, resting = (cluster.connect(autocommit=True) for _ in range(2))
    insert(resting, 10)
    task = Task(running.cursor().execute, SLEEP[rig.engine].format(1000))
    wait_until(lambda: sum(cluster.runtime.core.loads) == 1, "it runs")
    assert Task(cluster.close).end() is None
    assert isinstance(task.end(), running.Error)


def test_cancelling_what_waits_on_a_hung_node_ends(rig):
    proxy = rig.proxy("replica1")
    cluster = rig.cluster(
        only=["writer", "replica1"], failover_timeout="1h", connect_timeout="1s"
    )
    connection = cluster.connect(autocommit=True)
    assert read(connection) == "replica1"
    proxy.blackhole()
    task = Task(read, connection)
    wait_until(lambda: sum(cluster.runtime.core.loads) == 1, "it waits")
    error = Task(connection.cancel).end()
    assert isinstance(error, connection.OperationalError), error
    proxy.cut()
    assert task.end() == "writer"


def test_a_hung_link_closes_at_once_when_nothing_waits_on_it(rig):
    proxy = rig.proxy("writer")
    connection = rig.connect(autocommit=False, failover_timeout="1h")
    insert(connection, 10)
    proxy.blackhole()
    assert Task(connection.close).end() is None


def test_a_rollback_on_a_hung_node_ends(rig):
    proxy = rig.proxy("writer")
    connection = rig.connect(autocommit=False, **TIMES)
    insert(connection, 10)
    proxy.blackhole()
    assert Task(connection.rollback).end() is None
    proxy.cut()
    proxy.accept()
    wait_until(lambda: insert(connection, 11), "the writer takes writes again")
    connection.commit()
    assert (rig.rows("id = 10"), rig.rows("id = 11")) == (0, 1)


def test_a_node_that_hung_is_used_again_when_it_answers(rig):
    proxy = rig.proxy("replica1")
    cluster = rig.cluster(only=["writer", "replica1"], **TIMES)
    connection = cluster.connect(autocommit=True)
    assert read(connection) == "replica1"
    proxy.blackhole()
    assert Task(read, connection).end() == "writer"
    assert read(connection) == "writer"  # at once: it is known to be down
    proxy.accept()
    wait_until(lambda: read(connection) == "replica1", "it is read from again")


def test_a_forked_child_does_not_end_the_links_of_its_parent(pg_rig):
    proxy = pg_rig.proxy("replica1")
    cluster = pg_rig.cluster(only=["writer", "replica1"], **TIMES)
    connection = cluster.connect(autocommit=True)
    assert read(connection) == "replica1"
    if (child := os.fork()) == 0:
        core = cluster.runtime.core
        core.give_up(
            next(n.id for n in core.nodes if n.name == "replica1"), core.clock()
        )
        os._exit(0)
    os.waitpid(child, 0)
    assert proxy.connections
    assert read(connection) == "replica1"
