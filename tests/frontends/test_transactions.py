"""PEP 249's connection: life, implicit transactions, commit, rollback, autocommit."""

from __future__ import annotations

import pickle

import pytest

import routedb
from tests.frontends.home import Home

INSERT = "INSERT INTO t VALUES (10, 'x')"
USES = {
    "cursor": lambda connection: connection.cursor(),
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "explain": lambda connection: connection.explain("SELECT 1"),
    "using": lambda connection: connection.using(role="writer").__enter__(),
    "with": lambda connection: connection.__enter__(),
    "autocommit": lambda connection: setattr(connection, "autocommit", True),
    "set_session": lambda connection: connection.set_session(readonly=True),
}


def insert_and_fail(connection: routedb.Connection) -> None:
    connection.cursor().execute(INSERT)
    raise ZeroDivisionError


def count(home: Home) -> int:
    return len(home.rows())


@pytest.mark.parametrize("use", USES)
def test_a_closed_connection_refuses_every_use(connection, use):
    connection.close()
    assert connection.closed
    with pytest.raises(routedb.InterfaceError, match="closed"):
        USES[use](connection)


def test_closing_twice_is_allowed_but_by_mysqldb(home: Home, connection):
    connection.close()
    if home.engine == "mysql":
        with pytest.raises(routedb.ProgrammingError, match="closed"):
            connection.close()
    else:
        connection.close()
    assert connection.closed


def test_closing_rolls_back(home: Home, connection, cursor):
    cursor.execute(INSERT)
    connection.close()
    assert count(home) == 5


def test_a_transaction_begins_by_itself_and_ends_with_commit(home, connection, cursor):
    assert not connection.autocommit
    assert not connection.in_transaction
    cursor.execute(INSERT)
    assert connection.in_transaction
    assert count(home) == 5
    connection.commit()
    assert not connection.in_transaction
    assert count(home) == 6


def test_rollback_undoes_and_the_next_transaction_is_new(home, connection, cursor):
    cursor.execute(INSERT)
    connection.rollback()
    cursor.execute("INSERT INTO t VALUES (11, 'y')")
    connection.commit()
    assert home.rows()[5:] == [(11, "y")]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_ending_what_has_not_begun_does_nothing(home, connection, end):
    for _ in range(2):
        getattr(connection, end)()
    assert count(home) == 5


def test_rows_that_were_fetched_outlive_the_transaction(connection, cursor):
    cursor.execute("SELECT id FROM t ORDER BY id")
    rows = cursor.fetchall()
    connection.commit()
    assert list(rows) == [(1,), (2,), (3,), (4,), (5,)]


def test_a_block_commits_and_leaves_the_connection_open(home: Home, connection):
    closes = home.engine == "mysql"  # MySQLdb's block closes, and does not commit
    with connection as same:
        assert same is connection
        connection.cursor().execute(INSERT)
    assert count(home) == (5 if closes else 6)
    assert bool(connection.closed) is closes


def test_a_block_that_fails_rolls_back(home: Home, connection):
    with pytest.raises(ZeroDivisionError), connection:
        insert_and_fail(connection)
    assert count(home) == 5
    assert bool(connection.closed) is (home.engine == "mysql")


def test_autocommit_makes_each_statement_last(home: Home, connection, cursor):
    connection.autocommit = True
    cursor.execute(INSERT)
    assert count(home) == 6
    connection.rollback()
    assert count(home) == 6
    assert not connection.in_transaction


def test_autocommit_can_be_asked_for_at_connect(home: Home, cluster):
    connection = cluster.connect(autocommit=True)
    assert connection.autocommit
    connection.cursor().execute(INSERT)
    assert count(home) == 6


def test_autocommit_goes_on_and_off(home: Home, connection, cursor):
    connection.autocommit = True
    cursor.execute(INSERT)
    connection.autocommit = False
    cursor.execute("DELETE FROM t")
    connection.rollback()
    assert count(home) == 6


def test_autocommit_cannot_change_inside_a_transaction(home, connection, cursor):
    cursor.execute(INSERT)
    if home.engine == "mysql":  # there it commits, as in MySQL itself
        connection.autocommit = True
    else:
        with pytest.raises(routedb.ProgrammingError, match="inside a transaction"):
            connection.autocommit = True
        connection.commit()
    assert count(home) == 6


