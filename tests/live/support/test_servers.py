"""The servers of the tests are what the other tests take them for.

What the tests of failover could not do without is tried here for long only.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import MySQLdb
import psycopg2
import pytest

from tests.support.servers import PASSWORD, Cluster, Database, Server, wait_until

pytestmark = pytest.mark.engine_in_turn

DRIVER_ERRORS = (psycopg2.Error, MySQLdb.Error)


@pytest.fixture(params=["pg", "my"])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh database, once on PostgreSQL and once on MariaDB."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
def cluster(database: Database) -> Cluster:
    return database.cluster


def rows(server: Server, database: Database) -> list[tuple[int]]:
    return server.execute("SELECT a FROM t", dbname=database.name)


def can_answer(server: Server) -> bool:
    try:
        return server.execute("SELECT 1") == [(1,)]
    except DRIVER_ERRORS:
        return False


def test_there_is_one_writer_and_the_rest_are_replicas(cluster):
    assert cluster.writer.is_writer
    assert not any(replica.is_writer for replica in cluster.replicas)


def test_every_writer_has_two_replicas(cluster):
    assert [node.name for node in cluster.nodes] == ["writer", "replica1", "replica2"]


def test_replicas_hold_what_the_writer_committed(database, cluster):
    database.execute("CREATE TABLE t (a int)")
    database.execute("INSERT INTO t VALUES (1)")
    database.wait_replayed()
    assert [rows(node, database) for node in cluster.nodes] == [[(1,)]] * len(
        cluster.nodes
    )


def test_replicas_catch_up_with_commits_that_nobody_waited_for(pg):
    pg.execute("CREATE TABLE t (a int)")
    pg.execute("SET synchronous_commit = off; INSERT INTO t VALUES (1)")
    pg.wait_replayed()
    assert rows(pg.cluster.replicas[0], pg) == [(1,)]


def test_postgresql_replica_refuses_writes(pg):
    connection = psycopg2.connect(pg.replica_dsns[0])
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        connection.cursor().execute("CREATE TABLE t (a int)")
    connection.close()


def test_mariadb_replica_refuses_writes(my):
    replica = my.cluster.replicas[0]
    connection = MySQLdb.connect(
        host=replica.host,
        port=replica.port,
        user=replica.user,
        password=replica.password,
        database=my.name,
    )
    with pytest.raises(MySQLdb.OperationalError, match="read-only"):
        connection.cursor().execute("CREATE TABLE t (a int)")
    connection.close()


def test_a_wrong_password_is_refused(pg):
    with pytest.raises(psycopg2.OperationalError, match="password authentication"):
        psycopg2.connect(pg.writer_dsn.replace(PASSWORD, "wrong"))


def test_dsns_name_the_writer_first(database, cluster):
    assert database.dsns == [node.dsn(database.name) for node in cluster.nodes]
    assert [database.writer_dsn, *database.replica_dsns] == database.dsns


def test_each_database_is_new(cluster):
    names = {cluster.create_database() for _ in range(3)}
    for name in names:
        cluster.drop_database(name)
    assert len(names) == 3


def test_a_database_is_dropped_under_its_users(cluster):
    name = cluster.create_database()
    connections = [node.connect(name) for node in cluster.nodes]
    cluster.drop_database(name)
    with pytest.raises(DRIVER_ERRORS):
        cluster.writer.connect(name)
    for connection in connections:
        connection.close()


@pytest.mark.chaos
def test_a_paused_server_is_silent_until_resumed(cluster):
    connection = cluster.writer.connect()
    cluster.writer.pause()
    assert cluster.writer.is_running
    with pytest.raises(TimeoutError):
        _ask_with_patience(connection, seconds=0.3)
    cluster.writer.resume()
    assert can_answer(cluster.writer)
    connection.close()


def _ask_with_patience(connection: object, seconds: float) -> None:
    """Ask in a child, for the drivers' calls cannot be interrupted."""
    child = os.fork()
    if child == 0:
        connection.cursor().execute("SELECT 1")  # type: ignore[attr-defined]
        os._exit(0)
    try:
        wait_until(lambda: os.waitpid(child, os.WNOHANG)[0], "an answer", seconds)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise


