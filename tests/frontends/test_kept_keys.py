"""UPDATE that writes the shard key of rows that stay where they are, as ORMs do."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

import routedb
from tests.frontends.merged_world import lite_world, mysql_world, postgresql_world

QUOTES = {"postgresql": '"', "mysql": "`", "sqlite": '"'}
STAY: list[tuple[str, tuple[Any, ...]]] = [
    ("UPDATE items SET owner = %s, name = %s WHERE id = %s", (3, "x", 8)),
    ("UPDATE items SET name = 'a%%b', owner = %s WHERE id IN (%s, %s)", (4, 0, 2)),
    ("UPDATE items SET owner = %s WHERE id = %s", (1, 99)),
    ("UPDATE items AS i SET owner = %s WHERE i.name = %s AND i.owner > 3", (2, "n1")),
    ('UPDATE "items" SET "owner" = %s WHERE "items"."id" = %s', (1, 6)),
]


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def world(request, tmp_path):
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield request.param, lite_world(tmp_path, stack)
        elif request.param == "mysql":
            yield request.param, mysql_world(request.getfixturevalue("mariadb"), stack)
        else:
            servers = request.getfixturevalue("postgresql")
            yield request.param, postgresql_world(servers, stack)


def test_rows_stay(world):
    engine, (routed, one) = world
    for sql, params in STAY:
        text = sql.replace('"', QUOTES[engine])
        cursor, its = routed.cursor(), one.cursor()
        plain = text.replace("%s", "?").replace("%%", "%")
        its.execute(plain if engine == "sqlite" else text, params)
        cursor.execute(text, params)
        assert cursor.rowcount == its.rowcount, text
        assert cursor.route.groups == (params[0] % 2 if "a%%b" not in text else 0,)
        asked = "SELECT * FROM items ORDER BY id"
        cursor.execute(asked)
        its.execute(asked)
        assert list(map(tuple, cursor.fetchall())) == list(map(tuple, its.fetchall()))


def test_what_would_move_is_refused(world):
    engine, (routed, _) = world
    cursor = routed.cursor()
    sql = "UPDATE items SET owner = %s WHERE id = %s"
    if engine == "postgresql":
        cursor.execute(sql, (2, 1))
        assert cursor.rowcount == 1
    else:
        with pytest.raises(routedb.ShardError, match="another shard"):
            cursor.execute(sql, (2, 1))
    with pytest.raises(routedb.Error):
        cursor.execute("UPDATE items SET owner = %s WHERE id = 1 LIMIT 1", (1,))
    with pytest.raises(routedb.ShardError, match="NULL"):
        cursor.execute(sql, (None, 1))


def test_it_is_explained(world):
    _, (routed, _) = world
    shown = routed.explain("UPDATE items SET owner = %s WHERE id = %s", (3, 8))
    assert shown.groups == (1,)
    assert shown.plan.title == "the keys of its rows are read first"


def test_triggers_and_foreign_keys_see_an_update(postgresql):
    with ExitStack() as stack:
        routed, _ = postgresql_world(postgresql, stack)
        cursor = routed.cursor()
        for shard in (0, 1):
            with routed.using("shop"):
                cursor.execute(
                    "ALTER TABLE items ADD CONSTRAINT owned UNIQUE (id, owner) "
                    f"/* routedb: shard={shard} */"
                )
                cursor.execute(
                    "CREATE TABLE parts (item int, owner int, FOREIGN KEY (item, owner)"
                    f" REFERENCES items (id, owner)) /* routedb: shard={shard} */"
                )
        cursor.execute("INSERT INTO parts VALUES (8, 3) /* routedb: shard=1 */")
        cursor.execute(
            "UPDATE items SET owner = %s, name = 'new' WHERE id = %s RETURNING name",
            (3, 8),
        )
        assert cursor.fetchall() == [("new",)]
