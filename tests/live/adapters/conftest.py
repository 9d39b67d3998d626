"""A home and an open connection for each driver."""

from __future__ import annotations

import pytest

from tests.support.drivers import Home

TABLE = "CREATE TABLE t (id int PRIMARY KEY)"


@pytest.fixture(
    params=[
        pytest.param("postgresql", marks=pytest.mark.live),
        pytest.param("mysql", marks=pytest.mark.live),
        "sqlite",
    ]
)
def home(request, sqlite_dir):
    """Each driver's own kind of database."""
    if request.param == "sqlite":
        home = Home("sqlite", f"sqlite:///{sqlite_dir}/t.db")
        raw = home.connect()
        home.adapter.run(raw, TABLE)
        home.adapter.close(raw)
        return home
    fixture = {"postgresql": "pg", "mysql": "my"}[request.param]
    database = request.getfixturevalue(fixture)
    database.execute(TABLE)
    return Home(request.param, database.writer_dsn, database.cluster.writer)


@pytest.fixture
def raw(home):
    """An open connection of the driver's own."""
    raw = home.connect()
    yield raw
    home.adapter.close(raw)


@pytest.fixture
def pg_raw(pg):
    """A psycopg2 connection to the writer."""
    home = Home("postgresql", pg.writer_dsn)
    raw = home.connect()
    yield raw
    home.adapter.close(raw)


@pytest.fixture
def my_raw(my):
    """A MySQLdb connection to the writer."""
    home = Home("mysql", my.writer_dsn)
    raw = home.connect()
    yield raw
    home.adapter.close(raw)