@pytest.mark.chaos
def test_a_killed_server_is_down_and_keeps_what_was_committed(database, cluster):
    database.execute("CREATE TABLE t (a int)")
    database.execute("INSERT INTO t VALUES (1)")
    cluster.writer.kill()
    assert not cluster.writer.is_running
    assert not can_answer(cluster.writer)
    cluster.writer.start()
    assert rows(cluster.writer, database) == [(1,)]


@pytest.mark.long
@pytest.mark.chaos
def test_a_killed_replica_catches_up_after_its_start(database, cluster):
    cluster.replicas[0].kill()
    database.execute("CREATE TABLE t (a int)")
    cluster.replicas[0].start()
    database.wait_replayed()
    assert rows(cluster.replicas[0], database) == []


@pytest.mark.chaos
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_stopped_server_starts_again_at_its_port(cluster, mode):
    cluster.writer.stop(mode)
    assert not cluster.writer.is_running
    cluster.writer.start()
    assert can_answer(cluster.writer)


@pytest.mark.chaos
@pytest.mark.long
def test_a_promoted_replica_takes_writes(database, cluster):
    cluster.writer.kill()
    promoted = cluster.replicas[0]
    promoted.promote()
    promoted.execute("CREATE TABLE t (a int)", dbname=database.name)
    assert promoted.is_writer


@pytest.mark.long
@pytest.mark.chaos
def test_another_replica_follows_a_promoted_one(pg, postgresql):
    postgresql.writer.kill()
    promoted, other = postgresql.replicas
    promoted.promote()
    other.follow(promoted)
    promoted.execute("CREATE TABLE t (a int)", dbname=pg.name)
    wait_until(lambda: rows(other, pg) == [], "the table arrives")


@pytest.mark.long
@pytest.mark.chaos
def test_a_former_writer_becomes_a_replica(database, cluster):
    cluster.writer.kill()
    promoted = cluster.replicas[0]
    promoted.promote()
    promoted.execute("CREATE TABLE t (a int)", dbname=database.name)
    cluster.writer.copy(promoted)
    assert not cluster.writer.is_writer
    wait_until(lambda: rows(cluster.writer, database) == [], "the table arrives")


@pytest.mark.chaos
def test_restore_undoes_a_failover(database, cluster):
    cluster.writer.kill()
    cluster.replicas[0].promote()
    cluster.replicas[0].execute("CREATE TABLE lost (a int)", dbname=database.name)
    cluster.restore()
    assert [node.is_writer for node in cluster.nodes] == [
        True,
        *[False for _ in cluster.replicas],
    ]
    database.execute("CREATE TABLE t (a int)")
    database.wait_replayed()
    assert rows(cluster.replicas[0], database) == []


@pytest.mark.long
@pytest.mark.chaos
def test_restore_undoes_a_change_of_places(database, cluster):
    cluster.writer.stop()
    cluster.replicas[0].promote()
    cluster.writer.copy(cluster.replicas[0])
    cluster.restore()
    assert cluster.writer.is_writer
    assert not cluster.is_disturbed


SESSION = """
import time
from tests.support.servers import Reaper, open_place, start_mariadb, start_postgresql
reaper = Reaper()
print(reaper.pid)
for start, user in ((start_postgresql, "postgres"), (start_mariadb, "mysql")):
    place = open_place(user, reaper)
    cluster = start(place)
    cluster.nodes[-1].pause()
    print(place.folder, *[node.port for node in cluster.nodes], flush=True)
time.sleep(600)
"""


@pytest.mark.long
def test_servers_and_files_are_gone_after_sigkill():
    with subprocess.Popen(
        [sys.executable, "-c", SESSION], stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdout is not None
        reaper, postgresql, mariadb = [
            session.stdout.readline().split() for _ in range(3)
        ]
        ports = [*postgresql[1:], *mariadb[1:]]
        assert [port for port in ports if answers(port)] == ports
        session.kill()
    wait_until(lambda: not Path(f"/proc/{reaper[0]}/exe").exists(), "the reaper ends")
    assert not [port for port in ports if answers(port)]
    assert not [folder for folder, *_ in (postgresql, mariadb) if Path(folder).exists()]


def answers(port: str) -> bool:
    """Tell whether anybody listens there; the kernel answers for a paused server."""
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=1).close()
    except OSError:
        return False
    return True
