"""INSERT: where its rows go, and how they are split over the shards."""

from __future__ import annotations

from typing import Any

import pytest

import routedb
from routedb.sharding import InsertPart
from routedb.sql import Classifier
from tests.support.sharded import plan, shard, target

INTO = "insert into orders (id, customer_id) "

ONE: list[tuple[str, Any, int | str]] = [
    (INTO + "values (1, 5)", None, 1),
    (INTO + "values (%s, %s)", (1, 5), 1),
    (INTO + "values (%(id)s, %(who)s)", {"id": 1, "who": 5}, 1),
    (INTO + "values (1, 5), (2, 9)", None, 1),
    (INTO + "values (1, -1)", None, 3),
    (INTO + "values (nextval('s'), 5) returning id", None, 1),
    (INTO + "values (default, '5')", None, 1),
    (INTO + "values (1, 5::bigint), (2, '9'::int)", None, 1),
    ('insert into orders ("id", "customer_id") values (1, 5)', None, 1),
    ("insert into s.orders as o (customer_id) values (5)", None, 1),
    ("with x as (select 1) " + INTO + "values (1, 5)", None, 1),
    (INTO + "overriding system value values (1, 5)", None, 1),
    (INTO + "values ((select max(id) from countries), 5)", None, 1),
    (INTO + "values ((select max(id) from items where customer_id = 9), 5)", None, 1),
    (INTO + "select 1, 5", None, 1),
    (INTO + "select 1, %s", (5,), 1),
    (INTO + "select id, 5 from countries", None, 1),
    (INTO + "select id, customer_id from items where customer_id = 5", None, 1),
    (INTO + "select i.id, i.customer_id as k from items i where i.customer_id = 5",
     None, 1),
    (INTO + "(select id, customer_id from items where customer_id = 5)", None, 1),
    (INTO + "select 1, 5 union all select id, customer_id from items "
     "where customer_id = 9", None, 1),
    ("with x as (insert into orders (id, customer_id) values (1, 5), (2, 9) "
     "returning *) select * from x", None, 1),
    ("insert into countries (id) values (1), (2)", None, "every"),
    ("insert into countries values (1), (2)", None, "every"),
    ("insert into countries (id) select id from rates", None, "every"),
    ("explain insert into orders (customer_id) values (5)", None, 1),
    ("explain insert into countries (id) values (5)", None, "any"),
    ("explain analyze insert into countries (id) values (5)", None, "every"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "params", "expected"), ONE)
def test_rows_of_one_shard_go_there(sql: str, params: Any, expected: int | str) -> None:
    assert shard(sql, params) == expected


def test_rows_are_split_by_shard_in_rising_order() -> None:
    sql = "INSERT INTO orders (customer_id, note) VALUES (2, 'b'), (1,'a'),  (6, ')')"
    assert target(sql).parts == (
        InsertPart(
            1, "INSERT INTO orders (customer_id, note) VALUES (1,'a')", None, (1,)
        ),
        InsertPart(
            2,
            "INSERT INTO orders (customer_id, note) VALUES (2, 'b'), (6, ')')",
            None,
            (0, 2),
        ),
    )


HEAD = "insert into orders (customer_id, note) "
SPLITS: list[tuple[str, str, str, Any, list[tuple[str, Any]]]] = [
    (
        "postgresql",
        HEAD + "values ",
        " on conflict (id) do update set note = %s where orders.n < %s returning id",
        (1, "a", 2, "b", 5, "c", "new", 9),
        [("(%s, %s), (%s, %s)", (1, "a", 5, "c", "new", 9)),
         ("(%s, %s)", (2, "b", "new", 9))],
    ),
    (
        "mysql",
        HEAD + "values ",
        " on duplicate key update note = concat(values(note), %s)",
        [1, "a", 2, "b", 5, "c", "+"],
        [("(%s, %s), (%s, %s)", (1, "a", 5, "c", "+")), ("(%s, %s)", (2, "b", "+"))],
    ),
    (
        "sqlite",
        "insert or replace into orders (customer_id, note) values ",
        "",
        (1, "a", 2, "b", 5, "c"),
        [("(%s, %s), (%s, %s)", (1, "a", 5, "c")), ("(%s, %s)", (2, "b"))],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "head", "tail", "params", "expected"), SPLITS)
def test_parameters_stay_in_step(
    dialect: str, head: str, tail: str, params: Any, expected: Any
) -> None:
    sql = head + "(%s, %s), (%s, %s), (%s, %s)" + tail
    parts = target(sql, params, dialect).parts
    assert [(p.sql, p.params) for p in parts] == [
        (head + rows + tail, dealt) for rows, dealt in expected
    ]


def test_literals_expressions_and_comments_in_rows_are_left_as_they_are() -> None:
    rows = ["(1, upper('(,%%') /* , ( */ || %s)", "(%s, array[1, 2])", "(3, e'\\')')"]
    sql = HEAD + "values " + ", ".join(rows)
    parts = target(sql, ("x", 2)).parts
    assert [part.sql for part in parts] == [HEAD + "values " + row for row in rows]
    assert [part.params for part in parts] == [("x",), (2,), ()]


def test_named_parameters_are_given_to_every_part() -> None:
    params = {"a": 1, "b": 2}
    parts = target(HEAD + "values (%(a)s, 'x'), (%(b)s, 'y')", params).parts
    assert [part.params for part in parts] == [params, params]


