"""Reads over several groups, on each frontend: what one database with all rows shows.

Beside the groups there is that one database, and the driver's own connection to it:
rows, their types, the columns and the count of rows are the same on both.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg2.extras
import pytest
from MySQLdb import cursors as mysqldb
from psycopg2 import extensions as ext

import routedb
from tests.frontends.merged_world import compare

DECIMALS = "SELECT sum(price) FROM items"


READS: list[tuple[str, Any]] = [
    ("SELECT * FROM items", None),
    ("SELECT id, name FROM items WHERE price > %s ORDER BY id DESC LIMIT 4", (3,)),
    ("SELECT id FROM items ORDER BY id LIMIT %s OFFSET %s", (3, 2)),
    ("SELECT seen, id FROM items ORDER BY id", None),
    ("SELECT count(*) FROM items", None),
    ("SELECT count(name), min(id), max(id), sum(owner) FROM items", None),
    ("SELECT count(*) AS n, max(id) AS most FROM items WHERE id > 100", None),
    ("SELECT id FROM items WHERE owner IN (1, 2)", None),
    ("SELECT id FROM items WHERE owner = %(a)s OR owner = %(b)s", {"a": 1, "b": 4}),
    ("SELECT i.id, p.name FROM items i JOIN places p ON p.id = i.owner", None),
]
REMAINDERS: list[tuple[str, Any]] = [
    ("SELECT name, count(*) AS n FROM items GROUP BY name ORDER BY n, name", None),
    ("SELECT owner, avg(id) AS a FROM items GROUP BY owner ORDER BY owner", None),
    ("SELECT i.id, l.src FROM items i JOIN leads l ON l.owner = i.owner", None),
    (
        "SELECT l.src, i.price FROM leads l LEFT JOIN items i "
        "ON i.owner = l.owner AND i.id < %s ORDER BY l.id, i.id",
        (9,),
    ),
    (
        "SELECT id FROM leads WHERE NOT EXISTS "
        "(SELECT 1 FROM items WHERE items.owner = leads.owner AND id <> %(n)s)",
        {"n": 1},
    ),
    (
        "SELECT name FROM items WHERE name LIKE 'n%%' UNION "
        "SELECT src FROM leads WHERE id < %s",
        (4,),
    ),
    ("SELECT src FROM leads UNION SELECT name FROM items WHERE name LIKE 'n%'", None),
    (
        "WITH w AS (SELECT owner, id FROM items WHERE id > 3) "
        "SELECT l.id, w.id FROM leads l JOIN w ON w.owner = l.owner",
        None,
    ),
    (
        "SELECT id, row_number() OVER (PARTITION BY name ORDER BY id) AS r FROM items",
        None,
    ),
    ("SELECT count(DISTINCT name) AS n FROM items", None),
    ("SELECT i.price, i.seen, l.id FROM items i, leads l WHERE i.id = l.id", None),
]


def test_a_remainder_answers_as_one_database(world):
    for sql, params in REMAINDERS:
        compare(world, sql, params)


def test_reads_of_several_shards_answer_as_one_database(world):
    for sql, params in READS:
        compare(world, sql, params)


# -- rows are made by the user's cursor ------------------------------------------------

ANSWERS = [
    "SELECT count(*) AS n, max(id) AS most FROM items",
    "SELECT id, name FROM items ORDER BY id DESC LIMIT 3",
    "SELECT name, count(*) AS n FROM items GROUP BY name ORDER BY n, name",
    "SELECT i.id, l.src FROM items i JOIN leads l USING (owner) ORDER BY i.id",
]


@pytest.mark.parametrize("sql", ANSWERS)
@pytest.mark.parametrize(
    "kind",
    [
        psycopg2.extras.RealDictCursor,
        psycopg2.extras.DictCursor,
        psycopg2.extras.NamedTupleCursor,
    ],
)
def test_psycopg2_cursor_factories_make_the_rows(pg_world, kind, sql):
    cursor = pg_world.routed.cursor(cursor_factory=kind)
    its = pg_world.one.cursor(cursor_factory=kind)
    cursor.execute(sql)
    its.execute(sql)
    rows, expected = cursor.fetchall(), its.fetchall()
    assert rows == expected
    assert [getattr(row, "_fields", 0) for row in rows] == [
        getattr(row, "_fields", 0) for row in expected
    ]
    assert {type(row).__name__ for row in rows} == {type(r).__name__ for r in expected}


def test_psycopg2_casters_convert_the_rows(pg_world):
    marked = ext.new_type((1700,), "MARKED", lambda text, _: f"{text!s} EUR")
    for connection in pg_world:
        ext.register_type(marked, connection)
    for sql in (
        "SELECT id, price FROM items ORDER BY id",
        "SELECT price FROM items WHERE owner IN (1, 2)",
        "SELECT name, max(price) FROM items GROUP BY name ORDER BY 1",
        "SELECT l.id, i.price FROM leads l JOIN items i ON i.id = l.id ORDER BY 1",
        DECIMALS,  # added up over the shards
    ):
        compare(pg_world, sql, None)


@pytest.mark.parametrize("sql", ANSWERS)
def test_mysqldb_dict_cursors_make_the_rows(my_world, sql):
    cursor = my_world.routed.cursor(mysqldb.DictCursor)
    its = my_world.one.cursor(mysqldb.DictCursor)
    assert cursor.execute(sql) == its.execute(sql)
    assert cursor.fetchall() == its.fetchall()


@pytest.mark.parametrize("sql", ANSWERS)
def test_sqlite3_row_factories_make_the_rows(lite, sql):
    for connection in lite:
        connection.row_factory = sqlite3.Row
    rows = lite.routed.cursor().execute(sql).fetchall()
    expected = lite.one.cursor().execute(sql).fetchall()
    assert [(row.keys(), tuple(row)) for row in rows] == [
        (row.keys(), tuple(row)) for row in expected
    ]
    assert all(type(row) is sqlite3.Row for row in rows)


# -- what is refused, by name ----------------------------------------------------------


def test_what_is_not_exact_is_refused_by_name(lite):
    cursor = lite.routed.cursor()
    for sql, why in (
        ("SELECT main.items.id FROM items, leads", "main.items.id"),
        ("SELECT * FROM items, nowhere", "nowhere"),
        ("SELECT rowid FROM items", "rowid"),
    ):
        with pytest.raises(
            routedb.NotSupportedError, match=f"not merged, either: .*{why}"
        ):
            cursor.execute(sql)
    with pytest.raises(routedb.ShardError, match="nothing says which shard"):
        cursor.execute("UPDATE items SET id = id LIMIT 1")
    cursor.execute("SELECT count(*) FROM items")
    assert cursor.fetchall() == [(12,)]


def test_an_error_of_a_server_is_the_drivers_and_the_connection_goes_on(world):
    cursor = world.routed.cursor()
    with pytest.raises(routedb.Error) as caught:
        cursor.execute("SELECT no_such FROM items ORDER BY id")
    its = world.one.cursor()
    with pytest.raises(Exception, match="no_such") as plain:
        its.execute("SELECT no_such FROM items ORDER BY id")
    assert isinstance(caught.value, type(plain.value))
    for _ in range(3):
        cursor.execute("SELECT count(*) FROM items")
        assert list(cursor.fetchall()) == [(12,)]


def test_tables_that_change_are_seen_and_those_that_differ_are_refused(lite):
    cursor = lite.routed.cursor()
    cursor.execute("SELECT * FROM items WHERE id = 1")
    for shard in range(2):
        cursor.execute(f"/* routedb: shard={shard} */ ALTER TABLE items ADD more text")
        if shard == 0:
            with pytest.raises(routedb.ShardError, match="differs between the shards"):
                cursor.execute("SELECT * FROM items ORDER BY id")
    cursor.execute("SELECT * FROM items ORDER BY id LIMIT 1")
    assert cursor.fetchall() == [(0, 0, 0.5, "n0", "2024-01-01", None)]
