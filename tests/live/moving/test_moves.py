"""A whole move, in each direction, while others write."""

from __future__ import annotations

import pytest

import routedb
from routedb import move
from routedb.engine.shared import placement_watch
from routedb.mover.state import Moves
from routedb.runtime import read_config
from tests.live.moving.conftest import open_world
from tests.live.moving.world import World, Writers
from tests.support.later import later
from tests.support.servers import wait_until


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


@pytest.mark.parametrize("direction", ["pg-pg", *later(["my-pg", "pg-my", "my-my"])])
def test_a_process_of_routedb_learns_of_a_switch_and_of_its_undoing(
    request, direction, monkeypatch
):
    monkeypatch.setattr(placement_watch, "ABSENT_S", 0.5)
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.old.execute("INSERT INTO t VALUES (1, 1)")
        # A program that speaks PostgreSQL, where it is at one of the ends.
        speaks = "old" if direction == "pg-my" else "new"
        with routedb.Cluster({**world.config, "default": speaks}) as cluster:
            conn = cluster.connect(autocommit=True)
            world.start(tables=["t"])
            cursor = conn.cursor()
            cursor.execute("UPDATE t SET v = 2")
            assert conn.explain("SELECT * FROM t").database == "old"
            move.switch(world.config, "m")
            wait_until(
                lambda: conn.explain("SELECT * FROM t").database == "new", "the switch"
            )
            if direction != "pg-my":  # what is carried over is told by its groups
                assert "of move 'm'" in str(conn.explain("SELECT * FROM t"))
            cursor.execute("UPDATE t SET v = v + 1")
            move.undo(world.config, "m")
            wait_until(
                lambda: conn.explain("SELECT * FROM t").database == "old", "the undo"
            )
            cursor.execute("UPDATE t SET v = v + 1")
            assert world.rows("old") == [(1, 4)]
            move.abort(world.config, "m")
            conn.close()


def test_another_mover_is_refused(world: World) -> None:
    world.old.execute("CREATE TABLE t (id int PRIMARY KEY)")
    world.start(tables=["t"])
    moves = Moves(read_config(world.config, {}))
    moves.lock("m")
    with pytest.raises(routedb.OperationalError, match="another mover works on the mo"):
        move.verify(world.config, "m")
    moves.close()


def test_a_verb_out_of_its_phase_is_refused(world: World) -> None:
    world.old.execute("CREATE TABLE t (id int PRIMARY KEY)")
    world.start(tables=["t"])
    with pytest.raises(routedb.OperationalError, match="is verified: it cannot be und"):
        move.undo(world.config, "m")
    with pytest.raises(routedb.ConfigError, match="there is no move x"):
        move.switch(world.config, "x")
    move.switch(world.config, "m")
    with pytest.raises(routedb.OperationalError, match="is reversed: it cannot be abo"):
        move.abort(world.config, "m")
