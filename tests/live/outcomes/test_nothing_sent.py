"""A link that its server has ended before anything was sent on it: nothing is unknown.

Outside a transaction the statement runs on another link; inside one, the transaction is
lost, and that is said.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

import routedb
from tests.support.server_rig import Rig, insert, link_to

pytestmark = [pytest.mark.live, pytest.mark.chaos]

WRITE = "INSERT INTO t VALUES (%s, 0)"


def text(sql: str) -> Callable[[Any], None]:
    return lambda connection: connection.cursor().execute(sql)


def many(connection: Any) -> None:
    connection.cursor().executemany(WRITE, [(41,), (42,)])


def copied(connection: Any) -> None:
    connection.cursor().copy_expert("COPY t FROM STDIN", io.StringIO("41\t0\n"))


def called(connection: Any) -> None:
    connection.cursor().callproc("adds", [41])


# What writes outside a transaction.
WRITES: dict[str, dict[str, Callable[[Any], None]]] = {
    "postgresql": {
        "execute": text("INSERT INTO t VALUES (41, 0)"),
        "executemany": many,
        "a hint": text("/* routedb: role=writer */ INSERT INTO t VALUES (41, 0)"),
        "several statements": text("INSERT INTO t VALUES (41, 0); SELECT 1"),
        "a transaction in a text": text("BEGIN; INSERT INTO t VALUES (41, 0); COMMIT"),
        "RETURNING": text("INSERT INTO t VALUES (41, 0) RETURNING id"),
        "WITH": text(
            "WITH a AS (INSERT INTO t VALUES (41, 0) RETURNING id) SELECT id FROM a"
        ),
        "COPY": copied,
        "callproc": called,
        "DO": text("DO $$ BEGIN INSERT INTO t VALUES (41, 0); END $$"),
    },
    "mysql": {
        "execute": text("INSERT INTO t VALUES (41, 0)"),
        "executemany": many,
        "a hint": text("/* routedb: role=writer */ INSERT INTO t VALUES (41, 0)"),
        "REPLACE": text("REPLACE INTO t VALUES (41, 0)"),
        "RETURNING": text("INSERT INTO t VALUES (41, 0) RETURNING id"),
        "EXECUTE IMMEDIATE": text("EXECUTE IMMEDIATE 'INSERT INTO t VALUES (41, 0)'"),
        "a block": text("BEGIN NOT ATOMIC INSERT INTO t VALUES (41, 0); END"),
    },
}


@pytest.mark.engine_in_turn
def test_what_writes_runs_on_another_link(rig: Rig):
    if rig.engine == "postgresql":
        rig.database.execute(
            "CREATE FUNCTION adds(int) RETURNS void LANGUAGE sql AS "
            "$$ INSERT INTO t VALUES ($1, 0) $$"
        )
    connection = rig.connect(only=["writer"])
    for number, (way, write) in enumerate(WRITES[rig.engine].items()):
        insert(connection, 100 + number)
        rig.end(link_to(connection, "writer"))
        write(connection)
        assert rig.rows("id IN (41, 42)") == (2 if write is many else 1), way
        rig.database.execute("DELETE FROM t WHERE id IN (41, 42)")


# What ends a transaction, or is a step of it, and how it begins.
ENDS: dict[str, dict[str, tuple[str, str]]] = {
    "postgresql": {
        way: ("BEGIN", way)
        for way in (
            *("COMMIT", "END", "COMMIT AND CHAIN", "PREPARE TRANSACTION 'p'"),
            *("SAVEPOINT a", "INSERT INTO t VALUES (41, 0)"),
            *("INSERT INTO t VALUES (41, 0); COMMIT", "COMMIT; SELECT 1"),
        )
    },
    "mysql": {
        "COMMIT": ("BEGIN", "COMMIT"),
        "COMMIT AND CHAIN": ("BEGIN", "COMMIT AND CHAIN"),
        "BEGIN": ("BEGIN", "BEGIN"),
        "DDL": ("BEGIN", "CREATE TABLE made (a int)"),
        "XA END": ("XA START 'x'", "XA END 'x'"),
        "LOCK TABLES": ("BEGIN", "LOCK TABLES t WRITE"),
    },
}


@pytest.mark.engine_in_turn
def test_a_transaction_is_lost_and_nothing_is_unknown(rig: Rig):
    connection = rig.connect(only=["writer"])
    for way, (begin, end) in ENDS[rig.engine].items():
        connection.cursor().execute(begin)
        insert(connection, 100)
        rig.end(link_to(connection, "writer"))
        with pytest.raises(routedb.TransactionLost):
            connection.cursor().execute(end)
        assert rig.rows("id IN (41, 100)") == 0, way
        connection.rollback()


@pytest.mark.parametrize("step", ["XA PREPARE 'x'", "XA COMMIT 'x' ONE PHASE"])
def test_an_xa_branch_is_lost_and_nothing_is_unknown(my_rig: Rig, step):
    connection = my_rig.connect(only=["writer"])
    cursor = connection.cursor()
    cursor.execute("XA START 'x'")
    insert(connection, 100)
    cursor.execute("XA END 'x'")
    my_rig.end(link_to(connection, "writer"))
    with pytest.raises(routedb.TransactionLost):
        cursor.execute(step)
    assert my_rig.rows("id = 100") == 0
    connection.rollback()
    insert(connection, 101)


@pytest.mark.parametrize("step", ["COMMIT PREPARED 'p'", "ROLLBACK PREPARED 'p'"])
def test_what_is_prepared_is_finished_on_another_link(pg_rig: Rig, step):
    connection = pg_rig.connect(only=["writer"])
    cursor = connection.cursor()
    for sql in ("BEGIN", "INSERT INTO t VALUES (41, 0)", "PREPARE TRANSACTION 'p'"):
        cursor.execute(sql)
    pg_rig.end(link_to(connection, "writer"))
    cursor.execute(step)
    assert pg_rig.rows("id = 41") == step.startswith("COMMIT")
