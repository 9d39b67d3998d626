"""A connection to a writer and two replicas, as a program of psycopg2 would use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import routedb
from tests.frontends.home import Home, postgresql_home
from tests.support.server_rig import settle


@pytest.fixture
def home(pg) -> Home:
    """A fresh database on PostgreSQL's writer and two replicas."""
    return postgresql_home(pg)


@pytest.fixture
def conn(home: Home) -> Iterator[Any]:
    """A connection in autocommit mode whose reads go to the replicas."""
    with routedb.Cluster(home.source) as cluster:
        connection = cluster.connect(autocommit=True)
        settle(cluster, {"replica1", "replica2"})
        yield connection
