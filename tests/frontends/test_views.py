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


OVER_SHARDS = [
    ("SELECT count(*) FROM late", None),
    ("SELECT * FROM late ORDER BY id", None),
    ("SELECT l.id AS x, late.owner FROM late, leads l WHERE l.owner = late.owner",
     None),
    ("SELECT v.owner, count(*) FROM late v WHERE v.id < %s GROUP BY v.owner", (9,)),
    ("SELECT i.id FROM items i WHERE i.id IN (SELECT id FROM late) AND i.id <> %(n)s",
     {"n": 7}),
    ("WITH q AS (SELECT id FROM late) SELECT max(id) AS m FROM q", None),
    ("SELECT id FROM late WHERE owner = 1", None),
    ("SELECT (SELECT max(id) FROM late) AS m, id FROM places", None),
    ("SELECT a.id FROM late a JOIN late b ON a.id = b.id + 1 ORDER BY a.id", None),
]  # fmt: skip


def test_views_over_shards_are_their_queries(viewed: World) -> None:
    for sql, params in OVER_SHARDS:
        compare(viewed, sql, params)
    made = "INSERT INTO leads (id, owner) SELECT id + 100, owner FROM late"
    for connection in viewed:
        connection.cursor().execute(made)
        connection.commit()
    compare(viewed, "SELECT * FROM leads ORDER BY id", None)


def _define(world: World, *views: str) -> None:
    """Define a view on each shard, and the first of them on the one database."""
    for shard, view in enumerate(views):
        world.routed.cursor().execute(f"/* routedb: shard={shard} */ {view}")
    world.one.cursor().execute(views[0])
    world.one.commit()


GROUPED = (
    "CREATE VIEW late{} AS SELECT owner % 2 AS o, count(*) AS n, max(name) AS m "
    "FROM items WHERE name LIKE 'n%' GROUP BY owner % 2"
)


def test_a_view_that_counts(world: World) -> None:
    """Each shard would count its own rows."""
    _define(world, *[GROUPED.format("")] * 2)
    for sql, params in (
        ("SELECT * FROM late ORDER BY o", None),
        ("SELECT sum(n) AS s FROM late WHERE o < %s", (3,)),
        ("SELECT l.src, late.n FROM leads l LEFT JOIN late ON late.o = l.owner", None),
    ):
        compare(world, sql, params)


def test_a_view_that_names_its_columns_is_read_in_a_view(world: World) -> None:
    named = GROUPED.format(" (a, b, c)")
    _define(world, named, named)
    compare(world, "SELECT a, b FROM late ORDER BY a", None)


REFUSED = {
    "WITH items AS (SELECT 1 AS id) SELECT count(*) FROM late, items": "hides a table",
}


def test_what_is_refused(viewed: World) -> None:
    for sql, why in REFUSED.items():
        with pytest.raises(routedb.ShardError, match=why):
            viewed.routed.cursor().execute(sql)


def test_views_that_differ_are_told(world: World) -> None:
    other = GROUPED.format("").replace("max(name)", "min(name)")
    _define(world, GROUPED.format(""), other)
    told = "late differs between the shards of shop: .*max.*, shard 1 has .*min"
    with pytest.raises(routedb.ShardError, match=f"(?is){told}"):
        world.routed.cursor().execute("SELECT * FROM late")
