"""Tables of a SQLite file move to a server, and come back."""

from __future__ import annotations

from typing import Any

import pytest

import routedb
from routedb import move
from tests.live.moving.conftest import open_world
from tests.live.moving.kills import killed_everywhere
from tests.live.moving.world import World, Writers
from tests.support.later import later

DIRECTIONS = ["lite-pg", *later(["pg-lite", "lite-my", "my-lite"])]
SQLITE = {
    "integer": ["-9223372036854775808", "9223372036854775807", "0"],
    "varchar(4)": [r"'a' || char(9, 10, 13, 92) || 'N'", "'longer than four'", "'𝄞'"],
    "text": [r"'\N'", "''", "'it''s'", r"'\x41'"],
    "blob": ["x''", "x'00ff5c0a0d09'"],
    "real": ["0.1", "1.7976931348623157e308", "5e-324", "3"],
    "boolean": ["1", "0"],
    "decimal(10,2)": ["12.50", "0.1", "-3", "'123456789012345678.123456789'"],
    "date": ["'1000-01-01'", "'9999-12-31'"],
    "datetime": ["'2024-02-29 12:00:00'", "'1000-01-01 00:00:00.000001'"],
    "time": ["'00:00:00'", "'23:59:59.999999'"],
    "json": ['\'{"a": [1, 2.50,   "x"]}\'', "'null'"],
}
POSTGRESQL = {
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "numeric(15,5)": ["-1234567890.12345", "0.10000", "100"],
    "real": ["0.1", "-3.4028235e38", "'infinity'"],
    "double precision": ["0.1", "1.7976931348623157e308", "5e-324", "1e15"],
    "boolean": ["true", "false"],
    "character(5)": ["'a'", "'äöü'", "''"],
    "varchar(40)": [r"E'a\tb\nc\rd\b\f\x0b'", r"'\N'", "'it''s'", r"'\x41'", "'𝄞'"],
    "text": ["repeat('x\t', 3000)", "'NULL'"],
    "bytea": [r"'\x'", r"'\x00ff5c0a0d09'"],
    "date": ["'1000-01-01'", "'9999-12-31'"],
    "timestamp": ["'1000-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.5'"],
    "timestamptz": ["'1970-01-02 00:00:00.5+00'", "'2037-12-31 23:59:59.999999+00'"],
    "time": ["'00:00:00.000001'", "'23:59:59.999999'"],
    "json": ['\'{"a": [1, 2.50,   "\\u00e4\\n"]}\'', "'null'"],
    "jsonb": ['\'{"a": [1, 2.50, "x"]}\''],
    "uuid": ["'123e4567-e89b-12d3-a456-426655440000'"],
}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_table_is_copied_followed_switched_and_comes_back(request, direction):
    with open_world(request, direction) as world:
        columns = "id int NOT NULL PRIMARY KEY, v int NOT NULL, s varchar(50)"
        world.old.execute(f"CREATE TABLE t ({columns})")
        rows = ", ".join(f"({n}, {n * 2}, 'text {n}')" for n in range(1, 301))
        world.old.execute(f"INSERT INTO t VALUES {rows}")
        with Writers(world.old) as writers:
            assert world.start(tables=["t"], chunk_rows=100).phase.value == "verified"
            move.switch(world.config, "m")
        assert writers.fenced
        found = {row[0]: row[1] for row in world.rows("new") if row[0] >= 1000}
        assert found == writers.acknowledged
        with Writers(world.new, first=10_000) as after:
            move.run(world.config, "m", seconds=0.3)
            move.undo(world.config, "m")
        assert after.fenced
        assert world.rows("old") == world.rows("new")
        found = {row[0]: row[1] for row in world.rows("old") if row[0] >= 1000}
        assert found == writers.acknowledged | after.acknowledged
        with pytest.raises(Exception, match="moved to old"):
            world.new.execute("INSERT INTO t VALUES (5, 1, 'nine')")
        move.abort(world.config, "m")
        world.old.execute("INSERT INTO t VALUES (999, 1, 'nine')")
        if direction.startswith("lite"):
            left = "SELECT name FROM sqlite_schema WHERE name LIKE 'routedb%'"
            assert world.old.execute(left) == []


@pytest.mark.parametrize("direction", ["lite-pg", "pg-lite"])
def test_values_are_the_same_after_copy_stream_and_stream_back(request, direction):
    types = SQLITE if direction == "lite-pg" else POSTGRESQL
    with open_world(request, direction) as world:
        columns = [f"c{n} {each}" for n, each in enumerate(types)]
        key = "id integer NOT NULL PRIMARY KEY"
        world.old.execute(f"CREATE TABLE t ({key}, {', '.join(columns)})")
        fill(world, types, 0)
        world.start(tables=["t"], chunk_rows=2)
        fill(world, types, 100)
        before = seen(world, "old", types)
        move.switch(world.config, "m")
        names = ", ".join(f"c{n}" for n in range(len(types)))
        again = f"INSERT INTO t (id, {names}) SELECT id + 1000, {names} FROM t"
        world.new.execute(again)
        move.undo(world.config, "m")
        shifted = {key % 1000: row for key, row in seen(world, "old", types).items()}
        assert shifted == before
        # The target's own reading of the source's literals: they are of one spelling.
        made = seen(world, "new", types)
        assert {key: made[key] for key in before} == {
            key: made[key + 1000] for key in before
        }


