"""A database on real servers, its roles all known, and what each node says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.failover.rig import Rig
from tests.servers import Database


@pytest.fixture
def pg_rig(pg: Database) -> Iterator[Rig]:
    """PostgreSQL: a writer and two replicas."""
    with ExitStack() as stack:
        pg.execute("CREATE TABLE t (id int)")
        pg.wait_replayed()
        yield Rig(pg, stack)


@pytest.fixture
def my_rig(my: Database) -> Iterator[Rig]:
    """MariaDB: a writer and a replica."""
    with ExitStack() as stack:
        my.execute("CREATE TABLE t (id int)")
        my.wait_replayed()
        yield Rig(my, stack)
