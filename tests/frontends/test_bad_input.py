"""Input that cannot work: a clear error, and the connection works afterwards."""

from __future__ import annotations

import sqlite3

import MySQLdb
import psycopg2
import pytest

import routedb
from tests.frontends.home import Home
from tests.support.servers import PASSWORD

DRIVERS = {"postgresql": psycopg2, "mysql": MySQLdb, "sqlite": sqlite3}
SERVED = ["pg_home", "my_home"]
HUGE = 17 * 1024 * 1024

# Sources that cannot be understood -> what the error must name.
MALFORMED = {
    "postgresql://host:port/x": "port",
    "postgresql://[::1/x": "postgresql",
    "mysql://host:99999999/x": "port",
    "oracle://host/x": "oracle",
    "http://": "http",
    "sqlite://relative.db": "sqlite",
    "host=localhost dbname='x": "libpq keywords",
    "no-such-file.toml": "no-such-file.toml",
}
EMPTY = ["", "   \n\t", ";", "-- nothing", "/* nothing */", " ; /* a */ ; -- b\n;"]
# What every server refuses -> the class that PEP 249 has for it. The three drivers do
# not agree on every class: theirs counts, and ours is the same.
WRONG = {
    "an unknown table": "SELECT * FROM nowhere",
    "an unknown column": "SELECT nothing FROM t",
    "a syntax error": "SELEKT 1",
    "an unfinished statement": "SELECT (1",
    "an unfinished string": "SELECT 'abc",
    "a write to an unknown table": "INSERT INTO nowhere VALUES (1)",
    "a constraint": "INSERT INTO t VALUES (1, 'taken')",
    "a wrong number of values": "INSERT INTO t VALUES (1, 'a', 3)",
    "a table that is there": "CREATE TABLE t (id integer)",
}


@pytest.mark.parametrize("source", MALFORMED)
def test_a_malformed_source_is_named(source):
    with pytest.raises(routedb.ConfigError) as caught:
        routedb.connect(source)
    assert isinstance(caught.value, routedb.InterfaceError)
    assert MALFORMED[source] in str(caught.value)


def test_a_keyword_that_libpq_does_not_know_is_named():
    with pytest.raises(routedb.ProgrammingError, match="hots") as caught:
        routedb.connect("hots=localhost")
    assert isinstance(caught.value, psycopg2.ProgrammingError)


