"""What drivers make of a connection without asking it: ours, or refused by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import MySQLdb
import psycopg2
import pytest
from MySQLdb import cursors as mysql_cursors
from psycopg2 import errorcodes, extensions, extras, sql

import routedb


class Bare(extensions.cursor):
    """A subclass of a program's without an `__init__`."""


class Own(extensions.cursor):
    """A subclass with one."""

    def __init__(self, *args, **more):
        self.mine = True
        super().__init__(*args, **more)


class OwnLargeObject(extensions.lobject):
    """The same of a large object."""


def bypassing(conn):
    extensions.cursor.__init__(extensions.cursor.__new__(extensions.cursor), conn)


# Each would send what routedb knows nothing of.
REFUSED: dict[str, Callable[[Any], Any]] = {
    "cursor": extensions.cursor,
    "cursor with a name": lambda conn: extensions.cursor(conn, "named"),
    "cursor by keywords": lambda conn: extensions.cursor(conn=conn, name="named"),
    "__init__": bypassing,
    "a bare subclass": Bare,
    "a subclass": Own,
    "DictCursor": extras.DictCursor,
    "RealDictCursor": extras.RealDictCursor,
    "NamedTupleCursor": extras.NamedTupleCursor,
    "LoggingCursor": extras.LoggingCursor,
    "ReplicationCursor": extras.ReplicationCursor,
    "ReplicationCursor in C": psycopg2._psycopg.ReplicationCursor,
    "connection.cursor unbound": extensions.connection.cursor,
    "and of a class": lambda conn: extensions.connection.cursor(
        conn, cursor_factory=extras.DictCursor
    ),
    "lobject": extensions.lobject,
    "lobject of a mode": lambda conn: extensions.lobject(conn, 0, "w"),
    "a subclass of lobject": OwnLargeObject,
    "connection.lobject unbound": extensions.connection.lobject,
}


def refusals(conn):
    """How each way ends, by its name."""
    for way, make in REFUSED.items():
        try:
            make(conn)
        except routedb.NotSupportedError as exc:
            is_ours = isinstance(exc, psycopg2.NotSupportedError)
            yield way, is_ours and "use connection." in str(exc)
        else:
            yield way, False


def test_what_would_run_past_routedb_is_refused(pg_home, stack):
    conn = stack.enter_context(routedb.Cluster(pg_home.source)).connect()
    conn.cursor().execute("SELECT 1")
    assert dict(refusals(conn)) == dict.fromkeys(REFUSED, True)
    cursor = conn.cursor(cursor_factory=Own)
    cursor.execute("SELECT name FROM t WHERE id = 1")
    assert cursor.fetchone() == ("a",)
    assert cursor.mine


KINDS: list[Any] = [
    extensions.cursor,
    Bare,
    Own,
    extras.DictCursor,
    extras.ReplicationCursor,
]


def test_psycopg2_s_own_connections_are_not_concerned(pg_home):
    conn = psycopg2.connect(pg_home.writer_dsn)
    for kind in KINDS:
        cursor = kind(conn)
        cursor.execute("SELECT name FROM t WHERE id = 1")
        assert tuple(cursor.fetchone()) == ("a",)
        with pytest.raises(TypeError):
            kind(None)
    for made in (extensions.lobject(conn), OwnLargeObject(conn), conn.lobject()):
        assert made.write("text") == 4
    conn.close()


def composite(conn, home):
    home.run("CREATE TYPE pair AS (x int, y int)")
    home.settle()
    extras.register_composite("pair", conn)
    assert asked(conn, "SELECT '(1,2)'::pair") == (1, 2)


def ranges(conn, home):
    home.run("CREATE TYPE textrange AS RANGE (subtype = text)")
    home.settle()
    extras.register_range("textrange", "TextRange", conn)
    assert asked(conn, "SELECT '[a,b)'::textrange").lower == "a"


def shouting(value: Any, cursor: Any) -> Any:
    return value.upper()


def registered(conn, home):
    shouted = extensions.new_type((1043,), "SHOUT", shouting)
    extensions.register_type(shouted, conn)
    assert asked(conn, "SELECT name FROM t WHERE id = 1") == "A"


def waited(conn, home):
    extras.wait_select(conn)
    assert asked(conn, "SELECT 1") == 1


def informed(conn, home):
    assert extensions.ConnectionInfo(conn).dbname == conn.info.dbname


def encrypted(conn, home):
    made = extensions.encrypt_password("secret", "ada", conn, "md5")
    assert made.startswith("md5")


def diagnosed(conn, home):
    with pytest.raises(psycopg2.Error) as raised:
        conn.cursor().execute("SELECT nothing")
    told = extensions.Diagnostics(raised.value)
    assert told.sqlstate == errorcodes.UNDEFINED_COLUMN
    conn.rollback()


