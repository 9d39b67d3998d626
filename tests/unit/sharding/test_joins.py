"""What an equal key on the other side of a join says, and where it says nothing."""

from __future__ import annotations

import pytest

import routedb
from tests.support.sharded import FUNCTION, RULES, rule, shard, target

ON = "o.customer_id = i.customer_id"

PINNED = [
    f"orders o join items i on {ON} where o.customer_id = 5",
    f"orders o join items i on {ON} where i.customer_id = 5",
    f"orders o join items i on {ON} and i.customer_id = 5",
    "orders o, items i where o.customer_id = i.customer_id and i.customer_id = 5",
    "orders o join items i using (customer_id) where customer_id = 5",
    "orders o join items i using (customer_id) where o.customer_id = 5",
    "orders o join items i using (id, customer_id) where i.customer_id = 5",
    "orders o cross join items i where (o.customer_id, i.customer_id) = (5, 9)",
    f"orders o left join items i on {ON} where o.customer_id = 5",
    f"orders o left join items i on {ON} and i.id = 1 where o.customer_id = 5",
    "orders o left join items i using (customer_id) where customer_id = 5",
    "orders o left join items i on i.customer_id = 9 where o.customer_id = 5",
    f"items i right join orders o on {ON} where o.customer_id = 5",
    # A condition in WHERE on the side that is filled makes an inner join of it.
    f"orders o left join items i on {ON} where i.customer_id = 5",
    f"orders o right join items i on {ON} where o.customer_id = 5",
    f"orders o full join items i on {ON} where o.customer_id = 5 and i.customer_id = 9",
    f"orders o full join items i on true where {ON} and i.customer_id = 5",
    f"orders o full join items i on {ON} where o.customer_id = 5",
    # Reference tables are on every shard, on either side.
    "countries c left join orders o on o.customer_id = 5",
    "orders o right join countries c on o.customer_id = 5 and c.id = o.country",
    "orders o left join countries c on c.id = o.country where o.customer_id = 5",
    "orders o full join countries c on c.id = o.country where o.customer_id = 5",
    "countries c join (orders o join items i using (customer_id)) on true "
    "where o.customer_id = 5",
    f"(orders o join items i on {ON}) left join rates r on true where "
    "i.customer_id = 5",
    f"orders o join items i on {ON} join orders p on p.customer_id = i.customer_id "
    "where o.customer_id = 5",
    f"orders o left join items i on {ON} left join orders p on "
    "p.customer_id = i.customer_id where o.customer_id = 5",
    f"orders o left join (items i join orders p on p.customer_id = i.customer_id) "
    f"on {ON} where o.customer_id = 5",
    "orders o natural join countries where o.customer_id = 5",
    f"orders o join items i on {ON} and exists (select 1 from orders p where "
    "p.customer_id = i.customer_id) where o.customer_id = 5",
]


@pytest.mark.parametrize("tables", PINNED)
def test_an_equal_key_carries_the_shard_over(tables: str) -> None:
    assert shard(f"select * from {tables}") == 1


UNPINNED = [
    # The preserved side comes out whatever ON says.
    f"orders o left join items i on {ON} and o.customer_id = 5",
    f"orders o left join items i on {ON} and i.customer_id = 5",
    f"items i right join orders o on {ON} and o.customer_id = 5",
    "orders o left join countries c on o.customer_id = 5",
    "countries c right join orders o on o.customer_id = 5",
    f"orders o full join items i on {ON} and i.customer_id = 5",
    "countries c full join orders o on o.customer_id = 5",
    f"orders o left join items i on {ON} where i.customer_id is null",
    f"orders o left join items i on {ON} where coalesce(i.customer_id, 5) = 5",
    # Not an equal key.
    "orders o join items i on o.customer_id > i.customer_id where o.customer_id = 5",
    "orders o join items i on o.customer_id <> i.customer_id where o.customer_id = 5",
    "orders o join items i on o.id = i.customer_id where o.customer_id = 5",
    "orders o join items i on o.customer_id = i.customer_id + 0 "
    "where o.customer_id = 5",
    f"orders o join items i on {ON} or true where o.customer_id = 5",
    f"orders o join items i on not ({ON}) where o.customer_id = 5",
    "orders o join items i on true where o.customer_id = 5",
    "orders o natural join items i where customer_id = 5",
    "orders o full join items i using (customer_id) where customer_id = 5",
    # A chain that NULL may break.
    f"orders o left join items i on {ON} left join orders p on "
    "p.customer_id = i.customer_id or p.id = 1 where o.customer_id = 5",
    f"orders o left join items i on {ON} right join orders p on "
    "p.customer_id = i.customer_id where o.customer_id = 5 or p.id = 1",
    f"orders o left join items i on {ON} join orders p on p.id = i.id "
    "where o.customer_id = 5",
]


@pytest.mark.parametrize("tables", UNPINNED)
def test_a_join_that_may_bring_rows_of_other_shards_is_refused(tables: str) -> None:
    with pytest.raises(routedb.ShardError, match="nothing says which shard"):
        shard(f"select * from {tables}")


def test_equal_keys_under_different_functions_are_on_different_shards() -> None:
    sql = "select * from orders o join events e on o.customer_id = e.user_id where "
    with pytest.raises(routedb.ShardError, match=r"events is sharded by user_id"):
        shard(sql + "o.customer_id = 5")


def test_a_key_without_type_and_one_with_are_different_functions() -> None:
    typed = rule("items", "customer_id", FUNCTION.__class__("modulo", "integer"))
    sql = f"select * from orders o join items i on {ON} where o.customer_id = 5"
    with pytest.raises(routedb.ShardError, match="items is sharded"):
        target(sql, rules=RULES | {"items": typed})


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ("countries c, orders o right join items i on true", "comma"),
        ("(orders o join items i using (customer_id)) x", "alias for a join"),
    ],
)
def test_joins_that_are_not_understood_are_refused(tables: str, why: str) -> None:
    with pytest.raises(routedb.ShardError, match=why):
        shard(f"select * from {tables} where customer_id = 5")
