"""docs/orm-peewee.rst, on a writer with replicas; and peewee's other databases."""

from __future__ import annotations

import pytest
from peewee import CharField, IntegrityError, Model

import routedb
from routedb.integrations.peewee import MySQLDatabase, SqliteDatabase
from tests.live.integrations.recipe import IS_REPLICA, Recipe, behind
from tests.support.later import later

ANSWERS = f"""
def asks():
    return database.execute_sql("{IS_REPLICA}").fetchone()[0]
known(database.connection(), asks)
with database.atomic():
    assert not asks()
assert Item.get(name="pin").name == "pin"
"""


@pytest.fixture
def recipe(pg, tmp_path):
    return Recipe("orm-peewee", tmp_path, pg)


def test_routedb_s_class_reads_from_replicas(recipe, pg):
    printed = recipe.python("use.py").splitlines()
    assert printed[0] == "pin"
    assert printed[1].startswith("(1,) ")
    assert pg.execute("SELECT name FROM item") == [("pin",)]
    recipe.check(f"from shop import *\n{ANSWERS}")


RUN = ("-m", "routedb", "run", "--config", "routedb.toml")
PATCH = "import routedb\npatched = routedb.patch('routedb.toml')\n"


@pytest.mark.parametrize(("before", "begin"), [(RUN, ""), *later([((), PATCH)])])
def test_a_program_as_it_is_reads_from_replicas(recipe, before, begin):
    assert recipe.python(*RUN, "plain.py") == "pin\n"
    recipe.check(f"{begin}from plain import *\n{ANSWERS}", *before)


OWN = """
from shop import *
known(database.connection(), lambda: True)
with database.atomic():
    database.create_tables([Item])
    Item.create(name="pin")
database.close()
assert [item.name for item in Item.select()] == ["pin"]
"""


def test_what_was_written_is_read_though_replicas_are_behind(recipe, pg):
    with behind(pg):
        recipe.check(OWN)


def test_a_pool_keeps_routedb_s_connections(recipe):
    recipe.python("use.py")
    recipe.check(f"""
from shop import Item
from pooled import database
Item.bind(database)
{ANSWERS}
first = database.connection()
database.close()
assert database.connection() is first
""")


def test_a_block_says_where_queries_go(recipe):
    recipe.python("use.py")
    assert recipe.python("aimed.py") == "1\n"
    recipe.check(f"""
from shop import *
{ANSWERS}
with database.connection().using(role="writer"):
    assert not asks()
""")


class Item(Model):  # type: ignore[misc]  # of peewee, without types
    name = CharField(unique=True)


def use(database):
    """Write and read through the ORM, and fail in a transaction."""
    with database.bind_ctx([Item]):
        database.create_tables([Item])
        Item.create(name="pin")
        two = [{"name": "nail"}, {"name": "pin"}]
        with pytest.raises(IntegrityError), database.atomic():
            Item.insert_many(two).execute()
        assert [item.name for item in Item.select()] == ["pin"]
    assert isinstance(database.connection(), routedb.Connection)
    database.close()


def test_mysql_has_a_class_too(my):
    use(MySQLDatabase(my.dsns))


def test_other_drivers_are_not_given_what_is_mysql_s(my, pg):
    nodes = {"main": {"nodes": my.dsns[:1]}, "other": {"nodes": pg.dsns[:1]}}
    database = MySQLDatabase({"default": "main", "databases": nodes})
    with database.connection().using("other"):
        assert database.execute_sql("SELECT 1").fetchone() == (1,)
    database.close()


def test_sqlite_has_a_class_too(sqlite_dir):
    database = SqliteDatabase(f"sqlite:///{sqlite_dir}/shop.db", pragmas={"cache": 9})
    database.register_function(lambda x: x + 1, "more")
    use(database)
    assert database.execute_sql("SELECT more(1)").fetchone() == (2,)
    database.close()
