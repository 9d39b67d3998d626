"""The user's functions in statements over several groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import MySQLdb
import psycopg2.extensions
import pytest

import routedb
from tests.frontends.merged_world import World, compare

# By the engine: a function of one number, its property to be filled in.
DOUBLED = {
    "postgresql": "CREATE FUNCTION twice(n int) RETURNS int {} LANGUAGE sql AS '{}'",
    "mysql": "CREATE FUNCTION twice(n int) RETURNS int {} RETURN {}",
}
IMMUTABLE = {
    "postgresql": ("IMMUTABLE", "SELECT n * 2"),
    "mysql": ("DETERMINISTIC", "n * 2"),
}
READS = (
    "SELECT id, twice(owner) AS t FROM items ORDER BY id",
    "SELECT twice(owner) AS t, count(*) FROM items WHERE twice(id) > 6 "
    "GROUP BY twice(owner) ORDER BY t",
    "SELECT sum(twice(id)) AS s FROM items",
    "SELECT l.id FROM leads l JOIN items i ON twice(i.owner) = l.owner ORDER BY l.id",
)
REFUSED = {
    "postgresql": {
        ("VOLATILE", "SELECT n * 2"): "is VOLATILE",
        ("STABLE", "SELECT count(*)::int + n FROM pg_class"): "may read tables",
    },
    "mysql": {
        ("NOT DETERMINISTIC NO SQL", "n * 2"): "is NOT DETERMINISTIC",
        ("DETERMINISTIC READS SQL DATA", "n * 2"): "READS SQL DATA",
    },
}
WHERE = ("database=shop shard=0", "database=shop shard=1", "database=crm")


@pytest.fixture(autouse=True)
def trusted(world: World, request: pytest.FixtureRequest) -> Iterator[None]:
    """Without it MariaDB lets nobody but its administrator make functions."""
    if _engine(world) != "mysql":
        yield
        return
    setting = "SET GLOBAL log_bin_trust_function_creators ="
    with closing(request.getfixturevalue("mariadb").writer.connect()) as raw:
        raw.cursor().execute(f"{setting} 1")
        yield
        raw.cursor().execute(f"{setting} 0")


def _engine(world: World) -> str:
    if isinstance(world.one, psycopg2.extensions.connection):
        return "postgresql"
    is_mysql = isinstance(world.one, MySQLdb.connections.Connection)
    return "mysql" if is_mysql else "sqlite"


def _define(world: World, where: Any, *how: str) -> None:
    sql = DOUBLED[_engine(world)].format(*how)
    for each in where:
        world.routed.cursor().execute(f"/* routedb: {each} */ {sql}")


def test_one_that_all_groups_have_is_called(world: World):
    engine = _engine(world)
    if engine == "sqlite":  # they are the program's own, of which nothing is told
        world.routed.create_function("twice", 1, lambda n: n * 2, deterministic=True)
        with pytest.raises(routedb.ShardError):
            world.routed.cursor().execute(READS[0])
        return
    _define(world, WHERE, *IMMUTABLE[engine])
    world.one.cursor().execute(DOUBLED[engine].format(*IMMUTABLE[engine]))
    world.one.commit()
    for sql in READS:
        compare(world, sql, None)


def test_one_that_differs_or_is_missing_is_refused(world: World):
    engine = _engine(world)
    sql = READS[0]
    if engine == "sqlite":
        with pytest.raises(routedb.ShardError):
            world.routed.cursor().execute(sql)
        return
    kind, body = IMMUTABLE[engine]
    _define(world, WHERE[:1], kind, body)
    with pytest.raises(routedb.ShardError, match=r"twice is not on shop\[1\]"):
        world.routed.cursor().execute(sql)
    _define(world, WHERE[1:2], kind, body.replace("2", "3"))
    with pytest.raises(routedb.ShardError, match=r"otherwise on shop\[1\] than on"):
        world.routed.cursor().execute(sql)


def test_one_that_depends_on_more_is_refused(world: World):
    for how, why in REFUSED.get(_engine(world), {}).items():
        _define(world, WHERE, *how)
        with pytest.raises(routedb.ShardError, match=why):
            world.routed.cursor().execute(READS[0])
        for each in WHERE:
            world.routed.cursor().execute(f"/* routedb: {each} */ DROP FUNCTION twice")
