"""CREATE TABLE … AS and SELECT … INTO whose query is over several groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import MySQLdb
import psycopg2.extensions
import pytest

import routedb
from tests.frontends.merged_world import World

_REFUSALS = (routedb.ShardError, routedb.CrossDatabaseError)
_COLUMNS = {
    "postgresql": "/* routedb: database=crm */ "
    "SELECT attname, format_type(atttypid, atttypmod), "
    "attcollation::regcollation::text FROM pg_attribute "
    "WHERE attrelid = 'web'::regclass AND attnum > 0 ORDER BY attnum",
    "sqlite": "/* routedb: database=crm */ "
    "SELECT name, type FROM pragma_table_info('web')",
    "mysql": "/* routedb: database=crm */ SHOW CREATE TABLE web",
}
# `web` is in database crm by the rules.
CREATED: list[tuple[str, Any]] = [
    ("CREATE TABLE web AS SELECT * FROM items", None),
    ("CREATE TABLE web AS SELECT id, name, price FROM items WHERE id < %s;", (6,)),
    ("create table web as SELECT owner, count(*), sum(id) AS s, max(name) AS m "
     "FROM items GROUP BY owner", None),
    ("CREATE TABLE web AS SELECT i.id AS \"Id %\", l.src || 'x' AS s FROM items i "
     "JOIN leads l ON l.id = i.owner", None),
    ("CREATE TABLE web AS SELECT i.*, 'lit' AS lit, NULL AS nothing, %(n)s AS one, "
     "'100%%' AS pct FROM items i ORDER BY id LIMIT 5", {"n": 1, "other": 2}),
    ("CREATE TABLE web AS SELECT name FROM items UNION ALL SELECT src FROM leads",
     None),
    ("CREATE TABLE web AS SELECT p.name, l.src FROM places p, leads l", None),
    ("CREATE TABLE web AS SELECT id, seen FROM items WHERE id < 0", None),
    ("CREATE TABLE IF NOT EXISTS web AS SELECT id FROM items", None),
    ("CREATE TABLE web AS SELECT id, 1 / (id - 3) AS id2 FROM items", None),
    ("CREATE TABLE web AS SELECT nothing FROM items", None),
]  # fmt: skip
POSTGRESQL: list[tuple[str, Any]] = [
    ("CREATE TABLE web AS SELECT * FROM items WITH DATA", None),
    ("CREATE TABLE web (a, b) AS SELECT id, name FROM items WITH NO DATA", None),
    ("CREATE UNLOGGED TABLE web (a) WITH (fillfactor = 50) AS SELECT name, id, price "
     "FROM items", None),
    ("CREATE TABLE web AS SELECT id, id FROM items", None),
    ("CREATE TABLE web (a, b, c) AS SELECT id, owner FROM items", None),
    ("SELECT id, name, '%%' AS p INTO web FROM items WHERE id > %s;", (3,)),
    ("SELECT price INTO TABLE web FROM items", None),
    ("WITH q AS (SELECT * FROM items) SELECT name COLLATE \"C\" AS n, price * 2 AS p, "
     "seen + interval '1 day' AS s, ARRAY[id] AS a INTO UNLOGGED web "
     "FROM q WHERE id < 0", None),
    ("CREATE TABLE web AS SELECT name COLLATE \"C\" AS n, price * 2 AS p, "
     "price::numeric(6,1) AS q, name::char(3) AS c, seen::timestamp(3) AS s, "
     "ARRAY[name] AS a, json_build_object('a', id) AS j, id::text::bit(7) AS b, "
     "id * interval '1 hour' AS h FROM items", None),
    ("CREATE TABLE web AS SELECT i.id, i.name, count(*) FROM items i GROUP BY i.id",
     None),
]  # fmt: skip
MYSQL: list[tuple[str, Any]] = [
    ("CREATE TABLE web ENGINE=InnoDB COMMENT 'it''s 5 %%' AS SELECT id, "
     "owner AS `o``w` FROM items WHERE id < %s", (5,)),
    ("CREATE TABLE `web` AS SELECT id, name, price * 2 AS p, avg(price) AS a, "
     "count(*), concat(name, 'é') AS c, CAST(seen AS DATETIME(3)) AS s, "
     "id > 3 AS b FROM items GROUP BY id", None),
    ("CREATE TABLE web DEFAULT CHARSET latin1 AS SELECT i.id, l.src, NULL AS n, "
     "x'00ff' AS x, 1.5e0 AS d FROM items i LEFT JOIN leads l ON l.id = i.id", None),
    ("CREATE TABLE web AS SELECT id, id FROM items", None),
]  # fmt: skip


def _engine(world: World) -> str:
    if isinstance(world.one, psycopg2.extensions.connection):
        return "postgresql"
    is_mysql = isinstance(world.one, MySQLdb.connections.Connection)
    return "mysql" if is_mysql else "sqlite"


DEALT: list[tuple[str, Any]] = [
    ("CREATE TABLE late AS SELECT * FROM items", None),
    ("CREATE TABLE late AS SELECT l.id, l.owner, i.name, 'x%%' AS lit FROM leads l "
     "LEFT JOIN items i ON i.id = l.id WHERE l.id < %s AND l.owner IS NOT NULL", (9,)),
    ("CREATE TABLE late AS SELECT owner, count(*) AS n, max(name) AS m FROM items "
     "GROUP BY owner", None),
    ("CREATE TABLE late AS SELECT owner, 1 / (id - 3) AS d FROM items", None),
    ("CREATE TABLE sites AS SELECT id, src FROM leads", None),
]  # fmt: skip


@pytest.fixture
def clean(world: World) -> Iterator[World]:
    """A world in which there is no `web` afterwards."""
    yield world
    for connection in world:
        connection.rollback()
        connection.cursor().execute("DROP TABLE IF EXISTS web")
        connection.commit()


def _run(world: World, connection: Any, sql: str, params: Any) -> Any:
    """Run a statement; return what it says and what there is then, or the error."""
    cursor = connection.cursor()
    if connection is world.one and _engine(world) == "sqlite" and params is not None:
        sql, names = routedb.sql.to_qmark(sql)
        params = [params[name] for name in names] if names else params
    try:
        cursor.execute(sql, *(() if params is None else (params,)))
    except _REFUSALS:
        raise
    except Exception as exc:
        connection.rollback()
        return type(exc).__name__
    said = cursor.rowcount, cursor.description, getattr(cursor, "statusmessage", None)
    shown = connection.cursor()
    shown.execute(_COLUMNS[_engine(world)])
    columns = shown.fetchall()
    shown.execute("SELECT * FROM web")
    rows = Counter(str(tuple(row)) for row in shown.fetchall())
    shown.execute("DROP TABLE web")
    connection.commit()
    return said, columns, rows


@pytest.mark.parametrize("autocommit", [True, False])
def test_what_is_made_is_what_one_database_makes(clean, autocommit):
    clean.routed.autocommit = autocommit
    is_mysql = _engine(clean) == "mysql"
    more = {"postgresql": POSTGRESQL, "mysql": MYSQL}.get(_engine(clean), [])
    for sql, params in CREATED + more:
        if is_mysql and ("||" in sql or "1 / (" in sql):  # no number, and by zero
            _refused(clean, sql, params, "has warnings")
            continue
        got = _run(clean, clean.routed, sql, params)
        assert got == _run(clean, clean.one, sql, params), sql


def _refused(world: World, sql: str, params: Any, why: str) -> None:
    with pytest.raises(_REFUSALS, match=why):
        world.routed.cursor().execute(sql, *(() if params is None else (params,)))


def test_one_that_is_there_is_left(clean):
    for connection in clean:
        connection.cursor().execute("CREATE TABLE web (a integer)")
        connection.commit()
    sql = "CREATE TABLE IF NOT EXISTS web AS SELECT id, 1 / 0 AS z FROM items"
    is_mysql = _engine(clean) == "mysql"  # where the second would be refused
    for text in (sql, sql.replace("IF NOT EXISTS ", ""))[: 1 if is_mysql else 2]:
        got = _run(clean, clean.routed, text, None)
        assert got == _run(clean, clean.one, text, None)


def test_temporary_ones(clean):
    """They live on a link of the default database's, or of the transaction's."""
    clean.routed.autocommit = False
    cursor = clean.routed.cursor()
    cursor.execute("SELECT id FROM leads WHERE id = 1")
    made = "CREATE TEMP TABLE mine AS SELECT id, name FROM items"
    if _engine(clean) == "mysql":
        made = made.replace("TEMP", "TEMPORARY")
    if _engine(clean) == "sqlite":
        made = made.replace("items", "items UNION ALL SELECT id, src FROM leads")
    cursor.execute(made)
    cursor.execute("SELECT count(*) FROM mine")
    assert cursor.fetchone()[0] >= 12
    cursor.execute("DROP TABLE mine")
    clean.routed.commit()


def test_a_rollback_undoes_it_and_many_rows_go_by_a_table(clean, monkeypatch):
    monkeypatch.setattr("routedb.merge.bringing.BLOCK", 5)
    clean.routed.autocommit = False
    cursor = clean.routed.cursor()
    if _engine(clean) == "mysql":
        cursor.execute("CREATE TABLE web AS SELECT i.*, '%' AS p FROM items i")
        clean.routed.rollback()  # undoes no definition
        cursor.execute("SELECT count(*) FROM web")
        assert cursor.fetchone() == (12,)
        return
    cursor.execute("INSERT INTO leads VALUES (50, 1, 'new')")
    cursor.execute("CREATE TABLE web AS SELECT i.*, '%' AS p FROM items i")
    assert cursor.rowcount in (12, -1)
    assert cursor.route.database == "crm"
    assert [run.rows for run in cursor.route.fragments] == [7, 5]
    cursor.execute("SELECT count(*), max(p) FROM web")
    assert cursor.fetchone() == (12, "%")
    clean.routed.rollback()
    cursor.execute("SELECT count(*) FROM leads WHERE id = 50")
    assert cursor.fetchone() == (0,)
    with pytest.raises(routedb.Error):
        cursor.execute("SELECT * FROM web")
    clean.routed.rollback()


@pytest.mark.parametrize("autocommit", [True, False])
def test_rows_are_dealt_to_a_table_that_is_made(clean, autocommit):
    clean.routed.autocommit = autocommit
    for sql, params in DEALT:
        if _engine(clean) == "mysql" and "1 / (" in sql:
            _refused(clean, sql, params, "more digits")
            clean.routed.rollback()  # which undoes no definition there
            clean.routed.cursor().execute("DROP TABLE late")
            continue
        name = sql.split()[2]
        got = _dealt(clean, clean.routed, sql, params, name)
        assert got == _dealt(clean, clean.one, sql, params, name), sql


def _dealt(world: World, connection: Any, sql: str, params: Any, name: str) -> Any:
    """Run a statement; return what it says and the rows there are, or the error."""
    cursor = connection.cursor()
    if connection is world.one and _engine(world) == "sqlite" and params is not None:
        sql, _ = routedb.sql.to_qmark(sql)
    try:
        cursor.execute(sql, *(() if params is None else (params,)))
    except _REFUSALS:
        raise
    except Exception as exc:
        connection.rollback()
        if _engine(world) == "mysql":  # where a definition stays
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
        return type(exc).__name__
    said = cursor.rowcount, cursor.description, getattr(cursor, "statusmessage", None)
    cursor.execute(f"SELECT * FROM {name}")
    described = [column[:2] for column in cursor.description]
    rows = Counter(str(tuple(row)) for row in cursor.fetchall())
    cursor.execute(f"DROP TABLE {name}")
    connection.commit()
    return said, described, rows


REFUSED = {
    "CREATE TABLE late AS SELECT id FROM leads": "no column owner",
    "CREATE TABLE IF NOT EXISTS late AS SELECT * FROM leads": "IF NOT EXISTS",
    "CREATE TABLE web AS SELECT id, random() AS r FROM items": "at each call|random",
    "CREATE VIEW web AS SELECT * FROM items": "several databases",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused(world, sql):
    _refused(world, sql, None, REFUSED[sql])
