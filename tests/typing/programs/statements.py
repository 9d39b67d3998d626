"""Cursors, rows, and what is taken for a statement and its parameters."""

from __future__ import annotations

from typing import Any

import MySQLdb.cursors
import psycopg2.extras
from psycopg2 import sql
from typing_extensions import assert_type

import routedb

Row = tuple[Any, ...]


def rows(conn: routedb.Connection) -> None:
    with conn.cursor() as cur:
        assert_type(cur, routedb.Cursor)
        assert_type(cur.fetchone(), Row | None)
        assert_type(cur.fetchmany(10), list[Row])
        assert_type(cur.fetchall(), list[Row])
        assert_type(next(cur), Row)
        for row in cur:
            assert_type(row, Row)
        assert_type(cur.rowcount, int)
        assert_type(cur.arraysize, int)
        assert_type(cur.nextset(), bool | None)
        assert_type(cur.closed, bool)
        assert_type(cur.statusmessage, str | None)
    cur.fetchone()[0]  # type: ignore[index]


def statements(cur: routedb.Cursor) -> None:
    assert_type(cur.execute("SELECT 1"), None)
    cur.execute(b"SELECT 1")
    cur.execute("SELECT %s", (1,))
    cur.execute("SELECT %s", [1])
    cur.execute("SELECT %(id)s", {"id": 1})
    cur.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("t")), (1,))
    cur.executemany("INSERT INTO t VALUES (%s)", [(1,), (2,)])
    cur.executemany("INSERT INTO t VALUES (%s)", ((n,) for n in range(9)))
    cur.execute(1)  # type: ignore[arg-type]
    cur.execute("SELECT %s", 1)  # type: ignore[arg-type]
    cur.executemany("INSERT INTO t VALUES (%s)", [1])  # type: ignore[list-item]


def kinds(conn: routedb.Connection) -> None:
    assert_type(conn.cursor("named"), routedb.Cursor)
    assert_type(conn.cursor("named", withhold=True, scrollable=True), routedb.Cursor)
    real = psycopg2.extras.RealDictCursor
    assert_type(conn.cursor(cursor_factory=real), psycopg2.extras.RealDictCursor)
    assert_type(conn.cursor("named", real), psycopg2.extras.RealDictCursor)
    assert_type(conn.cursor(MySQLdb.cursors.DictCursor), MySQLdb.cursors.DictCursor)
    conn.cursor(5)  # type: ignore[call-overload]
