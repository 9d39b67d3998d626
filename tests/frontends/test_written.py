"""INSERT … SELECT whose query is over several groups, on each frontend."""

from __future__ import annotations

from collections import Counter
from typing import Any

import MySQLdb
import psycopg2.extensions
import pytest

import routedb
from tests.frontends.merged_world import World

SELECT = "SELECT i.id + 100, i.owner, i.name FROM items i"
INSERT = f"INSERT INTO leads (id, owner, src) {SELECT}"


@pytest.fixture
def clean(world: World) -> Any:
    """A world whose `leads` are as they were afterwards."""
    yield world
    for connection in world:
        connection.rollback()
        connection.cursor().execute("DELETE FROM leads WHERE id > 4")
        connection.commit()


def _is_postgresql(world: World) -> bool:
    return isinstance(world.one, psycopg2.extensions.connection)


def _is_mysql(world: World) -> bool:
    return isinstance(world.one, MySQLdb.connections.Connection)


def _run(world: World, connection: Any, sql: str, params: Any = None) -> Any:
    """Run a statement; return the count and the rows, or the class of the error."""
    cursor = connection.cursor()
    is_raw = connection is world.one and not _is_postgresql(world)
    if is_raw and not _is_mysql(world) and params is not None:
        sql, names = routedb.sql.to_qmark(sql)
        params = [params[name] for name in names] if names else params
    try:
        cursor.execute(sql, *(() if params is None else (params,)))
    except (routedb.ShardError, routedb.CrossDatabaseError):
        raise
    except Exception as exc:
        connection.rollback()
        return type(exc).__name__
    rows = list(map(str, cursor.fetchall())) if cursor.description else None
    if rows is None:
        return cursor.rowcount
    return Counter(rows)


def _leads(connection: Any) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute("SELECT * FROM leads ORDER BY id")
    rows = [tuple(row) for row in cursor.fetchall()]
    connection.commit()
    return rows


def _both(world: World, sql: str, params: Any = None) -> None:
    got = _run(world, world.routed, sql, params)
    expected = _run(world, world.one, sql, params)
    assert got == expected, sql
    assert _leads(world.routed) == _leads(world.one), sql


WRITES: list[tuple[str, Any]] = [
    (INSERT, None),
    (f"{INSERT} WHERE i.name = 'n1' OR i.name LIKE '%2'", None),
    (f"{INSERT} WHERE i.id < %s", (6,)),
    (f"{INSERT} WHERE i.id < %(most)s", {"most": 6, "other": 1}),
    (f"{INSERT} WHERE i.name LIKE '%%1' AND i.id < %s", (6,)),
    (f"{INSERT} WHERE i.id < 0", None),
    ("INSERT INTO leads (id, owner) SELECT 100, count(*) FROM items", None),
    ("INSERT INTO leads (id, owner) SELECT 100 + owner, sum(id) FROM items "
     "GROUP BY owner", None),
    ("INSERT INTO leads (id, src) SELECT 100 + i.id, p.name FROM items i "
     "JOIN places p ON p.id = i.owner", None),
    ("INSERT INTO leads (id, owner, src) SELECT 100 + i.id, l.id, l.src FROM leads l "
     "JOIN items i ON l.owner = i.owner", None),
    ("INSERT INTO leads SELECT id + 100, owner, 'lit' FROM items", None),
    ("INSERT INTO leads SELECT id + 100, NULL, %s FROM items", ("it's",)),
    (f"{INSERT} ORDER BY i.id LIMIT 3", None),
    (f"INSERT INTO leads (id, owner, src) {SELECT} UNION ALL SELECT 200, 1, 'x'", None),
    ("INSERT INTO leads (id) SELECT id FROM items", None),  # 1 is there
    ("INSERT INTO leads (id, src) SELECT id + 100, seen FROM items", None),
    ("INSERT INTO leads (id, nothing) SELECT id + 100, seen FROM items", None),
    ("INSERT INTO leads (id, owner) SELECT id + 100 FROM items", None),
]  # fmt: skip


@pytest.mark.parametrize("autocommit", [True, False])
def test_they_write_what_one_database_writes(clean, autocommit):
    clean.routed.autocommit = autocommit
    for sql, params in WRITES:
        _both(clean, sql, params)
        for connection in clean:
            connection.cursor().execute("DELETE FROM leads WHERE id > 4")
            connection.commit()


