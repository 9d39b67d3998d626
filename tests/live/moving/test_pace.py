"""How fast a table is copied: by several threads, at a rate, as the source can bear."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg2
import pytest

import routedb
from routedb import move
from routedb.mover import chunks
from routedb.mover.copier import Copier
from routedb.mover.state import Moves
from routedb.runtime import read_config
from tests.live.moving.conftest import open_world
from tests.live.moving.world import World, Writers
from tests.support.later import later
from tests.support.servers import wait_until


def filled(world: World, rows: int = 500) -> None:
    columns = "id int PRIMARY KEY, v int NOT NULL, s varchar(50)"
    world.old.execute(f"CREATE TABLE t ({columns})")
    listed = ", ".join(f"({n}, {n * 2}, 'text {n}')" for n in range(1, rows + 1))
    world.old.execute(f"INSERT INTO t VALUES {listed}")


@pytest.mark.parametrize("direction", ["my-pg", *later(["pg-pg", "pg-my", "my-my"])])
def test_several_threads_copy_a_table_while_others_write(request, direction):
    with open_world(request, direction) as world:
        filled(world)
        with Writers(world.old) as writers:
            world.start(tables=["t"], chunk_rows=30, parallel=3)
            move.switch(world.config, "m")
        found = {row[0]: row[1] for row in world.rows("new") if row[0] >= 1000}
        assert found == writers.acknowledged
        assert world.rows("new") == world.rows("old")


class Died(Exception):
    """A thread of the mover has died."""


@pytest.mark.parametrize("parallel", [1, 3])
def test_chunks_that_are_missing_are_copied_first(request, monkeypatch, parallel):
    """What a mover leaves whose threads had come to different chunks."""
    plain = Copier.copy_range

    def dying(copier, what):
        if what.number in (2, 3):
            raise Died
        return plain(copier, what)

    with open_world(request, "pg-pg") as world:
        filled(world, 100)
        monkeypatch.setattr(Copier, "copy_range", dying)
        with pytest.raises(Died):
            world.start(tables=["t"], chunk_rows=10, parallel=5)
        session = world.session("new")
        found = chunks.copied(session, "m", "t")
        session.close()
        assert (found.chunks, found.upto) == (1, ("10",))
        assert found.gap is not None
        assert found.gap.low == ("30",)
        monkeypatch.setattr(Copier, "copy_range", plain)
        world.old.execute("UPDATE t SET s = 'new' WHERE id IN (5, 15, 25, 35)")
        world.old.execute("DELETE FROM t WHERE id IN (6, 16, 26, 36)")
        world.old.execute("INSERT INTO t VALUES (0, 0, 'first')")
        assert world.start(chunk_rows=4, parallel=parallel).phase.value == "verified"
        assert world.rows("new") == world.rows("old")


def sleep_at(raw: Any) -> None:
    with pytest.raises(psycopg2.errors.QueryCanceled):
        raw.cursor().execute("SELECT pg_sleep(60)")


def test_a_copy_waits_while_the_source_is_busy_and_says_so(request):
    with open_world(request, "pg-pg") as world:
        filled(world)
        raw = world.old.cluster.writer.connect(world.old.name)
        busy = threading.Thread(target=sleep_at, args=(raw,), daemon=True)
        busy.start()
        started: list[object] = []
        mover = threading.Thread(
            target=lambda: started.append(world.start(tables=["t"], max_load="0"))
        )
        mover.start()
        moves = Moves(read_config(world.config, {}))

        def waiting() -> str:
            found = moves.find("m")
            return "" if found is None else found.waiting

        wait_until(lambda: "active sessions" in waiting(), "the copy waits")
        assert "active sessions" in move.status(world.config, "m")[0].waiting
        assert not started
        raw.cancel()
        busy.join()
        wait_until(lambda: bool(started), "the copy goes on")
        mover.join()
        assert waiting() == ""
        moves.close()
        raw.close()


def test_a_rate_is_kept(request):
    with open_world(request, "pg-pg") as world:
        filled(world)
        began = time.monotonic()
        world.start(tables=["t"], rate="500")
        assert time.monotonic() - began > 0.9  # the last chunk begins then


@pytest.mark.parametrize(
    "said", [{"rate": "fast"}, {"max_load": "x=1"}, {"parallel": 0}, {"rate": "0"}]
)
def test_what_makes_no_sense_is_refused(said):
    with pytest.raises(routedb.ConfigError):
        move.start({"databases": {}}, "m", ["t"], "new", **said)
