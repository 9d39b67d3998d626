"""One database on real servers for all tests of a module, its roles all known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

import routedb
from tests.support.server_rig import Rig
from tests.support.servers import Cluster, MariaDBCluster, PostgreSQLCluster

Connect = Callable[..., routedb.Connection]


@pytest.fixture(scope="module")
def pg_rig(postgresql: PostgreSQLCluster) -> Iterator[Rig]:
    """PostgreSQL: a writer and two replicas."""
    with _rig(postgresql) as rig:
        yield rig


@pytest.fixture(scope="module")
def my_rig(mariadb: MariaDBCluster) -> Iterator[Rig]:
    """MariaDB: a writer and a replica."""
    with _rig(mariadb) as rig:
        yield rig


@contextmanager
def _rig(cluster: Cluster) -> Iterator[Rig]:
    with cluster.database() as database, ExitStack() as stack:
        database.execute("CREATE TABLE t (id int)")
        database.wait_replayed()
        yield Rig(database, stack)


@pytest.fixture(scope="module")
def pg_cluster(pg_rig: Rig) -> routedb.Cluster:
    """All nodes of PostgreSQL."""
    return pg_rig.cluster()


@pytest.fixture(scope="module")
def my_cluster(my_rig: Rig) -> routedb.Cluster:
    """All nodes of MariaDB."""
    return my_rig.cluster()


@pytest.fixture
def pg_connect(pg_cluster: routedb.Cluster) -> Iterator[Connect]:
    """Open connections that are closed after the test."""
    with _closing(pg_cluster) as connect:
        yield connect


@pytest.fixture
def my_connect(my_cluster: routedb.Cluster) -> Iterator[Connect]:
    """Open connections that are closed after the test."""
    with _closing(my_cluster) as connect:
        yield connect


@contextmanager
def _closing(cluster: routedb.Cluster) -> Iterator[Connect]:
    made: list[routedb.Connection] = []

    def connect(**options: Any) -> routedb.Connection:
        made.append(cluster.connect(**{"autocommit": True} | options))
        return made[-1]

    yield connect
    for connection in made:
        if not connection.closed:
            connection.close()
