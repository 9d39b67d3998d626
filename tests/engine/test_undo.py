"""A statement for several groups that fails on one, over fake servers: what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

import routedb
from routedb.adapters import fake
from routedb.errors import Fault

SET, RELEASE = "SAVEPOINT routedb_statement", "RELEASE SAVEPOINT routedb_statement"
BACK = "ROLLBACK TO SAVEPOINT routedb_statement"
INSERT = "INSERT INTO items (id, owner) VALUES (1, 0), (2, 1), (3, 2)"


class Shop:
    """Three fake shards, and a connection to them with autocommit off."""

    def __init__(self, stack: ExitStack) -> None:
        self.servers = [stack.enter_context(fake.Server(f"u{n}")) for n in range(3)]
        rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
        shards = [[f"fake://u{n}"] for n in range(3)]
        source = {
            "transactions": "single",
            "databases": {"shop": {"shards": shards}},
            "tables": {"items": rule},
        }
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        self.connection: Any = stack.enter_context(
            closing(cluster.connect(autocommit=False))
        )
        self.cursor = self.connection.cursor()
        # With the first link comes the question where tables are.
        self.cursor.execute("SELECT owner FROM items WHERE owner = 0")
        self.connection.commit()
        self._before = [0, 0, 0]
        self._before = [len(self.texts(server)) for server in range(3)]

    def texts(self, server: int) -> list[str]:
        """Return how what has reached a server begins, and what ends a transaction."""
        return [
            text.partition(" (")[0]
            for text in self.servers[server].texts
            if "INSERT" in text or "SAVEPOINT" in text or text in ("COMMIT", "ROLLBACK")
        ][self._before[server] :]


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop of its own."""
    with ExitStack() as stack:
        yield Shop(stack)


def test_each_branch_has_a_savepoint_while_the_statement_runs(shop):
    shop.cursor.execute(INSERT)
    for server in range(3):
        assert shop.texts(server) == [SET, "INSERT INTO items", RELEASE]


def test_a_statement_for_one_shard_has_none(shop):
    shop.cursor.execute("INSERT INTO items (id, owner) VALUES (1, 0), (2, 3)")
    shop.cursor.executemany("INSERT INTO items (id, owner) VALUES (%s, %s)", [(3, 0)])
    assert set(shop.texts(0)) == {"INSERT INTO items"}


def test_outside_a_transaction_its_own_is_rolled_back(shop):
    shop.connection.autocommit = True
    shop.servers[1].fail("execute", Fault.STATEMENT, match="INSERT")
    with pytest.raises(routedb.IntegrityError):
        shop.cursor.execute(INSERT)
    assert shop.texts(0) == ["INSERT INTO items", "ROLLBACK"]
    assert shop.texts(2) == []


def test_it_is_undone_where_it_has_been_done(shop):
    shop.servers[1].fail("execute", Fault.STATEMENT, match="INSERT")
    with pytest.raises(routedb.IntegrityError):
        shop.cursor.execute(INSERT)
    assert shop.texts(0) == [SET, "INSERT INTO items", BACK, RELEASE]
    assert shop.texts(1) == [SET, BACK, RELEASE]
    assert shop.texts(2) == []
    shop.cursor.execute(INSERT)
    shop.connection.commit()
    assert shop.texts(0)[4:] == [SET, "INSERT INTO items", RELEASE, "COMMIT"]


def test_many_sets_of_parameters_are_undone_together(shop):
    shop.servers[2].fail("execute", Fault.STATEMENT, match="INSERT")
    sql = "INSERT INTO items (id, owner) VALUES (%s, 0), (%s, 1), (%s, %s)"
    with pytest.raises(routedb.IntegrityError):
        shop.cursor.executemany(sql, [(1, 2, 3, 0), (4, 5, 6, 2)])
    done = ["INSERT INTO items"] * 2
    assert shop.texts(0) == [SET, *done, BACK, RELEASE]
    assert shop.texts(1) == [SET, *done, BACK, RELEASE]
    assert shop.texts(2) == [SET, BACK, RELEASE]


@pytest.mark.parametrize("match", [SET, RELEASE])
def test_a_link_that_is_lost_loses_the_transaction(shop, match):
    shop.servers[1].fail("execute", Fault.LINK_LOST, match=match)
    with pytest.raises(routedb.TransactionLost):
        shop.cursor.execute(INSERT)
    with pytest.raises(routedb.TransactionLost):
        shop.cursor.execute(INSERT)
    assert shop.texts(0)[-1] == "ROLLBACK"


def test_a_link_that_is_lost_while_it_is_undone_loses_it_too(shop):
    shop.servers[1].fail("execute", Fault.STATEMENT, match="INSERT")
    shop.servers[0].fail("execute", Fault.LINK_LOST, match=BACK)
    with pytest.raises(routedb.TransactionLost):
        shop.cursor.execute(INSERT)
    assert shop.texts(1) == [SET, "ROLLBACK"]
    shop.connection.rollback()
    shop.cursor.execute(INSERT)
