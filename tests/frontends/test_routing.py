"""Where statements land, told by the servers themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import routedb
from tests.frontends.home import Home
from tests.support.server_rig import settle

# What a server says of itself, in a statement that routes as a plain read of the table.
ASK = {
    "postgresql": "SELECT pg_is_in_recovery() FROM t WHERE id = 1",
    "mysql": "SELECT @@read_only <> 0 FROM t WHERE id = 1",
}
VIEWS = {
    "postgresql": "SELECT pg_is_in_recovery() FROM pg_stat_activity LIMIT 1",
    "mysql": "SELECT @@read_only <> 0 FROM information_schema.processlist LIMIT 1",
}
INSERT = "INSERT INTO t VALUES (%s, 'x')"
Open = Callable[..., routedb.Connection]


@pytest.fixture(params=["pg_home", "my_home"])
def home(request) -> Home:
    """A home with real replicas: PostgreSQL, then MariaDB."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def connect(open_cluster) -> Open:
    """Open a connection to a home whose roles are all known."""

    def connect(home: Home, autocommit: bool = True, **top) -> routedb.Connection:
        cluster = open_cluster(home.source | top)
        connection = cluster.connect(autocommit=autocommit)
        settle(cluster, {n["name"] for n in home.nodes if n["name"] != "writer"})
        return connection

    return connect


def on_replica(connection: routedb.Connection, home: Home, sql: str = "") -> bool:
    """Ask, by a plain read, whether a replica answers it."""
    cursor = connection.cursor()
    cursor.execute(sql or ASK[home.engine])
    return bool(next(cursor)[0])


def test_reads_land_on_replicas_and_writes_on_the_writer(home: Home, connect: Open):
    connection = connect(home)
    assert all(on_replica(connection, home) for _ in range(4))
    cursor = connection.cursor()
    cursor.execute(INSERT, (10,))
    assert str(cursor.node) == "writer"
    assert len(home.rows()) == 6


def test_a_server_tells_of_itself_as_the_writer_unless_a_role_is_named(
    home: Home, connect: Open
):
    connection, view = connect(home), VIEWS[home.engine]
    assert not on_replica(connection, home, view)
    with connection.using(role="replica"):
        assert on_replica(connection, home, view)
    assert on_replica(connection, home, f"/* routedb: role=replica */ {view}")


def test_a_write_is_read_at_once(home: Home, connect: Open):
    connection = connect(home)
    cursor = connection.cursor()
    for key in range(10, 30):
        cursor.execute(INSERT, (key,))
        cursor.execute("SELECT id FROM t WHERE id = %s", (key,))
        assert cursor.fetchone() == (key,)


@pytest.mark.parametrize("first", [0, 1])
def test_the_writer_is_found_wherever_it_stands(home: Home, first):
    dsns = [node["dsn"] for node in home.nodes]
    connection = routedb.connect(dsns[-first:] + dsns[:-first], autocommit=True)
    connection.cursor().execute(INSERT, (10,))
    connection.close()
    assert len(home.rows()) == 6


def test_explain_tells_what_execute_does(home: Home, connect: Open):
    connection = connect(home)
    cursor = connection.cursor()
    for sql in (ASK[home.engine], "SELECT 1", "SELECT id FROM t FOR UPDATE", INSERT):
        params = (10,) if sql is INSERT else None
        told = connection.explain(sql, params)
        cursor.execute(sql, params)
        assert told.route == cursor.route
        assert cursor.node in told.nodes
    assert connection.explain(ASK[home.engine]).role.value == "writer"


def test_explain_runs_nothing(home: Home, connect: Open):
    connection = connect(home)
    told = connection.explain(INSERT, (10,))
    assert (told.database, told.role.value) == ("main", "writer")
    assert "main" in str(told)
    assert len(home.rows()) == 5


def test_hints_go_where_they_say_unless_they_are_switched_off(home, connect: Open):
    asked = ASK[home.engine] + " /* routedb: role=writer */"
    assert not on_replica(connect(home), home, asked)
    assert on_replica(connect(home, hints=False), home, asked)


def test_a_hint_cannot_reach_what_is_not_configured(home: Home, connect: Open):
    cursor = connect(home).cursor()
    with pytest.raises(routedb.HintError, match="nowhere"):
        cursor.execute("SELECT 1 /* routedb: database=nowhere */")
    with pytest.raises(routedb.HintError):
        cursor.execute("SELECT 1 /* routedb: role=boss */")


def test_a_hint_cannot_send_a_write_to_a_replica(home: Home, connect: Open):
    connection = connect(home)
    with pytest.raises(routedb.Error):
        connection.cursor().execute(INSERT + " /* routedb: role=replica */", (10,))
    with connection.using(role="replica"), pytest.raises(routedb.Error):
        connection.cursor().execute(INSERT, (10,))
    assert len(home.rows()) == 5
    connection.cursor().execute(INSERT, (10,))
    assert len(home.rows()) == 6


def test_a_transaction_stays_on_the_writer(home: Home, connect: Open):
    connection = connect(home, autocommit=False)
    assert not on_replica(connection, home)
    connection.cursor().execute(INSERT, (10,))
    assert not on_replica(connection, home)
    connection.commit()
    assert len(home.rows()) == 6


