"""`routedb.patch()`: who calls the driver's `connect` gets a routedb connection."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import Any

import MySQLdb
import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extras import DictCursor, PhysicalReplicationConnection
from psycopg2.pool import SimpleConnectionPool

import routedb

OWN = {"psycopg2": psycopg2.connect, "MySQLdb": MySQLdb.connect}


@pytest.fixture(autouse=True)
def _unpatched(monkeypatch):
    """No test leaves a driver patched, or reads this machine's configuration."""
    monkeypatch.delenv("ROUTEDB_CONFIG", raising=False)
    yield
    monkeypatch.undo()
    for name, connect in OWN.items():
        setattr(sys.modules[name], "connect", connect)  # noqa: B010  (typed stubs)


@pytest.fixture
def shop(sqlite_dir):
    """A DSN that needs no server, and is told by its answers."""
    return f"sqlite:///{sqlite_dir}/shop.db"


def config_of(connection):
    return connection.session.core.config


def mode_of(connection):
    return connection.session.links.mode


def test_the_configuration_takes_the_place_of_the_program_s_address(shop):
    with routedb.patch(shop, drivers=["psycopg2"]):
        connection = psycopg2.connect("host=nowhere.invalid dbname=x", port=1)
        assert [node.engine for node in config_of(connection).nodes] == ["sqlite"]
        connection.close()


def test_the_environment_names_the_configuration(shop, monkeypatch):
    monkeypatch.setenv("ROUTEDB_CONFIG", shop)
    with (
        routedb.patch(drivers=["MySQLdb"]),
        closing(MySQLdb.connect(host="nowhere.invalid")) as connection,
    ):
        assert isinstance(connection, routedb.Connection)


def test_options_are_those_of_connect(shop):
    options = {"autocommit": True, "reads": "writer"}
    with (
        routedb.patch(shop, drivers=["psycopg2"], **options),
        closing(psycopg2.connect("")) as connection,
    ):
        assert connection.autocommit is True
        assert config_of(connection).databases["main"].reads == "writer"


