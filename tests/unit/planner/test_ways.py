"""Which way each statement takes, and that all ways answer as one database does."""

from __future__ import annotations

import random

import pytest

from routedb.planner import Merge, Refusal, Spread
from tests.support.split_world import SplitWorld, same

STREAM, COMBINE, WORK, ONE = Merge.STREAM, Merge.COMBINE, Merge.WORK, Merge.ONE
GROUPS = "groups of each shard"  # WORK over these


@pytest.fixture(scope="module")
def world():
    made = SplitWorld(random.Random(11), 40)
    yield made
    made.close()


# Statement, parameters, way. What is on one line is about one rule.
WAYS = [
    # Rows of every shard.
    ("SELECT id, note FROM orders WHERE amount > 2", None, STREAM),
    ("SELECT * FROM orders o WHERE o.cust IN (1, 2, %s)", [3], STREAM),
    ("SELECT * FROM orders WHERE cust = NULL", None, STREAM),
    ("SELECT * FROM orders WHERE cust = 'x'", None, STREAM),
    ("SELECT * FROM orders WHERE NOT cust IN (1, 2) OR amount = 1", None, STREAM),
    ("SELECT * FROM orders WHERE cust <> 1", None, STREAM),
    ("SELECT * FROM orders WHERE 3 = cust AND cust BETWEEN 5 AND 1", None, STREAM),
    ("SELECT o.id FROM orders o, items i WHERE o.cust = i.cust", None, STREAM),
    ("SELECT id FROM orders UNION ALL SELECT id FROM items", None, STREAM),
    # Order, kept by Python; LIMIT goes down with OFFSET added.
    ("SELECT id, price FROM orders ORDER BY price, id", None, STREAM),
    ("SELECT id, note FROM orders ORDER BY note DESC, 1 LIMIT 3", None, STREAM),
    ("SELECT id FROM orders ORDER BY id LIMIT %s OFFSET %s", [2, 3], STREAM),
    ("SELECT id FROM orders ORDER BY id LIMIT 2, 4", None, STREAM),
    ("SELECT id FROM orders ORDER BY id LIMIT %(n)s OFFSET 1", {"n": 3}, STREAM),
    ("SELECT id, amount a FROM orders ORDER BY a NULLS LAST, id", None, STREAM),
    ("SELECT id FROM orders ORDER BY id LIMIT %s", [-1], STREAM),
    ("SELECT id FROM orders ORDER BY id LIMIT -1", None, WORK),
    ("SELECT id FROM orders ORDER BY amount, id", None, WORK),
    ("SELECT id, tag FROM orders ORDER BY tag, id", None, WORK),
    ("SELECT id FROM orders ORDER BY id + 1", None, WORK),
    # Outer joins and copies.
    ("SELECT o.id, r.id FROM orders o LEFT JOIN regions r USING (cust)", None, STREAM),
    ("SELECT o.id, r.id FROM regions r LEFT JOIN orders o USING (cust)", None, WORK),
    ("SELECT o.id, r.id FROM regions r RIGHT JOIN orders o USING (cust)", None, STREAM),
    ("SELECT o.id FROM orders o FULL JOIN regions r ON o.id = r.id", None, WORK),
    ("SELECT o.id, i.id FROM orders o FULL JOIN items i USING (cust)", None, STREAM),
    ("SELECT o.id FROM orders o LEFT JOIN items i ON o.id = i.id", None, WORK),
    (
        "SELECT o.id FROM orders o LEFT JOIN items i ON o.cust = i.cust"
        " WHERE i.id IS NULL",
        None,
        STREAM,
    ),
    ("SELECT o.id FROM orders o JOIN visits v ON o.cust = v.usr", None, WORK),
    ("SELECT name FROM regions", None, ONE),
    ("SELECT count(*), max(src) FROM leads", None, ONE),
    ("SELECT l.id FROM leads l JOIN stock s ON l.id = s.id", None, WORK),
    # Groups.
    ("SELECT cust, count(*) FROM orders GROUP BY cust", None, STREAM),
    ("SELECT DISTINCT cust, note FROM orders", None, STREAM),
    ("SELECT DISTINCT note FROM orders", None, WORK),
    ("SELECT note, count(*) FROM orders GROUP BY note", None, GROUPS),
    ("SELECT amount AS cust, count(*) FROM orders GROUP BY cust", None, WORK),
    ("SELECT ALL  - count(*) + 1, min( id ) FROM orders", None, GROUPS),
    ("SELECT DISTINCT 60 AS n FROM orders", None, WORK),
    (
        "SELECT note, count(*) n FROM orders GROUP BY note ORDER BY 2 DESC, 1 LIMIT 2",
        None,
        GROUPS,
    ),
    (
        "SELECT note FROM orders GROUP BY note HAVING sum(amount) > %s ORDER BY 1",
        [3],
        GROUPS,
    ),
    (
        "SELECT o.cust, count(*) FROM orders o RIGHT JOIN items i ON o.cust = i.cust"
        " AND o.amount = 1 GROUP BY o.cust",
        None,
        GROUPS,
    ),
    ("SELECT count(DISTINCT tag) FROM orders", None, GROUPS),
    ("SELECT count(*), sum(DISTINCT qty) FROM items WHERE id < 0", None, GROUPS),
    ("SELECT note, count(DISTINCT cust) FROM orders GROUP BY note", None, GROUPS),
    ("SELECT avg(amount), count(amount) FROM orders", None, GROUPS),
    ("SELECT note, avg(amount) FROM orders WHERE id < 0 GROUP BY 1", None, GROUPS),
    ("SELECT avg(price), sum(price) FROM orders", None, WORK),
    ("SELECT group_concat(sku) FROM items WHERE id = 1", None, WORK),
    # One row of each shard. Over no rows, count is 0 and the rest NULL.
    ("SELECT count(*), sum(amount), min(note), max(id) FROM orders", None, COMBINE),
    ("SELECT count(*), sum(amount) FROM orders WHERE cust = %s", [None], COMBINE),
    ("SELECT count(note) FILTER (WHERE id > 3) FROM orders", None, COMBINE),
    ("SELECT count(*), sum(qty) FROM items WHERE 1 = 0", None, COMBINE),
    ("SELECT min(tag) > 'a' FROM orders", None, GROUPS),
    # Windows.
    ("SELECT id, count(*) OVER (PARTITION BY cust) FROM orders", None, STREAM),
    ("SELECT id, rank() OVER (ORDER BY id) FROM orders", None, WORK),
    # Subqueries.
    (
        "SELECT id FROM orders o WHERE EXISTS (SELECT * FROM items i"
        " WHERE i.cust = o.cust AND i.qty > 1)",
        None,
        STREAM,
    ),
    (
        "SELECT o.id, (SELECT count(*) FROM items i WHERE i.cust = o.cust) n"
        " FROM orders o ORDER BY o.id",
        None,
        STREAM,
    ),
    ("SELECT id FROM orders WHERE id IN (SELECT id FROM items)", None, WORK),
    ("SELECT id FROM orders WHERE id IN (SELECT id FROM regions)", None, STREAM),
    ("SELECT id FROM orders WHERE (id, cust, amount, note) IN leads", None, WORK),
    ("SELECT 1 WHERE (1, 2, 'a') NOT IN main.regions", None, ONE),
    ("SELECT id FROM regions WHERE (1, 2, 3, 'a') NOT IN main.items", None, WORK),
    ("WITH q (x) AS (SELECT 3) SELECT id FROM orders WHERE id IN q", None, WORK),
    ("SELECT id FROM orders WHERE id NOT IN (SELECT score FROM leads)", None, WORK),
    ("SELECT (SELECT count(*) FROM items) FROM orders", None, WORK),
    (
        "SELECT id FROM orders WHERE cust IN (SELECT i.cust FROM items i"
        " JOIN regions r ON r.id = i.qty) AND amount > 0",
        None,
        STREAM,
    ),
    ("SELECT id FROM orders WHERE cust IN (SELECT id FROM items)", None, WORK),
    ("SELECT id FROM orders WHERE cust NOT IN (SELECT cust FROM items)", None, WORK),
    ("SELECT id FROM orders WHERE cust IN (SELECT max(cust) FROM items)", None, WORK),
    (
        "SELECT id FROM orders WHERE cust IN (SELECT cust FROM items LIMIT 0)",
        None,
        WORK,
    ),
    ("SELECT id FROM orders WHERE cust IN (SELECT usr FROM visits)", None, WORK),
    ("SELECT EXISTS (SELECT 1 FROM orders WHERE id = -5)", None, WORK),
    # Sets, WITH, VALUES.
    ("SELECT id FROM orders UNION SELECT id FROM items", None, WORK),
    ("SELECT id, cust FROM orders EXCEPT SELECT id, cust FROM items", None, WORK),
    ("WITH w AS (SELECT * FROM orders) SELECT id FROM w ORDER BY 1", None, WORK),
    (
        "WITH RECURSIVE n(x) AS (SELECT min(id) FROM orders UNION"
        " SELECT x + 1 FROM n WHERE x < 5) SELECT x FROM n",
        None,
        WORK,
    ),
    # Names: of a column with a function, and of one with a subquery in it.
    ("SELECT upper(note), length(note)+1 FROM orders", None, STREAM),
    ("SELECT (SELECT max(l.id) FROM leads l) FROM orders WHERE id = 1", None, WORK),
    ("SELECT count( * ), Sum(amount) FROM orders WHERE note <> ''", None, COMBINE),
    ("SELECT note, count( * ), Avg(amount) FROM orders GROUP BY note", None, GROUPS),
]


