"""The whole way: a connection to a database of four SQLite files.

Reads of several shards are refused here, as the configuration can have it; how they are
answered is in `tests/frontends/test_merged_reads.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import routedb

TABLES = """
create table orders (id int, customer_id int, note text, unique (id, customer_id));
create table order_items (order_id int, customer_id int);
create table countries (code text primary key, name text);
insert into countries values ('de', 'Germany');
"""
RULES = {
    "orders": {"database": "orders", "shard_key": "customer_id", "function": "modulo"},
    "order_items": {
        "database": "orders",
        "shard_key": "customer_id",
        "function": "modulo",
    },
    "countries": {"database": "orders", "reference": True},
}


class Shop:
    """A connection, and the four files behind it."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / f"o{number}.db" for number in range(4)]
        for path in self.paths:
            with closing(sqlite3.connect(path)) as raw:
                raw.executescript(TABLES)
        shards = [[f"sqlite:///{path}"] for path in self.paths]
        self.cluster = routedb.Cluster(
            {
                "default": "orders",
                "joins": "refuse",
                "databases": {"orders": {"shards": shards}},
                "tables": RULES,
            }
        )
        self.connection = self.cluster.connect()
        self.cursor = self.connection.cursor()

    def run(self, sql: str, params: Any = None) -> Any:
        """Run a statement and return its rows, when it has any."""
        self.cursor.execute(sql, params)
        return self.cursor.fetchall() if self.cursor.description else None

    def stored(self, sql: str) -> list[list[tuple[Any, ...]]]:
        """Return what each file holds by itself."""
        found = []
        for path in self.paths:
            with closing(sqlite3.connect(path)) as raw:
                found.append(raw.execute(sql).fetchall())
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    with made.cluster, closing(made.connection):
        yield made


INSERT = "insert into orders (id, customer_id, note) values "


def test_rows_of_one_insert_are_stored_on_their_shards(shop: Shop) -> None:
    rows = shop.run(
        INSERT + "(%s, %s, 'a'), (2, 2, %s), (3, 5, 'c') on conflict (id, customer_id) "
        "do update set note = %s returning id, note",
        (1, 1, "b", "again"),
    )
    shop.connection.commit()
    assert rows == [(1, "a"), (2, "b"), (3, "c")]
    assert shop.cursor.rowcount == 3
    assert shop.stored("select id from orders order by id") == [
        [], [(1,), (3,)], [(2,)], [],
    ]  # fmt: skip


def test_a_key_finds_its_row(shop: Shop) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b'), (3, 7, 'c')")
    for sql, params in (
        ("select note from orders where customer_id = 7", None),
        ("select note from orders where customer_id = '7'", None),
        ("select note from orders where customer_id = %s", (7,)),
        ("select note from orders where customer_id in (%(a)s, 3)", {"a": 7}),
    ):
        assert shop.run(sql, params) == [("c",)]
    assert shop.run("select note from orders where customer_id = null") == []


@pytest.mark.parametrize("length", [1, 2, 3, 700])
def test_a_list_of_any_length_finds_its_rows(shop: Shop, length: int) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b'), (3, 7, 'c')")
    query = "select note from orders where customer_id in ({}) and id = {}"
    assert shop.run(query.format("1, 5", 1)) == [("a",)]  # the shape's first text
    keys = ", ".join(str(4 * n + 7) for n in range(length))
    assert shop.run(query.format(keys, 3)) == [("c",)]
    assert shop.run(query.format("2, 6, 10", 2)) == [("b",)]
    with pytest.raises(routedb.ShardError, match="shards"):
        shop.run(query.format(f"{keys}, 2", 3))


@pytest.mark.parametrize("length", [2, 700])
def test_a_long_list_beside_the_rows_of_an_insert(shop: Shop, length: int) -> None:
    ids = ", ".join(str(n) for n in range(length))
    shop.run(
        f"insert into orders (id, customer_id, note) values (5, 5, 'x') on conflict "
        f"(id, customer_id) do update set note = 'y' where orders.id in ({ids})"
    )
    shop.run(f"update orders set note = 'z' where customer_id = 5 and id in ({ids}, 5)")
    assert shop.run("select note from orders where customer_id = 5") == [("z",)]


def test_an_insert_that_fails_on_one_shard_leaves_nothing(shop: Shop) -> None:
    shop.run(INSERT + "(3, 3, 'there')")
    shop.connection.commit()
    with pytest.raises(routedb.IntegrityError):
        shop.run(INSERT + "(1, 1, 'new'), (2, 2, 'new'), (3, 3, 'twice')")
    shop.connection.rollback()
    assert shop.stored("select note from orders") == [[], [], [], [("there",)]]


def test_a_reference_table_is_written_everywhere_and_read_anywhere(shop: Shop) -> None:
    shop.run("update countries set name = %s where code = 'de'", ("Deutschland",))
    assert shop.cursor.rowcount == 1
    shop.connection.commit()
    assert shop.stored("select name from countries") == [[("Deutschland",)]] * 4
    assert shop.run("select name from countries") == [("Deutschland",)]