def test_a_node_that_nobody_is_at(engine_url):
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.connect(engine_url, connect_timeout="2s", failover_timeout="2s")
    assert "secret" not in str(caught.value)


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def engine_url(request, tmp_path):
    """The URL of a node that cannot be reached."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/missing/folder/x.db"
    return f"{request.param}://user:secret@127.0.0.1:1/x"


@pytest.mark.parametrize("which", SERVED)
def test_a_wrong_password_is_told_at_connect_and_not_shown(request, which):
    home = request.getfixturevalue(which)
    dsn = home.writer_dsn.replace(PASSWORD, "an-other-password")
    with pytest.raises(routedb.OperationalError) as caught:
        routedb.connect(dsn)
    assert isinstance(caught.value, DRIVERS[home.engine].OperationalError)
    assert "an-other-password" not in repr(caught.value)


@pytest.mark.parametrize("which", SERVED)
def test_an_unknown_database_is_told_at_connect(request, which):
    home = request.getfixturevalue(which)
    with pytest.raises(routedb.OperationalError, match="nowhere"):
        routedb.connect(home.writer_dsn.rpartition("/")[0] + "/nowhere")


@pytest.fixture(params=[True, False], ids=["autocommit", "transaction"])
def session(request, cluster):
    """A connection in either mode that has run a statement."""
    connection = cluster.connect(autocommit=request.param)
    connection.cursor().execute("SELECT id FROM t")
    return connection


def works(connection: routedb.Connection) -> bool:
    """Tell whether a connection reads and writes, after the rollback PEP 249 asks."""
    connection.rollback()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (%s, %s)", (77, "x"))
    cursor.execute("SELECT name FROM t WHERE id = %s", (77,))
    return list(cursor.fetchall()) == [("x",)]


@pytest.mark.parametrize("sql", EMPTY)
def test_an_empty_statement_is_refused_as_psycopg2_does(session, home: Home, sql):
    if home.engine == "sqlite":  # where the driver does nothing
        cursor = session.cursor()
        cursor.execute(sql)
        assert (cursor.description, cursor.fetchall()) == (None, [])
        assert works(session)
        return
    with pytest.raises(routedb.ProgrammingError, match="empty") as caught:
        session.cursor().execute(sql)
    assert isinstance(caught.value, DRIVERS[home.engine].ProgrammingError)
    assert works(session)


@pytest.mark.parametrize("what", WRONG)
def test_what_the_server_refuses_is_the_drivers_error_and_ours(session, home, what):
    with pytest.raises(routedb.DatabaseError) as caught:
        session.cursor().execute(WRONG[what])
    driver = DRIVERS[home.engine]
    assert isinstance(caught.value, driver.DatabaseError)
    for name in ("OperationalError", "ProgrammingError", "IntegrityError"):
        ours = isinstance(caught.value, getattr(routedb, name))
        assert ours is isinstance(caught.value, getattr(driver, name))
    assert works(session)


@pytest.mark.parametrize("sql", ["SELECT 1\0", "\0", "SELECT 'a\0b' FROM t"])
def test_a_nul_in_the_text_is_refused(session, sql):
    with pytest.raises(routedb.ProgrammingError, match="NUL character at position"):
        session.cursor().execute(sql)
    assert works(session)


def test_a_nul_in_a_value(session, home: Home):
    cursor = session.cursor()
    if home.engine == "postgresql":  # its text has no such character
        with pytest.raises(routedb.DataError, match="NUL"):
            cursor.execute("SELECT id FROM t WHERE name = %s", ("a\0b",))
    else:
        cursor.execute("SELECT id FROM t WHERE name = %s", ("a\0b",))
        assert list(cursor.fetchall()) == []
    assert works(session)


@pytest.mark.parametrize("sql", [None, 5, 1.5, object(), ["SELECT 1"], {"a": 1}])
def test_a_statement_of_the_wrong_type_is_refused(session, sql):
    with pytest.raises(routedb.ProgrammingError, match="must be str or bytes"):
        session.cursor().execute(sql)
    assert works(session)


def test_bytes_that_are_no_text(session):
    with pytest.raises(routedb.Error):
        session.cursor().execute(b"SELECT \xff\xfe FROM t")
    assert works(session)


def test_a_lone_surrogate_is_refused(session):
    with pytest.raises(routedb.Error):
        session.cursor().execute("SELECT '\ud800' FROM t")
    assert works(session)


def test_a_statement_over_sixteen_megabytes(session, home: Home):
    cursor = session.cursor()
    sql = f"SELECT length('{'x' * HUGE}')"
    if home.engine == "mysql":  # max_allowed_packet, 16 MB by default
        with pytest.raises(routedb.OperationalError):
            cursor.execute(sql)
    else:
        cursor.execute(sql)
        assert cursor.fetchone() == (HUGE,)
    assert works(session)


def test_a_value_over_sixteen_megabytes(session, home: Home):
    cursor = session.cursor()
    values = ("x" * HUGE, 1)
    if home.engine == "mysql":
        with pytest.raises(routedb.OperationalError):
            cursor.execute("UPDATE t SET name = %s WHERE id = %s", values)
    else:
        cursor.execute("SELECT length(%s) FROM t WHERE id = %s", values)
        assert cursor.fetchone() == (HUGE,)
    assert works(session)


def test_a_division_by_zero_keeps_what_the_driver_tells(pg_home: Home, open_cluster):
    cursor = open_cluster(pg_home.source).connect(autocommit=True).cursor()
    with pytest.raises(routedb.DataError) as caught:
        cursor.execute("SELECT 1/0")
    assert isinstance(caught.value, psycopg2.errors.DivisionByZero)
    assert caught.value.pgcode == "22012"
    assert caught.value.diag.message_primary == "division by zero"


def test_a_database_or_a_role_that_is_not_there(session):
    with pytest.raises(routedb.HintError, match="no such database"):
        session.using("nowhere").__enter__()
    with pytest.raises(routedb.HintError, match="allowed are"):
        session.using(role="boss").__enter__()
    assert works(session)
