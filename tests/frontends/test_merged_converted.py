"""Merged reads whose values the program makes: converters, cursor classes, casters."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from datetime import date

import psycopg2
import pytest
from psycopg2 import extensions as ext

import routedb
from tests.frontends.merged_world import ROWS, TABLES, postgresql_world

READS = [
    "SELECT * FROM items ORDER BY seen DESC",
    "SELECT seen, name FROM items ORDER BY name, id LIMIT 3 OFFSET 1",
    "SELECT seen AS \"day [upper]\" FROM items ORDER BY id DESC",
    "SELECT name AS \"n [upper]\" FROM items ORDER BY 1",
    "SELECT count(*), min(seen), max(price), sum(id) FROM items",
    "SELECT min(name) AS \"n [upper]\" FROM items",
    "SELECT name, count(*) FROM items GROUP BY name ORDER BY name",
    "SELECT i.seen, l.src FROM items i JOIN leads l USING (owner) ORDER BY i.id, l.id",
    "SELECT seen FROM items WHERE id = 3",
    "SELECT DISTINCT seen FROM items WHERE id < 4 ORDER BY seen",
]  # fmt: skip


class Upper(sqlite3.Cursor):
    """Makes other rows."""

    def fetchall(self):
        return [("row", *row) for row in super().fetchall()]


@pytest.fixture(autouse=True)
def converters():
    known = dict(sqlite3.converters)
    sqlite3.register_converter("date", lambda text: date.fromisoformat(text.decode()))
    sqlite3.register_converter("upper", lambda text: text.decode().upper())
    yield
    sqlite3.converters.clear()
    sqlite3.converters.update(known)


@pytest.fixture
def lite(tmp_path):
    """Connections to the shards and to a file that has all rows, with converters."""
    rule = {"database": "shop", "shard_key": "owner", "function": "modulo"}
    paths = [tmp_path / f"{n}.db" for n in range(4)]
    for number, path in enumerate(paths):
        with closing(sqlite3.connect(path)) as raw:
            for table in ("items", "leads"):
                raw.execute(f"CREATE TABLE {table} ({TABLES[table]})")
            shards = {0: "items", 1: "items", 2: "leads", 3: "items leads"}
            for table in shards[number].split():
                rows = [r for r in ROWS[table] if number > 1 or r[1] % 2 == number]
                marks = ", ".join("?" * len(rows[0]))
                raw.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            raw.commit()
    dsns = [f"sqlite:///{path}?detect_types=3" for path in paths]
    source = {
        "default": "shop",
        "databases": {
            "shop": {"shards": [[dsns[0]], [dsns[1]]]},
            "crm": {"nodes": [dsns[2]]},
        },
        "tables": {"items": rule, "leads": "crm"},
    }
    with ExitStack() as stack:
        cluster = stack.enter_context(closing(routedb.Cluster(source)))
        routed = stack.enter_context(closing(cluster.connect(autocommit=True)))
        one = sqlite3.connect(paths[3], detect_types=3)
        yield routed, stack.enter_context(closing(one))


@pytest.mark.parametrize("factory", [sqlite3.Cursor, Upper])
@pytest.mark.parametrize("sql", READS)
def test_converters_and_cursor_classes_of_sqlite(lite, factory, sql):
    routed, one = lite
    its, cursor = one.cursor(factory), routed.cursor(factory)
    expected = its.execute(sql).fetchall()
    cursor.execute(sql)
    assert cursor.fetchall() == expected
    names = [column[0] for column in cursor.description]
    assert names == [column[0] for column in its.description]


def test_rows_are_written_as_they_are_stored(lite):
    routed, one = lite
    sql = "INSERT INTO leads (id, src) SELECT id + 10, seen FROM items"
    one.execute(sql)
    routed.execute(sql)
    asked = "SELECT id, src, typeof(src) FROM leads ORDER BY id"
    assert routed.execute(asked).fetchall() == one.execute(asked).fetchall()


def test_casters_of_psycopg2(postgresql):
    """A column is ordered by what it is, not by what a caster makes of it."""
    backwards = ext.new_type((23,), "BACKWARDS", lambda v, c: v and -int(v))
    with ExitStack() as stack:
        world = postgresql_world(postgresql, stack)
        for connection in (world.routed, world.one):
            ext.register_type(backwards, connection)
        for sql in (
            "SELECT id, name FROM items ORDER BY id LIMIT 4",
            "SELECT sum(id), max(id) FROM items",
        ):
            cursor, its = world.routed.cursor(), world.one.cursor()
            its.execute(sql)
            cursor.execute(sql)
            assert cursor.fetchall() == its.fetchall()
        assert isinstance(world.one, psycopg2.extensions.connection)
