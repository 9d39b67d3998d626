"""A plan for a text with marks, with the literals in their place, is the text's own."""

from __future__ import annotations

import random

import pytest

from routedb.config.model import ShardFunction
from routedb.planner import (
    Catalog,
    Cluster,
    Column,
    Copied,
    Place,
    Placement,
    Sharded,
    TableInfo,
    Whole,
    plan,
    put_in,
    take_out,
)
from routedb.sql import Table, scan
from tests.support.split_statements import Statements
from tests.support.split_world import SplitWorld

COLUMNS = (
    Column("id", "bigint"),
    Column("owner", "integer"),
    Column("name", "text"),
    Column("made", "date"),
    Column("price", "numeric(10,2)"),
)
INFO = TableInfo(COLUMNS, ("id",))
SHARDED = Sharded("shop", "id", ShardFunction())
PLACES: dict[Table, Placement] = {
    Table(None, "items"): SHARDED,
    Table(None, "kinds"): Copied("shop"),
    Table(None, "leads"): Whole("crm"),
}
CLUSTER = Cluster(
    {"shop": Place("postgresql", 4), "crm": Place("mysql")},
    PLACES,
)
MYSQL = (
    Column("id", "int(11)"),
    Column("owner", "int(11)"),
    Column("name", "varchar(20)", "utf8mb4_general_ci"),
    Column("made", "date"),
    Column("price", "decimal(10,2)"),
)
CATALOG = Catalog(
    {
        "shop": {Table(None, "items"): INFO, Table(None, "kinds"): INFO},
        "crm": {Table(None, "leads"): TableInfo(MYSQL, ("id",))},
    },
    0,
)

TEXTS = [
    "SELECT * FROM items WHERE owner = 5 AND price > 1.50",
    "SELECT * FROM items WHERE id = 5 OR id IN (6, 7, 3000000000)",
    "SELECT * FROM items WHERE id = '17' OR id = 'x-y' ORDER BY id LIMIT 3 OFFSET 2",
    "SELECT owner, count(*) FROM items WHERE name <> 'abc' GROUP BY 1"
    " HAVING sum(id) > 9",
    "SELECT owner = 3, (owner = 3) FROM items GROUP BY owner = 3, (owner = 3)",
    "SELECT sum(CASE WHEN owner = 3 THEN 1 ELSE 0 END),"
    " sum(CASE WHEN owner = 4 THEN 1 ELSE 0 END) FROM items GROUP BY made",
    "SELECT sum(CASE WHEN owner = 3 THEN 1 ELSE 0 END),"
    " sum(CASE WHEN owner = 3 THEN 1 ELSE 0 END) FROM items GROUP BY made",
    "SELECT id FROM items WHERE made >= date '2024-01-01' + interval '3' month",
    "SELECT id FROM items WHERE made BETWEEN date '2024-01-01' AND date '2024-02-01'",
    "SELECT id FROM items WHERE made = 'today' AND name = 'now' AND id = 3",
    "SELECT a.id FROM items a JOIN items b ON a.owner = b.id"
    " WHERE a.name = 'x' AND b.name = 'x'",
    "SELECT i.id FROM items i JOIN leads l ON l.owner = i.owner"
    " WHERE l.id = 17 AND l.name = 'some one' AND l.price = 1.5",
    "SELECT i.id FROM items i JOIN leads l USING (owner) WHERE l.id IN (1, 2, 1)"
    " AND l.id <> 9223372036854775807 AND i.name = '' AND i.id < 99999999999",
    "SELECT i.id FROM items i WHERE owner IN (SELECT owner FROM kinds WHERE id < 7)",
    "SELECT k.id, (SELECT max(price) FROM items i WHERE i.owner = k.owner AND"
    " i.name = 'a') FROM kinds k WHERE k.name = 'b' AND k.id = 2",
    "SELECT name FROM items WHERE random() < 0.5 AND owner = 3",
    "SELECT id FROM items WHERE owner = %s AND id = 4 LIMIT %s",
]


def same(source: str, dialect: str, catalog: Catalog, cluster: Cluster) -> bool:
    """Compare the plans; tell whether anything was taken out."""
    taken = take_out(scan(source, dialect).parts, dialect)
    if taken is None:
        return False
    expected = plan(source, dialect, catalog, cluster)
    found = put_in(plan(taken.source, dialect, catalog, cluster), taken.values)
    assert found == expected, source
    assert repr(found) == repr(expected)  # what is not compared, too
    return True


@pytest.mark.parametrize("source", TEXTS)
def test_a_text_is_planned_as_one_with_marks_is(source):
    assert same(source, "postgresql", CATALOG, CLUSTER)


@pytest.mark.parametrize("seed", [5, random.randrange(2**32)], ids=["fixed", "fresh"])
def test_so_is_what_is_made_by_chance(seed):
    rng = random.Random(seed)
    world = SplitWorld(rng)
    texts = [Statements(rng).one().sql for _ in range(60)]
    taken = [same(each, "sqlite", world.catalog, world.cluster) for each in texts]
    world.close()
    assert any(taken), seed


STAYING = [
    "SELECT id FROM items WHERE name = E'a' AND name = 'it''s' AND name LIKE 'a%'",
    "SELECT id FROM items WHERE owner = 1 + 2 AND id = -3 AND price = 1e3",
    "SELECT id FROM items WHERE made > current_date AND owner = 12345678901234567890",
    "SELECT id FROM items ORDER BY 2 LIMIT 10 OFFSET 20",
    "SELECT 1, 'a' FROM items GROUP BY 1, 2",
    "SELECT id FROM items WHERE name LIKE 'a' AND owner = 1 + 2",
    "SELECT substr(name, 2, 3), round(price, 1) FROM items",
    "SELECT id FROM items WHERE made = 'tomorrow'",
    "SELECT id FROM items WHERE id = 007 AND id = -1 AND price = 1.",
    "SELECT row_number() OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING)",
    "SELECT id FROM items WHERE name = 'a' 'b' AND made = '2024-01-01'::date",
    "SELECT data -> 'a', data ->> 'b', data #> '{c}', f(x => 5) FROM items",
    "SELECT id FROM items WHERE id = 1987600000 AND owner = 4",
]


@pytest.mark.parametrize("source", STAYING)
def test_what_may_decide_a_plan_stays(source):
    assert take_out(scan(source, "postgresql").parts, "postgresql") is None


def test_texts_that_differ_in_values_alone_are_one():
    text = "SELECT id FROM items WHERE owner IN ({}, {}) AND name = '{}' AND price < {}"
    values = [(1, 2, "a", 5.5), (17, 20, "Bob7", 0.25), (2147483647, 0, "z", 100.125)]

    def taken(v):
        return take_out(scan(text.format(*v), "postgresql").parts, "postgresql")

    made = list(map(taken, values))
    assert len({each.source for each in made}) == 1
    others = [(1, 1, "a", 5.5), (1, 2147483648, "a", 5.5), (1, 2, "a b", 5.5)]
    more = list(map(taken, others))
    assert len({each.source for each in (*made, *more)}) == 4
