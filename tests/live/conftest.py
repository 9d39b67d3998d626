"""A rig on each kind of server, with one table of five rows."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.support.inject import TimeLimit
from tests.support.server_rig import Rig
from tests.support.servers import Database

FIXTURES = {"postgresql": "pg", "mariadb": "my"}


@pytest.fixture(params=sorted(FIXTURES))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A rig on PostgreSQL, then on MariaDB."""
    with _rig(request.getfixturevalue(FIXTURES[request.param])) as rig:
        yield rig


@pytest.fixture
def pg_rig(pg: Database) -> Iterator[Rig]:
    """A rig on PostgreSQL, which has two replicas."""
    with _rig(pg) as rig:
        yield rig


@pytest.fixture
def my_rig(my: Database) -> Iterator[Rig]:
    """A rig on MariaDB."""
    with _rig(my) as rig:
        yield rig


@pytest.fixture
def alarm() -> Iterator[None]:
    """Have SIGALRM raise TimeLimit."""

    def handler(number: int, frame: Any) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@contextmanager
def _rig(database: Database) -> Iterator[Rig]:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
    database.execute("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)")
    database.wait_replayed()
    with ExitStack() as stack:
        yield Rig(database, stack)
