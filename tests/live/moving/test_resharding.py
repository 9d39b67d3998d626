"""A sharded table gets another number of shards, or another function, while programs
write to it and count it: nothing is lost or doubled, and no count is wrong."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

import routedb
from routedb import move
from tests.live.moving.kills import killed_at_random
from tests.live.moving.shards import COLUMNS, ShardedWorld, open_shards
from tests.live.moving.test_shards import Clients
from tests.support.later import later

RULE = {"shard_key": "customer", "key_type": "integer"}


class Counters:
    """A thread that counts over all shards, while clients insert and delete: a count is
    between what was certainly there and what may have been."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.count = 0
        self.wrong: list[str] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> Counters:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _count(self) -> None:
        conn = routedb.connect(self.clients.world.config, autocommit=True)
        cursor: Any = conn.cursor()
        while not self._is_over.wait(0.01):
            low = self.clients.inserted - self.clients.deleting
            try:
                cursor.execute("SELECT count(*), count(DISTINCT id) FROM t")
                ((found, distinct),) = cursor.fetchall()
            except routedb.Error as exc:
                self.wrong.append(repr(exc))
                continue
            high = self.clients.inserting - self.clients.deleted
            self.count += 1
            if not (low <= found <= high and found == distinct):
                self.wrong.append(f"{low} <= {found} ({distinct}) <= {high}")
        conn.close()


@contextmanager
def two_sharded(
    request: pytest.FixtureRequest, engine: str, before: int, after: int
) -> Iterator[tuple[ShardedWorld, ShardedWorld]]:
    """A table on so many shards `before`, and a database of those `after`."""
    with ExitStack() as stack:
        old = stack.enter_context(open_shards(request, engine, engine, before))
        new = stack.enter_context(open_shards(request, engine, engine, after))
        old.config["databases"]["wanted"] = new.config["databases"]["orders"]
        old.config["tables"] = {"t": {"database": "orders", **RULE}}
        for shard in old.shards:
            shard.execute(f"CREATE TABLE t ({COLUMNS})")
        yield old, new._replace(config=old.config)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("counts", [(4, 5), (4, 2)])
@pytest.mark.parametrize("engine", later(["pg", "my"]))
def test_a_split_and_a_merge_lose_nothing_and_no_count_is_wrong(
    request, engine, counts
):
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    with two_sharded(request, engine, *counts) as (old, new):
        with Clients(old) as clients, Counters(clients) as counters:
            more = {"tables": ["t"], "to": "wanted", "rule": RULE, "chunk_rows": 50}
            killed_at_random("start", old.config, rng, 4, **more)
            killed_at_random("switch", old.config, rng, 4)
            found = move.status(old.config, "m")[0]
            assert found.phase == "reversed", seed
        assert (clients.troubles, counters.wrong) == ([], []), seed
        assert counters.count
        assert new.rows() == sorted(clients.written), seed
        rule = new.rule({"database": "wanted", **RULE})
        assert new.strangers(rule) == []
        there = len(clients.written)
        with Clients(old, 5, there=there) as after, Counters(after) as counters:
            killed_at_random("undo", old.config, rng, 3)
        assert (after.troubles, counters.wrong) == ([], []), seed
        assert old.rows() == sorted(clients.written | after.written), seed


def test_a_table_gets_another_function_and_key(request):
    with two_sharded(request, "pg", 2, 3) as (old, new):
        for n in range(60):
            old.shards[old.shard_of(RULE, n % 20)].execute(
                "INSERT INTO t VALUES (%s, %s, %s)", (n % 20, n, n)
            )
        rows = old.rows()
        other = {"shard_key": "id", "function": "modulo"}
        found = move.start(old.config, "m", ["t"], "wanted", rule=other)
        assert found.old_places["t"] == {
            "database": "orders",
            "shard_key": '"customer"',
            "function": "hash",
            "key_type": "integer",
        }
        move.switch(old.config, "m")
        assert new.rows() == rows
        assert [{row[1] % 3 for row in new.at(n)} for n in range(3)] == [{0}, {1}, {2}]
        conn = routedb.connect(old.config, autocommit=True)
        cursor: Any = conn.cursor()
        cursor.execute("SELECT v FROM t WHERE id = 7")
        assert cursor.fetchall() == [(7,)]
        assert "of move 'm'" in str(cursor.route)
        conn.close()
        move.finish(old.config, "m")


def test_some_of_the_targets_shards_get_rows(request):
    with two_sharded(request, "pg", 2, 3) as (old, new):
        rule = {**RULE, "shards": 2}
        found = move.plan(old.config, ["t"], "wanted", rule)
        assert found.places["t"]["buckets"] == [["0-8191"], ["8192-16383"], []]
        with pytest.raises(routedb.ConfigError, match="wanted has 3 shards, not 4"):
            move.plan(old.config, ["t"], "wanted", {**RULE, "shards": 4})
        assert new.shards[0].execute("SELECT 1") == [(1,)]
