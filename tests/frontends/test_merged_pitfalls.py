"""Reads over several groups that other systems answered wrongly, on each engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.frontends.merged_world import World, compare

# What other systems answered wrongly: keys by type, NULL keys, NOT IN, empty shards,
# LIMIT under groups, DISTINCT, aggregates and their types, order, outer joins, UNION.
PITFALLS: list[tuple[str, Any]] = [
    ("SELECT id FROM items WHERE owner IN (%s, %s)", ("1", 2)),
    ("SELECT id FROM items WHERE owner IN (%s, %s)", (True, Decimal(4))),
    ("SELECT id FROM items WHERE owner = %s OR owner = %s", (1, -1)),
    ("SELECT id FROM items WHERE owner IN (1, NULL, 1, 4)", None),
    ("SELECT id FROM items WHERE owner IN (NULL, %s)", (None,)),
    ("SELECT id FROM items WHERE owner IS NULL", None),
    ("SELECT id FROM items WHERE owner NOT IN (1, 2)", None),
    ("SELECT id FROM items WHERE owner NOT IN (1, NULL)", None),
    ("SELECT id FROM items WHERE NOT (owner = 1 OR owner = 2)", None),
    ("SELECT id FROM items WHERE owner = 1 OR id = 2 AND owner = 4", None),
    ("SELECT id FROM items WHERE owner BETWEEN 4 AND 1", None),
    ("SELECT id FROM items WHERE owner <> 1 AND id < 7", None),
    ("SELECT id FROM items WHERE 1 = owner OR 2 = owner", None),
    ("SELECT id FROM items WHERE (owner, id) IN ((1, 1), (2, 7))", None),
    (
        "SELECT i.id FROM items i WHERE i.id IN (SELECT l.id FROM leads l "
        "WHERE l.owner = %s) AND i.price < %s LIMIT %s",
        (1, 9, 5),
    ),
    (
        # MariaDB has no row of it where it sees through to JSON_TABLEs.
        "SELECT i.id, sum(i.id) OVER (PARTITION BY i.owner) AS w FROM items i "
        "WHERE i.id NOT IN (SELECT l.owner FROM leads l WHERE l.owner = i.owner)",
        None,
    ),
    ("SELECT a.id, b.id FROM items a JOIN items b ON a.owner < b.owner", None),
    ("SELECT a.id FROM items a, leads b WHERE b.owner = 1 AND a.id = b.id", None),
    (
        "SELECT name, count(*) AS n FROM items GROUP BY name "
        "ORDER BY count(*) DESC, name LIMIT 2",
        None,
    ),
    (
        "SELECT owner, sum(price) AS s FROM items GROUP BY owner HAVING sum(id) > 9",
        None,
    ),
    ("SELECT avg(price) AS a, avg(id) AS b, sum(price) AS c FROM items", None),
    ("SELECT count(*) AS n, sum(id) AS s, avg(id) AS a FROM items WHERE id > 99", None),
    ("SELECT count(*) AS n, min(price) AS s FROM items WHERE owner = 1 OR 1 = 0", None),
    ("SELECT name, sum(id) AS s FROM items WHERE id > 99 GROUP BY name", None),
    ("SELECT EXISTS (SELECT 1 FROM items WHERE id > 99) AS e", None),
    ("SELECT DISTINCT name FROM items", None),
    ("SELECT DISTINCT owner, name FROM items ORDER BY owner, name", None),
    ("SELECT count(DISTINCT name) AS n, count(*) AS m FROM items", None),
    ("SELECT count(DISTINCT owner) AS n, sum(DISTINCT owner) AS s FROM items", None),
    ("SELECT id FROM items ORDER BY name, id", None),
    ("SELECT id FROM items ORDER BY name DESC, id DESC", None),
    ("SELECT id, name FROM items ORDER BY 2, 1 DESC", None),
    ("SELECT id AS x FROM items ORDER BY x % 3, x", None),
    ("SELECT name FROM items ORDER BY price * -1", None),
    ("SELECT id FROM items ORDER BY id LIMIT 0", None),
    ("SELECT id FROM items ORDER BY id LIMIT 5 OFFSET 100", None),
    ("SELECT p.name, i.id FROM places p LEFT JOIN items i ON i.owner = p.id", None),
    ("SELECT p.name, i.id FROM items i LEFT JOIN places p ON i.owner = p.id", None),
    (
        "SELECT l.id, i.id FROM leads l LEFT JOIN items i ON i.owner = l.owner "
        "WHERE i.id IS NULL",
        None,
    ),
    ("SELECT l.id, i.id FROM items i RIGHT JOIN leads l ON i.id = l.id", None),
    ("SELECT id, price FROM items UNION SELECT id, id FROM leads", None),
    ("SELECT id FROM items UNION ALL SELECT id FROM items", None),
    ("SELECT owner FROM items INTERSECT SELECT owner FROM leads", None),
    ("SELECT owner FROM items EXCEPT SELECT owner FROM leads", None),
    ("SELECT id FROM items WHERE owner = (SELECT max(owner) FROM leads)", None),
    (
        "SELECT id, (SELECT count(*) FROM leads l WHERE l.id < i.id) AS n FROM items i",
        None,
    ),
    ("SELECT name, id FROM items WHERE name LIKE %s", ("n%",)),
    ("SELECT '100%%' AS p, id FROM items WHERE id < %s", (3,)),
    ("SELECT '100%' AS p, id FROM items", None),
    ("SELECT id FROM items WHERE seen > '2024-01-05' ORDER BY seen DESC", None),
]


def test_what_others_answered_wrongly_answers_as_one_database(world: World):
    failed = []
    for sql, params in PITFALLS:
        try:
            compare(world, sql, params)
        except Exception as exc:
            failed.append(f"{sql}: {type(exc).__name__} {exc}")
    assert not failed, "\n".join(failed)
