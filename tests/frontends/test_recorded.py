"""Foreign keys to tables in other databases: refused, or recorded beside the child."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

import pytest

import routedb
from routedb.cli.orphans import find_orphans
from routedb.cli.references import recorded_references

CREATE = (
    "CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, "
    "FOREIGN KEY (id) REFERENCES customers (id))"
)


class Shop(NamedTuple):
    """A routed connection, and what makes others of the same configuration."""

    routed: Any
    cluster: Any
    source: dict[str, Any]


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def shop(request, tmp_path) -> Iterator[Shop]:
    with ExitStack() as stack:
        home = f"sqlite:///{tmp_path}/home.db"
        if request.param != "sqlite":
            servers = request.getfixturevalue(request.param)
            home = stack.enter_context(servers.database()).writer_dsn
        source = {
            "default": "main",
            "foreign_keys": "record",
            "databases": {
                "main": {"nodes": [home]},
                "crm": {"nodes": [f"sqlite:///{tmp_path}/crm.db"]},
            },
            "tables": {"customers": "crm"},
        }
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        routed = stack.enter_context(closing(cluster.connect(autocommit=True)))
        with routed.using("crm"):
            cursor = routed.cursor()
            cursor.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
            cursor.execute("INSERT INTO customers VALUES (1), (2)")
        yield Shop(routed, cluster, source)


def test_a_key_is_left_out_recorded_and_looked_after(shop):
    cursor = shop.routed.cursor()
    cursor.execute(CREATE)
    cursor.execute("INSERT INTO orders VALUES (1, 1), (2, 7)")
    cursor.execute("ALTER TABLE orders ADD extra int REFERENCES customers")
    found = recorded_references(shop.routed)
    assert [str(each) for each in found] == [
        "orders(customer_id) -> customers(id)",
        "orders(extra) -> customers(id)",
        "orders(id) -> customers(id)",
    ]
    orphans = find_orphans(shop.routed, found[0], lambda rows: None)
    assert orphans.keys == {(7,): 1}
    cursor.execute("DROP TABLE orders")
    assert recorded_references(shop.routed) == []


def test_names_with_capitals_are_recorded_as_they_are(shop):
    cursor = shop.routed.cursor()
    quote = "`" if "mysql" in str(shop.source["databases"]["main"]) else '"'
    create = 'CREATE TABLE "Or ders" ("Id" int, "Customer" int REFERENCES customers)'
    cursor.execute(create.replace('"', quote))
    cursor.execute('INSERT INTO "Or ders" VALUES (1, 1), (2, 7)'.replace('"', quote))
    [found] = recorded_references(shop.routed)
    assert find_orphans(shop.routed, found, lambda rows: None).keys == {(7,): 1}


@pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
def test_a_key_that_is_to_hold_at_once_is_recorded_too(shop):
    cursor = shop.routed.cursor()
    cursor.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    adds = "ALTER TABLE orders ADD c int CONSTRAINT k REFERENCES {} (id) DEFERRABLE"
    cursor.execute(adds.format("customers") + "; SET CONSTRAINTS k IMMEDIATE")
    [found] = recorded_references(shop.routed)
    assert str(found) == "orders(c) -> customers(id)"
    for more in ("SET CONSTRAINTS k DEFERRED", "SELECT 1", "DROP TABLE orders"):
        with pytest.raises(routedb.CrossDatabaseError):
            cursor.execute(f"{adds.format('customers')}; {more}")


def test_it_is_part_of_the_transaction(shop):
    with closing(shop.cluster.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(CREATE)
        connection.rollback()
    is_undone = "mysql" not in str(shop.source["databases"]["main"]["nodes"][0])
    cursor = shop.routed.cursor()
    if is_undone:
        cursor.execute(CREATE)
    assert bool(recorded_references(shop.routed)) is is_undone


def test_without_the_setting_it_is_refused_with_the_ways_out(shop):
    source = {**shop.source, "foreign_keys": "refuse"}
    with (
        closing(routedb.Cluster(source)) as cluster,
        closing(cluster.connect(autocommit=True)) as routed,
        pytest.raises(routedb.CrossDatabaseError, match="foreign_keys = "),
    ):
        routed.cursor().execute(CREATE)
    assert recorded_references(shop.routed) == []


def test_a_parent_that_nobody_knows_is_refused(shop):
    with shop.routed.using("crm"):
        shop.routed.cursor().execute("DROP TABLE customers")
    shop.routed.session.core.catalog.forget()
    with pytest.raises(routedb.CrossDatabaseError, match="which columns of customers"):
        shop.routed.cursor().execute(CREATE)
