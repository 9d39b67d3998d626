"""Changes of rows by what is on other groups, on each frontend."""

from __future__ import annotations

from typing import Any

import pytest

import routedb
from tests.frontends.merged_world import World
from tests.frontends.test_written import _is_mysql, _is_postgresql, _run

TABLES = ("items", "places", "leads")


def _contents(connection: Any) -> list[Any]:
    found = []
    for table in TABLES:
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        found.append([tuple(row) for row in cursor.fetchall()])
    return found


def _both(world: World, sql: str, params: Any = None) -> None:
    found = []
    for connection in world:
        told = _run(world, connection, sql, params)
        told = 0 if told == -1 else told  # sqlite3 counts nothing after WITH
        found.append((told, _contents(connection)))
        connection.rollback()
    assert found[0] == found[1], sql


CHANGES: list[tuple[str, Any]] = [
    ("UPDATE items SET name = 'x' WHERE owner IN (SELECT owner FROM leads)", None),
    ("UPDATE items SET name = (SELECT max(src) FROM leads WHERE owner = items.owner) "
     "WHERE EXISTS (SELECT 1 FROM leads l WHERE l.owner = items.owner)", None),
    ("UPDATE leads SET src = (SELECT min(name) FROM items WHERE owner = leads.owner)",
     None),
    ("UPDATE leads SET owner = (SELECT count(*) FROM items)", None),
    ("DELETE FROM leads WHERE owner IN (SELECT owner FROM items WHERE id > %s)", (6,)),
    ("DELETE FROM items WHERE id < %s AND owner NOT IN "
     "(SELECT owner FROM leads WHERE owner IS NOT NULL AND src <> %s) AND id > %s",
     (9, "it's 100%", 0)),
    ("UPDATE items SET name = %(to)s WHERE id IN (SELECT id FROM leads WHERE id < "
     "%(most)s) AND owner = %(owner)s", {"to": "%", "most": 3, "owner": 1}),
    ("UPDATE items SET name = '5%%' WHERE owner > %s AND id < "
     "(SELECT sum(owner) FROM leads)", (1,)),
    ("UPDATE items SET name = '5%' WHERE id < (SELECT sum(owner) FROM leads)", None),
    ("UPDATE places SET name = (SELECT src FROM leads WHERE leads.id = places.id)",
     None),
    ("DELETE FROM places WHERE id NOT IN (SELECT owner FROM items WHERE id = 1)", None),
    ("INSERT INTO items (id, owner, name) VALUES (100, 1, 'a'), (101, 2, "
     "(SELECT max(src) FROM leads)), (%s, 3, (SELECT min(name) FROM items))", (102,)),
    ("INSERT INTO leads (id, owner) VALUES (100, (SELECT max(id) FROM items))", None),
    ("UPDATE items SET price = (SELECT sum(i.price) FROM items i)", None),
    ("DELETE FROM items WHERE price > (SELECT avg(i.price) FROM items i)", None),
]  # fmt: skip
FROM = [
    "UPDATE items SET name = l.src FROM leads l WHERE l.owner = items.owner "
    "AND l.id <> 3",
    "UPDATE leads SET src = i.name FROM items i WHERE i.id = leads.id AND i.id < 3",
    "UPDATE items SET name = q.n FROM (SELECT owner, max(src) AS n FROM leads "
    "GROUP BY owner) q WHERE q.owner = items.owner AND items.id > 2",
    "WITH q AS (SELECT owner FROM leads WHERE id < 3) "
    "DELETE FROM items WHERE owner IN (SELECT owner FROM q)",
]
JOINED = [
    "UPDATE items JOIN leads l ON l.owner = items.owner SET items.name = l.src",
    "DELETE i FROM items i JOIN leads l ON l.owner = i.owner WHERE l.id < 3",
    "DELETE FROM leads USING leads JOIN items ON items.id = leads.id",
]
USING = [
    "DELETE FROM items USING leads l WHERE l.owner = items.owner AND l.id < 3",
    "DELETE FROM items i USING leads l, places p WHERE l.owner = i.owner "
    "AND p.id = i.owner RETURNING i.id, l.src, p.name",
    "UPDATE items i SET name = l.src FROM leads l JOIN items j ON j.id = l.id "
    "WHERE j.owner = i.owner RETURNING i.id, j.name, l.*",
]


