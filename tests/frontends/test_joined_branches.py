"""A transaction that goes on to another PostgreSQL database begins there with the
statement; what comes after it begins as ever."""

from __future__ import annotations

import io
from contextlib import closing
from typing import Any

import pytest

import routedb


@pytest.fixture
def world(postgresql, stack):
    """A connection to the databases `a` and `b`, and what each has, past routedb."""
    databases = {n: stack.enter_context(postgresql.database()) for n in "ab"}
    for name, database in databases.items():
        database.execute(f"CREATE TABLE t_{name} (id int)")
    source: dict[str, Any] = {
        "default": "a",
        "databases": {n: {"nodes": [d.writer_dsn]} for n, d in databases.items()},
        "tables": {"t_a": "a", "t_b": "b"},
    }
    connection = stack.enter_context(closing(routedb.connect(source)))

    def counts() -> list[int]:
        return [
            database.execute(f"SELECT count(*) FROM t_{name}")[0][0]
            for name, database in databases.items()
        ]

    return connection, counts


def branch(connection: Any) -> Any:
    """The link of the last branch."""
    return [*connection.session.transaction.branches.values()][-1]


def test_it_begins_in_one_message(world):
    """Not the first one of a runtime: its server is asked whether it prepares."""
    connection, counts = world
    cursor = connection.cursor()
    for number in range(2):
        for name in "ab":
            cursor.execute(f"INSERT INTO t_{name} VALUES (%s)", (number,))
        link = branch(connection)
        assert link.is_text_begun is link.raw.autocommit is (number > 0)
        assert cursor.query == b"INSERT INTO t_b VALUES (%d)" % number
        connection.commit()
        assert not link.raw.autocommit
    assert counts() == [2, 2]


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_the_next_transaction_begins_there_as_ever(world, ending):
    """COPY is nothing that a BEGIN could be put before: the driver begins by itself,
    and nothing of what was to be is left."""
    connection, counts = world
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t_a VALUES (1)")
    cursor.copy_expert("COPY t_b FROM STDIN", io.StringIO("1\n"))
    assert not branch(connection).raw.autocommit
    getattr(connection, ending)()
    is_committed = ending == "commit"
    assert counts() == [is_committed, is_committed]
    cursor.execute("INSERT INTO t_b VALUES (2)")
    connection.commit()
    assert counts() == [is_committed, 1 + is_committed]


def test_an_error_that_points_into_the_text_points_into_the_statement(world):
    connection, counts = world
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t_a VALUES (1)")
    with pytest.raises(routedb.ProgrammingError) as raised:
        cursor.execute("INSERT INTO t_b (nothing) VALUES (1)")
    error: Any = raised.value
    assert error.diag.statement_position == "18"
    connection.rollback()
    cursor.execute("INSERT INTO t_b VALUES (2)")
    connection.commit()
    assert counts() == [0, 1]
