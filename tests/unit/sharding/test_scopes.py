"""A key counts only in the scope, and for the source, it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

import routedb
from tests.support.sharded import shard

PINNED: list[tuple[str, Any, int | str]] = [
    ("select * from orders o where o.customer_id = 5", None, 1),
    ("select * from orders as o where customer_id = 5", None, 1),
    ('select * from orders "O" where "O".customer_id = 5', None, 1),
    ("select * from only orders where customer_id = 5", None, 1),
    ("select * from s.orders where s.orders.customer_id = 5", None, 1),
    ("select * from s.orders where orders.customer_id = 5", None, 1),
    ("(select * from orders where customer_id = 5)", None, 1),
    ("select * from (select * from orders where customer_id = 5) o", None, 1),
    ("select * from ((select * from orders where customer_id = 5)) o", None, 1),
    ("with o as (select * from orders where customer_id = 5) select * from o", None, 1),
    (
        "with orders as (select * from orders where customer_id = 5) "
        "select * from orders",
        None,
        1,
    ),
    (
        "with a as (select * from orders where customer_id = %s), "
        "b as (select * from a) select * from b, items where customer_id = %s",
        (5, 9),
        1,
    ),
    (
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) "
        "select * from r, orders where customer_id = 5",
        None,
        1,
    ),
    ("with o as (select 1) select * from orders where customer_id = 5", None, 1),
    (
        "select * from orders o where customer_id = 5 and exists "
        "(select 1 from items i where i.customer_id = o.customer_id)",
        None,
        1,
    ),
    (
        "select (select count(*) from items i where i.customer_id = o.customer_id) "
        "from orders o where o.customer_id = 5",
        None,
        1,
    ),
    (
        "select * from orders o where customer_id = 5 order by "
        "(select max(id) from items i where i.customer_id = o.customer_id)",
        None,
        1,
    ),
    (
        "select * from orders o where customer_id = 5 and id in "
        "(select id from items where customer_id = 9)",
        None,
        1,
    ),
    (
        "select * from orders o, lateral (select * from items i "
        "where i.customer_id = o.customer_id) x where o.customer_id = 5",
        None,
        1,
    ),
    (
        "select * from orders o left join lateral (select * from items i "
        "where i.customer_id = o.customer_id) x on true where o.customer_id = 5",
        None,
        1,
    ),
    ("select * from orders where customer_id = 5 union all "
     "select * from items where customer_id = %s", (9,), 1),
    ("select * from orders where customer_id = 5 except "
     "(select * from items where customer_id = 1 limit 3) order by 1", None, 1),
    ("select * from countries where id in (select country from orders "
     "where customer_id = 5)", None, 1),
    ("select * from orders where customer_id = 5 union select * from countries",
     None, 1),
    ("select * from countries c, rates r where c.id = r.id", None, "any"),
    ("select * from countries union select * from rates", None, "any"),
    ("table countries", None, "any"),
    ("select count(*) from orders where customer_id = 5 group by id having sum(x) > 1",
     None, 1),
    ("select * from orders, generate_series(1, 3) n where customer_id = 5", None, 1),
    ("select * from orders, (values (1), (2)) v(n) where customer_id = 5", None, 1),
    ("select * from orders, pg_class where customer_id = 5", None, 1),
    ("select * from orders where customer_id = 5 for update of orders", None, 1),
    ("select sum(x) over (partition by y) from orders where customer_id = 5", None, 1),
    ("explain select * from orders where customer_id = 5", None, 1),
    ("explain (analyze, costs off) select * from orders where customer_id = 5",
     None, 1),
    ("explain analyze verbose select * from orders where customer_id = 5", None, 1),
    ("select * from orders where customer_id = 5;", None, 1),
    ("with x as (delete from orders where customer_id = 5 returning *) "
     "select * from x", None, 1),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "params", "expected"), PINNED)
def test_every_place_that_is_pinned_counts(
    sql: str, params: Any, expected: int | str
) -> None:
    assert shard(sql, params) == expected


UNPINNED = [
    "select * from orders where id in (select id from items where customer_id = 5)",
    "select * from orders o where exists (select 1 from items i "
    "where i.customer_id = 5 and o.id = i.id)",
    "select * from orders a, orders b where a.customer_id = 5",
    "select * from orders a join orders b on a.id = b.id where b.customer_id = 5",
    "select * from orders o, countries c where c.customer_id = 5",
    "select * from orders o, items i where i.customer_id = 5",
    "select * from orders items join countries orders on true "
    "where orders.customer_id = 5",
    "select * from (select * from orders) o where o.customer_id = 5",
    "with o as (select * from orders) select * from o where customer_id = 5",
    "with customer_id as (select 5) select * from orders",
    "select * from orders o(customer_id, id) where customer_id = 5",
    "select * from orders o(a, b) where customer_id = 5",
    "select customer_id = 5 from orders",
    "select * from orders having customer_id = 5",
    "select * from orders order by customer_id = 5",
    "select count(*) filter (where customer_id = 5) from orders",
    "select * from orders where customer_id = 5 union select * from orders",
    "select * from orders union select * from orders where customer_id = 5",
    "select * from countries where exists (select 1 from orders)",
    "select (select max(id) from items) from orders where customer_id = 5",
    "select * from orders where customer_id = 5 order by (select max(id) from items)",
    "select * from orders where customer_id = 5 limit (select max(id) from items)",
    "select * from orders o where customer_id = 5 and exists "
    "(select 1 from items i where i.customer_id = customer_id)",
    "select * from orders o where o.customer_id = 5 or exists "
    "(select 1 from items i where i.customer_id = o.customer_id)",
    "select * from orders o where exists (select 1 from items i "
    "where i.customer_id = o.customer_id and i.customer_id = 5)",
    "select * from countries c left join lateral "
    "(select * from items i where i.customer_id = c.id) x on true",
    "with recursive r as (select * from orders where customer_id = 5 union all "
    "select o.* from orders o join r on r.customer_id = o.customer_id) select * from r",
    "with x as (delete from orders returning *) select * from x",
    "select * from s.orders where t.orders.customer_id = 5",
    "select * from countries where id = any(array(select id from orders))",
    "select (table orders) from countries",
    "select * from countries where exists (table orders)",
    "select * from countries limit (select count(*) from orders)",
]


@pytest.mark.parametrize("sql", UNPINNED)
def test_a_key_of_another_scope_says_nothing(sql: str) -> None:
    with pytest.raises(routedb.ShardError, match="is sharded by customer_id, and"):
        shard(sql)


TWO_SHARDS = [
    "select * from orders a, orders b where a.customer_id = 1 and b.customer_id = 2",
    "select * from orders where customer_id = 1 union select * from items "
    "where customer_id = 2",
    "with x as (select * from items where customer_id = 2) "
    "select * from orders where customer_id = 1",
    "select * from orders where customer_id = 1 and id in "
    "(select id from items where customer_id = 2)",
    "select (select max(id) from items where customer_id = 2) from orders "
    "where customer_id = 1",
]


@pytest.mark.parametrize("sql", TWO_SHARDS)
def test_places_on_different_shards_are_refused(sql: str) -> None:
    with pytest.raises(routedb.ShardError, match="rows are on shards 1, 2"):
        shard(sql)


DIALECTS = [
    ("select * from Orders where Customer_Id = 5", "sqlite", 1),
    ('select * from "ORDERS" where [customer_id] = 5', "sqlite", 1),
    ("select * from orders o where O.customer_id = 5", "sqlite", 1),
    ("with a as (select * from b), b as (select * from orders where customer_id = 5) "
     "select * from a", "sqlite", 1),
    ("select * from orders use index (x) where customer_id = 5", "mysql", 1),
    ("select sql_calc_found_rows * from orders where customer_id = 5", "mysql", 1),
    ("select 1 from dual where exists (select 1 from orders where customer_id = 5)",
     "mysql", 1),
    ("explain format=json select * from orders where customer_id = 5", "mysql", 1),
    ("explain query plan select * from orders where customer_id = 5", "sqlite", 1),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "dialect", "expected"), DIALECTS)
def test_scopes_are_read_as_the_dialect_says(
    sql: str, dialect: str, expected: int
) -> None:
    assert shard(sql, None, dialect) == expected


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("select * from orders o where O.customer_id = 5", "mysql"),
        ('select * from orders o where "O".customer_id = 5', "postgresql"),
    ],
)
def test_an_alias_in_other_letters_is_another_one(sql: str, dialect: str) -> None:
    with pytest.raises(routedb.ShardError, match="nothing says"):
        shard(sql, None, dialect)