def adapted(conn, home):
    value = extensions.adapt("it's")
    value.prepare(conn)
    assert value.getquoted() == b"'it''s'"


ASKED_OF_A_CONNECTION = {
    "register_type": registered,
    "register_hstore": lambda conn, home: extras.register_hstore(conn, oid=99999),
    "register_composite": composite,
    "register_range": ranges,
    "register_json": lambda conn, home: extras.register_json(conn),
    "register_default_json": lambda conn, home: extras.register_default_json(conn),
    "register_default_jsonb": lambda conn, home: extras.register_default_jsonb(conn),
    "register_uuid": lambda conn, home: extras.register_uuid(conn_or_curs=conn),
    "quote_ident": lambda conn, home: same(extensions.quote_ident('a"b', conn)),
    "as_string": lambda conn, home: same(sql.Identifier('a"b').as_string(conn)),
    "a literal's": lambda conn, home: same(
        sql.SQL("{}").format(sql.Identifier('a"b')).as_string(conn)
    ),
    "adapt": adapted,
    "ConnectionInfo": informed,
    "encrypt_password": encrypted,
    "Diagnostics": diagnosed,
    "wait_select": waited,
}


def same(quoted):
    assert quoted == '"a""b"'


def asked(conn, text):
    cursor = conn.cursor()
    cursor.execute(text)
    (value,) = cursor.fetchone()
    return value


def test_what_takes_a_connection_takes_ours(pg_home, stack):
    cluster = stack.enter_context(routedb.Cluster(pg_home.source))
    for ask in ASKED_OF_A_CONNECTION.values():
        conn = cluster.connect(autocommit=True)
        ask(conn, pg_home)
        assert asked(conn, "SELECT count(*) FROM t") == 5
        conn.close()


LARGE_OBJECT_CALLS = {
    "read": lambda made: made.read(),
    "write": lambda made: made.write("text"),
    "seek": lambda made: made.seek(0),
    "tell": lambda made: made.tell(),
    "truncate": lambda made: made.truncate(0),
    "export": lambda made: made.export("/nowhere/at/all"),
    "unlink": lambda made: made.unlink(),
}


def test_errors_of_large_objects_are_routedb_s(pg_home, stack):
    cluster = stack.enter_context(routedb.Cluster(pg_home.source))
    for call in LARGE_OBJECT_CALLS.values():
        for factory in (None, OwnLargeObject):
            conn = cluster.connect()
            conn.cursor().execute("SELECT name FROM t")
            made = conn.lobject(lobject_factory=factory)
            assert isinstance(made, factory or extensions.lobject)
            made.write("text")
            pid = conn.get_backend_pid()
            pg_home.run("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            with pytest.raises(psycopg2.Error) as lost:
                call(made)
            assert isinstance(lost.value, routedb.Error)
            assert lost.value.retry_is_safe in (True, False)
            conn.close()
    conn = cluster.connect()
    conn.cursor().execute("SELECT name FROM t")
    with pytest.raises(routedb.OperationalError) as refusal:
        conn.lobject(4_000_000_000)
    assert not refusal.value.retry_is_safe


MYSQL_CURSORS: list[Any] = [
    mysql_cursors.Cursor,
    mysql_cursors.DictCursor,
    mysql_cursors.SSCursor,
    mysql_cursors.SSDictCursor,
]


def test_cursors_of_mysqldb_made_by_hand_are_routed(my_home, stack):
    cluster = stack.enter_context(routedb.Cluster(my_home.source))
    for key, kind in enumerate(MYSQL_CURSORS, 10):
        conn = cluster.connect(autocommit=True)
        before = asked(conn, "SELECT count(*) FROM t")
        cursor = kind(conn)
        cursor.execute("INSERT INTO t VALUES (%s, 'by hand')", (key,))
        cursor.execute("SELECT name FROM t WHERE id = %s", (key,))
        [row] = cursor.fetchall()
        assert row in (("by hand",), {"name": "by hand"})
        # It counts as this session's write.
        assert asked(conn, "SELECT count(*) FROM t") == before + 1
        with pytest.raises(MySQLdb.ProgrammingError):
            cursor.execute("SELECT FROM nothing")
        conn.close()


def test_sqlite3_makes_cursors_of_its_own_connections_only(lite_home, stack):
    conn = stack.enter_context(routedb.Cluster(lite_home.source)).connect()
    for kind in (sqlite3.Cursor, type("Own", (sqlite3.Cursor,), {})):
        with pytest.raises(TypeError, match="Connection"):
            kind(conn)
