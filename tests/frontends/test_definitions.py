"""Definitions on tables of a sharded database: on every shard, on each engine."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2.errors
import pytest

import routedb
from tests.frontends.shop import ITEMS, Shop

# -- on every shard --------------------------------------------------------------------


def test_definitions_run_on_every_shard(shop: Shop) -> None:
    shop.run(ITEMS)
    assert shop.cursor.route.reasons[1][1] == "CREATE TABLE: runs on every shard"
    assert shop.has("items") == [True, True]
    shop.run("CREATE INDEX by_id ON items (id)")
    drop = "DROP INDEX by_id" + (" ON items" if shop.engine == "mysql" else "")
    shop.run(drop)
    with pytest.raises(routedb.DatabaseError):
        shop.run(drop)
    shop.run("CREATE VIEW items_seen AS SELECT owner, id FROM items")
    assert shop.has("items_seen") == [True, True]
    shop.run("DROP VIEW items_seen")
    assert shop.has("items_seen") == [False, False]
    shop.run("ALTER TABLE items RENAME TO items_old")
    assert shop.has("items_old") == [True, True]
    shop.run("DROP TABLE items_old")
    assert shop.has("items_old") == [False, False]


def test_reference_tables_are_defined_on_every_shard(shop: Shop) -> None:
    shop.run("CREATE TABLE places (id integer PRIMARY KEY, name varchar(9) UNIQUE)")
    shop.run("INSERT INTO places (id, name) VALUES (1, 'here')")
    assert [shop.run("SELECT name FROM places", n) for n in range(2)] == [
        [("here",)],
        [("here",)],
    ]


@pytest.mark.parametrize("shop", ["postgresql", "mysql"], indirect=True)
def test_tables_are_emptied_on_every_shard(shop: Shop) -> None:
    shop.run(ITEMS)
    shop.run("INSERT INTO items (id, owner) VALUES (1, 1), (2, 2)")
    shop.run("TRUNCATE TABLE items")
    assert shop.run("SELECT count(*) FROM items") == [(0,)]


def test_a_new_column_is_seen_by_every_connection(shop: Shop) -> None:
    other = shop.connect(autocommit=True).cursor()
    shop.run(ITEMS)
    shop.run("INSERT INTO items (id, owner) VALUES (1, 1), (2, 2)")
    for cursor in (shop.cursor, other):
        cursor.execute("SELECT * FROM items ORDER BY id")
        assert [tuple(row) for row in cursor.fetchall()] == [(1, 1), (2, 2)]
    shop.run("ALTER TABLE items ADD COLUMN price integer DEFAULT 7")
    for cursor in (shop.cursor, other):
        cursor.execute("SELECT * FROM items ORDER BY id")
        assert [tuple(row) for row in cursor.fetchall()] == [(1, 1, 7), (2, 2, 7)]
        cursor.execute("SELECT sum(price) FROM items")
        assert [int(value) for (value,) in cursor.fetchall()] == [14]


def test_parameters_are_given_to_every_shard(pg_shop: Shop) -> None:
    pg_shop.run(ITEMS)
    pg_shop.cursor.execute("COMMENT ON TABLE items IS %s", ("what is sold",))
    asked = "SELECT obj_description('items'::regclass)"
    assert [pg_shop.run(asked, n) for n in range(2)] == [[("what is sold",)]] * 2


# -- when one shard refuses ------------------------------------------------------------


@pytest.mark.parametrize("shop", ["postgresql", "sqlite"], indirect=True)
def test_where_one_shard_refuses_none_has_it(shop: Shop) -> None:
    shop.run("CREATE TABLE items (id integer)", 1)
    with pytest.raises(routedb.DatabaseError, match="already exists") as failed:
        shop.run(ITEMS)
    assert type(failed.value).__name__ in ("DuplicateTable", "OperationalError")
    (note,) = vars(failed.value)["__notes__"]
    assert "shard 1 of shop" in note
    assert shop.has("items") == [False, True]


def test_where_one_shard_refuses_mysql_tells_what_was_done(my_shop: Shop) -> None:
    my_shop.run("CREATE TABLE items (id integer)", 1)
    said = r"done on shards 0 of shop and failed on shard 1: .*already exists"
    with pytest.raises(routedb.OperationalError, match=said) as failed:
        my_shop.run(ITEMS)
    assert failed.value.__cause__ is not None
    assert my_shop.has("items") == [True, True]
    my_shop.run(ITEMS.replace("TABLE", "TABLE IF NOT EXISTS"))


def test_where_the_first_shard_refuses_mysqls_error_is_its_own(my_shop: Shop) -> None:
    my_shop.run("CREATE TABLE items (id integer)", 0)
    with pytest.raises(routedb.OperationalError, match="already exists") as failed:
        my_shop.run(ITEMS)
    assert failed.value.args[0] == 1050
    assert my_shop.has("items") == [True, False]


# -- inside a transaction --------------------------------------------------------------


@pytest.mark.parametrize("shop", ["postgresql", "sqlite"], indirect=True)
def test_definitions_are_part_of_the_transaction(shop: Shop) -> None:
    shop.run(ITEMS)
    connection = shop.connect(autocommit=False)
    cursor = connection.cursor()
    for ends in (connection.rollback, connection.commit):
        cursor.execute("INSERT INTO items (id, owner) VALUES (1, 1)")
        cursor.execute("ALTER TABLE items ADD COLUMN price integer DEFAULT 7")
        cursor.execute("SELECT * FROM items")
        assert cursor.fetchall() == [(1, 1, 7)]
        ends()
        lasting = 1 if ends == connection.commit else 0
        assert len(shop.run("SELECT * FROM items", 1)) == lasting
    for shard in range(2):
        shop.run("SELECT price FROM items", shard)


def test_mysql_commits_what_is_open_on_every_shard(my_shop: Shop) -> None:
    my_shop.run(ITEMS)
    connection = my_shop.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO items (id, owner) VALUES (1, 1)")
    cursor.execute("ALTER TABLE items ADD COLUMN price integer")
    connection.rollback()
    assert my_shop.run("SELECT * FROM items") == [(1, 1, None)]
    cursor.execute("INSERT INTO items (id, owner) VALUES (2, 2)")  # a new one
    connection.rollback()
    assert my_shop.run("SELECT * FROM items") == [(1, 1, None)]


def test_sqlite_definitions_last_without_a_commit_as_its_driver_has_it(
    lite_shop: Shop,
) -> None:
    connection = lite_shop.connect(autocommit=False)
    connection.cursor().execute(ITEMS)
    connection.rollback()
    assert lite_shop.has("items") == [True, True]
    lite_shop.run("CREATE TABLE items_old (id integer)", 1)
    with pytest.raises(routedb.OperationalError):
        connection.cursor().execute("CREATE TABLE items_old (owner integer)")
    assert lite_shop.has("items_old") == [False, True]


def test_indexes_are_made_concurrently_outside_of_transactions(pg_shop: Shop) -> None:
    pg_shop.run(ITEMS)
    pg_shop.run("CREATE INDEX CONCURRENTLY by_id ON items (id)")
    pg_shop.run("DROP INDEX CONCURRENTLY by_id")
    connection = pg_shop.connect(autocommit=False)
    with pytest.raises(psycopg2.errors.ActiveSqlTransaction):
        connection.cursor().execute("CREATE INDEX CONCURRENTLY by_id ON items (id)")
    connection.rollback()
    pg_shop.run("CREATE INDEX by_id ON items (id)", 1)
    with pytest.raises(routedb.ProgrammingError, match="done on shards 0 of shop"):
        pg_shop.run("CREATE INDEX CONCURRENTLY by_id ON items (id)")
    pg_shop.run("CREATE INDEX CONCURRENTLY IF NOT EXISTS by_id ON items (id)")


# -- without a table -------------------------------------------------------------------


@pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
def test_what_belongs_to_a_database_is_defined_on_every_shard(shop: Shop) -> None:
    for text in (
        "CREATE SCHEMA apart",
        "CREATE TYPE apart.mood AS ENUM ('sad', 'glad')",
        "CREATE DOMAIN apart.score AS int CHECK (VALUE > 0)",
        "CREATE EXTENSION citext SCHEMA apart",
        "CREATE FUNCTION apart.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ):
        shop.run(text)
        verb = " ".join(text.split()[:2])
        reasons = [why for _, why in shop.cursor.route.reasons]
        assert f"{verb}: runs on every shard" in reasons
    asked = "SELECT 'glad'::apart.mood::text, 'A'::apart.citext::text, apart.one()"
    for shard in range(2):
        assert shop.run(asked, shard) == [("glad", "A", 1)]
    shop.run("DROP SCHEMA apart CASCADE")
    for shard in range(2):
        with pytest.raises(routedb.ProgrammingError):
            shop.run(asked, shard)


@pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
def test_a_sequence_of_a_sharded_database_is_refused(shop: Shop) -> None:
    with pytest.raises(routedb.ShardError, match="would draw the same numbers"):
        shop.run("CREATE SEQUENCE numbers")
    shop.run("CREATE SEQUENCE numbers", shard=1)


@pytest.fixture(params=["postgresql", "sqlite"])
def halves(
    request: pytest.FixtureRequest, tmp_path: Path, stack: ExitStack
) -> dict[str, Any]:
    """A configuration whose tables far_* are in another database than the others."""
    if request.param == "sqlite":
        dsns = [f"sqlite:///{tmp_path}/{name}.db" for name in ("home", "far")]
    else:
        servers = request.getfixturevalue("postgresql")
        made = [stack.enter_context(servers.database()) for _ in range(2)]
        dsns = [each.writer_dsn for each in made]
    databases = dict(zip(["home", "far"], [{"nodes": [d]} for d in dsns], strict=True))
    return {"default": "home", "databases": databases, "tables": {"far_*": "far"}}


def test_an_index_is_dropped_where_it_is(
    halves: dict[str, Any], stack: ExitStack
) -> None:
    cluster = stack.enter_context(routedb.Cluster(halves))
    opened = stack.enter_context(closing(cluster.connect(autocommit=True)))
    cursor: Any = opened.cursor()
    for table in ("near", "far_one", "far_two"):
        cursor.execute(f"CREATE TABLE {table} (id int)")
        cursor.execute(f'CREATE INDEX "{table}\'s" ON {table} (id)')
    for table, place in (("far_one", "far"), ("near", "home")):
        cursor.execute(f'DROP INDEX "{table}\'s"')
        assert cursor.route.database == place
        with pytest.raises(routedb.DatabaseError):
            cursor.execute(f'DROP INDEX "{table}\'s"')
        cursor.execute(f'DROP INDEX IF EXISTS "{table}\'s"')
    for table in ("near", "far_one"):
        cursor.execute(f"CREATE INDEX twin ON {table} (id)")
    with pytest.raises(routedb.ShardError, match="twin in home and twin in far"):
        cursor.execute("DROP INDEX twin")
    with opened.using("far"):
        cursor.execute("DROP INDEX twin")
    cursor.execute("DROP INDEX twin")
    assert cursor.route.database == "home"


@pytest.mark.parametrize("halves", ["postgresql"], indirect=True)
def test_an_index_of_the_open_transaction_is_found(
    halves: dict[str, Any], stack: ExitStack
) -> None:
    cluster = stack.enter_context(routedb.Cluster(halves))
    opened = stack.enter_context(closing(cluster.connect()))
    cursor: Any = opened.cursor()
    cursor.execute("CREATE TABLE far_one (id int)")
    cursor.execute("CREATE INDEX first ON far_one (id)")
    cursor.execute("ALTER INDEX first RENAME TO second")
    cursor.execute("DROP INDEX second")
    assert cursor.route.database == "far"
    opened.rollback()
