"""Moves whose mover is killed at moments of chance, again and again, while plain
drivers write: nothing that was acknowledged is lost or doubled."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from routedb import move
from tests.live.moving.conftest import open_world
from tests.live.moving.kills import killed_by_chance
from tests.live.moving.world import World, Writers

RUNS = int(os.environ.get("ROUTEDB_MOVES", "5"))  # of each direction
DIRECTIONS = ("pg-pg", "my-pg", "pg-my", "my-my", "lite-pg", "pg-lite")

pytestmark = pytest.mark.long


def ours(world: World, where: str) -> dict[int, int]:
    return {row[0]: row[1] for row in world.rows(where) if row[0] >= 1000}


@pytest.mark.parametrize("run", range(RUNS))
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_mover_killed_at_moments_of_chance_loses_nothing(request, direction, run):
    rng = random.Random(f"{direction} {run}")
    with open_world(request, direction) as world:
        columns = "id int NOT NULL PRIMARY KEY, v int NOT NULL, s varchar(50)"
        world.old.execute(f"CREATE TABLE t ({columns})")
        rows = ", ".join(f"({n}, {n}, 'text')" for n in range(1, 301))
        world.old.execute(f"INSERT INTO t VALUES {rows}")
        parallel = rng.choice([1, 3])
        with Writers(world.old) as before:
            more: dict[str, Any] = {"tables": ["t"], "to": "new", "chunk_rows": 40}
            killed_by_chance("start", world.config, rng, parallel=parallel, **more)
            killed_by_chance("switch", world.config, rng)
        assert before.fenced
        assert ours(world, "new") == before.acknowledged
        with Writers(world.new, first=10_000) as after:
            move.run(world.config, "m", seconds=0.3)
            killed_by_chance("undo", world.config, rng)
        assert after.fenced
        assert ours(world, "old") == before.acknowledged | after.acknowledged
