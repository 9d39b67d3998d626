"""docs/orm-alembic.rst, on a writer with replicas and a second database."""

from __future__ import annotations

import configparser

import pytest

from tests.docs.documentation import blocks
from tests.live.integrations.recipe import Recipe
from tests.support.later import later

NO_URL = "driver://user:pass@localhost/dbname"
RUN = ("-m", "routedb", "run", "--config", "routedb.toml")
ALEMBIC = ("-m", "alembic")
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


@pytest.fixture
def archive(postgresql):
    with postgresql.database() as database:
        yield database


@pytest.fixture
def recipe(pg, archive, tmp_path):
    return Recipe("orm-alembic", tmp_path, pg, archive)


def settings():
    """Return the page's settings: those of one database, and those of several."""
    found = []
    for block in blocks("orm-alembic"):
        if block.language == "ini":
            parser = configparser.RawConfigParser()
            parser.read_string(block.text)
            found.append(parser)
    return found


def begin(recipe, url):
    """Begin a project, with a URL and the models of the page."""
    recipe.python(*ALEMBIC, "init", "migrations")
    recipe.edit("alembic.ini", NO_URL, url)
    said = "from models import Base\ntarget_metadata = Base.metadata"
    recipe.edit("migrations/env.py", "target_metadata = None", said)


@pytest.mark.parametrize(
    ("before", "url"),
    [
        pytest.param((), None, id="routedb"),  # with the URL of the page
        pytest.param(
            RUN,
            "postgresql+psycopg2://app:pw@db1/shop",
            id="as it is",
            marks=pytest.mark.long,
        ),
    ],
)
def test_migrations_are_made_and_run_on_the_writer(recipe, pg, before, url):
    begin(recipe, url or settings()[0]["alembic"]["sqlalchemy.url"])
    run = (*before, *ALEMBIC)
    recipe.python(*run, "revision", "--autogenerate", "-m", "items")
    recipe.python(*run, "upgrade", "head")
    assert pg.execute(TABLES) == [("alembic_version",), ("item",)]
    assert "No new upgrade operations" in recipe.python(*run, "check")
    assert "(head)" in recipe.python(*run, "current")
    recipe.python(*run, "downgrade", "base")
    assert pg.execute(TABLES) == [("alembic_version",)]


@pytest.mark.long
def test_a_migration_may_be_printed_as_sql(recipe, pg):
    begin(recipe, settings()[0]["alembic"]["sqlalchemy.url"])
    recipe.python(*ALEMBIC, "revision", "--autogenerate", "-m", "items")
    assert "CREATE TABLE item" in recipe.python(*ALEMBIC, "upgrade", "head", "--sql")
    assert pg.execute(TABLES) == [("alembic_version",)]


@pytest.mark.long
def test_what_was_migrated_is_read_at_once(recipe):
    begin(recipe, settings()[0]["alembic"]["sqlalchemy.url"])
    recipe.python(*ALEMBIC, "revision", "--autogenerate", "-m", "items")
    recipe.check("""
from alembic import command, config
from sqlalchemy import create_engine, text
engine = create_engine("routedb:///routedb.toml?consistency=process")
with engine.connect() as connection:
    known(connection.connection.dbapi_connection, lambda: True)
here = config.Config("alembic.ini")
url = "routedb:///routedb.toml?consistency=process"
here.set_main_option("sqlalchemy.url", url)
command.upgrade(here, "head")
reading = engine.execution_options(isolation_level="AUTOCOMMIT")
with reading.connect() as connection:
    assert connection.scalar(text("SELECT count(*) FROM item")) == 0
engine.dispose()
""")


@pytest.mark.long
def test_several_databases_have_a_version_table_each(recipe, pg, archive):
    recipe.python(*ALEMBIC, "init", "--template", "multidb", "migrations")
    several = settings()[1]
    recipe.edit("alembic.ini", "engine1, engine2", several["alembic"]["databases"])
    for number, name in (("1", "main"), ("2", "archive")):
        place = NO_URL if number == "1" else f"{NO_URL}2"
        recipe.edit("alembic.ini", f"[engine{number}]", f"[{name}]")
        recipe.edit(
            "alembic.ini", f"= {place}\n", f"= {several[name]['sqlalchemy.url']}\n"
        )
    recipe.python(*ALEMBIC, "revision", "--rev-id", "one", "-m", "items")
    [path] = (recipe.folder / "migrations/versions").glob("one_*.py")
    name = str(path.relative_to(recipe.folder))
    for database, table in (("main", "item"), ("archive", "old_item")):
        head = f'"""Upgrade {database} schema."""\n    '
        made = f'op.create_table("{table}", sa.Column("id", sa.Integer))'
        recipe.edit(name, f"{head}pass", head + made)
        head = f'"""Downgrade {database} schema."""\n    '
        recipe.edit(name, f"{head}pass", f'{head}op.drop_table("{table}")')
    recipe.python(*ALEMBIC, "upgrade", "head")
    assert pg.execute(TABLES) == [("alembic_version",), ("item",)]
    assert archive.execute(TABLES) == [("alembic_version",), ("old_item",)]
    recipe.python(*ALEMBIC, "downgrade", "base")
    assert pg.execute(TABLES) == archive.execute(TABLES) == [("alembic_version",)]


@pytest.mark.parametrize("transactions", ["two-phase", *later(["single"])])
def test_one_migration_over_two_databases_is_done_on_both_or_refused(
    recipe, pg, archive, transactions
):
    name = "routedb.toml"
    written = (recipe.folder / name).read_text()
    recipe.write(name, f'transactions = "{transactions}"\n{written}')
    begin(recipe, settings()[0]["alembic"]["sqlalchemy.url"])
    recipe.python(*ALEMBIC, "revision", "--rev-id", "one", "-m", "old")
    [path] = (recipe.folder / "migrations/versions").glob("one_*.py")
    head = '"""Upgrade schema."""\n    '
    made = 'op.create_table("old_item", sa.Column("id", sa.Integer))'
    recipe.edit(str(path.relative_to(recipe.folder)), f"{head}pass", head + made)
    if transactions == "two-phase":
        recipe.python(*ALEMBIC, "upgrade", "head")
        assert ("alembic_version",) in pg.execute(TABLES)
        assert ("old_item",) in archive.execute(TABLES)
        return
    with pytest.raises(AssertionError, match="CrossDatabaseError"):
        recipe.python(*ALEMBIC, "upgrade", "head")
    assert (pg.execute(TABLES), archive.execute(TABLES)) == ([], [])