READ_ONLY = {
    "attribute": lambda connection: setattr(connection, "readonly", True),
    "set_session": lambda connection: connection.set_session(readonly=True),
    "words": lambda c: c.cursor().execute("START TRANSACTION READ ONLY"),
    "set": lambda c: c.cursor().execute("SET TRANSACTION READ ONLY"),
}


@pytest.mark.parametrize("way", READ_ONLY)
def test_a_read_only_transaction_stays_on_one_replica(home, connect: Open, way):
    connection = connect(home, autocommit=False)
    READ_ONLY[way](connection)
    cursor = connection.cursor()
    nodes = set()
    for _ in range(6):
        cursor.execute(ASK[home.engine])
        assert next(cursor)[0]
        nodes.add(str(cursor.node))
    assert len(nodes) == 1
    with pytest.raises(routedb.DatabaseError):
        cursor.execute(INSERT, (10,))
    connection.rollback()
    assert len(home.rows()) == 5


def test_a_transaction_in_using_replica_reads_there(home: Home, connect: Open):
    connection = connect(home, autocommit=False)
    with connection.using(role="replica"):
        assert on_replica(connection, home)
        connection.commit()
    assert not on_replica(connection, home)


# A setting in the words of each engine, and what shows it on whichever node answers.
SETTINGS = {
    "postgresql": [
        ("SET application_name = 'shop'", "SELECT current_setting('application_name')"),
        (
            "SET search_path = pg_catalog, public",
            "SELECT current_setting('search_path')",
        ),
        ("SET TIME ZONE 'Asia/Tokyo'", "SELECT current_setting('TimeZone')"),
    ],
    "mysql": [
        ("SET sql_mode = 'ANSI_QUOTES'", "SELECT @@sql_mode"),
        ("SET time_zone = '+09:00'", "SELECT @@time_zone"),
        ("SET NAMES latin1", "SELECT @@character_set_client"),
    ],
}
SHOWN = ["shop", "pg_catalog, public", "Asia/Tokyo", "ANSI_QUOTES", "+09:00", "latin1"]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("is_late", [False, True])
def test_a_setting_reaches_every_link(home: Home, connect: Open, number, is_late):
    connection = connect(home)
    cursor = connection.cursor()
    change, show = SETTINGS[home.engine][number]
    if not is_late:  # the links are there already, or the setting waits for them
        with connection.using(consistency="eventual"):
            for _ in range(16):
                on_replica(connection, home)
    cursor.execute(change)
    values = set()
    nodes = set()
    # Under "eventual" replicas take turns; a slow one has fewer of them.
    for role in (*["replica"] * 16, "writer"):
        with connection.using(role=role, consistency="eventual"):
            cursor.execute(f"{show} FROM t WHERE id = 1")
            values.add(next(cursor)[0])
            nodes.add(str(cursor.node))
    assert len(nodes) == len(home.nodes)
    assert len(values) == 1
    assert values <= set(SHOWN)


def test_a_setting_of_a_transaction_ends_with_it(pg_home: Home, connect: Open):
    connection = connect(pg_home, autocommit=False)
    cursor = connection.cursor()
    cursor.execute("SET LOCAL application_name = 'passing'")
    cursor.execute("SHOW application_name")
    assert cursor.fetchone() == ("passing",)
    connection.commit()
    cursor.execute("SHOW application_name")
    assert cursor.fetchone() != ("passing",)
    with connection.using(role="replica"):
        connection.commit()
        cursor.execute("SELECT current_setting('application_name')")
        assert cursor.fetchone() != ("passing",)


def test_a_setting_that_was_rolled_back_reaches_nobody(pg_home: Home, connect: Open):
    connection = connect(pg_home, autocommit=False)
    cursor = connection.cursor()
    cursor.execute("SET application_name = 'undone'")
    connection.rollback()
    for role in ("writer", "replica"):
        with connection.using(role=role):
            cursor.execute("SELECT current_setting('application_name')")
            assert cursor.fetchone() != ("undone",)
            connection.rollback()


def test_a_user_variable_is_where_it_was_set(my_home: Home, connect: Open):
    cursor = connect(my_home).cursor()
    cursor.execute("SET @wanted = 3")
    for _ in range(3):
        cursor.execute("SELECT id FROM t WHERE id = @wanted")
        assert list(cursor.fetchall()) == [(3,)]


def test_the_last_key_is_asked_where_it_was_made(my_home: Home, connect: Open):
    connection = connect(my_home)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO kinds (words) VALUES ('x')")
    with connection.using(consistency="eventual"):
        cursor.execute("SELECT LAST_INSERT_ID()")
        assert cursor.fetchone() == (1,)


def test_a_temporary_table_is_read_where_it_is(home: Home, connect: Open):
    cursor = connect(home).cursor()
    cursor.execute("CREATE TEMPORARY TABLE mine (id integer)")
    cursor.execute("INSERT INTO mine VALUES (1)")
    for _ in range(3):
        cursor.execute("SELECT id FROM mine")
        assert list(cursor.fetchall()) == [(1,)]
