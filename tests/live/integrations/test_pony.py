"""docs/orm-pony.rst, on a writer with replicas; and Pony on MySQL."""

from __future__ import annotations

from typing import Any

import pytest
from pony.orm import Database, Required, TransactionIntegrityError, db_session, select

from routedb.integrations import pony
from tests.live.integrations.recipe import IS_REPLICA, Recipe, behind
from tests.support.later import later

RUN = ("-m", "routedb", "run", "--config", "routedb.toml")
PATCH = "import routedb\npatched = routedb.patch('routedb.toml')\n"
ANSWERS = f"""
from pony.orm import *
def asks():
    return db.select("{IS_REPLICA}")[0]
with db_session:
    asks()
    raw = db.provider.pool.con
    known(raw, asks)
    assert select(i.name for i in Item).first() == "pin"
with db_session(immediate=True):
    assert not asks()
with db_session:
    assert asks()
    assert raw is db.provider.pool.con
    assert Item.get_for_update(name="pin")
    assert not asks()
"""


@pytest.fixture
def recipe(pg, tmp_path):
    return Recipe("orm-pony", tmp_path, pg)


def test_routedb_s_provider_reads_from_replicas(recipe, pg):
    printed = recipe.python("use.py").splitlines()
    assert printed[:2] == ["pin", "[1]"]
    assert printed[2] == f"127.0.0.1:{pg.cluster.writer.port}/{pg.name}"
    assert pg.execute("SELECT name FROM item") == [("pin",)]
    recipe.check(f"from shop import *\n{ANSWERS}")


@pytest.mark.parametrize(("before", "begin"), [(RUN, ""), *later([((), PATCH)])])
def test_a_program_as_it_is_reads_from_replicas(recipe, before, begin):
    assert recipe.python(*RUN, "plain.py") == "pin\n"
    recipe.check(f"{begin}from plain import *\n{ANSWERS}", *before)


OWN = """
from pony.orm import *
from shop import db, Item
with db_session:
    db.select("SELECT 1")
    known(db.provider.pool.con, lambda: True)
for number in range(3):
    with db_session:
        Item(name=f"pin {number}")
    with db_session:
        assert select(i for i in Item).count() == number + 1
"""


def test_what_was_written_is_read_though_replicas_are_behind(recipe, pg):
    recipe.check("from shop import *")  # the tables
    with behind(pg):
        recipe.check(OWN)


def test_a_session_that_begins_at_once_is_on_the_writer(recipe):
    recipe.python("use.py")
    assert recipe.python("aimed.py") == "1\n"


SETTINGS = """
from pony.orm import *
from shop import db
def setting():
    return db.select("SELECT current_setting('work_mem')")[0]
with db_session:
    before = setting()
    known(db.provider.pool.con, lambda: True)
    db.execute("SET work_mem = '123kB'")
    assert setting() == "123kB"
for session in (db_session, db_session(immediate=True)):
    with session:
        assert setting() == before
"""


def test_nothing_of_a_session_is_left_on_any_link_for_the_next(recipe):
    recipe.check(SETTINGS)


def test_mysql_has_a_provider_too(my):
    db: Any = Database()
    Item: Any = type("Item", (db.Entity,), {"name": Required(str, unique=True)})
    db.bind(pony.MySQL, my.dsns)
    db.generate_mapping(create_tables=True)
    with db_session:
        Item(name="pin")
    with pytest.raises(TransactionIntegrityError), db_session:
        Item(name="pin")
    with db_session:
        assert list(select(i.name for i in Item)) == ["pin"]
    db.disconnect()


def test_other_providers_are_pony_s_own():
    assert not hasattr(pony, "SQLite")
