"""A whole move, in each direction, while others write."""

from __future__ import annotations

import pytest

from routedb import move
from tests.live.moving.world import World, Writers


@pytest.fixture
def filled(world: World) -> World:
    columns = "id int PRIMARY KEY, v int NOT NULL, s varchar(50)"
    world.old.execute(f"CREATE TABLE t ({columns})")
    rows = ", ".join(f"({n}, {n * 2}, 'text {n}')" for n in range(1, 501))
    world.old.execute(f"INSERT INTO t VALUES {rows}")
    return world


def same(world: World) -> None:
    assert world.rows("old") == world.rows("new")


def test_a_table_is_copied_followed_switched_and_comes_back(filled: World) -> None:
    with Writers(filled.old) as writers:
        assert filled.start(chunk_rows=100).phase.value == "verified"
        move.verify(filled.config, "m")
        assert move.switch(filled.config, "m").phase.value == "reversed"
    assert writers.fenced
    found = {row[0]: row[1] for row in filled.rows("new") if row[0] >= 1000}
    assert found == writers.acknowledged
    same(filled)
    filled.new.execute("UPDATE t SET s = 'new' WHERE id = 7")
    filled.new.execute("INSERT INTO t VALUES (900, 1, 'nine')")
    filled.new.execute("DELETE FROM t WHERE id = 8")
    move.run(filled.config, "m", seconds=0.5)
    same(filled)
    filled.new.execute("INSERT INTO t VALUES (901, 1, 'nine')")
    assert move.undo(filled.config, "m").phase.value == "undone"
    same(filled)
    filled.old.execute("INSERT INTO t VALUES (902, 1, 'nine')")
    with pytest.raises(Exception, match="moved to old"):
        filled.new.execute("INSERT INTO t VALUES (902, 1, 'nine')")
    assert move.abort(filled.config, "m").phase.value == "aborted"


def test_a_finished_move_keeps_the_old_table_under_another_name(filled: World) -> None:
    filled.start()
    move.switch(filled.config, "m", reverse=False)
    assert move.finish(filled.config, "m").phase.value == "done"
    assert len(filled.rows("old", "routedb_old_t")) == len(filled.rows("new"))
