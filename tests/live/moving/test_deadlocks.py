"""Whoever is in the middle of a transaction when a table is switched is waited for, and
is not the victim of a deadlock with the mover."""

from __future__ import annotations

import threading

import pytest

from routedb import move
from routedb.mover import locking
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
    monkeypatch.setattr(locking, "_LOOKS", 0)
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
