"""Uses of a statement over several groups that are refused by name."""

from __future__ import annotations

import pytest

import routedb
from tests.frontends.merged_world import World

_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
MANY = {
    "SELECT id FROM items WHERE id > %s": "",
    "SELECT i.id FROM items i, leads l WHERE l.id = %s": "several data",
}


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("sql", MANY)
def test_sets_of_parameters(world: World, sql, autocommit):
    world.routed.autocommit = autocommit
    cursor = world.routed.cursor()
    with pytest.raises(_REFUSALS, match=MANY[sql] or "item|shard"):
        cursor.executemany(sql, [(1,), (2,)])
    cursor.execute("SELECT count(*) FROM leads")
    assert cursor.fetchone() == (4,)
    world.routed.rollback()


def test_procedures(world: World):
    """They may read and write anything, on the shard that is named."""
    cursor = world.routed.cursor()
    if not hasattr(world.one.cursor(), "callproc"):  # sqlite3
        with pytest.raises((AttributeError, routedb.Error)):
            cursor.callproc("f", (1,))
        return
    with pytest.raises(routedb.ShardError, match="CALL names no table"):
        cursor.callproc("f", (1,))
    cursor.execute("SELECT count(*) FROM items")
    assert cursor.fetchone() == (12,)
