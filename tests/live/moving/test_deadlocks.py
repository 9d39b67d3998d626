"""Whoever is in the middle of a transaction when a table is switched is waited for, and
is not the victim of a deadlock with the mover; who comes later waits until the new
place is known."""

from __future__ import annotations

import threading

import MySQLdb
import pytest

import routedb
from routedb import move
from routedb.mover import drain, locking
from tests.live.moving.conftest import open_world
from tests.support.later import later
from tests.support.servers import wait_until

_WAITS = (
    "SELECT COUNT(*) FROM information_schema.processlist "
    "WHERE state = 'Waiting for table metadata lock'"
)


@pytest.mark.parametrize("direction", ["my-pg", *later(["my-my"])])
def test_a_transaction_that_has_locked_a_row_writes_it_while_a_switch_waits(
    request, direction, monkeypatch
):
    # The mover waits nearly all the time, and for a lock.
    monkeypatch.setattr(locking, "_LOOKING_S", 0.0)
    monkeypatch.setattr(locking, "_WAITS_MS", (500,))
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.old.execute("INSERT INTO t VALUES (1, 1)")
        world.start(tables=["t"])
        raw = world.old.cluster.writer.connect(world.old.name)
        switching = threading.Thread(target=move.switch, args=(world.config, "m"))
        with raw.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT v FROM t WHERE id = 1 FOR UPDATE")
            switching.start()
            for _ in range(2):
                wait_until(
                    lambda: world.old.execute(_WAITS) != [(0,)], "the mover waits"
                )
            cursor.execute("UPDATE t SET v = v + 1 WHERE id = 1")
            cursor.execute("COMMIT")
        switching.join()
        raw.close()
        assert world.rows("new") == [(1, 2)]


@pytest.mark.parametrize("direction", ["my-pg", *later(["my-my"])])
def test_who_waits_for_the_lock_of_mariadb_finds_the_new_place(request, direction):
    """Not a fence that leads nowhere yet."""
    met: list[int] = []

    def write(progress):
        if progress.step == "fenced":
            with pytest.raises(MySQLdb.OperationalError) as caught:
                world.old.execute(
                    "SET STATEMENT max_statement_time = 0.1 FOR DELETE FROM t"
                )
            met.append(caught.value.args[0])

    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.old.execute("INSERT INTO t VALUES (1, 1)")
        world.start(tables=["t"])
        move.switch(world.config, "m", tell=write)
        assert met == [1969]  # it has waited
        with pytest.raises(MySQLdb.OperationalError, match="has been moved to new"):
            world.old.execute("DELETE FROM t")


def test_no_lock_is_asked_for_while_more_is_written_than_applied(request, monkeypatch):
    with open_world(request, "pg-pg") as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.start(tables=["t"])
        with monkeypatch.context() as patch:
            patch.setattr(drain.Drain, "once", lambda self, copied: drain.BATCH)
            patch.setattr(locking, "_lock_once", None)
            with pytest.raises(routedb.OperationalError, match="more is written than"):
                move.switch(world.config, "m")
        assert world.phase() == "verified"
        move.switch(world.config, "m")


@pytest.mark.long
def test_a_reader_of_the_old_place_does_not_hold_up_an_undoing_for_all(request):
    """Its transaction waits for the lock at the new place, and the mover for it."""
    with open_world(request, "my-my") as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.start(tables=["t"])
        move.switch(world.config, "m")
        raw = world.old.cluster.writer.connect(world.old.name)
        waiting = threading.Event()

        def tell(progress):
            if progress.step == "fenced":
                waiting.set()

        undoing = threading.Thread(
            target=move.undo, args=(world.config, "m"), kwargs={"tell": tell}
        )
        with raw.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM t")
            undoing.start()
            assert waiting.wait(60)
            with pytest.raises(MySQLdb.OperationalError, match="has been moved to old"):
                cursor.execute(f"INSERT INTO {world.new.name}.t VALUES (1, 1)")
            cursor.execute("ROLLBACK")
        undoing.join()
        raw.close()
        assert world.phase() == "undone"
