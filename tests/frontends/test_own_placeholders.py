"""sqlite3's own placeholders where there are several groups."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack

import pytest

from tests.frontends.merged_world import World, lite_world

READS = [
    ("SELECT id FROM items WHERE owner = ? ORDER BY id", (3,)),
    ("SELECT id FROM items WHERE owner = :owner ORDER BY id", {"owner": 3}),
    ("SELECT count(*), ? FROM items WHERE id % 3 = ?", ("x", 1)),
    ("SELECT ?2, max(id) FROM items WHERE id < ?1 OR owner = ?1", (4, "x")),
    ("SELECT i.id, l.src, '?' FROM items i JOIN leads l USING (owner) "
     "WHERE l.id > ? ORDER BY 1", (1,)),
    ("SELECT name FROM items WHERE name LIKE 'n%' AND id = @id", {"id": 5}),
    ("SELECT id FROM leads WHERE id = ?", (2,)),
    ("SELECT id FROM items ORDER BY id LIMIT ? OFFSET ?", (2, 3)),
]  # fmt: skip
WRITES = [
    ("INSERT INTO items (id, owner, name) VALUES (?, ?, ?)", (40, 3, "50 %")),
    ("INSERT INTO items (id, owner) VALUES (:id, :o), (42, :o)", {"id": 41, "o": 2}),
    ("UPDATE items SET name = ? WHERE owner = ? AND id > ?", ("m", 3, 5)),
    ("UPDATE items SET name = ?", ("all",)),
    ("DELETE FROM items WHERE owner IN (SELECT owner FROM leads WHERE id > ?)", (1,)),
    ("INSERT INTO leads SELECT id + ?, owner, ? FROM items", (50, "x")),
    ("INSERT INTO items (id, owner) SELECT id + ?, 4 FROM leads", (60,)),
]


class Rewriting(sqlite3.Cursor):
    """A class of the user's: as Django's, it has sqlite3's placeholders."""

    def execute(self, query, params=None):
        if params is None:
            return super().execute(query)
        return super().execute(query, params)


@pytest.fixture
def lite(tmp_path):
    with ExitStack() as stack:
        yield lite_world(tmp_path, stack)


@pytest.fixture(params=[None, Rewriting])
def cursor(request, lite: World):
    return lite.routed.cursor(request.param)


@pytest.mark.parametrize(("sql", "params"), READS)
def test_reads(lite, cursor, sql, params):
    expected = lite.one.execute(sql, params).fetchall()
    assert expected
    cursor.execute(sql, params)
    assert [tuple(row) for row in cursor.fetchall()] == expected
    shards = {"owner = ?": (1,), "owner = :owner": (1,)}
    for condition, groups in shards.items():
        if condition in sql and "SELECT id" in sql:
            assert cursor.route.groups == groups


@pytest.mark.parametrize(("sql", "params"), WRITES)
def test_writes(lite, cursor, sql, params):
    expected = lite.one.execute(sql, params).rowcount
    cursor.execute(sql, params)
    assert cursor.rowcount == expected
    _compare(lite)


def test_many(lite, cursor):
    sql, rows = "INSERT INTO items (id, owner) VALUES (?, ?)", [(50, 1), (51, 2)]
    lite.one.executemany(sql, rows)
    cursor.executemany(sql, (row for row in rows))
    _compare(lite)


def test_what_does_not_fit_is_sqlites_error(lite, cursor):
    for sql, params in (
        ("SELECT id FROM leads WHERE id = ?", (1, 2)),
        ("SELECT id FROM leads WHERE id = :a", {"b": 1}),
    ):
        with pytest.raises(sqlite3.ProgrammingError):
            cursor.execute(sql, params)


def test_it_is_explained(lite):
    shown = lite.routed.explain("SELECT id FROM items WHERE owner = ?", (3,))
    assert shown.groups == (1,)


def _compare(world: World) -> None:
    for table in ("items", "leads"):
        sql = f"SELECT * FROM {table} ORDER BY id"
        cursor = world.routed.cursor()
        cursor.execute(sql)
        assert list(map(tuple, cursor.fetchall())) == world.one.execute(sql).fetchall()
