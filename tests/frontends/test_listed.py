"""One text for tables in two databases: TRUNCATE, DROP TABLE, LOCK TABLE."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

import routedb
from tests.support.servers import PostgreSQLCluster

COUNT = "SELECT (SELECT count(*) FROM near_t), (SELECT count(*) FROM far_t)"


@pytest.fixture
def connection(postgresql: PostgreSQLCluster) -> Iterator[Any]:
    """One with a table of two rows in each of two databases."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(postgresql.database()) for _ in range(2))
        source = {
            "default": "near",
            "databases": {
                "near": {"nodes": [one.writer_dsn]},
                "far": {"nodes": [other.writer_dsn]},
            },
            "tables": {"far_*": "far"},
        }
        made = stack.enter_context(closing(routedb.connect(source)))
        cursor = made.cursor()
        for name in ("near_t", "far_t"):
            cursor.execute(f"CREATE TABLE {name} (id serial PRIMARY KEY)")
            cursor.execute(f"INSERT INTO {name} VALUES (DEFAULT), (DEFAULT)")
        made.commit()
        yield made


def _counts(connection: Any) -> tuple[int, int]:
    cursor = connection.cursor()
    cursor.execute(COUNT)
    [counts] = cursor.fetchall()
    return tuple(counts)


def test_tables_are_emptied_in_one_transaction(connection):
    cursor = connection.cursor()
    cursor.execute('TRUNCATE near_t, "far_t" RESTART IDENTITY')
    assert cursor.statusmessage == "TRUNCATE TABLE"
    assert _counts(connection) == (0, 0)
    connection.rollback()
    assert _counts(connection) == (2, 2)


def test_it_happens_in_both_or_in_none(connection):
    connection.rollback()
    connection.autocommit = True
    with pytest.raises(routedb.ProgrammingError, match="far_none"):
        connection.cursor().execute("DROP TABLE near_t, far_none")
    assert _counts(connection) == (2, 2)
    connection.cursor().execute("DROP TABLE near_t, far_t")
    with pytest.raises(routedb.ProgrammingError, match="near_t"):
        connection.cursor().execute("SELECT * FROM near_t")


def test_tables_are_locked_within_a_transaction(connection):
    cursor = connection.cursor()
    cursor.execute("LOCK TABLE near_t, far_t IN EXCLUSIVE MODE")
    asked = (
        "SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation IS "
    )
    cursor.execute(asked + "NOT NULL AND database = (SELECT oid FROM pg_database "
                   "WHERE datname = current_database())")  # fmt: skip
    assert cursor.fetchall() == [(1,)]
    connection.rollback()
    connection.autocommit = True
    with pytest.raises(routedb.CrossDatabaseError):
        connection.cursor().execute("LOCK TABLE near_t, far_t")
