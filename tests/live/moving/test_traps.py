"""The traps of moving tables, each as somebody has fallen into it."""

from __future__ import annotations

import sqlite3

import pytest

import routedb
from routedb import move
from tests.live.moving.conftest import open_world
from tests.support.later import later

EACH = ["pg-pg", "my-pg", *later(["pg-my", "my-my"])]


@pytest.mark.parametrize("direction", EACH)
def test_unique_values_that_were_exchanged(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE)")
        world.old.execute("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)")
        world.start(tables=["t"])
        for u, key in ((0, 1), (10, 2), (20, 3), (30, 1)):
            world.old.execute(f"UPDATE t SET u = {u} WHERE id = {key}")
        move.verify(world.config, "m")
        assert world.rows("new") == [(1, 30), (2, 10), (3, 20)]


@pytest.mark.parametrize("direction", EACH)
def test_the_verifier_finds_what_differs_and_the_switch_waits_for_it(
    request, direction
):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(9), f real)")
        world.old.execute("INSERT INTO t VALUES (1, 'a', 1.5), (2, 'b', 2), (3, '', 0)")
        world.start(tables=["t"])
        world.new.execute("UPDATE t SET f = 1.25 WHERE id = 1")
        world.new.execute("DELETE FROM t WHERE id = 2")
        world.new.execute("INSERT INTO t VALUES (4, NULL, NULL)")
        with pytest.raises(routedb.OperationalError, match="3 differences"):
            move.verify(world.config, "m")
        (found,) = move.status(world.config, "m")
        assert found.phase == "following"
        assert set(found.differences) == {
            "t: the row 1 differs at the target",
            "t: the row 2 is missing at the target",
            "t: the row 4 is too much at the target",
        }
        with pytest.raises(routedb.OperationalError, match="it cannot be switched"):
            move.switch(world.config, "m")