@pytest.mark.parametrize("begin", ["BEGIN", "START TRANSACTION"])
@pytest.mark.parametrize("autocommit", [True, False])
def test_a_transaction_in_words(home: Home, cluster, begin, autocommit):
    if home.engine == "sqlite":
        begin = "BEGIN IMMEDIATE" if begin == "BEGIN" else "BEGIN TRANSACTION"
    connection = cluster.connect(autocommit=autocommit)
    cursor = connection.cursor()
    for end, rows in {"ROLLBACK": 5, "COMMIT": 6}.items():
        cursor.execute(begin)
        cursor.execute(INSERT)
        assert connection.in_transaction
        assert count(home) == 5
        cursor.execute(end)
        assert not connection.in_transaction
        assert count(home) == rows


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_method_ends_what_words_have_begun(home: Home, cluster, autocommit):
    connection = cluster.connect(autocommit=autocommit)
    cursor = connection.cursor()
    for end, rows in {"rollback": 5, "commit": 6}.items():
        cursor.execute("BEGIN")
        cursor.execute(INSERT)
        getattr(connection, end)()
        assert not connection.in_transaction
        assert count(home) == rows


def test_a_savepoint_is_gone_back_to(home: Home, connection, cursor):
    cursor.execute(INSERT)
    cursor.execute("SAVEPOINT s")
    cursor.execute("DELETE FROM t")
    cursor.execute("ROLLBACK TO SAVEPOINT s")
    cursor.execute("RELEASE SAVEPOINT s")
    connection.commit()
    assert count(home) == 6


@pytest.mark.parametrize("text", ["ROLLBACK TO SAVEPOINT s", "RELEASE SAVEPOINT s"])
def test_a_savepoint_that_is_gone_is_an_error_before_any_statement(cursor, text):
    cursor.execute("SAVEPOINT s")
    cursor.execute("ROLLBACK TO SAVEPOINT s")
    cursor.execute("RELEASE SAVEPOINT s")
    with pytest.raises(routedb.Error):
        cursor.execute(text)


def test_a_savepoint_saves_a_transaction_from_an_error(home, connection, cursor):
    cursor.execute("SAVEPOINT s")
    with pytest.raises(routedb.IntegrityError):
        cursor.execute("INSERT INTO t VALUES (1, 'taken')")
    cursor.execute("ROLLBACK TO s")
    cursor.execute(INSERT)
    connection.commit()
    assert count(home) == 6


def test_after_an_error_rollback_makes_all_well(home: Home, connection, cursor):
    cursor.execute(INSERT)
    with pytest.raises(routedb.IntegrityError):
        cursor.execute(INSERT)
    connection.rollback()
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (5,)


def test_a_failed_transaction_refuses_until_rollback(pg_home: Home, open_cluster):
    connection = open_cluster(pg_home.source).connect()
    cursor = connection.cursor()
    cursor.execute(INSERT)
    for _ in range(2):
        with pytest.raises(routedb.DatabaseError):
            cursor.execute("SELECT 1/0 FROM t")
    with pytest.raises(routedb.InternalError, match="aborted"):
        cursor.execute("SELECT 1")
    connection.commit()  # as with psycopg2: the server rolls back
    assert len(pg_home.rows()) == 5


@pytest.mark.parametrize("declare", ["attribute", "set_session", "words"])
def test_a_read_only_transaction_refuses_writes(home, connection, cursor, declare):
    if declare == "attribute":
        connection.readonly = True
    elif declare == "set_session":
        connection.set_session(readonly=True)
    elif home.engine == "sqlite":
        cursor.execute("PRAGMA query_only = 1")
    else:
        cursor.execute("START TRANSACTION READ ONLY")
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (5,)
    with pytest.raises(routedb.DatabaseError):
        cursor.execute(INSERT)
    connection.rollback()
    assert count(home) == 5


def test_an_isolation_level_reaches_the_server(pg_home: Home, open_cluster):
    connection = open_cluster(pg_home.source).connect()
    connection.isolation_level = "repeatable read"
    cursor = connection.cursor()
    cursor.execute("SHOW transaction_isolation")
    assert cursor.fetchone() == ("repeatable read",)
    assert connection.isolation_level == 2  # psycopg2's number
    with pytest.raises(ValueError, match="isolation"):
        connection.isolation_level = "sloppy"


def test_a_connection_cannot_be_pickled(connection):
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(connection)
