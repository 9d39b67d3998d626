"""Statements that take too long: ended by the server's own timeout, or by cancel().

Either is the answer of a healthy server to this very statement: it is raised as it is,
nothing is run again, and neither the link nor the node is blamed.
"""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

import routedb
from routedb.topology import NodeState
from tests.support.server_rig import insert, link_to, name_of, read
from tests.support.servers import wait_until

pytestmark = pytest.mark.live

SLEEP = {
    "postgresql": "SELECT pg_sleep(100) FROM t",
    "mysql": "SELECT SLEEP(100) FROM t",
}
READS = {"writer": "writer", "replica1": "replica"}  # what is read from which node
SLEEPERS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist "
    "WHERE info LIKE %s AND id <> connection_id()",
}
TIMEOUT = {
    "postgresql": "SET statement_timeout = '300ms'",
    "mysql": "SET max_statement_time = 0.3",
}
SAYS = {
    "postgresql": "canceling statement due to (user request|statement timeout)",
    "mysql": "Query( |.)execution was interrupted|interrupted",
}


class Sleeping(threading.Thread):
    """A statement that sleeps in a thread, until somebody ends it."""

    def __init__(self, cursor, sql):
        super().__init__(daemon=True)
        self.cursor = cursor
        self.sql = sql
        self.error: Exception | None = None
        self.start()

    def run(self):
        try:
            self.cursor.execute(self.sql)
        except Exception as exc:
            self.error = exc

    def wait_on(self, server):
        """Wait until the server runs it."""
        engine = server.scheme
        pattern = self.sql[:20] + "%"
        wait_until(
            lambda: server.execute(SLEEPERS[engine], (pattern,))[0][0] > 0, "it sleeps"
        )

    def end(self):
        self.join(30)
        assert not self.is_alive()
        return self.error


def check_blameless(rig, connection, cursor, link):
    """The same link goes on, and its node is as good as before."""
    connection.rollback()
    assert link in list(connection.session.links)
    core = connection.session.core
    assert {node.state for node in core.topology.groups[0].nodes} == {NodeState.UP}
    assert all(node.generation == 0 for node in core.topology.groups[0].nodes)
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (5,)
    connection.rollback()
    insert(connection, 10)
    connection.rollback()


@pytest.mark.parametrize("name", READS)
def test_cancel_reaches_the_server_that_runs_the_statement(rig, name):
    connection = rig.connect(only=list(READS), reads=READS[name])
    cursor = connection.cursor()
    assert read(connection) == name
    link = link_to(connection, name)
    sleeping = Sleeping(cursor, SLEEP[rig.engine])
    sleeping.wait_on(rig.servers[name])
    connection.cancel()
    error = sleeping.end()
    assert isinstance(error, routedb.OperationalError), error
    assert isinstance(error, connection.OperationalError)
    with pytest.raises(routedb.OperationalError, match=SAYS[rig.engine]):
        raise error
    check_blameless(rig, connection, cursor, link)


def test_cancel_in_a_transaction_loses_it_only_as_the_server_does(rig):
    connection = rig.connect(autocommit=False)
    cursor = connection.cursor()
    insert(connection, 10)
    link = link_to(connection, "writer")
    sleeping = Sleeping(cursor, SLEEP[rig.engine])
    sleeping.wait_on(rig.servers["writer"])
    connection.cancel()
    error = sleeping.end()
    assert isinstance(error, routedb.OperationalError)
    assert not isinstance(error, routedb.TransactionLost)
    check_blameless(rig, connection, cursor, link)


def test_cancel_while_nothing_runs_does_nothing(rig):
    connection = rig.connect()
    read(connection)
    insert(connection, 10)
    connection.cancel()
    assert read(connection) in rig.servers
    insert(connection, 11)
    connection.close()
    with pytest.raises(routedb.InterfaceError):
        connection.cancel()


