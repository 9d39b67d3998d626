"""Every kind of join between tables that are sharded, copied, and elsewhere."""

from __future__ import annotations

import random

import pytest

from routedb.planner import GroupsPlan, Merge
from tests.support.split_world import SplitWorld, same

TABLES = ("orders", "items", "visits", "regions", "leads")
KINDS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
# Of the left (a) and the right (b) table.
TAILS = (
    "",
    " WHERE a.id IS NULL",
    " WHERE b.id IS NULL",
    " WHERE b.cust > 1",
    " WHERE NOT (a.id > 3 OR b.id = 2)",
    " WHERE a.cust NOT IN (1, 2) OR b.cust IS NULL",
)
SHOWN = ("a.id, b.id", "count(*), count(a.id)", "DISTINCT a.cust, b.cust")


@pytest.fixture(scope="module")
def worlds():
    made = [SplitWorld(random.Random(seed), 16) for seed in range(2)]
    yield made
    for world in made:
        world.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on", ["a.cust = b.cust", "a.id = b.id", "a.cust = b.id"])
def test_no_row_is_lost_or_made_twice(worlds, kind, on):
    chance = random.Random(f"{kind} {on}")
    for left in TABLES:
        for right in TABLES:
            tail, shown = chance.choice(TAILS), chance.choice(SHOWN)
            sql = f"SELECT {shown} FROM {left} a {kind} {right} b ON {on}{tail}"
            check(worlds, sql)


@pytest.mark.parametrize("tail", TAILS)
def test_of_rows_filled_with_null_none_is_lost(worlds, tail):
    for kind in KINDS:
        for right in ("items", "regions"):
            on = "ON a.cust = b.cust AND b.id > 4"
            check(
                worlds, f"SELECT a.id, b.id FROM orders a {kind} {right} b {on}{tail}"
            )


def test_joins_by_the_key_are_asked_of_every_shard(worlds):
    for kind in KINDS:
        sql = f"SELECT a.id, b.id FROM orders a {kind} items b ON a.cust = b.cust"
        assert worlds[0].plan(sql).merge is Merge.STREAM


def check(worlds, sql):
    for world in worlds:
        plan = world.plan(sql)
        assert isinstance(plan, GroupsPlan), sql
        assert same(world.answer(plan, None), world.expected(sql, None)), sql
