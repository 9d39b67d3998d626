"""Rows that are on two shards are counted once, whatever way a statement takes."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from routedb.config.model import RowsMoving
from routedb.planner import GroupsPlan, Refusal, without_hidden
from routedb.sql import Table
from tests.support.split_world import SHARDS, SplitWorld, same
from tests.unit.planner.test_ways import WAYS

MOVING = {
    "shop": {
        Table(schema, name): RowsMoving(f"hidden_{name}", ("id",))
        for name in ("orders", "items")
        for schema in (None, "main")
    }
}


@pytest.fixture(scope="module")
def world() -> Iterator[SplitWorld]:
    """Each shard has the rows of the next one, too, and a table of their keys."""
    made = SplitWorld(random.Random(12), 40)
    shards = made.groups["shop"]
    for name in ("orders", "items"):
        rows = [shard.execute(f"SELECT * FROM {name}").fetchall() for shard in shards]
        for number, shard in enumerate(shards):
            shard.execute(f"CREATE TABLE hidden_{name} (k0 INTEGER PRIMARY KEY)")
            for row in rows[(number + 1) % SHARDS]:
                marks = ", ".join("?" * len(row))
                shard.execute(f"INSERT INTO {name} VALUES ({marks})", row)
                shard.execute(f"INSERT INTO hidden_{name} VALUES (?)", row[:1])
    yield made
    made.close()


def hidden(made: GroupsPlan | Refusal) -> GroupsPlan | Refusal:
    assert isinstance(made, GroupsPlan)
    return without_hidden(made, MOVING, {"shop": "sqlite"})


@pytest.mark.parametrize(("sql", "params", "way"), WAYS)
def test_each_way_answers_as_if_each_row_were_there_once(world, sql, params, way):
    made = hidden(world.plan(sql))
    assert isinstance(made, GroupsPlan), made
    assert same(world.answer(made, params), world.expected(sql, params))


def test_the_query_stands_in_the_place_of_the_table(world):
    made = hidden(world.plan("SELECT o.id FROM orders o WHERE amount > %s"))
    assert isinstance(made, GroupsPlan)
    assert made.fragments[0].text.sql == (
        'SELECT o.id FROM (SELECT * FROM "orders" WHERE NOT EXISTS (SELECT 1 FROM '
        '"hidden_orders" AS routedb_hidden WHERE routedb_hidden.k0 = "orders"."id")) '
        "o WHERE amount > %s"
    )
    assert made.fragments[0].text.bind([3]) == (3,)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH orders AS (SELECT id FROM items) SELECT id FROM orders",
        "SELECT (SELECT count(*) FROM items) FROM orders",
    ],
)
def test_what_would_be_something_else_is_refused(world, sql):
    found = world.plan(sql)
    if isinstance(found, GroupsPlan):
        found = hidden(found)
    is_right = isinstance(found, Refusal) or same(
        world.answer(found, None), world.expected(sql, None)
    )
    assert is_right


def test_a_table_under_another_schema_is_not_guessed(world):
    made = world.plan("SELECT id FROM main.orders")
    assert isinstance(made, GroupsPlan)
    moving = {"shop": {Table(None, "orders"): RowsMoving("hidden_orders", ("id",))}}
    found = without_hidden(made, moving, {"shop": "sqlite"})
    assert isinstance(found, Refusal)
    assert found.reason == "main.orders: whose rows move is not certain"
