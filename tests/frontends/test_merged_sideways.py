"""Rows of one database say which of another's are read."""

from __future__ import annotations

import pytest

from tests.frontends.merged_world import compare

ITEMS_OF_ONE = "SELECT i.id, l.src FROM items i JOIN leads l"
# The statement, its parameters, and how many rows of leads and of items come.
NARROWED = [
    (f"{ITEMS_OF_ONE} USING (owner) WHERE i.id = %s", (1,), 1, 1),
    (f"{ITEMS_OF_ONE} ON l.owner = i.owner WHERE i.id = %(n)s", {"n": 3}, 1, 1),
    (f"{ITEMS_OF_ONE} ON i.owner = l.owner WHERE i.id = 1", None, 1, 1),
    (f"{ITEMS_OF_ONE} USING (owner) WHERE i.id = 99", None, 0, 0),
    (f"{ITEMS_OF_ONE} ON i.owner = l.id WHERE i.id IN (1, 2)", None, 2, 2),
    ("SELECT i.id FROM items i, leads l WHERE i.owner = l.owner AND i.id = 1", None)
    + (1, 1),
    (f"{ITEMS_OF_ONE} USING (owner) WHERE l.id = %s", (1,), 1, 3),
    (f"{ITEMS_OF_ONE} USING (owner) WHERE l.id = 4", None, 1, 0),
    ("SELECT l.id, i.id FROM leads l LEFT JOIN items i ON i.owner = l.owner", None)
    + (4, 12),
    ("SELECT i.id, l.id FROM items i LEFT JOIN leads l ON i.owner = l.owner", None)
    + (4, 12),
    (
        "SELECT i.id, l.id FROM items i LEFT JOIN leads l ON i.owner = l.owner "
        "WHERE i.id = 2",
        None,
        0,
        1,
    ),
    (f"{ITEMS_OF_ONE} ON i.name = l.src WHERE i.id = 1", None, None, 1),
    (f"{ITEMS_OF_ONE} USING (owner) WHERE i.id = 1 AND l.id = 1", None, 1, 1),
]


@pytest.mark.parametrize(("sql", "params", "leads", "items"), NARROWED)
def test_only_rows_with_a_partner_come(world, sql, params, leads, items):
    compare(world, sql, params)
    cursor = world.routed.cursor()
    cursor.execute(sql, params)
    runs = cursor.route.fragments
    came = dict.fromkeys(("crm", "shop"), 0)
    for run in runs:
        came[run.database] += run.rows
    assert came["shop"] == items
    if leads is not None:  # texts have a collation on some engines
        assert came["crm"] == leads


def test_the_keys_are_not_told(world):
    cursor = world.routed.cursor()
    cursor.execute(f"{ITEMS_OF_ONE} USING (owner) WHERE i.id = 3")
    crm = [run.sql for run in cursor.route.fragments if run.database == "crm"]
    assert len(crm) == 1
    assert crm[0].endswith("IN (/* keys: 1 */)")


@pytest.mark.parametrize("number", [3, 10_001])
def test_too_many_keys_narrow_nothing(world, number, monkeypatch):
    monkeypatch.setattr("routedb.merge.sideways.MOST_KEYS", number)
    sql = f"{ITEMS_OF_ONE} USING (owner) WHERE i.id >= 0"
    compare(world, sql, None)
    cursor = world.routed.cursor()
    cursor.execute(sql)
    crm = sum(run.rows for run in cursor.route.fragments if run.database == "crm")
    assert crm == (4 if number == 3 else 2)


def test_writes_of_the_transaction_are_seen(world):
    cursor = world.routed.cursor()
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO leads VALUES (9, 2, 'new')")
    cursor.execute(f"{ITEMS_OF_ONE} USING (owner) WHERE i.id = 2")
    assert [tuple(row) for row in cursor.fetchall()] == [(2, "new")]
    cursor.execute("ROLLBACK")
