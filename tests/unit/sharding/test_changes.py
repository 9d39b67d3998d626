"""UPDATE, DELETE and upserts: where they run, and keys that may not move."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

import routedb
from tests.support.sharded import shard, target

AT = " where customer_id = 5"
UPSERT = (
    "insert into orders (id, customer_id) values (1, 5) on conflict (id) do update "
)
DUPLICATE = (
    "insert into orders (id, customer_id) values (1, 5) on duplicate key update "
)

FOUND: list[tuple[str, str, Any, int | str]] = [
    ("postgresql", "update orders set note = 'x'" + AT, None, 1),
    ("postgresql", "update orders set note = %s where customer_id = %s", ("x", 6), 2),
    ("postgresql", "update orders o set note = 'x' where o.customer_id = 5", None, 1),
    ("postgresql", "update orders set note = i.note from items i "
     "where i.customer_id = orders.customer_id and i.customer_id = 5", None, 1),
    ("postgresql", "update orders set note = c.name from countries c" + AT, None, 1),
    ("postgresql", "update orders set note = (select max(name) from countries)" + AT,
     None, 1),
    ("postgresql", "update orders set note = 'x'" + AT + " returning *", None, 1),
    ("postgresql", "update orders set a[1] = 2, (b) = (select 3)" + AT, None, 1),
    ("postgresql", "delete from orders where customer_id = null", None, "any"),
    ("postgresql", "delete from orders" + AT, None, 1),
    ("postgresql", "delete from orders o using items i where "
     "i.customer_id = o.customer_id and o.customer_id = 5", None, 1),
    ("postgresql", "delete from orders where customer_id = any(%s)", ([5, 9],), 1),
    ("postgresql", "update countries set name = 'x'", None, "every"),
    ("postgresql", "update countries set name = r.name from rates r", None, "every"),
    ("postgresql", "delete from countries where id = %s", (1,), "every"),
    ("mysql", "update orders set note = 'x'" + AT + " limit 3", None, 1),
    ("mysql", "update orders o join items i using (customer_id) set o.note = i.note "
     "where o.customer_id = 5", None, 1),
    ("mysql", "update orders o join countries c on c.id = o.country "
     "set o.note = c.name where o.customer_id = 5", None, 1),
    ("mysql", "delete o from orders o join items i using (customer_id) "
     "where i.customer_id = 5", None, 1),
    ("mysql", "delete from o using orders o join countries c on c.id = o.country "
     "where o.customer_id = 5", None, 1),
    ("mysql", "update low_priority ignore orders set note = 'x'" + AT, None, 1),
    ("mysql", "delete quick from orders" + AT, None, 1),
    ("mysql", "delete from orders partition (p1)" + AT, None, 1),
    ("sqlite", "update or ignore orders set note = 'x'" + AT, None, 1),
    # The rows of each shard are changed there.
    ("postgresql", "update orders set note = 'x'", None, "each of 0, 1, 2, 3"),
    ("postgresql", "delete from orders where id = %s", (5,), "each of 0, 1, 2, 3"),
    ("postgresql", "delete from orders where customer_id not in (5)", None,
     "each of 0, 1, 2, 3"),
    ("postgresql", "delete from orders where customer_id in (1, 2)", None,
     "each of 1, 2"),
    ("postgresql", "update orders set note = 'x' where customer_id in (1, %s) "
     "returning *", (5,), 1),
    ("postgresql", "update orders set note = i.note from items i where "
     "i.customer_id = orders.customer_id", None, "each of 0, 1, 2, 3"),
    ("postgresql", "update orders set note = i.note from items i where "
     "i.customer_id = orders.customer_id and i.customer_id in (1, 3)", None,
     "each of 1, 3"),
    ("postgresql", "delete from orders o where not exists (select from items i where "
     "i.customer_id = o.customer_id)", None, "each of 0, 1, 2, 3"),
    ("postgresql", "delete from orders using countries c where c.id = country", None,
     "each of 0, 1, 2, 3"),
    ("postgresql", "update orders set customer_id = customer_id", None,
     "each of 0, 1, 2, 3"),
    ("postgresql", "select * from orders where id = 1 for update", None,
     "each of 0, 1, 2, 3"),
    ("postgresql", "select o.id from orders o left join items i using (customer_id) "
     "join countries c on c.id = o.country where customer_id in (1, 2) "
     "for share of o skip locked", None, "each of 1, 2"),
    ("mysql", "select id from orders lock in share mode", None, "each of 0, 1, 2, 3"),
    ("mysql", "update orders o join items i using (customer_id) set o.note = i.note, "
     "i.note = 'x'", None, "each of 0, 1, 2, 3"),
    ("mysql", "delete o from orders o join items i using (customer_id)", None,
     "each of 0, 1, 2, 3"),
    # Keys that are set, and stay where they are.
    ("postgresql", "update orders set customer_id = customer_id" + AT, None, 1),
    ("postgresql", "update orders set customer_id = 5" + AT, None, 1),
    ("postgresql", "update orders set customer_id = 9" + AT, None, 1),
    ("postgresql", "update orders set customer_id = %s where customer_id = %s",
     (5, 1), 1),
    ("postgresql", "update orders set (note, customer_id) = ('x', 9)" + AT, None, 1),
    ("postgresql", "update orders set customer_id = i.customer_id from items i where "
     "i.customer_id = orders.customer_id and i.customer_id = 5", None, 1),
    ("postgresql", UPSERT + "set note = excluded.note", None, 1),
    ("postgresql", UPSERT + "set customer_id = excluded.customer_id", None, 1),
    ("postgresql", UPSERT + "set customer_id = EXCLUDED.customer_id", None, 1),
    ("postgresql", UPSERT + "set customer_id = orders.customer_id", None, 1),
    ("postgresql", UPSERT + "set customer_id = 9", None, 1),
    ("postgresql", UPSERT + "set customer_id = %s", (9,), 1),
    ("sqlite", UPSERT + "set customer_id = excluded.customer_id", None, 1),
    ("mysql", DUPLICATE + "note = 'x', customer_id = values(customer_id)", None, 1),
    ("mysql", DUPLICATE + "customer_id = customer_id", None, 1),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "params", "expected"), FOUND)
def test_a_write_runs_where_its_rows_are(
    dialect: str, sql: str, params: Any, expected: int | str
) -> None:
    assert shard(sql, params, dialect) == expected


REFUSED: list[tuple[str, str, Any, str]] = [
    ("postgresql", "update orders set customer_id = 5", None, "another shard"),
    ("postgresql", "delete from orders using items i where i.customer_id = 5", None,
     "rows of items on shards 1"),
    ("postgresql", "update orders set note = 'x' where id in (select id from items "
     "where customer_id = 5)", None, "rows of items on shards 1"),
    ("postgresql", "update orders set note = i.note from items i where i.id = "
     "orders.id", None, "items is sharded"),
    ("postgresql", "update orders set id = nextval('ids')", None, "nothing says"),
    ("postgresql", "delete from orders where ctid = '(0,1)'", None, "nothing says"),
    ("postgresql", "explain delete from orders", None, "nothing says"),
    ("postgresql", "with gone as (delete from orders returning *) select * from gone",
     None, "nothing says"),
    ("postgresql", "delete from orders where customer_id in (1, 2) and ctid = '(0,1)'",
     None, "shards 1, 2"),
    ("mysql", "update orders set note = 'x' limit 3", None, "nothing says"),
    ("mysql", "delete from orders where customer_id in (1, 2) limit 1", None,
     "shards 1, 2"),
    ("mysql", "update orders set note = (@n := @n + 1)", None, "nothing says"),
    ("mysql", "update orders o left join items i using (customer_id) "
     "set i.note = 'x'", None, "nothing says"),
    ("postgresql", "select * from orders order by id for update", None, "nothing says"),
    ("postgresql", "select * from orders limit 1 for update", None, "nothing says"),
    ("postgresql", "select count(*) from orders for update", None, "nothing says"),
    ("postgresql", "select * from countries c join orders o on true for update", None,
     "nothing says"),
    ("postgresql", "select * from orders full join items using (customer_id) "
     "for update", None, "nothing says"),
    ("sqlite", "delete from orders where rowid = 1", None, "nothing says"),
    ("postgresql", "update orders set note = i.note from items i" + AT, None,
     "nothing says"),
    ("postgresql", "update orders set note = (select max(id) from items)" + AT, None,
     "items is sharded"),
    ("postgresql", "update orders set note = 'x'" + AT
     + " returning (select max(id) from items)", None, "items is sharded"),
    ("postgresql", "update orders set customer_id = 6" + AT, None, "another shard"),
    ("postgresql", "update orders set customer_id = %s where customer_id = %s",
     (6, 5), "another shard"),
    ("postgresql", "update orders set customer_id = null" + AT, None, "NULL"),
    ("postgresql", "update orders set customer_id = %s" + AT, (None,), "NULL"),
    ("postgresql", "update orders set customer_id = default" + AT, None, "expression"),
    ("postgresql", "update orders set customer_id = customer_id + 4" + AT, None,
     "expression"),
    ("postgresql", "update orders set customer_id = id" + AT, None, "expression"),
    ("postgresql", "update orders set (customer_id, id) = (6, 1)" + AT, None,
     "another shard"),
    ("postgresql", "update orders set (customer_id, id) = (select 5, 1)" + AT, None,
     "expression"),
    ("postgresql", "update orders set customer_id = i.customer_id from items i "
     "where i.customer_id = 6 and orders.customer_id = 5", None, "expression"),
    ("postgresql", "update orders set (customer_id) = (6)" + AT, None, "expression"),
    ("postgresql", "update orders set customer_id[1] = 6" + AT, None, "expression"),
    ("postgresql", UPSERT + "set customer_id = 6", None, "another shard"),
    ("postgresql", UPSERT + "set customer_id = excluded.id", None, "expression"),
    ("postgresql", UPSERT + "set customer_id = excluded.customer_id + 1", None,
     "expression"),
    ("postgresql", UPSERT + "set note = 'x' where orders.id in "
     "(select id from items)", None, "items is sharded"),
    ("mysql", DUPLICATE + "customer_id = 6", None, "another shard"),
    ("mysql", DUPLICATE + "customer_id = values(id)", None, "expression"),
    ("mysql", "update orders o join items i on o.id = i.id set o.note = 'x' "
     "where o.customer_id = 5", None, "items is sharded"),
    ("mysql", "update orders o join items i using (customer_id) "
     "set i.customer_id = 6 where o.customer_id = 5", None, "another shard"),
    ("mysql", "update orders o join countries c on c.id = o.country "
     "set c.name = 'x' where o.customer_id = 5", None, "also uses a sharded"),
    ("mysql", "update orders o join countries c on c.id = o.country "
     "set name = 'x' where o.customer_id = 5", None, "also uses a sharded"),
    ("mysql", "delete o, c from orders o join countries c on c.id = o.country "
     "where o.customer_id = 5", None, "also uses a sharded"),
    ("mysql", "delete from countries limit 3", None, "LIMIT"),
    ("postgresql", "update countries set name = 'x' where id in "
     "(select country from orders where customer_id = 5)", None, "also uses a sharded"),
    ("postgresql", "update countries set seen = random()", None, "of its own"),
    ("postgresql", "with x as (update countries set name = 'x' returning *) "
     "select * from x, orders" + AT, None, "also uses a sharded"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "params", "why"), REFUSED)
def test_a_write_whose_shard_is_not_certain_is_refused(
    dialect: str, sql: str, params: Any, why: str
) -> None:
    with pytest.raises(routedb.ShardError, match=why):
        shard(sql, params, dialect)


EVERYWHERE = [
    "copy orders from stdin",
    "copy (select * from orders where customer_id = 5) to stdout",
    "check table orders",
]

UPKEEP = [
    ("postgresql", "vacuum orders", True),
    ("postgresql", "VACUUM (analyze) orders, countries", True),
    ("postgresql", "analyze orders (id)", False),
    ("postgresql", "reindex table orders", False),
    ("postgresql", "reindex table concurrently orders", True),
    ("postgresql", "cluster orders", False),
    ("postgresql", "lock table orders in exclusive mode", False),
    ("mysql", "analyze table orders", True),
    ("mysql", "optimize table orders", True),
    ("sqlite", "analyze orders", False),
]


@pytest.mark.parametrize(("dialect", "sql", "is_apart"), UPKEEP)
def test_what_is_done_to_a_table_is_done_on_every_shard(
    dialect: str, sql: str, is_apart: bool
) -> None:
    found = target(sql, None, dialect)
    assert (found.is_every, found.is_apart) == (True, is_apart)


@pytest.mark.parametrize("sql", EVERYWHERE)
def test_what_is_for_every_shard_is_refused_with_the_way_out(sql: str) -> None:
    verb = sql.split(maxsplit=1)[0].upper()
    with pytest.raises(routedb.ShardError, match=rf"{verb}.* (?s:.*)shard=…"):
        shard(sql)


ODD = [
    ("select * from orders where customer_id = 5; select 1", "several statements"),
    ("delete orders where customer_id = 5", "DELETE without FROM"),
    ("delete orders using items i where i.customer_id = 5", "DELETE without FROM"),
    ("select -> id from orders where customer_id = 5", "not understood"),
    (
        "with orders as (select * from orders where customer_id = 5) "
        "delete from orders",
        "has the name of a query",
    ),
    (
        "with orders as (select * from orders where customer_id = 5) "
        "update orders set note = 'x'",
        "has the name of a query",
    ),
    ("select * into x from orders where customer_id = 5", "SELECT INTO"),
    ("select * from orders where customer_id = 5 \x01", "control character"),
    ("select * from orders where customer_id = '5", "cannot be read"),
    ("select * from orders where customer_id = = 5", "not understood"),
    ("select * from orders where customer_id = %s and id = %(id)s", "mixed"),
    ("select * from orders where customer_id = %(1)s", "whose name is no word"),
    ("select * from orders where customer_id = %(a b)s", "whose name is no word"),
    ("select * from orders where customer_id = %()s", "whose name is no word"),
    ("select " + "(" * 3000 + "1" + ")" * 3000 + " from orders", "understood|deep"),
]


@pytest.fixture
def usual_depth() -> Iterator[None]:
    """Python's own limit: another test's library may have raised it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_depth")
@pytest.mark.parametrize(("sql", "why"), ODD)
def test_what_cannot_be_understood_is_refused(sql: str, why: str) -> None:
    with pytest.raises(routedb.ShardError, match=why):
        shard(sql)
