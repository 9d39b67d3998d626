"""Which conditions say on which shard the rows are."""

from __future__ import annotations

from typing import Any

import pytest

import routedb
from tests.support.sharded import SHARDS, plan, shard

WHERE = "select * from orders where "

FOUND: list[tuple[str, Any, int | str]] = [
    ("customer_id = 5", None, 1),
    ("5 = customer_id", None, 1),
    ("customer_id = '5'", None, 1),
    ("customer_id = -1", None, 3),
    ("customer_id = %s", (6,), 2),
    ("customer_id = %s", [6], 2),
    ("%s = customer_id", (6,), 2),
    ("customer_id = %(id)s", {"id": 7}, 3),
    ("customer_id = %(id)s and id = %(id)s", {"id": 7, "more": 1}, 3),
    ("((customer_id) = (%s))", (6,), 2),
    ("id = %s and customer_id = %s and x = %s", (1, 2, 3), 2),
    ("customer_id = 5 and (id = 1 or id = 2)", None, 1),
    ("customer_id = 5 or customer_id = 9", None, 1),
    ("(customer_id = 5 and id = 1) or (id = 2 and customer_id = 9)", None, 1),
    ("customer_id in (5)", None, 1),
    ("customer_id in (5, 9, 13)", None, 1),
    ("customer_id in (5, 5, '5')", None, 1),
    ("customer_id in (5, null)", None, 1),
    ("customer_id in (%s, 9, %s)", (5, 13), 1),
    ("customer_id in %s", ((5, 9),), 1),
    ("customer_id = any(%s)", ([5, 9, None],), 1),
    ("customer_id = any(%s::bigint[])", ([5],), 1),
    ("customer_id = any(array[5, 9])", None, 1),
    ("(id, customer_id) = (1, 5)", None, 1),
    ("(id, customer_id) = (%s, %s)", (1, 5), 1),
    ("(id, customer_id) in ((1, 5), (2, 9))", None, 1),
    ("customer_id = 5::bigint", None, 1),
    ("customer_id = cast(%s as integer)", ("5",), 1),
    ("customer_id = 1 and customer_id in (1, 2, 3)", None, 1),
    ("customer_id = 5 and id not in (select 1)", None, 1),
    ("customer_id = 5 order by id limit %s", (3,), 1),
    ("customer_id = 5 and note = 'a customer_id = 6'", None, 1),
    ("customer_id = 5 /* customer_id = 6 */ -- or 1 = 1", None, 1),
    ('"customer_id" = 5', None, 1),
    ("CUSTOMER_ID = 5", None, 1),
    ("public.orders.customer_id = 5", None, 1),
    ("customer_id = 5 and created > now() - interval '1 day'", None, 1),
    ("customer_id = 5 and created > now() - interval %s", ("1 day",), 1),
    ("customer_id = null", None, "any"),
    ("customer_id = %s", (None,), "any"),
    ("customer_id in (null, %s)", (None,), "any"),
    ("customer_id = any(%s)", ([],), "any"),
    ("customer_id = 1 and customer_id = 2", None, "any"),
]


@pytest.mark.parametrize(("condition", "params", "expected"), FOUND)
def test_a_key_names_the_shard(
    condition: str, params: Any, expected: int | str
) -> None:
    sql = WHERE + condition
    assert (
        shard(sql.replace("orders where public", "public.orders where public"), params)
        == expected
    )


NOT_PINNED = [
    "id = 5",
    "true",
    "customer_id <> 5",
    "customer_id > 5",
    "not customer_id = 5",
    "not (customer_id = 5)",
    "customer_id not in (5, 9)",
    "customer_id between 5 and 5",
    "customer_id between 9 and 5",
    "customer_id is null",
    "customer_id is not distinct from 5",
    "customer_id = 5 or id = 1",
    "customer_id = 5 or true",
    "customer_id = 5 and false or id = 1",
    "customer_id + 0 = 5",
    "customer_id = 5 + 0",
    "customer_id = abs(5)",
    "customer_id = id",
    "customer_id = -id",
    "customer_id = 5 is true",
    "(customer_id = 5) is false",
    "(customer_id = 5) = false",
    "customer_id = all(array[5])",
    "customer_id = any(select 5)",
    "customer_id in (select 5)",
    "customer_id = (select 5)",
    "customer_id like '5'",
    "customer_id in (5, id)",
    "(customer_id, id) <> (5, 1)",
    "coalesce(customer_id, 5) = 5",
    "case when customer_id = 5 then true else true end",
    '"CUSTOMER_ID" = 5',
    "customer_id = 5::numeric(3, 1)",
    "customer_id = '5' 'x'",
    "lower(customer_id) = 'a'",
    "customer_id = 1 is null",
    "exists (select 1 where customer_id = 5)",
]


