"""The mover is killed at each step of each verb, while others write: nothing that was
acknowledged is lost or doubled, by an oracle that is not the verifier."""

from __future__ import annotations

import pytest

from routedb import move
from tests.live.moving.conftest import open_world
from tests.live.moving.kills import killed_everywhere
from tests.live.moving.world import World, Writers
from tests.support.later import later

STEPS = {
    "start": {"journal made", "chunk copied", "all copied", "compared", "table made"},
    "switch": {"locked", "drained under the lock", "fence made", "fenced"},
    "undo": {"locked", "drained under the lock", "fence made", "fenced"},
    "finish": {"journal dropped", "renamed"},
}


def ours(world: World, where: str) -> dict[int, int]:
    return {row[0]: row[1] for row in world.rows(where) if row[0] >= 1000}


def steps(found: list[str]) -> set[str]:
    return {each.partition(": ")[2] for each in found}


@pytest.mark.parametrize("direction", ["pg-pg", *later(["my-pg", "pg-my", "my-my"])])
def test_a_mover_that_dies_anywhere_loses_nothing(request, direction):
    with open_world(request, direction) as world:
        columns = "id int PRIMARY KEY, v int NOT NULL, s varchar(50)"
        world.old.execute(f"CREATE TABLE t ({columns})")
        rows = ", ".join(f"({n}, {n}, 'text')" for n in range(1, 101))
        world.old.execute(f"INSERT INTO t VALUES {rows}")
        config = world.config
        with Writers(world.old) as before:
            more = {"tables": ["t"], "to": "new", "chunk_rows": 60}
            assert steps(killed_everywhere("start", config, **more)) >= STEPS["start"]
            found = killed_everywhere("switch", config)
            assert steps(found) >= STEPS["switch"]
        assert before.fenced
        assert ours(world, "new") == before.acknowledged
        with Writers(world.new, first=10_000) as after:
            move.run(config, "m", seconds=0.3)
            assert steps(killed_everywhere("undo", config)) >= STEPS["undo"]
        assert after.fenced
        assert ours(world, "old") == before.acknowledged | after.acknowledged
        world.old.execute("INSERT INTO t VALUES (5000, 1, 'old')")
        killed_everywhere("abort", config)
        assert world.new.execute(*tables_like(world.new, "t")) == []
        assert world.old.execute(*tables_like(world.old, "routedb_journal%")) == []


@pytest.mark.parametrize("direction", ["pg-pg", *later(["my-pg", "pg-my", "my-my"])])
def test_a_finish_that_dies_anywhere_is_finished(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.old.execute("INSERT INTO t VALUES (1, 2)")
        world.start(tables=["t"])
        move.switch(world.config, "m")
        assert steps(killed_everywhere("finish", world.config)) >= STEPS["finish"]
        assert world.phase() == "done"
        assert world.new.execute(*tables_like(world.new, "routedb_journal%")) == []
        assert world.rows("old", "routedb_old_t") == world.rows("new") == [(1, 2)]


def tables_like(database, name):
    is_postgresql = "PostgreSQL" in type(database.cluster).__name__
    schema = "current_schema()" if is_postgresql else "DATABASE()"
    return (
        "SELECT table_name FROM information_schema.tables "
        f"WHERE table_schema = {schema} AND table_name LIKE %s",
        (name,),
    )
