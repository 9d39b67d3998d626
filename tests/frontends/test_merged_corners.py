"""Corners of SQL over several groups, on PostgreSQL, and foreign keys elsewhere."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.merged_world import World, compare

CORNERS = [
    ("SELECT owner FROM items ORDER BY owner FETCH FIRST 4 ROWS WITH TIES", None),
    ("SELECT owner FROM items ORDER BY owner OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY",
     None),
    ("SELECT id FROM items ORDER BY id LIMIT NULL", None),
    ("SELECT id FROM items ORDER BY id LIMIT ALL OFFSET 3", None),
    ("SELECT id FROM items ORDER BY id LIMIT %s OFFSET %s", (None, 2)),
    ("SELECT id FROM items ORDER BY id LIMIT %s", ("3",)),
    ("SELECT id FROM items ORDER BY id LIMIT 1 + 1", None),
    ("SELECT id FROM items ORDER BY id LIMIT (SELECT count(*) FROM leads)", None),
    ("SELECT id FROM items ORDER BY id LIMIT -1", None),
    ("SELECT DISTINCT ON (owner) owner, id FROM items ORDER BY owner, id DESC", None),
    ("SELECT owner, count(*) FROM items GROUP BY ROLLUP (owner) ORDER BY 1, 2", None),
    ("SELECT mode() WITHIN GROUP (ORDER BY owner), percentile_cont(0.5) "
     "WITHIN GROUP (ORDER BY price) FROM items", None),
    ("(SELECT id FROM items ORDER BY id LIMIT 2) UNION ALL "
     "(SELECT id FROM leads ORDER BY id DESC LIMIT 1) ORDER BY id", None),
    ("SELECT id FROM items ORDER BY seen DESC NULLS FIRST FETCH FIRST 2 ROWS ONLY",
     None),
    ("SELECT (i).id FROM items i ORDER BY 1", None),
    ("SELECT count(*) FROM (VALUES (1), (3)) v (n) JOIN items ON owner = n", None),
    ("SELECT i.id FROM items i, LATERAL (SELECT src FROM leads WHERE owner = i.owner "
     "ORDER BY id LIMIT 1) l ORDER BY i.id", None),
]  # fmt: skip


@pytest.mark.parametrize("autocommit", [True, False])
def test_corners(pg_world: World, autocommit):
    pg_world.routed.autocommit = autocommit
    for sql, params in CORNERS:
        try:
            compare(pg_world, sql, params)
        finally:
            pg_world.routed.rollback()


def test_grammar_that_is_not_understood_is_refused(pg_world: World):
    with pytest.raises(routedb.ShardError, match="grammar is not understood"):
        pg_world.routed.cursor().execute("SELECT id FROM items ORDER BY id USING >")


FOREIGN = (
    "CREATE TABLE late (owner int, id int, lead int REFERENCES leads)",
    "CREATE TABLE web (id int, item int, FOREIGN KEY (item) REFERENCES items (id))",
    "ALTER TABLE leads ADD CONSTRAINT f FOREIGN KEY (owner) REFERENCES places (id)",
)


@pytest.mark.parametrize("sql", FOREIGN)
def test_foreign_keys_to_tables_elsewhere_name_the_way_out(world: World, sql):
    with pytest.raises(
        routedb.CrossDatabaseError, match=r"write it under \[references"
    ):
        world.routed.cursor().execute(sql)
