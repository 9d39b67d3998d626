"""A sharded table gets another number of shards, or another function, while programs
write to it and count it: nothing is lost or doubled, and no count is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

import routedb
from routedb import move
from routedb.engine.shared import placement_watch
from tests.live.moving.kills import killed_by_chance
from tests.live.moving.shards import COLUMNS, ShardedWorld, open_shards
from tests.live.moving.test_shards import Clients
from tests.live.moving.world import Threads
from tests.support.later import later

RULE = {"shard_key": "customer", "key_type": "integer"}
WAITS = (0.2, 2.0)  # until a mover is killed, in seconds


class Counters(Threads):
    """A thread that counts over all shards, while clients insert and delete: a count is
    between what was certainly there and what may have been."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.count = 0
        self.wrong: list[str] = []
        super().__init__(self._count)

    def _count(self) -> None:
        conn = routedb.connect(self.clients.world.config, autocommit=True)
        cursor: Any = conn.cursor()
        while not self._is_over.wait(0.01):
            inserted, deleted = self.clients.inserted, self.clients.deleted
            try:
                cursor.execute("SELECT count(*), count(DISTINCT id) FROM t")
                ((found, distinct),) = cursor.fetchall()
            except routedb.Error as exc:
                self.wrong.append(repr(exc))
                continue
            low = inserted - self.clients.deleting
            high = self.clients.inserting - deleted
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
            killed_by_chance("start", old.config, rng, 4, WAITS, **more)
            killed_by_chance("switch", old.config, rng, 4, WAITS)
            found = move.status(old.config, "m")[0]
            assert found.phase == "reversed", seed
        assert (clients.troubles, counters.wrong) == ([], []), seed
        assert counters.count
        assert new.rows() == sorted(clients.written), seed
        rule = new.rule({"database": "wanted", **RULE})
        assert new.strangers(rule) == []
        there = len(clients.written)
        with Clients(old, 5, there=there) as after, Counters(after) as counters:
            killed_by_chance("undo", old.config, rng, 3, WAITS)
        assert (after.troubles, counters.wrong) == ([], []), seed
        assert old.rows() == sorted(clients.written | after.written), seed


@contextmanager
def one_sharded(
    request: pytest.FixtureRequest, engine: str, shards: int, rule: dict[str, Any]
) -> Iterator[ShardedWorld]:
    """A table by a rule over so many shards, of which some may have nothing yet."""
    with open_shards(request, engine, engine, shards) as world:
        world.config["tables"] = {"t": {"database": "orders", **RULE, **rule}}
        for shard in world.shards:
            shard.execute(f"CREATE TABLE t ({COLUMNS})")
        yield world


def filled(world: ShardedWorld, rule: dict[str, Any], count: int = 300) -> None:
    parts: dict[int, list[str]] = {}
    for n in range(count):
        shard = world.shard_of({**RULE, **rule}, n % 60)
        parts.setdefault(shard, []).append(f"({n % 60}, {n}, {n})")
    for shard, rows in parts.items():
        world.shards[shard].execute(f"INSERT INTO t VALUES {', '.join(rows)}")


FOUR: dict[str, Any] = {
    "buckets": [["0-4095"], ["4096-8191"], ["8192-12287"], ["12288-16383"], []]
}
ALL: dict[str, Any] = {"tables": ["t"], "to": "orders", "chunk_rows": 40}


def rule_in_force(world: ShardedWorld) -> Any:
    (found,) = [r for r in world.placements() if r.table == "t"]
    return found.place


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement_watch, "LEASE_S", 0.7)
    monkeypatch.setattr(placement_watch, "ABSENT_S", 0.5)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("engine", ["pg", *later(["my"])])
def test_a_shard_more_takes_a_fifth_while_programs_write_and_count(request, engine):
    with one_sharded(request, engine, 5, FOUR) as world:
        filled(world, FOUR)
        before = world.rows_of(range(4))
        there = len(before)
        clients = Clients(world, there=there)
        with clients, Counters(clients) as counters:
            move.start(world.config, "m", rule={"shards": 5}, **ALL)
            moved = len(world.at(4))
            move.switch(world.config, "m")
            move.run(world.config, "m", seconds=0.2)
        assert (clients.troubles, counters.wrong) == ([], [])
        assert counters.count
        assert 0.1 * there < moved < 0.5 * (there + len(clients.written))
        rule = world.rule(rule_in_force(world))
        with Clients(world, 5, there=0) as after:
            move.finish(world.config, "m")
        assert after.troubles == []
        assert world.strangers(rule) == []
        assert world.rows() == sorted({*before, *clients.written, *after.written})
        assert "moving" not in rule_in_force(world)
        assert world.leftovers() == []


