"""Tables into a sharded database, and out of one."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

import routedb
from routedb import move
from tests.live.moving.kills import killed_everywhere
from tests.live.moving.shards import COLUMNS, ShardedWorld, open_shards
from tests.live.moving.world import Threads
from tests.support.later import later

RULE = {"shard_key": "customer", "key_type": "integer"}
TO_SHARDS: dict[str, Any] = {"tables": ["t"], "to": "orders", "rule": RULE}
GATHERED: dict[str, Any] = {"tables": ["t"], "to": "main"}
PAIRS = ["pg-pg", *later(["my-my"])]


class Clients(Threads):
    """Threads that write by routedb in autocommit mode; the test's own oracle."""

    def __init__(
        self, world: ShardedWorld, first: int = 1, count: int = 2, there: int = 0
    ) -> None:
        self.world = world
        self.troubles: list[routedb.Error] = []
        self.written: set[tuple[int, int, int]] = set()
        self.inserting = self.inserted = there
        self.deleting = self.deleted = 0
        self._lock = threading.Lock()
        super().__init__(*(partial(self._write, first + n) for n in range(count)))

    def _add(self, what: str) -> None:
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)

    def _write(self, client: int) -> None:
        conn = routedb.connect(self.world.config, autocommit=True)
        cursor: Any = conn.cursor()
        number = 0
        while not self._is_over.wait(0.003):
            number += 1
            row = client * 1000 + number % 50, 1_000_000 * client + number, 0
            try:
                self._add("inserting")
                cursor.execute("INSERT INTO t VALUES (%s, %s, %s)", row)
                self._add("inserted")
                self.written.add(row)
                if number % 5 == 0:
                    self._add("deleting")
                    cursor.execute(
                        "DELETE FROM t WHERE customer = %s AND id = %s", row[:2]
                    )
                    self._add("deleted")
                    self.written.discard(row)
            except routedb.Error as exc:
                self.troubles.append(exc)
        conn.close()


def filled(world: ShardedWorld, count: int = 200) -> set[tuple[int, int, int]]:
    world.whole.execute(f"CREATE TABLE t ({COLUMNS})")
    rows = [(n % 40, n, n) for n in range(count)]
    listed = ", ".join(map(str, rows))
    world.whole.execute(f"INSERT INTO t VALUES {listed}")
    return set(rows)


@pytest.mark.parametrize("engines", PAIRS)
def test_a_table_goes_to_shards_and_comes_back_while_clients_write(request, engines):
    whole, sharded = engines.split("-")
    with open_shards(request, whole, sharded, 3) as world:
        rows = filled(world)
        with Clients(world) as clients:
            found = move.start(world.config, "m", chunk_rows=60, **TO_SHARDS)
            assert found.phase.value == "verified"
            move.switch(world.config, "m")
        assert clients.troubles == []
        assert world.rows() == sorted(rows | clients.written)
        assert world.strangers(world.rule(found.places["t"])) == []
        with Clients(world, first=5) as after:
            move.run(world.config, "m", seconds=0.3)
            move.undo(world.config, "m")
        assert after.troubles == []
        kept = world.whole.execute("SELECT * FROM t ORDER BY 1, 2")
        assert list(map(tuple, kept)) == sorted(rows | clients.written | after.written)
        move.abort(world.config, "m")


@pytest.mark.parametrize("engines", PAIRS)
def test_a_sharded_table_is_gathered_in_one_database(request, engines):
    whole, sharded = engines.split("-")
    with open_shards(request, whole, sharded, 2) as world:
        world.config["tables"] = {"t": {"database": "orders", **RULE}}
        for shard in world.shards:
            shard.execute(f"CREATE TABLE t ({COLUMNS})")
        with Clients(world, count=1) as clients:
            move.start(world.config, "m", chunk_rows=50, **GATHERED)
            move.switch(world.config, "m")
        assert clients.troubles == []
        rows = world.whole.execute("SELECT * FROM t ORDER BY 1, 2")
        assert list(map(tuple, rows)) == sorted(clients.written)
        assert move.finish(world.config, "m").phase.value == "done"
        assert world.at(0, "routedb_old_t") + world.at(1, "routedb_old_t")


@pytest.mark.parametrize("engines", later(["pg-my", "my-pg"]))
def test_a_table_goes_to_shards_of_another_engine_and_comes_back(request, engines):
    whole, sharded = engines.split("-")
    with open_shards(request, whole, sharded, 3) as world:
        rows = filled(world)
        found = move.start(world.config, "m", chunk_rows=60, **TO_SHARDS)
        world.whole.execute("DELETE FROM t WHERE customer = 7")
        world.whole.execute("UPDATE t SET v = 5 WHERE customer = 8")
        move.switch(world.config, "m")
        after = [(c, n, 5 if c == 8 else v) for c, n, v in rows if c != 7]
        assert world.rows() == sorted(after)
        assert world.strangers(world.rule(found.places["t"])) == []
        for shard in world.shards:
            shard.execute("UPDATE t SET v = 6 WHERE customer = 9")
        move.undo(world.config, "m")
        kept = world.whole.execute("SELECT * FROM t ORDER BY 1, 2")
        assert list(map(tuple, kept)) == sorted(
            (c, n, 6 if c == 9 else v) for c, n, v in after
        )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engines", later(["pg-pg", "my-my"]))
def test_a_mover_to_shards_that_dies_anywhere_loses_nothing(request, engines):
    whole, sharded = engines.split("-")
    with open_shards(request, whole, sharded, 3) as world:
        rows = filled(world)
        with Clients(world) as clients:
            killed_everywhere("start", world.config, chunk_rows=60, **TO_SHARDS)
            killed_everywhere("switch", world.config)
        assert world.rows() == sorted(rows | clients.written)
        with Clients(world, first=5) as after:
            killed_everywhere("undo", world.config)
        kept = world.whole.execute("SELECT * FROM t ORDER BY 1, 2")
        assert list(map(tuple, kept)) == sorted(rows | clients.written | after.written)
        assert clients.troubles + after.troubles == []


def test_a_row_on_the_wrong_shard_is_found(request):
    with open_shards(request, "pg", "pg", 2) as world:
        filled(world)
        found = move.start(world.config, "m", **TO_SHARDS)
        there = world.at(0)[0]
        world.shards[0].execute("DELETE FROM t WHERE id = %s", there[1:2])
        world.shards[1].execute("INSERT INTO t VALUES (%s, %s, %s)", there)
        message = rf"the row {there[0]}, {there[1]} is on shard 1, not 0"
        with pytest.raises(routedb.OperationalError, match=message):
            move.verify(world.config, "m")
        assert world.strangers(world.rule(found.places["t"])) == [(1, there)]


def test_what_shards_cannot_tell_apart_is_refused(request):
    with open_shards(request, "pg", "pg", 2) as world:
        world.whole.execute(
            "CREATE TABLE t (customer int, id int PRIMARY KEY, name text)"
        )
        world.whole.execute("CREATE UNIQUE INDEX n ON t (name)")
        refused = move.plan(world.config, **TO_SHARDS).refusals
        assert "t: its primary key does not contain customer, the shard key" in str(
            refused
        )
        assert "t: its unique index n does not contain customer" in str(refused)
        with pytest.raises(routedb.ConfigError, match="orders is sharded: say"):
            move.plan(world.config, ["t"], "orders")