@pytest.mark.parametrize("autocommit", [True, False])
def test_rows_of_other_groups_tell_what_is_changed(world, autocommit):
    world.routed.autocommit = False
    changes = CHANGES + [(sql, None) for sql in _more(world)]
    for sql, params in changes[:: 5 if autocommit else 1]:
        if autocommit:  # a transaction of its own is undone by a later error
            world.routed.cursor().execute("SELECT 1")
        _both(world, sql, params)


def _more(world: World) -> list[str]:
    if _is_mysql(world):
        return JOINED
    return FROM + USING if _is_postgresql(world) else FROM


def test_it_is_a_transaction_of_its_own_in_autocommit(world):
    before = _contents(world.routed)
    cursor = world.routed.cursor()
    cursor.execute("UPDATE items SET name = 'x' WHERE owner IN (SELECT id FROM leads)")
    assert cursor.rowcount == 9
    assert _contents(world.routed) != before
    for _, _, _, name, _ in before[0]:
        assert name != "x"
    for id_, owner, _, name, _ in before[0]:
        cursor.execute(
            "UPDATE items SET name = %s WHERE id = %s AND owner = %s",
            (name, id_, owner),
        )
    assert _contents(world.routed) == before


def test_what_was_read_is_shown(world):
    world.routed.autocommit = False
    cursor = world.routed.cursor()
    cursor.execute("UPDATE items SET name = 'x' WHERE owner IN (SELECT id FROM leads)")
    assert cursor.route.reasons[0][0] is routedb.Reason.SEVERAL_GROUPS
    assert cursor.route.groups == (0, 1)
    assert [(run.database, run.rows) for run in cursor.route.fragments] == [("crm", 4)]
    world.routed.rollback()


def test_sets_of_parameters(world):
    world.routed.autocommit = False
    cursor = world.routed.cursor()
    cursor.executemany(
        "DELETE FROM items WHERE id = %s AND id IN (SELECT id FROM leads)",
        [(1,), (2,), (9,)],
    )
    assert cursor.rowcount == 2
    world.routed.rollback()


def test_writes_of_the_transaction_are_read(world):
    """SQLite files cannot commit together."""
    if not (_is_postgresql(world) or _is_mysql(world)):
        world.routed.autocommit = True
        return
    world.routed.autocommit = False
    cursor = world.routed.cursor()
    cursor.execute("UPDATE leads SET owner = 4 WHERE id = 4")
    cursor.execute("DELETE FROM items WHERE owner IN (SELECT id FROM leads "
                   "WHERE owner = 4)")  # fmt: skip
    assert cursor.rowcount == 2
    world.routed.rollback()


def test_too_many_rows(world, monkeypatch):
    world.routed.autocommit = False
    for name in ("postgresql_work.MOST_ROWS", "mysql_work.MOST_ROWS"):
        monkeypatch.setattr(f"routedb.merge.{name}", 2)
    monkeypatch.setattr("routedb.merge.in_place.MOST_VALUES", 2)
    sql = "DELETE FROM items WHERE owner IN (SELECT owner FROM leads)"
    with pytest.raises(routedb.CrossDatabaseError, match="more than 2 rows"):
        world.routed.cursor().execute(sql)
    world.routed.rollback()


REFUSED = {
    "UPDATE items SET owner = (SELECT max(id) FROM leads)": "is set to an expression"
    "|sets the shard key owner by what is in other tables",
    "DELETE FROM items WHERE id IN (SELECT id FROM leads FOR UPDATE)": "lock",
    "DELETE FROM items WHERE id IN (SELECT id FROM nowhere)": "nothing says|unknown|not"
    " show",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused(world, sql):
    with pytest.raises(routedb.Error, match=REFUSED[sql]):
        world.routed.cursor().execute(sql)
    world.routed.rollback()