def way_of(plan):
    pushed = plan.fragments[0].pushed if plan.fragments else ()
    return GROUPS if GROUPS in pushed else plan.merge


@pytest.mark.parametrize(("sql", "params", "way"), WAYS, ids=[sql for sql, *_ in WAYS])
def test_each_way_answers_as_one_database(world, sql, params, way):
    plan = world.plan(sql)
    assert not isinstance(plan, Refusal), plan
    assert way_of(plan) == way, plan.kept
    expected = world.expected(sql, params)
    assert not expected.error
    assert same(world.answer(plan, params), expected)
    if " ORDER BY 1" in sql or sql.endswith("id") and "ORDER" in sql:
        assert world.answer(plan, params).rows == expected.rows


REFUSED = [
    ("SELECT id FROM orders FOR UPDATE", "locks"),
    ("DELETE FROM orders", "not a plain read"),
    ("SELECT my_function(id) FROM orders", "not a plain read"),
    ("SELECT last_insert_rowid() FROM orders", "not a plain read"),
    ("SELECT rowid FROM orders", "hidden column"),
    ("SELECT o._rowid_ FROM orders o", "hidden column"),
    ("SELECT * FROM nowhere", "unknown table"),
    ("SELECT * FROM sqlite_master, orders", "unknown table"),
    ("SELECT * FROM orders, pragma_table_info('t')", "table function"),
    ("SELECT * FROM orders, mine.json_each('[1]')", "not a plain read"),
    ("SELECT main.orders.id FROM main.orders, leads", "schema before a column"),
    ("SELECT id FROM orders INDEXED BY i WHERE id = 1", "table modifier"),
    ("SELECT 1 FROM orders; SELECT 2 FROM orders", "several statements"),
    ("SELECT routedb_place_1 FROM orders", "reserved name"),
]


