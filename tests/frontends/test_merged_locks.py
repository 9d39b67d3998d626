"""SELECT … FOR UPDATE and its like over several groups: on each, or refused."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.merged_world import World

LOCKS = [
    "SELECT * FROM items ORDER BY id FOR UPDATE",
    "SELECT * FROM items WHERE id > 3 LIMIT 1 FOR UPDATE",
    "SELECT count(*) FROM (SELECT id FROM items FOR UPDATE) x",
    "SELECT owner, count(*) FROM items WHERE owner IN (1, 2) GROUP BY owner FOR SHARE",
    "SELECT i.id FROM items i JOIN leads l ON l.owner = i.owner FOR UPDATE",
]


@pytest.mark.parametrize("world", ["pg_world", "my_world"], indirect=True)
def test_rows_of_several_groups_are_not_locked(world: World) -> None:
    cursor = world.routed.cursor()
    for sql in LOCKS:
        text = sql.replace("FOR SHARE", _share(world))
        with pytest.raises(routedb.NotSupportedError, match="locks rows"):
            cursor.execute(text)


@pytest.mark.parametrize("world", ["pg_world", "my_world"], indirect=True)
def test_rows_of_each_shard_are_locked_there(world: World) -> None:
    cursor, one = world.routed.cursor(), world.one.cursor()
    for sql in (
        "SELECT * FROM items FOR UPDATE",
        "SELECT * FROM items WHERE id = 3 FOR UPDATE",
        "SELECT id FROM items WHERE owner IN (1, 2) FOR SHARE",
    ):
        text = sql.replace("FOR SHARE", _share(world))
        cursor.execute(text)
        one.execute(text)
        assert sorted(cursor.fetchall(), key=repr) == sorted(one.fetchall(), key=repr)


@pytest.mark.parametrize("world", ["pg_world", "my_world"], indirect=True)
def test_rows_of_one_group_are_locked_there(world: World) -> None:
    cursor = world.routed.cursor()
    for rows in ("items WHERE owner = 1", "leads"):
        cursor.execute(f"SELECT id FROM {rows} FOR UPDATE")
        assert cursor.fetchall()


def _share(world: World) -> str:
    is_mysql = type(world.one).__module__.startswith("MySQLdb")
    return "LOCK IN SHARE MODE" if is_mysql else "FOR SHARE"
