"""One home per driver: the same table on PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import routedb
from tests.frontends.home import Home, mysql_home, postgresql_home, sqlite_home
from tests.frontends.merged_world import (
    World,
    lite_world,
    mysql_world,
    postgresql_world,
)
from tests.frontends.shop import ENGINES, Shop, lite_shop, server_shop

HOMES = {"postgresql": "pg_home", "mysql": "my_home", "sqlite": "lite_home"}


@pytest.fixture
def pg_home(pg) -> Home:
    """A fresh database on PostgreSQL's writer and two replicas."""
    return postgresql_home(pg)


@pytest.fixture
def my_home(my) -> Home:
    """A fresh database on MariaDB's writer and replica."""
    return mysql_home(my)


@pytest.fixture
def lite_home(sqlite_dir) -> Home:
    """A fresh file in WAL mode, opened once for writing and once for reading."""
    return sqlite_home(sqlite_dir)


@pytest.fixture(params=list(HOMES))
def home(request: pytest.FixtureRequest) -> Home:
    """A home on each driver, one after another."""
    return request.getfixturevalue(HOMES[request.param])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close, after the test, what it opened."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def cluster(home: Home, stack: ExitStack) -> routedb.Cluster:
    """A cluster of the home's nodes, the writer last."""
    return stack.enter_context(routedb.Cluster(home.source))


@pytest.fixture
def connection(cluster: routedb.Cluster) -> routedb.Connection:
    """A connection as PEP 249 has it: autocommit is off."""
    return cluster.connect()


@pytest.fixture
def cursor(connection: routedb.Connection) -> routedb.Cursor:
    """A cursor of that connection."""
    return connection.cursor()


@pytest.fixture
def open_cluster(stack: ExitStack) -> Callable[..., routedb.Cluster]:
    """Open clusters of any configuration, closed after the test."""

    def open_(source: Any, **keywords: Any) -> routedb.Cluster:
        return stack.enter_context(routedb.Cluster(source, **keywords))

    return open_


@pytest.fixture
def lite(sqlite_dir, stack: ExitStack) -> World:
    """Rows over several SQLite files."""
    return lite_world(sqlite_dir, stack)


@pytest.fixture
def pg_world(postgresql, stack: ExitStack) -> World:
    """Rows over several databases of PostgreSQL."""
    return postgresql_world(postgresql, stack)


@pytest.fixture
def my_world(mariadb, stack: ExitStack) -> World:
    """Rows over several databases of MariaDB."""
    return mysql_world(mariadb, stack)


@pytest.fixture(params=["lite", "pg_world", "my_world"])
def world(request: pytest.FixtureRequest) -> Any:
    """Rows over several groups, on each engine."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def pg_shop(postgresql, stack: ExitStack) -> Shop:
    """Two empty shards on PostgreSQL."""
    return server_shop("postgresql", postgresql, stack)


@pytest.fixture
def my_shop(mariadb, stack: ExitStack) -> Shop:
    """Two empty shards on MariaDB."""
    return server_shop("mysql", mariadb, stack)


@pytest.fixture(name="lite_shop")
def _lite_shop(sqlite_dir, stack: ExitStack) -> Shop:
    """Two empty shards in SQLite files."""
    return lite_shop(sqlite_dir, stack)


_SHOPS = {"postgresql": "pg_shop", "mysql": "my_shop", "sqlite": "lite_shop"}


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest) -> Shop:
    """Two empty shards on each engine."""
    return request.getfixturevalue(_SHOPS[request.param])
