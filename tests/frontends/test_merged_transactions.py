"""Reads over several groups inside a transaction, on each frontend."""

from __future__ import annotations

from contextlib import suppress

import pytest

import routedb
from tests.frontends.merged_world import compare
from tests.frontends.test_merged_reads import READS, REMAINDERS

JOIN = "SELECT i.id, l.src FROM items i JOIN leads l ON l.owner = i.owner ORDER BY 1, 2"
NEW = (
    "INSERT INTO items (id, owner, price, name, seen) "
    "VALUES (50, 3, 1.5, 'new', '2024-02-01')"
)


@pytest.fixture
def begun(world):
    """A world whose routed connection is as PEP 249 has it: autocommit off."""
    world.routed.autocommit = False
    yield world
    world.routed.rollback()
    world.one.rollback()


def _rows(connection, sql, params=None):
    cursor = connection.cursor()
    cursor.execute(sql, params)
    return list(cursor.fetchall())


def _both(begun, sql):
    for connection in begun:
        connection.cursor().execute(sql)


def test_they_answer_as_outside(begun):
    for sql, params in READS + REMAINDERS:
        compare(begun, sql, params)
    begun.routed.commit()
    for sql, params in READS[:3] + REMAINDERS[:3]:
        compare(begun, sql, params)
        begun.routed.rollback()


def test_they_see_what_the_transaction_has_written(begun):
    _both(begun, NEW)
    for sql in ("SELECT count(*) FROM items", JOIN, "SELECT * FROM items ORDER BY id"):
        compare(begun, sql, None)
    begun.routed.rollback()
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(12,)]


def test_what_is_read_decides_nothing_about_where_is_written(begun):
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(12,)]
    begun.routed.cursor().execute(NEW)  # on shard 1
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(13,)]
    if begun.routed.session.frontend.dialect == "sqlite":  # which cannot prepare
        with pytest.raises(routedb.CrossDatabaseError, match="has written to shop"):
            begun.routed.cursor().execute("INSERT INTO leads VALUES (9, 9, 'no')")
    else:
        begun.routed.cursor().execute("INSERT INTO leads VALUES (9, 9, 'no')")
    begun.routed.rollback()
    assert len(_rows(begun.routed, JOIN)) == 5
    begun.routed.cursor().execute("INSERT INTO leads VALUES (9, 9, 'yes')")
    begun.routed.rollback()


def test_savepoints_reach_links_that_join_later(begun):
    cursor = begun.routed.cursor()
    cursor.execute(NEW)
    cursor.execute("SAVEPOINT first")
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(13,)]
    cursor.execute("SAVEPOINT later")
    assert len(_rows(begun.routed, JOIN)) == 6
    cursor.execute("ROLLBACK TO SAVEPOINT later")
    cursor.execute("RELEASE SAVEPOINT later")
    cursor.execute("ROLLBACK TO SAVEPOINT first")
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(13,)]
    assert len(_rows(begun.routed, JOIN)) == 6
    begun.routed.rollback()


def test_an_error_leaves_the_transaction_as_one_database_would(begun):
    cursor = begun.routed.cursor()
    cursor.execute(NEW)
    with pytest.raises(routedb.Error):
        cursor.execute("SELECT no_such FROM items ORDER BY id")
    its = begun.one.cursor()
    its.execute(NEW)
    with suppress(Exception):
        its.execute("SELECT no_such FROM items ORDER BY id")
    try:
        its.execute("SELECT count(*) FROM items")
        expected = list(its.fetchall())
    except Exception as exc:
        with pytest.raises(type(exc)):
            cursor.execute("SELECT count(*) FROM items")
    else:
        assert _rows(begun.routed, "SELECT count(*) FROM items") == expected
    begun.routed.rollback()
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(12,)]


def test_a_savepoint_saves_a_transaction_after_an_error(begun):
    cursor = begun.routed.cursor()
    cursor.execute(NEW)
    cursor.execute("SAVEPOINT first")
    with pytest.raises(routedb.Error):
        cursor.execute("SELECT id / (id - id), no_such FROM items ORDER BY id")
    cursor.execute("ROLLBACK TO SAVEPOINT first")
    assert _rows(begun.routed, "SELECT count(*) FROM items") == [(13,)]
    assert len(_rows(begun.routed, JOIN)) == 6
    begun.routed.rollback()


def test_no_question_to_a_catalog_leaves_a_transaction_open(begun):
    """Only one shard is read, and both were asked for the columns."""
    sql = "SELECT id FROM items WHERE owner IN (1, 3) AND id IN (SELECT id FROM leads)"
    assert _rows(begun.routed, sql) == [(1,), (3,)]
    session = begun.routed.session
    assert len(session.transaction.branches) < len(list(session.links))
    begun.routed.rollback()
    assert all(link.is_idle() for link in session.links)