def test_a_long_insert_of_literals_is_split_whole() -> None:
    rows = [f"({n}, 'it''s, ({n})')" for n in range(4000)]
    found = target(HEAD + "values " + ",\n".join(rows))
    assert [part.shard for part in found.parts] == [0, 1, 2, 3]
    for part in found.parts:
        own = [rows[n] for n in part.rows]
        assert part.rows == tuple(range(part.shard, 4000, 4))
        assert part.sql == HEAD + "values " + ", ".join(own)


def test_a_long_insert_with_parameters_keeps_them_in_step() -> None:
    params = tuple(value for n in range(3000) for value in (n, f"n{n}"))
    sql = HEAD + "values " + ", ".join(["(%s, %s)"] * 3000) + " returning id"
    for part in target(sql, params).parts:
        assert part.params[0::2] == tuple(range(part.shard, 3000, 4))
        assert part.params[1::2] == tuple(f"n{n}" for n in part.rows)


def test_a_plan_made_from_one_text_serves_a_longer_one() -> None:
    shards, _ = plan(HEAD + "values (1, 'x')")
    sql = HEAD + "values " + ", ".join(f"({n}, 'x')" for n in range(4000))
    found = shards.resolve(sql, Classifier("postgresql").scan(sql), None, 4)
    assert sum(len(part.rows) for part in found.parts) == 4000


REFUSED: list[tuple[str, Any, str]] = [
    (INTO + "values (1, null)", None, "NULL"),
    (INTO + "values (1, %s)", (None,), "NULL"),
    (INTO + "values (1, 5), (2, null)", None, "NULL"),
    (INTO + "values (1, default)", None, "expression or a default"),
    (INTO + "values (1, 5), (2, default)", None, "row 2 is an expression"),
    (INTO + "values (1, abs(5))", None, "expression"),
    (INTO + "values (1, 5 + 1)", None, "expression"),
    (INTO + "values (1, %s + 1)", (5,), "expression"),
    (INTO + "values (1, (5))", None, "expression"),
    (INTO + "values (1, (select 5))", None, "expression"),
    (INTO + "values (1, 5), (2)", None, "row 2 has 1 values for 2 columns"),
    (INTO + "values (1, 5, 6)", None, "row 1 has 3 values for 2 columns"),
    ("insert into orders (id) values (1)", None, "no value for its shard key"),
    ("insert into orders values (1, 5)", None, "names of its columns"),
    ("insert into orders default values", None, "names of its columns"),
    (INTO + "select id, customer_id from items", None, "nothing says which shard"),
    (INTO + "select id, id from items where customer_id = 5", None, "expression"),
    (INTO + "select id, customer_id + 1 from items where customer_id = 5", None,
     "expression"),
    (INTO + "select * from items where customer_id = 5", None, "one by one"),
    (INTO + "select i.*, 5 from countries i", None, "one by one"),
    (INTO + "table countries", None, "one by one"),
    (INTO + "select id, null from countries", None, "NULL"),
    (INTO + "select 1, %s", (None,), "NULL"),
    (INTO + "select 1, user_id from events where user_id = 5", None, "another shard"),
    (INTO + "select c.id, i.customer_id from countries c left join items i "
     "on i.customer_id = 5", None, "another shard"),
    (INTO + "select 1, 5 union all select 2, 6", None, "on shards 1, 2"),
    (INTO + "select id, 6 from items where customer_id = 5", None, "on shards 1, 2"),
    (INTO + "values ((select max(id) from items), 5)", None, "nothing says"),
    (INTO + "values (1, 5), ((select max(id) from items), 5)", None, "nothing says"),
    (INTO + "values ((select max(id) from items where customer_id = 2), 5)", None,
     "cannot be split"),
    ("with x as (select 1) " + INTO + "values (1, 5), (2, 6)", None,
     "cannot be split, because it begins with WITH"),
    ("explain " + INTO + "values (1, 5), (2, 6)", None, "it is explained"),
    ("with x as (insert into orders (id, customer_id) values (1, 5), (2, 6) "
     "returning *) select * from x", None, "on shards 1, 2"),
    ("with x as (insert into orders (customer_id) values (null)) select 1", None,
     "NULL"),
    ("insert into countries (id) select id from orders where customer_id = 5", None,
     "also uses a sharded table"),
    ("insert into countries (id) values (random())", None, "value of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "params", "why"), REFUSED)
def test_rows_whose_shard_is_not_certain_are_refused(
    sql: str, params: Any, why: str
) -> None:
    with pytest.raises(routedb.ShardError, match=why):
        shard(sql, params)


MYSQL: list[tuple[str, int]] = [
    ("insert into orders set id = 1, customer_id = 5", 1),
    ("insert orders set customer_id = 5 on duplicate key update id = values(id)", 1),
    ("insert into orders (customer_id) value (5)", 1),
    ("replace into orders (customer_id) values (5)", 1),
    ("replace into orders set customer_id = 5", 1),
    ("replace delayed into orders (customer_id) values (5)", 1),
    ("insert low_priority ignore into orders (customer_id) values (5)", 1),
    ("insert ignore into orders (id, customer_id) select id, customer_id from items "
     "where customer_id = 5 on duplicate key update id = values(id)", 1),
    ("insert into orders (id, customer_id) values (1, 5) as n "
     "on duplicate key update id = n.id, customer_id = n.customer_id", 1),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), MYSQL)
def test_mysql_inserts_in_its_own_ways(sql: str, expected: int) -> None:
    assert shard(sql, None, "mysql") == expected


def test_replace_is_split_and_sent_as_written() -> None:
    sql = "replace into orders (customer_id) values (1), (2)"
    assert [p.sql for p in target(sql, None, "mysql").parts] == [
        "replace into orders (customer_id) values (1)",
        "replace into orders (customer_id) values (2)",
    ]