def test_cancel_reaches_a_second_database_of_another_engine(pg, my):
    pg.execute("CREATE TABLE t (id int)")
    my.execute("CREATE TABLE crm_t (id int)")
    my.execute("INSERT INTO crm_t VALUES (1)")
    source = {
        "default": "main",
        "databases": {
            "main": {"nodes": [pg.writer_dsn]},
            "crm": {"nodes": [my.writer_dsn], "read_only": True},
        },
        "tables": {"crm_*": "crm"},
    }
    with routedb.Cluster(source) as cluster, closing(cluster.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM t")
        sleeping = Sleeping(
            cursor, "/* routedb: database=crm */ SELECT SLEEP(100) FROM crm_t"
        )
        sleeping.wait_on(my.cluster.writer)
        connection.cancel()
        assert isinstance(sleeping.end(), routedb.OperationalError)
        cursor.execute("SELECT id FROM crm_t")
        assert list(cursor.fetchall()) == [(1,)]


def test_cancel_ends_a_statement_of_sqlite(sqlite_dir):
    """SQLite has no server: the connection itself is interrupted."""
    with closing(routedb.connect(f"sqlite:///{sqlite_dir}/a.db")) as connection:
        cursor = connection.cursor()
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) "
        sleeping = Sleeping(cursor, f"{endless} SELECT count(*) FROM n")
        loads = connection.session.core.loads
        wait_until(lambda: sum(loads) == 1, "it runs")
        while sleeping.is_alive():  # SQLite may not have got to it yet
            connection.cancel()
        assert isinstance(sleeping.end(), routedb.OperationalError)
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("name", READS)
def test_the_server_s_timeout_of_a_read_is_not_tried_again_elsewhere(rig, name):
    connection = rig.connect(only=list(READS), reads=READS[name])
    cursor = connection.cursor()
    assert read(connection) == name
    cursor.execute(TIMEOUT[rig.engine])
    read(connection)
    link = link_to(connection, name)
    with pytest.raises(routedb.OperationalError, match=SAYS[rig.engine]):
        cursor.execute(SLEEP[rig.engine])
    check_blameless(rig, connection, cursor, link)


SLOW_WRITE = {
    "postgresql": "UPDATE t SET v = 1 WHERE pg_sleep(100) IS NULL",
    "mysql": "UPDATE t SET v = 1 WHERE SLEEP(100)",
}


@pytest.mark.parametrize("autocommit", [True, False])
def test_the_server_s_timeout_of_a_write_is_no_unknown_outcome(rig, autocommit):
    connection = rig.connect(autocommit=autocommit)
    cursor = connection.cursor()
    cursor.execute(TIMEOUT[rig.engine])
    connection.commit()
    with pytest.raises(connection.OperationalError, match=SAYS[rig.engine]) as caught:
        cursor.execute(SLOW_WRITE[rig.engine])
    assert not isinstance(caught.value, routedb.OutcomeUnknown)
    connection.rollback()
    assert rig.rows("v > 0") == 0
    assert insert(connection, 10) == "writer"
    connection.commit()
    assert rig.rows("id = 10") == 1


def test_waiting_for_a_lock_ends_as_the_server_says(rig):
    cluster = rig.cluster()
    holder, waiter = cluster.connect(), cluster.connect(autocommit=True)
    holder.cursor().execute("UPDATE t SET v = 1 WHERE id = 1")
    cursor = waiter.cursor()
    bound = {
        "postgresql": "SET lock_timeout = '300ms'",
        "mysql": "SET innodb_lock_wait_timeout = 1",
    }
    cursor.execute(bound[rig.engine])
    with pytest.raises(routedb.OperationalError, match="(?i)lock") as caught:
        cursor.execute("UPDATE t SET v = 2 WHERE id = 1")
    assert not isinstance(caught.value, routedb.OutcomeUnknown)
    holder.rollback()
    cursor.execute("UPDATE t SET v = 2 WHERE id = 1")
    assert (name_of(cursor), rig.rows("v = 2")) == ("writer", 1)
