"""A server asked about itself: the writer answers, and a role that is named."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home
from tests.support.server_rig import settle

IS_REPLICA = {
    "postgresql": ("SELECT pg_is_in_recovery()", "SHOW transaction_read_only"),
    "mysql": ("SELECT @@read_only", "SELECT @@global.read_only"),
}
SESSION = {
    "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
    "mysql": ("SELECT CONNECTION_ID()", "KILL %s"),
}


@pytest.fixture(params=["pg_home", "my_home"])
def home(request) -> Home:
    return request.getfixturevalue(request.param)


@pytest.fixture
def connect(open_cluster, home: Home):
    """Open connections to a cluster whose roles are all known."""
    cluster = open_cluster(home.source)

    def connect() -> routedb.Connection:
        connection = cluster.connect(autocommit=True)
        settle(cluster, {n["name"] for n in home.nodes if n["name"] != "writer"})
        return connection

    return connect


def test_the_writer_answers_unless_a_role_is_named(connect, home):
    connection = connect()
    cursor = connection.cursor()
    for sql in IS_REPLICA[home.engine]:
        cursor.execute(sql)
        assert str(next(cursor)[0]) in ("False", "off", "0", "OFF"), sql
        assert cursor.route.role.value == "writer"
        with connection.using(role="replica"):
            cursor.execute(sql)
            assert str(next(cursor)[0]) in ("True", "on", "1", "ON"), sql


def test_a_session_that_is_told_can_be_ended_from_elsewhere(connect, home):
    ask, end = SESSION[home.engine]
    asking, ending = connect(), connect()
    cursor = asking.cursor()
    cursor.execute("SELECT id FROM t WHERE id = 1")
    assert cursor.route.role.value == "replica"
    cursor.execute(ask)
    ((told,),) = cursor.fetchall()
    ending.cursor().execute(end, (told,))
    cursor.execute(ask)
    ((new,),) = cursor.fetchall()
    assert new != told
