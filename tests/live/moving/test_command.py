"""`routedb move`, as an operator types it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from routedb.cli import main
from tests.live.moving.conftest import open_world


@pytest.fixture
def world(request):
    with open_world(request, "pg-pg") as world:
        yield world


def test_the_verbs_one_after_the_other(world, tmp_path):
    world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
    world.old.execute("INSERT INTO t VALUES (1, 2)")
    path = tmp_path / "routedb.toml"
    path.write_text(
        'default = "new"\n'
        f'[databases.new]\nnodes = ["{world.new.writer_dsn}"]\n'
        f'[databases.old]\nnodes = ["{world.old.writer_dsn}"]\n'
        '[tables]\n"t*" = "old"\n'
    )

    def move(verb, *more):
        return CliRunner().invoke(main, ["move", verb, str(path), *more])

    chosen = ("--tables", "t", "--to", "new")
    planned = move("plan", "m", *chosen)
    assert planned.exit_code == 0, planned.output
    assert "t.v: integer -> integer\n" in planned.stdout
    assert 'CREATE TABLE "t"' in planned.stdout
    assert move("start", "m").exit_code == 2  # which tables?
    started = move("start", "m", *chosen)
    assert (started.exit_code, started.stdout) == (0, "m: verified\n")
    said = json.loads(move("status", "m", "--format", "json").stdout)
    assert (said["phase"], said["rows"], said["journal"]) == ("verified", 1, 0)
    assert said["lag_s"] == 0
    world.old.execute("UPDATE t SET v = 3")
    said = json.loads(move("status", "m", "--format", "json").stdout)
    assert (said["journal"], said["lag_s"] > 0) == (1, True)
    assert "verified" in move("status").stdout
    assert move("verify", "m").stdout == "m: verified\n"
    assert move("undo", "m").exit_code == 1
    assert move("switch", "m").stdout == "m: reversed\n"
    assert move("run", "m", "--seconds", "0").exit_code == 0
    assert move("finish", "m").stdout == "m: done\n"
    world.new.execute("DROP TABLE t")
    world.new.execute("CREATE TABLE t2 (id float PRIMARY KEY)")
    world.old.execute("CREATE TABLE t2 (id float PRIMARY KEY)")
    refused = move("plan", "n", "--tables", "t2", "--to", "new")
    assert refused.exit_code == 1
    assert "refused: t2: its primary key has id, of type double" in refused.stdout
    assert "has a table of this name already" in refused.stdout
