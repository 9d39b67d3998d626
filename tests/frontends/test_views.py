"""Views among the tables of a statement over several groups."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.merged_world import World, compare

READS = [
    "SELECT i.id, w.src FROM items i JOIN web w ON w.owner = i.owner",
    "SELECT count(*) FROM items WHERE owner IN (SELECT owner FROM web)",
    "SELECT i.id, w.id FROM web w LEFT JOIN items i ON i.owner = w.owner "
    "AND i.id > 3 ORDER BY w.id, i.id",
    "SELECT i.id, s.name FROM items i JOIN sites s ON s.id = i.owner",
    "SELECT s.id, w.id FROM sites s JOIN web w ON w.id = s.id",
]


@pytest.fixture
def viewed(world: World) -> World:
    """Views on the second database and on the shards, and all of them on the one."""
    cursor = world.routed.cursor()
    web = "CREATE VIEW web AS SELECT id, owner, src FROM leads WHERE src = 'web'"
    sites = "CREATE VIEW sites AS SELECT id, name FROM places"
    late = "CREATE VIEW late AS SELECT owner, id FROM items WHERE id > 5"
    cursor.execute(f"/* routedb: database=crm */ {web}")
    cursor.execute(sites)
    cursor.execute(late)
    one = world.one.cursor()
    for view in (web, sites, late):
        one.execute(view)
    world.one.commit()
    return world


def test_views_of_one_group_are_read_as_tables(viewed: World) -> None:
    for sql in READS:
        compare(viewed, sql, None)


def test_views_over_shards_are_read_by_their_key_only(viewed: World) -> None:
    compare(viewed, "SELECT id FROM late WHERE owner = 1", None)
    with pytest.raises(routedb.ShardError, match="late is a view, which each shard"):
        viewed.routed.cursor().execute("SELECT count(*) FROM late")
