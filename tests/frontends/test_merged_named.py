"""Named cursors of psycopg2 over several groups: what one database's show."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2.extras import DictCursor, RealDictCursor

import routedb

READS = [
    "SELECT * FROM items ORDER BY id",
    "SELECT id, owner FROM items ORDER BY owner DESC, id",
    "SELECT id FROM items ORDER BY id LIMIT 7",
    "SELECT id FROM items ORDER BY id LIMIT 4 OFFSET 3",
    "SELECT count(*) AS n, max(id) AS most FROM items",
    "SELECT owner, count(*) AS n FROM items GROUP BY owner ORDER BY owner",
    "SELECT i.id, l.src FROM items i JOIN leads l ON l.owner = i.owner ORDER BY 1, 2",
    "SELECT id FROM items WHERE id > 100 ORDER BY id",
]


@pytest.fixture
def begun(pg_world):
    pg_world.routed.autocommit = False
    yield pg_world
    pg_world.routed.rollback()
    pg_world.one.rollback()


def _steps(cursor):
    """Fetch in every way; return what came."""
    came = [cursor.fetchone(), cursor.fetchmany(3)]
    came += [cursor.fetchmany(2), cursor.fetchall()]
    return [*came, cursor.fetchone(), [column[0] for column in cursor.description]]


@pytest.mark.parametrize("kind", [None, DictCursor, RealDictCursor])
@pytest.mark.parametrize("sql", READS)
def test_they_fetch_as_one_databases(begun, sql, kind):
    more = {} if kind is None else {"cursor_factory": kind}
    came = []
    for connection in begun:
        with connection.cursor("reader", **more) as cursor:
            cursor.execute(sql)
            came.append(_steps(cursor))
    assert came[0] == came[1]


def test_rows_without_an_order_all_come(begun):
    with begun.routed.cursor("reader") as cursor:
        cursor.itersize = 2
        cursor.execute("SELECT id FROM items WHERE price > %s", (2,))
        assert cursor.rowcount == -1
        assert sorted(id for (id,) in cursor) == list(range(2, 12))


def test_more_rows_than_a_block(begun):
    rows = ", ".join(f"({n}, 1)" for n in range(100, 1101))
    for connection in begun:
        connection.cursor().execute(f"INSERT INTO items (id, owner) VALUES {rows}")
    for sql in (READS[0], "SELECT id FROM items ORDER BY id DESC"):
        came = []
        for connection in begun:
            with connection.cursor("reader") as cursor:
                cursor.itersize = 150
                cursor.execute(sql)
                came.append(list(cursor))
        assert came[0] == came[1]


def test_scroll_goes_forward_and_else_is_refused_by_name(begun):
    with begun.routed.cursor("reader") as cursor:
        cursor.execute("SELECT id FROM items ORDER BY id")
        cursor.scroll(3)
        assert cursor.fetchone() == (3,)
        cursor.scroll(8, "absolute")
        assert cursor.fetchone() == (8,)
        with pytest.raises(routedb.NotSupportedError, match="backwards"):
            cursor.scroll(-1)


def test_they_need_a_transaction_and_run_once(pg_world):
    with pytest.raises(psycopg2.ProgrammingError, match="outside of transactions"):
        pg_world.routed.cursor("reader").execute("SELECT count(*) FROM items")
    pg_world.routed.autocommit = False
    with pg_world.routed.cursor("reader") as cursor:
        cursor.execute("SELECT id FROM items ORDER BY id")
        with pytest.raises(psycopg2.ProgrammingError, match="more than once"):
            cursor.execute("SELECT id FROM items ORDER BY id")
    pg_world.routed.rollback()
    with pytest.raises(routedb.ShardError, match="WITH HOLD"):
        pg_world.routed.cursor("held", withhold=True).execute("SELECT id FROM items")
    pg_world.routed.rollback()


def test_after_the_transaction_its_rows_are_gone(begun):
    cursor = begun.routed.cursor("reader")
    cursor.itersize = 1
    cursor.execute("SELECT a.id FROM items a ORDER BY id")
    assert cursor.fetchone() == (0,)
    begun.routed.rollback()
    cursor.close()
    with begun.routed.cursor("reader") as again:
        again.execute("SELECT count(*) FROM items")
        assert again.fetchone() == (12,)


def test_after_a_fetch_that_failed_no_rows_are_missing_in_silence(begun, monkeypatch):
    """Whatever came out of it: a signal's exception, or the server's error."""
    monkeypatch.setattr("routedb.merge.streamed._LEAST_ROWS", 2)
    connection = begun.routed
    with connection.cursor("reader") as cursor:
        cursor.itersize = 2
        cursor.execute("SELECT id FROM items ORDER BY id")
        assert cursor.fetchone() == (0,)
        for link in connection.session.links:
            link.raw.cursor().execute("CLOSE ALL")
        with pytest.raises(psycopg2.Error):
            cursor.fetchall()
        for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall):
            with pytest.raises(psycopg2.OperationalError, match="would be missing"):
                fetch()