QUERIED = "SELECT id + 100, name FROM q"
INTO = "INTO leads (id, src) {}"
# On PostgreSQL, SQLite, MariaDB; "" where an engine has no such words.
CONFLICTS = {
    "ignored": (
        f"INSERT {INTO} ON CONFLICT DO NOTHING",
        f"INSERT {INTO} ON CONFLICT DO NOTHING",
        f"INSERT IGNORE {INTO}",
    ),
    "updated": (
        "INSERT INTO leads AS l (id, src) {} ON CONFLICT (id) "
        "DO UPDATE SET owner = l.owner + %s, src = excluded.src",
        "INSERT INTO leads AS l (id, src) {} ON CONFLICT (id) "
        "DO UPDATE SET owner = l.owner + %s, src = excluded.src",
        f"INSERT {INTO} ON DUPLICATE KEY "
        "UPDATE owner = VALUES(id) + %s, src = VALUES(src)",
    ),
    "replaced": ("", f"REPLACE {INTO}", f"REPLACE {INTO}"),
    "or replaced": ("", f"INSERT OR REPLACE {INTO}", ""),
    "returned": (
        f"INSERT {INTO} ON CONFLICT DO NOTHING RETURNING id, src",
        f"INSERT {INTO} ON CONFLICT DO NOTHING RETURNING id, src",
        f"INSERT IGNORE {INTO} RETURNING id, src",
    ),
    "after WITH": (
        f"WITH q AS (SELECT * FROM items) INSERT {INTO.format(QUERIED)}",
        f"WITH q AS (SELECT * FROM items) INSERT {INTO.format(QUERIED)}",
        "",
    ),
}


@pytest.mark.parametrize("texts", CONFLICTS.values(), ids=CONFLICTS)
def test_rows_that_are_there(world, texts):
    engine = 0 if _is_postgresql(world) else 2 if _is_mysql(world) else 1
    sql = texts[engine].format("SELECT id, name FROM items WHERE id > 2")
    if not sql:
        with pytest.raises(routedb.Error):  # another engine's words
            world.routed.cursor().execute(texts[1].format("SELECT id, name FROM items"))
        return
    world.routed.autocommit = False
    params = (10,) if "%s" in sql else None
    for connection in world:
        connection.cursor().execute("INSERT INTO leads VALUES (5, 5, 'five')")
    got = _run(world, world.routed, sql, params)
    expected = _run(world, world.one, sql, params)
    assert got == expected or expected == -1  # sqlite3 counts nothing after WITH
    shown = []
    for connection in world:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM leads ORDER BY id")
        shown.append([tuple(row) for row in cursor.fetchall()])
        connection.rollback()
    assert shown[0] == shown[1]


def test_a_transaction_has_it_and_a_rollback_undoes_it(clean):
    clean.routed.autocommit = False
    cursor = clean.routed.cursor()
    cursor.execute("INSERT INTO leads VALUES (50, 1, 'new')")
    cursor.execute("SAVEPOINT a")
    cursor.execute(INSERT)
    assert cursor.rowcount == 12
    cursor.execute("SELECT count(*) FROM leads WHERE id > 4")
    assert cursor.fetchone() == (13,)
    cursor.execute("ROLLBACK TO SAVEPOINT a")
    cursor.execute(
        "INSERT INTO leads (id, src) SELECT i.id + 200, l.src "
        "FROM items i JOIN leads l ON l.id = 50 WHERE i.id = 1"
    )
    cursor.execute("SELECT src FROM leads WHERE id = 201")
    assert cursor.fetchone() == ("new",)
    clean.routed.rollback()
    assert _leads(clean.routed) == _leads(clean.one)


def test_many_rows_go_by_a_table(clean, monkeypatch):
    monkeypatch.setattr("routedb.merge.bringing.BLOCK", 5)
    for autocommit in (True, False):
        clean.routed.autocommit = autocommit
        for sql in (INSERT, f"{INSERT} WHERE i.name = 'it''s 100%'"):
            _both(clean, sql)
        _both(clean, "INSERT INTO leads (id) SELECT id FROM items")
        for connection in clean:
            connection.cursor().execute("DELETE FROM leads WHERE id > 4")
            connection.commit()