def test_a_join_with_a_reference_table_runs_on_the_keys_shard(shop: Shop) -> None:
    shop.run(INSERT + "(1, 6, 'de')")
    joined = (
        "select o.id, c.name from orders o left join countries c on c.code = o.note "
        "where o.customer_id = %s"
    )
    assert shop.run(joined, (6,)) == [(1, "Germany")]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from orders",
        "select * from orders where customer_id in (1, 2)",
        "update orders set note = 'x' where note in (select note from order_items)",
        "delete from orders where rowid = 1",
        "insert into orders (id, customer_id) values (1, null)",
        "insert into orders (id) values (1)",
        "update orders set customer_id = 2 where customer_id = 1",
        "alter table orders drop column customer_id",
        "create unique index i on orders (note)",
    ],
)
def test_a_statement_for_several_shards_is_refused_before_it_runs(
    shop: Shop, sql: str
) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b')")
    shop.connection.commit()
    before = shop.stored("select * from orders")
    with pytest.raises(routedb.ShardError):
        shop.run(sql)
    assert shop.run("select note from orders where customer_id = 2") == [("b",)]
    shop.connection.commit()
    assert shop.stored("select * from orders") == before


def test_rows_on_any_shard_are_changed_on_theirs(shop: Shop) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b'), (3, 5, 'c'), (4, 4, 'd')")
    shop.run("update orders set note = note || '!' where id > %s returning id", (1,))
    assert shop.cursor.rowcount == 3
    shop.run("delete from orders where customer_id in (1, 2)")
    assert shop.cursor.rowcount == 2
    shop.connection.commit()
    stored = shop.stored("select note from orders order by id")
    assert stored == [[("d!",)], [("c!",)], [], []]
    shop.run("delete from orders")
    assert shop.cursor.rowcount == 2
    assert "runs on every one" in str(shop.connection.explain("delete from orders"))


def test_a_change_that_fails_on_one_shard_is_undone_on_all(shop: Shop) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b'), (3, 2, 'c')")
    shop.connection.commit()
    with pytest.raises(routedb.IntegrityError):
        shop.run("update orders set id = 9")
    shop.connection.commit()
    assert shop.stored("select id from orders") == [[], [(1,)], [(2,), (3,)], []]


def test_many_changes_of_rows_on_any_shard_are_sent_at_once(shop: Shop) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b'), (3, 6, 'c')")
    shop.cursor.executemany(
        "update orders set note = %s where id = %s", [("x", 1), ("y", 3), ("z", 9)]
    )
    assert shop.cursor.rowcount == 2
    assert shop.cursor.route is not None
    assert shop.cursor.route.hits == [3]
    shop.connection.commit()
    stored = shop.stored("select note from orders order by id")
    assert stored == [[], [("x",)], [("b",), ("y",)], []]


def test_a_transaction_stays_on_its_shard(shop: Shop) -> None:
    shop.run(INSERT + "(1, 1, 'a')")
    shop.run("insert into order_items (order_id, customer_id) values (1, 1)")
    with pytest.raises(routedb.ShardError, match="a transaction writes to one shard"):
        shop.run("update orders set note = 'x' where customer_id = 2")
    shop.connection.commit()
    assert shop.stored("select count(*) from order_items")[1] == [(1,)]
    shop.run("update orders set note = 'x' where customer_id = 2")


def test_many_sets_of_parameters_go_each_to_its_shard(shop: Shop) -> None:
    rows = [(number, number, "n") for number in range(20)]
    shop.cursor.executemany(INSERT + "(%s, %s, %s)", rows)
    assert shop.cursor.rowcount == 20
    shop.connection.commit()
    counts = shop.stored("select count(*), min(id % 4), max(id % 4) from orders")
    assert counts == [[(5, number, number)] for number in range(4)]


def test_a_long_insert_is_split(shop: Shop) -> None:
    values = ", ".join(f"({n}, {n}, 'it''s {n}')" for n in range(3000))
    shop.run(INSERT + values)
    shop.connection.commit()
    assert shop.stored("select count(*) from orders") == [[(750,)]] * 4


def test_hints_name_a_shard_or_a_key(shop: Shop) -> None:
    shop.run(INSERT + "(1, 1, 'a'), (2, 2, 'b')")
    assert shop.run("/* routedb: shard=2 */ select note from orders") == [("b",)]
    assert shop.run("/* routedb: key=5 */ select note from orders") == [("a",)]
    shop.connection.commit()
    for number in range(4):
        shop.run(f"/* routedb: shard={number} */ create index i on orders (note)")
        shop.connection.commit()
    assert shop.stored("select count(*) from sqlite_master where name = 'i'") == (
        [[(1,)]] * 4
    )


def test_explain_names_the_shard_and_why(shop: Shop) -> None:
    explain = shop.connection.explain
    one = str(explain("select * from orders where customer_id = %s", (6,)))
    every = str(explain("delete from countries"))
    assert "orders[2]" in one
    assert "shard key is on shard 2" in one
    assert "written on every shard" in every
    with pytest.raises(routedb.ShardError, match="nothing says which shard"):
        explain("select * from orders")