def test_what_says_how_a_connection_behaves_is_kept(pg):
    dsn = "host=nowhere.invalid options='-c work_mem=1MB' connect_timeout=99"
    given: dict[str, Any] = {"application_name": "shop", "cursor_factory": DictCursor}
    with (
        routedb.patch(pg.dsns[0]),
        closing(psycopg2.connect(dsn, **given)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT current_setting('work_mem') AS w")
        assert cursor.fetchone()["w"] == "1MB"
        [node] = config_of(connection).nodes
        assert node.options == {
            "application_name": "shop",
            "options": "-c work_mem=1MB",
        }


def test_mysql_s_ways_are_kept_too(my):
    given = {"autocommit": True, "init_command": "SET @shop = 7", "db": "nowhere"}
    with (
        routedb.patch(my.dsns[0]),
        closing(MySQLdb.connect("nowhere.invalid", **given)) as connection,
        connection.cursor() as cursor,
    ):
        assert config_of(connection).nodes[0].options["database"] == my.name
        cursor.execute("SELECT @shop")
        assert cursor.fetchone() == (7,)


def test_other_drivers_are_not_given_what_they_do_not_know(shop):
    with (
        routedb.patch(shop, drivers=["MySQLdb"]),
        closing(MySQLdb.connect(charset="utf8mb4", autocommit=True)) as connection,
    ):
        assert mode_of(connection).autocommit is True


def test_every_name_of_the_function_is_rebound_and_given_back():
    names = ("connect", "Connect", "Connection")
    with routedb.patch(drivers=["MySQLdb"]):
        ours = {getattr(MySQLdb, name) for name in names}
        assert len(ours) == 1
        assert OWN["MySQLdb"] not in ours
    assert {getattr(MySQLdb, name) for name in names} == {OWN["MySQLdb"]}


DEFAULTS = [
    (None, ("psycopg2", "MySQLdb")),
    ("postgresql://db1/shop", ("psycopg2",)),
    ("mysql://db1/shop", ("MySQLdb",)),
    ("fake://shop", ("psycopg2", "MySQLdb")),
]


@pytest.mark.parametrize(("source", "drivers"), DEFAULTS)
def test_the_driver_is_that_of_the_default_database(source, drivers):
    with routedb.patch(source) as made:
        assert made.drivers == drivers


def test_a_driver_that_is_missing_is_left_out_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    with routedb.patch() as made:
        assert made.drivers == ("psycopg2",)
    with pytest.raises(routedb.InterfaceError, match="MySQLdb cannot be imported"):
        routedb.patch(drivers=["MySQLdb"])
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(routedb.InterfaceError, match="neither psycopg2 nor MySQLdb"):
        routedb.patch()


def test_an_unknown_driver_is_refused_with_those_that_are_known():
    with pytest.raises(routedb.InterfaceError, match="psycopg2, MySQLdb; found 'pg8"):
        routedb.patch(drivers=["pg8000"])


def test_a_wrong_configuration_is_told_at_once():
    with pytest.raises(routedb.ConfigError, match="unknown scheme"):
        routedb.patch("oracle://db1/shop")


def test_patching_alike_twice_changes_nothing(shop):
    with routedb.patch(shop, drivers=["psycopg2"]) as made:
        ours = psycopg2.connect
        assert routedb.patch(shop, drivers=["psycopg2"]) is made
        assert psycopg2.connect is ours
    assert not made.is_active
    assert psycopg2.connect is OWN["psycopg2"]


def test_patching_otherwise_is_refused_until_the_first_is_undone(shop):
    with routedb.patch(shop, drivers=["psycopg2"]):
        with pytest.raises(routedb.InterfaceError, match="patched already"):
            routedb.patch(drivers=["psycopg2"])
        with closing(psycopg2.connect("")) as connection:
            assert isinstance(connection, routedb.Connection)


def test_undoing_an_old_patch_leaves_the_new_one(shop):
    old = routedb.patch(shop, drivers=["psycopg2"])
    old.undo()
    with routedb.patch(drivers=["psycopg2"]) as new:
        old.undo()
        assert new.is_active
        assert repr(new) == "<routedb patch of psycopg2, active>"
    assert repr(old) == "<routedb patch of psycopg2, undone>"


class Tool:
    """A tracing tool: it wraps what it finds, and counts the calls."""

    def __init__(self, connect):
        self.calls = 0
        self._connect = connect

    def __call__(self, *args, **keywords):
        self.calls += 1
        return self._connect(*args, **keywords)


@pytest.fixture
def traced(monkeypatch):
    """Put a tool over the present `connect`; it is gone after the test."""

    def put():
        tool = Tool(psycopg2.connect)
        monkeypatch.setattr(psycopg2, "connect", tool)
        return tool

    return put


def test_a_tool_that_came_before_sees_the_links(pg, traced):
    tool = traced()
    with routedb.patch(drivers=["psycopg2"]), closing(psycopg2.connect(pg.dsns[0])):
        assert tool.calls >= 1


def test_a_tool_that_came_after_sees_connections_alone(pg, traced):
    made = routedb.patch(drivers=["psycopg2"])
    tool = traced()
    with closing(psycopg2.connect(pg.dsns[0])) as connection:
        assert connection.closed == 0
        assert tool.calls == 1  # its links are below, or all would be there twice
    made.undo()
    assert psycopg2.connect is tool
    with closing(psycopg2.connect(pg.dsns[0])) as raw:
        assert type(raw) is psycopg2.extensions.connection


def test_the_program_s_own_postgresql_is_a_cluster_of_one_node(pg):
    words = psycopg2.extensions.parse_dsn(pg.dsns[0])
    database = words.pop("dbname")
    with (
        routedb.patch(drivers=["psycopg2"]),
        closing(psycopg2.connect(database=database, **words)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone() == (database,)
        assert len(config_of(connection).nodes) == 1


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"async_": 1}, psycopg2.extensions.connection),
        (
            {"connection_factory": PhysicalReplicationConnection},
            PhysicalReplicationConnection,
        ),
    ],
)
def test_what_routedb_refuses_is_left_to_the_driver(pg, how, kind):
    with (
        routedb.patch(drivers=["psycopg2"]),
        closing(psycopg2.connect(pg.dsns[0], **how)) as connection,
    ):
        assert type(connection) is kind


def test_the_program_s_own_mysql_is_a_cluster_of_one_node(my):
    options = routedb.Cluster(my.dsns[0]).config.nodes[0].options
    names = {"host": "host", "user": "user", "password": "passwd", "database": "db"}
    given = {new: options[old] for old, new in names.items() if old in options}
    with (
        routedb.patch(drivers=["MySQLdb"]),
        closing(MySQLdb.connect(port=options["port"], **given)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT database()")
        assert cursor.fetchone() == (options["database"],)
        assert len(config_of(connection).nodes) == 1


def test_nothing_of_it_is_imported_before_it_is_asked_for():
    probe = (
        "import sys, routedb; print('routedb.integrations' in sys.modules); "
        "routedb.patch; print('psycopg2' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["False", "False"]


def test_psycopg2_s_own_pool_keeps_routedb_connections(pg):
    with routedb.patch(drivers=["psycopg2"]):
        pool = SimpleConnectionPool(1, 2, pg.dsns[0])
        first, second = pool.getconn(), pool.getconn()
        with first.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        assert len(config_of(first).nodes) == 1
        pool.putconn(first)
        assert pool.getconn() is first
        pool.putconn(second, close=True)
        assert second.closed
        pool.closeall()
    assert first.closed