def fill(world: World, types: dict[str, list[str]], first: int) -> None:
    for n in range(max(len(values) for values in types.values())):
        values = [values[n] if n < len(values) else "NULL" for values in types.values()]
        world.old.execute(f"INSERT INTO t VALUES ({first + n}, {', '.join(values)})")


def seen(world: World, where: str, types: Any) -> dict[int, Any]:
    session = world.session(where)
    try:
        columns = ", ".join(f"c{n}" for n in range(len(types)))
        rows = session.run(f"SELECT id, {columns} FROM t ORDER BY id")
    finally:
        session.close()
    return {row[0]: [repr(plain(value)) for value in row[1:]] for row in rows}


def plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def test_rows_that_replace_deletes_are_followed(request):
    with open_world(request, "lite-pg") as world:
        columns = "id integer PRIMARY KEY, u text UNIQUE, v int"
        world.old.execute(f"CREATE TABLE t ({columns})")
        world.old.execute("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)")
        world.start(tables=["t"])
        world.old.execute("INSERT OR REPLACE INTO t VALUES (4, 'a', 4)")
        world.old.execute("UPDATE OR REPLACE t SET u = 'b' WHERE id = 3")
        world.old.execute("INSERT INTO t (u, v) VALUES ('d', 5)")
        world.old.execute("REPLACE INTO t VALUES (3, 'e', 6)")
        move.switch(world.config, "m")
        rows = [(3, "e", 6), (4, "a", 4), (5, "d", 5)]
        assert sorted(world.rows("new")) == sorted(world.rows("old")) == rows
        world.new.execute("INSERT INTO t (u, v) VALUES ('f', 7)")
        assert max(world.rows("new")) == (6, "f", 7)


def test_what_a_column_does_not_declare_is_refused_with_its_key(request):
    with open_world(request, "lite-pg") as world:
        world.old.execute("CREATE TABLE t (id integer PRIMARY KEY, v int, at datetime)")
        world.old.execute("INSERT INTO t VALUES (42, 'x', NULL)")
        with pytest.raises(routedb.DataError, match="the row 42"):
            world.start(tables=["t"])
        world.old.execute("UPDATE t SET v = 1, at = '2024-01-01T00:00'")
        with pytest.raises(routedb.DataError, match="a stamp in another form"):
            world.start(tables=["t"])
        world.old.execute("UPDATE t SET at = '2024-01-01 00:00:00'")
        assert world.start(tables=["t"]).phase.value == "verified"


def test_tables_with_a_foreign_key_between_them_move_both_ways(request):
    with open_world(request, "lite-pg") as world:
        world.old.execute("CREATE TABLE t_a (id integer PRIMARY KEY AUTOINCREMENT)")
        world.old.execute(
            "CREATE TABLE t_b (id integer PRIMARY KEY, a int REFERENCES t_a, "
            "at datetime DEFAULT CURRENT_TIMESTAMP)"
        )
        world.old.execute("CREATE INDEX by_a ON t_b (a)")
        world.old.execute("INSERT INTO t_a VALUES (7)")
        world.old.execute("INSERT INTO t_b (id, a) VALUES (1, 7)")
        world.start()
        move.switch(world.config, "m")
        with pytest.raises(Exception, match="foreign key"):
            world.new.execute("INSERT INTO t_b (id, a) VALUES (2, 8)")
        world.new.execute("INSERT INTO t_a DEFAULT VALUES")
        move.undo(world.config, "m")
        world.old.execute("INSERT INTO t_a DEFAULT VALUES")
        assert world.rows("old", "t_a") == [(7,), (8,), (9,)]


@pytest.mark.long
@pytest.mark.parametrize("direction", ["lite-pg", "pg-lite"])
def test_a_mover_that_dies_anywhere_loses_nothing(request, direction):
    with open_world(request, direction) as world:
        columns = "id int NOT NULL PRIMARY KEY, v int NOT NULL, s varchar(50)"
        world.old.execute(f"CREATE TABLE t ({columns})")
        rows = ", ".join(f"({n}, {n}, 'text')" for n in range(1, 101))
        world.old.execute(f"INSERT INTO t VALUES {rows}")
        with Writers(world.old) as before:
            more = {"tables": ["t"], "to": "new", "chunk_rows": 60}
            assert killed_everywhere("start", world.config, **more)
            assert killed_everywhere("switch", world.config)
        found = {row[0]: row[1] for row in world.rows("new") if row[0] >= 1000}
        assert found == before.acknowledged
        with Writers(world.new, first=10_000) as after:
            move.run(world.config, "m", seconds=0.3)
            assert killed_everywhere("undo", world.config)
        found = {row[0]: row[1] for row in world.rows("old") if row[0] >= 1000}
        assert found == before.acknowledged | after.acknowledged
        assert killed_everywhere("abort", world.config)


def test_what_only_sqlite_has_is_refused_by_name(request):
    with open_world(request, "lite-pg") as world:
        world.old.execute(
            "CREATE TABLE t (id text PRIMARY KEY, v ANY, w int CHECK(w>1))"
        )
        plan = move.plan(world.config, ["t"], "new")
        assert plan.refusals == (
            "t: its primary key has id, which may be NULL",
            "t: v: SQLite's ANY holds values of every type",
            "t: its constraint number 1 is an expression of another engine: CHECK",
        )