@pytest.mark.parametrize("direction", EACH)
def test_a_table_that_is_altered_is_not_switched(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.start(tables=["t"])
        world.old.execute("ALTER TABLE t ADD COLUMN w int")
        with pytest.raises(routedb.OperationalError, match="t has been altered since"):
            move.switch(world.config, "m")
        assert world.phase() == "verified"
        world.old.execute("INSERT INTO t VALUES (1, 2, 3)")  # there is no fence


@pytest.mark.parametrize("direction", EACH)
def test_a_table_that_another_was_renamed_to_notes_nothing(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        world.start(tables=["t"])
        world.old.execute("ALTER TABLE t RENAME TO t_before")
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        with pytest.raises(routedb.OperationalError, match="triggers of t are gone"):
            move.switch(world.config, "m")


@pytest.mark.parametrize("direction", ["pg-pg", *later(["pg-my"])])
def test_truncate_is_refused_while_postgresql_is_the_source(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY)")
        world.start(tables=["t"])
        with pytest.raises(Exception, match="cannot be truncated while routedb moves"):
            world.old.execute("TRUNCATE t")
        move.switch(world.config, "m")
        with pytest.raises(Exception, match="moved to new"):
            world.old.execute("TRUNCATE t")


@pytest.mark.parametrize("direction", ["my-pg", *later(["my-my"])])
def test_truncate_on_mariadb_is_found_by_comparing(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY)")
        world.old.execute("INSERT INTO t VALUES (1), (2)")
        world.start(tables=["t"])
        world.old.execute("TRUNCATE t")
        with pytest.raises(routedb.OperationalError, match="is too much at the target"):
            move.verify(world.config, "m")


@pytest.mark.parametrize("direction", ["my-pg", *later(["my-my"])])
def test_keys_without_case_and_with_blanks(request, direction):
    with open_world(request, direction) as world:
        world.old.execute(
            "CREATE TABLE t (id varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY, "
            "v int)"
        )
        world.old.execute(
            "INSERT INTO t VALUES ('a', 1), ('B', 2), ('c ', 3), ('é', 4)"
        )
        world.start(tables=["t"], chunk_rows=1)
        world.old.execute("UPDATE t SET id = 'A', v = 5 WHERE id = 'a'")
        world.old.execute("UPDATE t SET id = 'C' WHERE id = 'c'")
        world.old.execute("DELETE FROM t WHERE id = 'b'")
        move.verify(world.config, "m")
        move.switch(world.config, "m")
        assert sorted(world.rows("new")) == [("A", 5), ("C", 3), ("é", 4)]


@pytest.mark.parametrize("direction", EACH)
def test_numbers_go_on_where_they_were(request, direction):
    numbered = {
        "pg": "id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "my": "id int AUTO_INCREMENT PRIMARY KEY",
    }[direction[:2]]
    with open_world(request, direction) as world:
        world.old.execute(f"CREATE TABLE t ({numbered}, v int)")
        world.old.execute("INSERT INTO t (v) VALUES (1), (2), (3)")
        world.start(tables=["t"])
        world.old.execute("INSERT INTO t (v) VALUES (4)")
        world.old.execute("DELETE FROM t WHERE v = 4")
        move.switch(world.config, "m")
        world.new.execute("INSERT INTO t (v) VALUES (5)")
        assert world.rows("new")[-1] == (5, 5)
        move.undo(world.config, "m")
        world.old.execute("INSERT INTO t (v) VALUES (6)")
        assert world.rows("old")[-1] == (6, 6)


@pytest.mark.parametrize("direction", ["pg-pg", "my-pg", *later(["pg-my", "my-my"])])
def test_tables_with_foreign_keys_between_them(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t_a (id int PRIMARY KEY)")
        world.old.execute(
            "CREATE TABLE t_b (id int PRIMARY KEY, a int NOT NULL, "
            "CONSTRAINT t_b_a FOREIGN KEY (a) REFERENCES t_a (id))"
        )
        world.old.execute("INSERT INTO t_a VALUES (1), (2)")
        world.old.execute("INSERT INTO t_b VALUES (1, 1)")
        with pytest.raises(routedb.NotSupportedError, match="t_a at the other end"):
            world.start(tables=["t_b"])
        world.start(tables=["t_a", "t_b"])
        world.old.execute("INSERT INTO t_a VALUES (3)")
        world.old.execute("INSERT INTO t_b VALUES (2, 3)")
        move.switch(world.config, "m")
        with pytest.raises(Exception, match=r"foreign key constraint|t_b_a"):
            world.new.execute("INSERT INTO t_b VALUES (3, 99)")
        world.new.execute("DELETE FROM t_b WHERE id = 1")
        world.new.execute("DELETE FROM t_a WHERE id = 1")
        move.undo(world.config, "m")
        assert world.rows("old", "t_b") == [(2, 3)]
        assert world.rows("old", "t_a") == [(2,), (3,)]


@pytest.mark.parametrize(
    ("value", "column"),
    [("'0000-00-00'", "date"), ("CHAR(65, 0)", "varchar(9)"), ("'x'", "enum('a')")],
)
def test_a_value_that_the_target_has_not_is_refused_with_its_key(
    request, value, column
):
    with open_world(request, "my-pg") as world:
        world.old.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {column} NULL)")
        world.old.execute("INSERT INTO t VALUES (1, NULL)")
        world.old.execute(f"INSERT IGNORE INTO t VALUES (42, {value})")
        with pytest.raises(routedb.Error, match="42"):
            world.start(tables=["t"])
        world.old.execute("UPDATE t SET v = NULL")
        assert world.start(tables=["t"]).phase.value == "verified"


def test_from_one_file_of_sqlite_to_another_is_refused_by_name(tmp_path, pg):
    config = {
        "default": "new",
        "state": "home",
        "databases": {
            "home": {"nodes": [pg.writer_dsn]},
            "new": {"nodes": [f"sqlite:///{tmp_path / 'new.db'}"]},
            "old": {"nodes": [f"sqlite:///{tmp_path / 'old.db'}"]},
        },
        "tables": {"t*": "old"},
    }
    with sqlite3.connect(tmp_path / "old.db") as raw:
        raw.execute("CREATE TABLE t (id int)")
    raw.close()
    with pytest.raises(
        routedb.NotSupportedError, match="SQLite to SQLite is not there"
    ):
        move.plan(config, ["t*"], "new")


def test_a_plan_changes_nothing(request):
    with open_world(request, "my-pg") as world:
        world.old.execute("CREATE TABLE t (id int unsigned PRIMARY KEY, s text)")
        plan = move.plan(world.config, ["t"], "new")
        assert plan.types == (
            ("t", "id", "int(10) unsigned", "bigint"),
            ("t", "s", "text", "text"),
        )
        assert plan.refusals == ()
        assert plan.ddl[0].startswith('CREATE TABLE "t"')
        tables = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = "
        )
        assert world.new.execute(tables + "current_schema()") == []
        assert world.old.execute(tables + "DATABASE()") == [("t",)]


@pytest.mark.parametrize("direction", ["my-my", *later(["pg-pg"])])
def test_a_view_is_named_as_what_is_not_moved(request, direction):
    with open_world(request, direction) as world:
        world.old.execute("CREATE TABLE t (id int PRIMARY KEY)")
        world.old.execute("CREATE TABLE tt (id int PRIMARY KEY)")
        world.old.execute("CREATE VIEW v AS SELECT id FROM t")
        world.old.execute("CREATE VIEW other AS SELECT id FROM tt")
        plan = move.plan(world.config, ["t"], to="new")
        views = [each for each in plan.notes if "the view" in each]
        assert views == ["t: the view v is not moved"]