def test_where_it_went_is_shown(clean):
    cursor = clean.routed.cursor()
    cursor.execute(INSERT)
    route = cursor.route
    assert route.database == "crm"
    assert route.reasons[0][0] is routedb.Reason.SEVERAL_GROUPS
    assert [run.rows for run in route.fragments] == [7, 5]
    assert cursor.link.node.database == "crm"


DEALT = [
    "INSERT INTO items (id, owner, name) SELECT id + 100, owner, src FROM leads "
    "WHERE owner IS NOT NULL",
    "INSERT INTO items SELECT i.id + 100, i.owner + 1, i.price, i.name, i.seen "
    "FROM items i",
    "INSERT INTO items (name, id, owner) SELECT l.src, i.id + 100, i.owner "
    "FROM items i JOIN leads l ON l.owner = i.owner",
    "INSERT INTO items (owner, id) SELECT count(*), 100 FROM items",
    "INSERT INTO items (owner, id) SELECT id, id + 100 FROM leads WHERE id > 9",
    "INSERT INTO items (owner, id) SELECT owner, id + 100 FROM leads WHERE id > 9",
    "INSERT INTO items (owner, id) SELECT owner, id FROM leads WHERE id = 1",
    "INSERT INTO places (id, name) SELECT id + 100, name FROM items",
]


def _items(connection: Any) -> list[Any]:
    found = []
    for table in ("items", "places"):
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        found += [tuple(row) for row in cursor.fetchall()]
    return found


@pytest.mark.parametrize("block", [5_000, 3])
def test_rows_are_dealt_to_their_shards(world, monkeypatch, block):
    monkeypatch.setattr("routedb.merge.bringing.BLOCK", block)
    monkeypatch.setattr("routedb.merge.reading.Reader.itersize", block)
    world.routed.autocommit = False
    for sql in DEALT:
        found = []
        for connection in world:
            told = _run(world, connection, sql)
            found.append((told, _items(connection)))
            connection.rollback()
        assert found[0] == found[1], sql


def test_a_row_that_is_there_ends_all_of_them(clean):
    before = _items(clean.routed)
    with pytest.raises(routedb.IntegrityError):
        clean.routed.cursor().execute(
            "INSERT INTO items (id, owner) SELECT id + 10, id FROM leads"
        )
    clean.routed.rollback()
    assert _items(clean.routed) == before


def test_sets_of_parameters_are_dealt_as_well(world):
    world.routed.autocommit = False
    cursor = world.routed.cursor()
    cursor.executemany(
        "INSERT INTO items (id, owner) SELECT id + %s, id FROM leads", [(100,), (200,)]
    )
    assert cursor.rowcount == 8
    cursor.execute("SELECT count(*) FROM items WHERE id > 100")
    assert cursor.fetchone() == (8,)
    world.routed.rollback()


REFUSED = {
    "INSERT INTO items (id) SELECT id FROM leads": "no value for the shard key owner",
    "INSERT INTO items (id, owner) SELECT id, price FROM items": "stored as others",
    "INSERT INTO items (id, owner) SELECT id, src FROM leads": "stored as others",
    "INSERT INTO items (id, owner) SELECT id + 100, NULL FROM leads": "NULL",
    "INSERT INTO leads (id) SELECT id FROM items FOR UPDATE": "no plain read",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused(world, sql):
    with pytest.raises(
        (routedb.ShardError, routedb.CrossDatabaseError), match=REFUSED[sql]
    ):
        world.routed.cursor().execute(sql)


def test_in_a_transaction_that_writes_elsewhere(world):
    """SQLite files cannot commit together; the others can."""
    world.routed.autocommit = False
    cursor = world.routed.cursor()
    cursor.execute("INSERT INTO items (id, owner) VALUES (70, 1)")
    if not (_is_postgresql(world) or _is_mysql(world)):
        with pytest.raises(routedb.CrossDatabaseError):
            cursor.execute(INSERT)
        world.routed.rollback()
        return
    cursor.execute(INSERT)
    assert cursor.rowcount == 13
    world.routed.commit()
    assert len(_leads(world.routed)) == 17
