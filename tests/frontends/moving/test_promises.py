"""What docs/moving-from-psycopg2.rst says stays the same, and what it says differs."""

from __future__ import annotations

import pickle
import weakref
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors, extensions, extras, sql

import routedb
from routedb import dbapi
from tests.frontends.home import Home
from tests.frontends.moving.use import INSERT, end_all, on_replica


class Named(extensions.connection):
    """A program's own connection class."""


def test_what_asks_for_psycopg2s_types_gets_them(conn):
    cursor = on_replica(conn)
    assert isinstance(conn, extensions.connection)
    assert isinstance(cursor, extensions.cursor)
    assert extensions.quote_ident('a"b', conn) == '"a""b"'
    assert sql.Identifier("t").as_string(conn) == '"t"'
    assert sql.Literal("o'clock").as_string(cursor) == "'o''clock'"
    extras.register_uuid(conn_or_curs=conn)
    assert weakref.ref(conn)() is conn
    extras.execute_values(cursor, "INSERT INTO t VALUES %s", [(10, "x"), (11, "y")])
    assert cursor.rowcount == 2
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(conn)


def test_a_connection_is_of_its_factory_too(home: Home):
    made = routedb.connect(home.writer_dsn, connection_factory=Named)
    assert isinstance(made, Named)
    assert isinstance(made, routedb.Connection)
    made.close()


def test_an_error_of_the_server_is_psycopg2s_and_routedbs(conn):
    cursor = conn.cursor()
    with pytest.raises(errors.UniqueViolation) as caught:
        cursor.execute(INSERT, (1,))
    assert isinstance(caught.value, routedb.IntegrityError)
    error: Any = caught.value
    assert (error.pgcode, error.diag.constraint_name) == ("23505", "t_pkey")
    assert "duplicate key" in error.pgerror
    assert error.cursor is cursor


def test_an_error_of_our_own_is_psycopg2s_too(conn):
    with pytest.raises(psycopg2.ProgrammingError) as caught:
        conn.cursor().execute("/* routedb: role=replica */ DELETE FROM t")
    assert isinstance(caught.value, routedb.HintError)


def test_with_commits_or_rolls_back_and_closes_nothing(conn, home):
    with conn:
        assert conn.autocommit
        conn.cursor().execute(INSERT, (10,))
        assert len(home.rows()) == 5
    assert (conn.closed, len(home.rows())) == (0, 6)
    with pytest.raises(errors.UniqueViolation), conn:
        conn.cursor().executemany(INSERT, [(11,), (1,)])
    assert len(home.rows()) == 6


def test_a_lost_transaction_is_psycopg2s_operational_error(conn, home):
    conn.autocommit = False
    conn.cursor().execute(INSERT, (10,))
    end_all(conn, home)
    with pytest.raises(psycopg2.OperationalError) as caught:
        conn.cursor().execute(INSERT, (11,))
    assert isinstance(caught.value, routedb.TransactionLost)
    # psycopg2.pool closes the connection then, instead of lending it in this state.
    assert conn.info.transaction_status == extensions.TRANSACTION_STATUS_UNKNOWN
    conn.rollback()
    assert conn.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
    conn.cursor().execute(INSERT, (12,))
    conn.commit()
    assert [key for key, _ in home.rows()][5:] == [12]


@pytest.mark.parametrize(
    "keywords",
    [
        {"async_": 1},
        {"connection_factory": lambda dsn: extensions.connection(dsn)},  # noqa: PLW0108
    ],
    ids=["async_", "connection_factory"],
)
def test_what_cannot_be_routed_is_refused(home: Home, keywords):
    with pytest.raises(routedb.NotSupportedError, match=next(iter(keywords))):
        routedb.connect(home.writer_dsn, **keywords)


def test_a_function_for_cursors_is_refused(conn):
    with pytest.raises(routedb.NotSupportedError, match="cursor_factory"):
        conn.cursor(cursor_factory=lambda *args: extensions.cursor(*args))  # noqa: PLW0108


@pytest.mark.parametrize(
    "made", [extensions.cursor, extras.DictCursor, extensions.lobject]
)
def test_what_would_go_past_routedb_is_refused(conn, made):
    on_replica(conn)
    with pytest.raises(routedb.NotSupportedError, match="by hand"):
        made(conn)


def test_threads_may_share_a_connection():
    assert routedb.threadsafety == dbapi.threadsafety == psycopg2.threadsafety == 2