@pytest.mark.usefixtures("short")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", later(["pg", "my"]))
def test_one_shard_goes_to_another_server(request, engine):
    # The third is the other server: it has nothing yet, and takes what the second has.
    halves = ["0-8191"], ["8192-16383"]
    before = {"buckets": [*halves, []]}
    wanted = {"buckets": [halves[0], [], halves[1]]}
    with one_sharded(request, engine, 3, before) as world:
        filled(world, before)
        there = len(world.rows())
        kept, gone = world.at(0), world.at(1)
        assert kept
        assert gone
        clients = Clients(world, there=there)
        with clients, Counters(clients) as counters:
            move.start(world.config, "m", rule=wanted, **ALL)
            move.switch(world.config, "m")
            move.finish(world.config, "m")
        assert (clients.troubles, counters.wrong) == ([], [])
        assert world.at(1) == []
        assert set(world.at(0)) >= set(kept)
        assert set(world.at(2)) >= set(gone)
        assert world.rows() == sorted({*kept, *gone, *clients.written})
        assert world.strangers(world.rule(rule_in_force(world))) == []
        assert world.leftovers() == []


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("engine", later(["pg", "my"]))
def test_a_merge_is_undone_with_all_that_was_written(request, engine):
    with one_sharded(request, engine, 4, {}) as world:
        filled(world, {}, 120)
        before = world.rows()
        clients = Clients(world, there=len(before))
        with clients, Counters(clients) as counters:
            move.start(world.config, "m", rule={"shards": 2}, **ALL)
            move.switch(world.config, "m")
            move.undo(world.config, "m")
            move.abort(world.config, "m")
        assert (clients.troubles, counters.wrong) == ([], [])
        assert world.strangers(world.rule({"database": "orders", **RULE})) == []
        assert world.rows() == sorted({*before, *clients.written})
        assert world.leftovers() == []


def test_who_does_not_know_of_the_switch_is_refused_at_the_old_shard(
    request, monkeypatch
):
    monkeypatch.setattr(placement_watch, "LEASE_S", 0.1)  # nobody else reads
    monkeypatch.setattr(placement_watch, "ABSENT_S", 0.1)
    with one_sharded(request, "pg", 2, {}) as world:
        filled(world, {}, 20)
        keys = [n for n in range(20) if world.shard_of(RULE, n) == 0][:2]
        move.start(world.config, "m", rule={"keys": keys, "shard": 1}, **ALL)
        world.shards[0].execute("INSERT INTO t VALUES (%s, 999, 1)", keys[:1])
        move.switch(world.config, "m")
        with pytest.raises(Exception, match="table t has been moved to orders"):
            world.shards[0].execute("INSERT INTO t VALUES (%s, 1000, 1)", keys[:1])
        assert rule_in_force(world)["values"] == [[], keys]
        conn = routedb.connect(world.config, autocommit=True)
        cursor: Any = conn.cursor()
        with pytest.raises(routedb.ShardError, match="rows of t move between them"):
            cursor.execute("UPDATE t SET v = v + 1")
        cursor.execute("UPDATE t SET v = 7 WHERE customer = %s", keys[:1])
        cursor.execute("SELECT count(*), count(DISTINCT id) FROM t")
        assert cursor.fetchall() == [(21, 21)]
        cursor.execute("SELECT a.id FROM t a JOIN t b USING (customer, id) ORDER BY 1")
        assert len(cursor.fetchall()) == 21
        move.finish(world.config, "m")
        cursor.execute("UPDATE t SET v = v + 1 WHERE customer IN %s", (tuple(keys),))
        conn.close()
        assert {row[0] for row in world.at(1)} >= set(keys)
        assert world.strangers(world.rule(rule_in_force(world))) == []


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
        assert "of move 'm'" in cursor.route.reason
        conn.close()
        move.finish(old.config, "m")


def test_some_of_the_targets_shards_get_rows(request):
    with two_sharded(request, "pg", 2, 3) as (old, new):
        rule = {**RULE, "shards": 2}
        found = move.plan(old.config, ["t"], "wanted", rule)
        place: Any = found.places["t"]
        assert place["buckets"] == [["0-8191"], ["8192-16383"], []]
        with pytest.raises(routedb.ConfigError, match="there are 3 shards, not 4"):
            move.plan(old.config, ["t"], "wanted", {**RULE, "shards": 4})
        assert new.shards[0].execute("SELECT 1") == [(1,)]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("wanted", [5, 2])
@pytest.mark.parametrize("engine", later(["pg", "my"]))
def test_a_mover_between_shards_that_dies_at_any_moment_loses_nothing(
    request, engine, wanted
):
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    with one_sharded(request, engine, 5, FOUR) as world:
        filled(world, FOUR)
        before = world.rows()
        clients = Clients(world, there=len(before))
        with clients, Counters(clients) as counters:
            more = {**ALL, "rule": {"shards": wanted}}
            killed_by_chance("start", world.config, rng, 3, WAITS, **more)
            killed_by_chance("switch", world.config, rng, 3, WAITS)
            killed_by_chance("finish", world.config, rng, 2, WAITS)
        assert (clients.troubles, counters.wrong) == ([], []), seed
        assert world.rows() == sorted({*before, *clients.written}), seed
        assert world.strangers(world.rule(rule_in_force(world))) == [], seed
        assert world.leftovers() == [], seed