@pytest.mark.parametrize(("sql", "construct"), REFUSED)
def test_what_is_refused_is_refused_by_name(world, sql, construct):
    plan = world.plan(sql)
    assert isinstance(plan, Refusal)
    assert plan.construct == construct
    assert plan.reason


def test_a_condition_on_what_a_join_fills_stays_above(world):
    plan = world.plan(
        "SELECT o.id FROM orders o LEFT JOIN leads l ON l.cust = o.cust AND l.score > 1"
        " WHERE l.id IS NULL AND o.amount = 2"
    )
    orders, leads = (fragment.text.sql for fragment in plan.fragments)
    assert orders == 'SELECT "id", "cust", "amount" FROM orders AS o WHERE o.amount = 2'
    assert leads.endswith("WHERE l.score > 1")


def test_exists_of_a_star_loads_no_star(world):
    plan = world.plan(
        "SELECT id FROM orders o WHERE EXISTS (SELECT * FROM leads WHERE score = 3)"
    )
    assert [column.name for column in plan.fragments[1].columns] == ["score"]


def test_a_key_chooses_shards_and_no_value_chooses_one(world):
    plan = world.plan("SELECT id FROM orders WHERE cust = %s")
    fragment = plan.fragments[0]
    assert fragment.spread is Spread.EVERY
    one = fragment.groups([3], 4)
    assert len(one) == 1
    assert fragment.groups(["3"], 4) == one
    assert len(fragment.groups([None], 4)) == 1
    assert len(fragment.groups([2.5], 4)) == 4  # noqa: PLR2004


def test_a_table_used_twice_alike_is_read_once(world):
    plan = world.plan("SELECT 1 FROM leads l, stock WHERE 2 IN (SELECT id FROM leads)")
    assert [fragment.database for fragment in plan.fragments] == ["crm", "erp", "crm"]
    assert plan.needs_snapshot == {"crm"}
    plan = world.plan("SELECT (SELECT max(id) FROM stock), min(id) FROM stock, leads")
    assert len(plan.fragments) == 2  # noqa: PLR2004
    assert not plan.needs_snapshot