@pytest.mark.parametrize("condition", NOT_PINNED)
def test_what_says_nothing_of_the_key_is_refused(condition: str) -> None:
    with pytest.raises(routedb.ShardError, match="table orders is sharded by customer"):
        shard(WHERE + condition)


SEVERAL: list[tuple[str, Any]] = [
    ("customer_id in (1, 2)", None),
    ("customer_id in (%s, %s)", (1, 2)),
    ("customer_id = any(%s)", ([1, 2],)),
    ("customer_id = 1 or customer_id = 2", None),
    ("(id, customer_id) in ((1, 5), (1, 6))", None),
]


@pytest.mark.parametrize(("condition", "params"), SEVERAL)
def test_keys_of_several_shards_are_refused(condition: str, params: Any) -> None:
    with pytest.raises(routedb.ShardError, match="rows are on shards 1, 2"):
        shard(WHERE + condition, params)


WRONG_PARAMS: list[tuple[str, Any, str]] = [
    ("customer_id = %s", None, "1 placeholders"),
    ("customer_id = %s", (), "0 parameters"),
    ("customer_id = %s", (1, 2), "2 parameters"),
    ("customer_id = %s", "5", "a str as"),
    ("customer_id = %(id)s", (1,), "needs a mapping"),
    ("customer_id = %(id)s", {"key": 1}, "no such name"),
]


@pytest.mark.parametrize(("condition", "params", "why"), WRONG_PARAMS)
def test_parameters_that_do_not_fit_are_an_error(
    condition: str, params: Any, why: str
) -> None:
    with pytest.raises(routedb.ProgrammingError, match=why):
        shard(WHERE + condition, params)


@pytest.mark.parametrize("value", [5, (5,), {5: 1}, "5", b"5"])
def test_a_list_is_needed_where_one_is_written(value: Any) -> None:
    sql = WHERE + "customer_id = any(%s)"
    if isinstance(value, tuple):
        assert shard(sql, (value,)) == 1
        return
    with pytest.raises(routedb.ShardError, match="list or tuple is needed"):
        shard(sql, (value,))


MYSQL = [
    ("`customer_id` = 5", 1),
    ("CUSTOMER_ID = 5", 1),
    ("customer_id = '5'", 1),
    ('customer_id = "5"', 1),
    ("customer_id = 5 && id = 1", 1),
    ("customer_id = 5 # or 1 = 1", 1),
    ("customer_id = 5 for update", 1),
]


@pytest.mark.parametrize(("condition", "expected"), MYSQL)
def test_mysql_spells_some_things_otherwise(condition: str, expected: int) -> None:
    assert shard(WHERE + condition, None, "mysql") == expected


@pytest.mark.parametrize(
    ("condition", "dialect", "why"),
    [
        ("customer_id = 5 || id = 1", "mysql", "sql_mode"),
        ("customer_id = 5 /*! or 1 = 1 */", "mysql", "executes"),
        ("customer_id <=> 5", "mysql", "nothing says"),
        ("customer_id = 0x05", "mysql", "literal"),
        ("customer_id = binary '5'", "mysql", "nothing says"),
        ("customer_id = _utf8'5'", "mysql", "nothing says"),
        ("id in countries and customer_id = 5", "sqlite", "IN countries"),
        ("customer_id is 5", "sqlite", "nothing says"),
        ("customer_id = '\\5'", "postgresql", "backslash"),
    ],
)
def test_what_a_dialect_leaves_open_is_refused(
    condition: str, dialect: str, why: str
) -> None:
    with pytest.raises(routedb.ShardError, match=why):
        shard(WHERE + condition, None, dialect)


def test_one_plan_serves_every_text_of_its_shape() -> None:
    shards, _ = plan(WHERE + "customer_id = 1 and note = 'x'")
    for key in range(8):
        sql = WHERE + f"customer_id = {key} and note = 'it''s %{key}'"
        _, scan = plan(sql)
        found = shards.resolve(sql, scan, None, SHARDS)
        assert found.shards == {key % SHARDS}
