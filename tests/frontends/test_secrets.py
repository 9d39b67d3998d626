"""What a closed connection leaves behind, and what an open one shows: nothing."""

from __future__ import annotations

import gc

import pytest

import routedb
from tests.frontends.home import Home
from tests.support.servers import PASSWORD, wait_until

SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = "
    "current_database() AND pid <> pg_backend_pid() AND backend_type = "
    "'client backend'",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = "
    "database() AND id <> connection_id()",
}


@pytest.fixture(params=["pg_home", "my_home"])
def home(request) -> Home:
    """A home on servers, which have passwords and sessions."""
    return request.getfixturevalue(request.param)


def test_a_closed_cluster_leaves_no_session(home: Home):
    cluster = routedb.Cluster(home.source)
    cluster.connect().cursor().execute("INSERT INTO t VALUES (10, 'x')")
    cluster.close()
    gc.collect()
    wait_until(lambda: home.run(SESSIONS[home.engine])[0][0] == 0, "sessions end")
    assert len(home.rows()) == 5


def test_no_password_is_shown(home: Home, cluster, caplog):
    caplog.set_level("DEBUG")
    connection = cluster.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM t")
    things = [connection, cursor, cluster, cluster.config, *connection.nodes]
    things += [cursor.route, connection.explain("SELECT id FROM t")]
    with pytest.raises(routedb.Error) as caught:
        cursor.execute("SELECT * FROM nowhere")
    for thing in (*things, caught.value):
        assert PASSWORD not in f"{thing!r} {thing}"
    assert PASSWORD not in caplog.text
