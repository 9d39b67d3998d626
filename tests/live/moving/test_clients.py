"""Programs on routedb, while a table is switched and comes back: they see no error.

Those of the new place's dialect: PostgreSQL's texts are written to MariaDB as well, the
other way there is nothing to test.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

import routedb
from routedb import move
from tests.live.moving.conftest import open_world
from tests.live.moving.world import Threads, World
from tests.support.later import later
from tests.support.servers import wait_until


class Clients(Threads):
    """Threads that write by routedb in autocommit mode, and keep what was said."""

    def __init__(self, world: World, count: int = 3) -> None:
        self.world = world
        self.troubles: list[routedb.Error] = []
        self.written: dict[int, int] = {}  # what was acknowledged
        super().__init__(*(partial(self._write, n) for n in range(1, count + 1)))

    def _write(self, client: int) -> None:
        conn = routedb.connect(self.world.config, autocommit=True)
        cursor: Any = conn.cursor()
        key = client * 100_000
        while not self._is_over.wait(0.002):
            key += 1
            try:
                cursor.execute("INSERT INTO t (id, v) VALUES (%s, %s)", (key, 0))
                self.written[key] = 0
                cursor.execute("UPDATE t SET v = v + 1 WHERE id = %s", (key,))
                self.written[key] = 1
            except routedb.Error as exc:
                self.troubles.append(exc)
        conn.close()


def moved_and_back(world: World, clients: Clients) -> None:
    world.start(tables=["t"])
    move.switch(world.config, "m")
    count = len(clients.written)
    move.run(world.config, "m", seconds=0.5)
    wait_until(lambda: len(clients.written) > count, "they go on at the new place")
    move.undo(world.config, "m")


@pytest.mark.parametrize("direction", ["pg-pg", "my-pg", *later(["my-my"])])
def test_clients_see_no_error_across_a_switch_and_its_undoing(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
        with Clients(world) as clients:
            moved_and_back(world, clients)
        assert clients.troubles == []
        assert world.rows("old") == sorted(clients.written.items())
        assert set(clients.written.values()) == {1}
