"""docs/orm-pandas.rst, on a writer with replicas; and pandas on SQLite."""

from __future__ import annotations

import pandas
import pytest

import routedb
from tests.live.integrations.recipe import IS_REPLICA, Recipe, behind
from tests.support.later import later

RUN = ("-m", "routedb", "run", "--config", "routedb.toml")
PATCH = "import routedb\npatched = routedb.patch('routedb.toml')\n"


@pytest.fixture
def recipe(pg, tmp_path):
    return Recipe("orm-pandas", tmp_path, pg)


def test_frames_are_written_to_the_writer_and_read_at_once(recipe, pg):
    assert recipe.python("frames.py") == "['pin', 'nail']\n"
    assert pg.execute("SELECT count(*) FROM item") == [(2,)]


OWN = """
import pandas, sqlalchemy
engine = sqlalchemy.create_engine("routedb:///routedb.toml")
reading = engine.execution_options(isolation_level="AUTOCOMMIT")
with engine.connect() as connection:
    known(connection.connection.dbapi_connection, lambda: True)
pandas.DataFrame({"id": [1, 2]}).to_sql("item", engine)
assert len(pandas.read_sql("SELECT * FROM item", reading)) == 2
engine.dispose()
"""


def test_what_was_written_is_read_though_replicas_are_behind(recipe, pg):
    with behind(pg):
        recipe.check(OWN)


READS = f"""
import pandas, sqlalchemy
def asks(connection=None):
    return pandas.read_sql("{IS_REPLICA}", connection or reading)["is_replica"][0]
with engine.connect() as connection:
    known(connection.connection.dbapi_connection, asks)
    assert not asks(connection)
declared = engine.execution_options(postgresql_readonly=True)
assert asks(declared) and not asks(engine)
frame = pandas.DataFrame({{"id": range(1000)}})
frame.to_sql("many", engine, index=False, method="multi", chunksize=100)
assert len(pandas.read_sql_table("many", engine)) == 1000
try:
    frame.to_sql("many", engine, index=False)
except ValueError:
    pass
engine.dispose()
"""


def test_reads_in_autocommit_are_answered_by_replicas(recipe):
    way = 'engine.execution_options(isolation_level="AUTOCOMMIT")'
    source = 'sqlalchemy.create_engine("routedb:///routedb.toml")'
    recipe.check(f"import sqlalchemy\nengine = {source}\nreading = {way}\n{READS}")


@pytest.mark.parametrize(("before", "begin"), [(RUN, ""), *later([((), PATCH)])])
def test_a_program_as_it_is_reads_from_replicas(recipe, before, begin):
    assert recipe.python(*RUN, "plain.py") == "2\n"
    way = 'reading = engine.execution_options(isolation_level="AUTOCOMMIT")'
    recipe.check(f"{begin}from plain import *\n{way}\n{READS}", *before)


def test_a_large_table_is_read_in_parts(recipe):
    assert recipe.python("parts.py") == "['pin', 'nail']\n2\n"


def test_a_connection_of_the_driver_is_read_as_psycopg2_s_is(recipe):
    recipe.python("frames.py")
    quiet = ("-W", "ignore:pandas only supports:UserWarning")
    assert recipe.python(*quiet, "driver.py") == "['pin', 'nail']\n"


def test_sqlite_is_read_and_written(sqlite_dir):
    connection = routedb.connect(f"sqlite:///{sqlite_dir}/shop.db")
    frame = pandas.DataFrame({"id": [1, 2], "name": ["pin", "nail"]})
    with pytest.warns(UserWarning, match="pandas only supports"):
        frame.to_sql("item", connection, index=False)
    connection.commit()
    with pytest.warns(UserWarning, match="pandas only supports"):
        found = pandas.read_sql(
            "SELECT * FROM item WHERE id = ?", connection, params=[2]
        )
    assert list(found["name"]) == ["nail"]
    connection.close()
