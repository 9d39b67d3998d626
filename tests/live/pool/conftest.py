"""Pools on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

import routedb
from tests.support.servers import Database

SESSIONS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = %s AND "
    "backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = %s",
}
KILL = {"postgresql": "SELECT pg_terminate_backend(%s, 10000)", "mysql": "KILL %s"}


class Slot:
    """One database, and the clusters with pools that a test makes of it."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self.database = database
        self.engine = database.cluster.writer.scheme
        self._stack = stack

    def cluster(self, source: Any = None, **options: Any) -> routedb.Cluster:
        """Make a cluster of the writer alone, or of `source`."""
        dsns = self.database.writer_dsn if source is None else source
        return self._stack.enter_context(routedb.Cluster(dsns, **options))

    def sessions(self, server: int = 0) -> set[int]:
        """The numbers of the server's sessions on the database."""
        node = self.database.cluster.nodes[server]
        found = node.execute(SESSIONS[self.engine], (self.database.name,))
        return {number for (number,) in found}

    def end_sessions(self) -> None:
        """End all of them, as an operator does."""
        for number in self.sessions():
            self.database.cluster.writer.execute(KILL[self.engine], (number,))

    def session_of(self, connection: Any) -> int:
        """The number of a connection's session on the writer."""
        if self.engine == "mysql":
            return int(connection.thread_id())
        return int(connection.get_backend_pid())


@pytest.fixture
def place_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Slot]]:
    """Make a place on the servers of a fixture."""
    with ExitStack() as stack:
        yield lambda name: Slot(request.getfixturevalue(name), stack)


@pytest.fixture(params=["pg", "my"])
def place(request: pytest.FixtureRequest, place_of: Callable[[str], Slot]) -> Slot:
    """A place on PostgreSQL, then on MariaDB."""
    return place_of(request.param)


@pytest.fixture
def pg_place(pg: Database) -> Iterator[Slot]:
    """A place on PostgreSQL."""
    with ExitStack() as stack:
        yield Slot(pg, stack)


def answer(cluster: Any, show: str, *texts: str) -> Any:
    """Run `texts`, then `show`, on a connection of its own; return what it shows."""
    with closing(cluster.connect(autocommit=True)) as connection:
        cursor = connection.cursor()
        for text in texts:
            cursor.execute(text)
            if cursor.description:
                cursor.fetchall()
        try:
            cursor.execute(show)
            return cursor.fetchall()
        except connection.Error as exc:
            return type(exc).__name__
