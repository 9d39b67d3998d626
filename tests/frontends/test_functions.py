"""Statements that only the catalog, or a replica's refusal, shows to be writes."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.home import Home
from tests.support.server_rig import settle

FUNCTION = {
    "postgresql": "CREATE FUNCTION {}f(n int) RETURNS int {} LANGUAGE sql "
    "AS 'SELECT n'",
    "mysql": "CREATE FUNCTION {}f(n int) RETURNS int {} RETURN n",
}
# What a function declares of itself -> who runs it.
DECLARED = [
    ("pg_home", "VOLATILE", "writer"),
    ("pg_home", "STABLE", "replica"),
    ("pg_home", "IMMUTABLE", "replica"),
    ("my_home", "DETERMINISTIC MODIFIES SQL DATA", "writer"),
    ("my_home", "DETERMINISTIC CONTAINS SQL", "writer"),
    ("my_home", "DETERMINISTIC READS SQL DATA", "replica"),
    ("my_home", "DETERMINISTIC NO SQL", "replica"),
]
# A volatile function that writes, and what hides the call of it from our eyes.
WRITING = """
CREATE TABLE log (at timestamptz DEFAULT now());
CREATE FUNCTION note() RETURNS int VOLATILE LANGUAGE sql
  AS 'INSERT INTO log DEFAULT VALUES RETURNING 1';
CREATE VIEW noted AS SELECT note() AS n;
CREATE FUNCTION equal(a int, b int) RETURNS boolean VOLATILE LANGUAGE plpgsql
  AS 'BEGIN PERFORM note(); RETURN a = b; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = equal);
"""
HIDDEN = {
    "a view": "SELECT n FROM noted",
    "an operator": "SELECT 1 FROM t WHERE id === 1",
}


@pytest.fixture
def connect(open_cluster):
    """Open a connection to a home whose roles are all known."""

    def connect(home: Home, **options) -> routedb.Connection:
        main = {"nodes": home.nodes, **options}
        cluster = open_cluster({"default": "main", "databases": {"main": main}})
        connection = cluster.connect(autocommit=True)
        settle(cluster, {n["name"] for n in home.nodes if n["name"] != "writer"})
        return connection

    return connect


def role(cursor: routedb.Cursor) -> str:
    """Return writer or replica, as the cursor tells of its last statement."""
    assert cursor.route is not None
    assert cursor.node is not None
    assert cursor.node.name.startswith(cursor.route.role.value)
    return cursor.route.role.value


def test_the_question_leaves_no_transaction_on_the_writer(pg_home, connect):
    pg_home.run(FUNCTION["postgresql"].format("", "STABLE"))
    pg_home.settle()
    connection = connect(pg_home)
    connection.autocommit = False
    connection.readonly = True
    cursor = connection.cursor()
    cursor.execute("SELECT f(id) FROM t WHERE id = 3")
    assert role(cursor) == "replica"
    connection.rollback()
    names = {link.node.name: link.is_idle() for link in connection.session.links}
    assert names["writer"]
    assert all(names.values())


@pytest.mark.parametrize(("which", "declared", "where"), DECLARED)
def test_the_catalog_says_whether_a_function_may_write(
    request, connect, which, declared, where
):
    home = request.getfixturevalue(which)
    home.run(FUNCTION[home.engine].format("", declared))
    home.settle()
    cursor = connect(home).cursor()
    for _ in range(2):
        cursor.execute("SELECT f(id) FROM t WHERE id = 3")
        assert list(cursor.fetchall()) == [(3,)]
        assert role(cursor) == where


def test_the_schema_tells_functions_of_one_name_apart(pg_home: Home, connect):
    pg_home.run("CREATE SCHEMA other")
    pg_home.run(FUNCTION["postgresql"].format("other.", "STABLE"))
    pg_home.run(FUNCTION["postgresql"].format("public.", "VOLATILE"))
    pg_home.settle()
    cursor = connect(pg_home).cursor()
    cursor.execute("SELECT other.f(1)")
    assert role(cursor) == "replica"
    cursor.execute("SELECT f(1)")
    assert role(cursor) == "writer"


def test_one_volatile_overload_makes_the_name_volatile(pg_home: Home, connect):
    pg_home.run(FUNCTION["postgresql"].format("", "STABLE"))
    pg_home.run(
        "CREATE FUNCTION f(s text) RETURNS text VOLATILE LANGUAGE sql AS 'SELECT s'"
    )
    pg_home.settle()
    cursor = connect(pg_home).cursor()
    cursor.execute("SELECT f(1)")
    assert role(cursor) == "writer"


def test_a_function_that_is_nowhere_is_the_servers_error(pg_home: Home, connect):
    connection = connect(pg_home)
    with pytest.raises(routedb.ProgrammingError, match="does not exist"):
        connection.cursor().execute("SELECT missing(1)")
    pg_home.run(FUNCTION["postgresql"].format("", "STABLE").replace(" f(", " missing("))
    pg_home.settle()
    cursor = connection.cursor()
    with connection.using(consistency="eventual"):  # the error was the writer's
        cursor.execute("SELECT missing(1)")  # it was not remembered as missing
    assert role(cursor) == "replica"


@pytest.mark.parametrize("what", HIDDEN)
def test_a_hidden_write_runs_once_more_and_is_remembered(pg_home, connect, what):
    pg_home.run(WRITING)
    pg_home.settle()
    connection = connect(pg_home)
    cursor = connection.cursor()
    assert connection.explain(HIDDEN[what]).role.value == "replica"
    cursor.execute(HIDDEN[what])
    assert list(cursor.fetchall()) == [(1,)]
    assert role(cursor) == "writer"
    [(first,)] = pg_home.run("SELECT count(*) FROM log")
    assert connection.explain(HIDDEN[what]).role.value == "writer"
    cursor.execute(HIDDEN[what])
    [(second,)] = pg_home.run("SELECT count(*) FROM log")
    assert (role(cursor), second) == ("writer", 2 * first)


def test_a_hidden_write_counts_as_one_of_this_session(pg_home: Home, connect):
    pg_home.run(WRITING)
    pg_home.settle()
    cursor = connect(pg_home).cursor()
    cursor.execute(HIDDEN["a view"])
    cursor.execute("SELECT count(*) FROM log")
    assert cursor.fetchone() == (1,)


def test_a_hidden_write_in_a_read_only_transaction_is_refused(pg_home: Home, connect):
    pg_home.run(WRITING)
    pg_home.settle()
    connection = connect(pg_home)
    connection.set_session(readonly=True, autocommit=False)
    with pytest.raises(routedb.InternalError, match="read-only transaction"):
        connection.cursor().execute(HIDDEN["a view"])
    connection.rollback()
    assert pg_home.run("SELECT count(*) FROM log") == [(0,)]


def test_a_do_block_and_a_procedure_run_on_the_writer(pg_home: Home, connect):
    pg_home.run(
        "CREATE PROCEDURE p() LANGUAGE sql AS 'UPDATE t SET name = ''p'' WHERE id = 1'"
    )
    pg_home.settle()
    cursor = connect(pg_home).cursor()
    cursor.execute("CALL p()")
    assert role(cursor) == "writer"
    cursor.execute("DO $$ BEGIN DELETE FROM t WHERE id > 1; END $$")
    assert role(cursor) == "writer"
    assert pg_home.rows() == [(1, "p")]
