"""Rows that need not be moved: groups of them come, each once, or those that have a
partner; and the answer is that of one PostgreSQL, to types and names."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from tests.frontends.merged_world import World, compare, postgresql_world

# A statement, its parameters, and a part of what is asked of the shards.
LIGHTER: tuple[tuple[str, Any, str], ...] = (
    (
        "SELECT n, count(*) FROM (SELECT p.id, count(i.id) AS n FROM places p "
        "LEFT JOIN items i ON p.id = i.owner AND i.name NOT LIKE '%2' GROUP BY p.id) x "
        "GROUP BY n ORDER BY n",
        None,
        "NOT LIKE '%2' GROUP BY \"owner\"",
    ),
    (
        "WITH r AS (SELECT seen, sum(price * 2) AS total, avg(id) AS mean, max(name) "
        "AS most, min(price) AS least, count(name) AS n FROM items WHERE owner < %s "
        "AND price > %s GROUP BY seen) SELECT r.*, total::int FROM r WHERE total = "
        "(SELECT max(total) FROM r) ORDER BY 1",
        (4, 0),
        'GROUP BY "seen"',
    ),
    (
        "SELECT name, (SELECT sum(i.price + 2) FROM items i WHERE i.owner = p.id AND "
        "i.seen < date '2024-01-09' AND i.id > %(a)s) FROM places p ORDER BY 1",
        {"a": 2},
        'GROUP BY "owner"',
    ),
    (
        "SELECT p.id, 2 * (SELECT avg(i.id) + p.id FROM items i WHERE i.owner = p.id), "
        "(SELECT count(i.name) FROM items i WHERE i.owner = p.id + 90) "
        "FROM places p ORDER BY 1",
        None,
        "COUNT(i.name) AS",
    ),
    (
        "SELECT o.id FROM items o WHERE o.price < (SELECT avg(i.price) FROM items i "
        "WHERE i.name = o.name) ORDER BY 1",
        None,
        'GROUP BY "name"',
    ),
    (
        "SELECT p.name FROM places p WHERE NOT EXISTS (SELECT * FROM items i WHERE "
        "i.owner = p.id AND i.name = 'n1' AND i.id IN (1, 2, 3)) ORDER BY 1",
        None,
        'SELECT DISTINCT "owner" FROM items',
    ),
    (
        "SELECT p.name FROM places p WHERE p.id IN (SELECT i.owner FROM items i "
        "WHERE %s < i.price) ORDER BY 1",
        (3,),
        'SELECT DISTINCT "owner" FROM items',
    ),
    (
        "SELECT i.id, rank() OVER (ORDER BY i.id) FROM items i JOIN places p ON p.id = "
        "i.owner WHERE p.id IN (SELECT q.id FROM places q WHERE q.name = %s) AND "
        "substring(p.name FROM 1 FOR 1) IN ('h', 't') ORDER BY 1",
        ("here",),
        "IN (SELECT q.id FROM places q WHERE q.name = %s) ) AND ( substring(p.name",
    ),
)
# What is not known to be the same: all rows count, or values are equal and two.
WHOLE = (
    "SELECT n FROM (SELECT p.id, count(*) AS n FROM places p LEFT JOIN items i ON "
    "p.id = i.owner GROUP BY p.id) x ORDER BY n",
    "SELECT s FROM (SELECT price, sum(id) AS s FROM items GROUP BY price) x ORDER BY s",
    "SELECT s FROM (SELECT seen, sum(id) FILTER (WHERE owner > 1) AS s FROM items "
    "GROUP BY seen) x ORDER BY s",
    "SELECT s FROM (SELECT seen, sum(DISTINCT owner) AS s FROM items GROUP BY seen) x "
    "ORDER BY s",
    "SELECT p.id FROM places p WHERE EXISTS (SELECT 1 FROM items i WHERE i.owner = "
    "p.id GROUP BY i.owner HAVING count(*) > 1) ORDER BY 1",
)


@pytest.fixture(scope="module")
def world(postgresql):
    with ExitStack() as stack:
        yield postgresql_world(postgresql, stack)


def asked(world: World, sql: str, params: Any = None) -> list[str]:
    cursor = world.routed.cursor()
    cursor.execute(sql, params)
    return [run.sql for run in cursor.route.fragments]


@pytest.mark.parametrize(("sql", "params", "part"), LIGHTER)
def test_fewer_rows_are_moved(world: World, sql: str, params: Any, part: str):
    compare(world, sql, params)
    assert any(part in each for each in asked(world, sql, params))


@pytest.mark.parametrize("sql", WHOLE)
def test_others_come_one_by_one(world: World, sql: str):
    compare(world, sql, None)
    moved = [each for each in asked(world, sql) if "items" in each]
    assert moved
    assert not any("GROUP BY" in each or "DISTINCT" in each for each in moved)


def test_copies_are_read_where_the_rest_is_worked_out(world: World):
    sql = (
        "SELECT p.name, i.id FROM places p LEFT JOIN items i ON p.id = i.id "
        "AND p.name <> 'x' ORDER BY 1, 2"
    )
    for above in (0, 1000):  # in temporary tables, in the text
        with world.routed.using(merge={"tables_above": above}):
            compare(world, sql, None)
            assert not any("FROM places" in each for each in asked(world, sql))
    world.routed.autocommit = False
    try:  # a transaction may have written to them
        cursor = world.routed.cursor()
        cursor.execute("INSERT INTO places VALUES (3, 'all')")
        cursor.execute(sql)
        assert cursor.fetchone() == ("all", 3)
        assert any("FROM places" in each.sql for each in cursor.route.fragments)
    finally:
        world.routed.rollback()
        world.routed.autocommit = True
