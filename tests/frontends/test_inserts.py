"""INSERT whose text leaves the shard key's place, or its value, to the catalog."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.shop import Shop

NOTED = "CREATE TABLE items (id integer, owner integer DEFAULT 3, note varchar(9))"


def _stored(shop: Shop) -> list[list[tuple[object, ...]]]:
    return [shop.run("SELECT * FROM items ORDER BY id", shard) for shard in range(2)]


def test_columns_come_from_the_catalog(shop: Shop) -> None:
    shop.run(NOTED)
    shop.run("INSERT INTO items VALUES (1, 1, 'a'), (2, 2, 'b%')")
    shop.run("INSERT INTO items VALUES (3, 1, 'c')")
    shop.cursor.execute("INSERT INTO items VALUES (%s, %s, %s)", (4, 2, "d%"))
    assert shop.cursor.rowcount == 1
    assert _stored(shop) == [[(2, 2, "b%"), (4, 2, "d%")], [(1, 1, "a"), (3, 1, "c")]]


def test_sets_of_parameters_are_dealt(shop: Shop) -> None:
    shop.run(NOTED)
    rows = [(n, n, f"n{n}") for n in range(5)]
    shop.cursor.executemany("INSERT INTO items VALUES (%s, %s, %s)", rows)
    assert shop.cursor.rowcount == 5
    assert _stored(shop) == [rows[0::2], rows[1::2]]


def test_a_key_that_is_left_out_is_its_constant_default(shop: Shop) -> None:
    shop.run(NOTED)
    shop.run("INSERT INTO items (id, note) VALUES (1, 'a'), (2, 'b')")
    shop.cursor.execute("INSERT INTO items (id) VALUES (%s)", (3,))
    assert _stored(shop) == [[], [(1, 3, "a"), (2, 3, "b"), (3, 3, None)]]


def test_the_names_are_those_of_now(shop: Shop) -> None:
    insert = "INSERT INTO items VALUES (1, 2, 'a')"
    shop.run(NOTED)
    shop.run(insert)
    shop.run("ALTER TABLE items DROP COLUMN note")
    shop.run("ALTER TABLE items ADD COLUMN price integer")
    shop.run("INSERT INTO items VALUES (2, 2, 7)")
    assert _stored(shop) == [[(1, 2, None), (2, 2, 7)], []]


def test_what_others_have_changed_is_asked_for_again(shop: Shop) -> None:
    shop.run(NOTED)
    shop.run("INSERT INTO items VALUES (1, 2, 'a')")
    other = shop.elsewhere()
    for shard in range(2):
        other.execute(f"/* routedb: shard={shard} */ ALTER TABLE items ADD price int")
    shop.run("INSERT INTO items VALUES (2, 2, 'b', 7)")
    assert _stored(shop)[0] == [(1, 2, "a", None), (2, 2, "b", 7)]


def test_a_row_is_never_stored_under_an_old_place_of_the_key(shop: Shop) -> None:
    shop.run("CREATE TABLE items (owner integer, a integer)")
    shop.run("INSERT INTO items VALUES (2, 1)")
    other = shop.elsewhere()
    for shard in range(2):
        hint = f"/* routedb: shard={shard} */"
        other.execute(f"{hint} DROP TABLE items")
        other.execute(f"{hint} CREATE TABLE items (a integer, owner integer)")
    shop.run("INSERT INTO items VALUES (2, 1)")
    rows = [shop.run("SELECT owner, a FROM items", shard) for shard in range(2)]
    assert rows == [[(2, 1)], []]  # as the columns were, on the shard of owner 2


REFUSED = [
    (
        "CREATE TABLE items (id integer, owner integer)",
        "INSERT INTO items (id) VALUES (1)",
    ),
    (NOTED, "INSERT INTO items (id, owner) VALUES (1, NULL)"),
    (NOTED, "INSERT INTO items VALUES (1, 1 + 1, 'a')"),
    (NOTED, "INSERT INTO items VALUES (1, 1, 'a', 4)"),
    (NOTED, "INSERT INTO items VALUES (1, 1, 'a'), (2, 2)"),
]


@pytest.mark.parametrize(("table", "sql"), REFUSED)
def test_what_the_catalog_does_not_tell_is_refused(
    lite_shop: Shop, table: str, sql: str
) -> None:
    lite_shop.run(table)
    with pytest.raises(routedb.ShardError):
        lite_shop.run(sql)
    assert _stored(lite_shop) == [[], []]


def test_a_default_that_differs_between_shards_is_none(lite_shop: Shop) -> None:
    for shard in range(2):
        lite_shop.run(NOTED.replace("3", str(shard)), shard)
    with pytest.raises(routedb.ShardError, match="no value for its shard key"):
        lite_shop.run("INSERT INTO items (id) VALUES (1)")


DEFAULTS = {
    "postgresql": ["'eu'", "'it''s'", "'eu'::varchar(9)", "CAST('eu' AS text)"],
    "mysql": ["'eu'", "'it''s'"],
    "sqlite": ["'eu'", "'it''s'"],
}
COMPUTED = {
    "postgresql": ["lower('EU')", "NULL", "CURRENT_USER", "'a' || 'b'"],
    "mysql": ["(lower('EU'))", "NULL"],
    "sqlite": ["(lower('EU'))", "NULL", "CURRENT_DATE"],
}


def test_constants_are_told_from_what_is_computed(shop: Shop) -> None:
    for defaults, is_constant in ((DEFAULTS, True), (COMPUTED, False)):
        for default in defaults[shop.engine]:
            shop.run(
                f"CREATE TABLE regions (code varchar(40) DEFAULT {default}, n int)"
            )
            if is_constant:
                shop.run("INSERT INTO regions (n) VALUES (1), (2)")
                code = "it's" if "it" in default else "eu"
                shop.cursor.execute("SELECT n FROM regions WHERE code = %s", (code,))
                assert len(shop.cursor.fetchall()) == 2, default
            else:
                with pytest.raises(routedb.ShardError):
                    shop.run("INSERT INTO regions (n) VALUES (1)")
            shop.run("DROP TABLE regions")


def test_postgresql_takes_fewer_values_than_columns(pg_shop: Shop) -> None:
    pg_shop.run(NOTED)
    pg_shop.run("INSERT INTO items AS i VALUES (1, 2), (2, 1)")
    pg_shop.run("INSERT INTO items OVERRIDING SYSTEM VALUE VALUES (3), (4)")
    assert _stored(pg_shop) == [
        [(1, 2, None)],
        [(2, 1, None), (3, 3, None), (4, 3, None)],
    ]


def test_sqlite_takes_no_value_for_generated_columns(lite_shop: Shop) -> None:
    lite_shop.run("CREATE TABLE items (id integer, twice AS (id * 2), owner integer)")
    lite_shop.run("INSERT INTO items VALUES (1, 2)")
    assert _stored(lite_shop) == [[(1, 2, 2)], []]


def test_mariadb_takes_no_value_for_invisible_columns(my_shop: Shop) -> None:
    my_shop.run("CREATE TABLE items (id integer, old integer INVISIBLE, owner integer)")
    my_shop.run("INSERT INTO items VALUES (1, 2)")
    assert _stored(my_shop) == [[(1, 2)], []]


def test_it_is_explained_as_it_runs(lite_shop: Shop) -> None:
    lite_shop.run(NOTED)
    explained = lite_shop.connection.explain("INSERT INTO items VALUES (1, 2, 'a')")
    assert explained.groups == (0,)
