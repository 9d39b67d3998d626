"""What a read of SQLite may do by what it names."""

from __future__ import annotations

import sqlite3

import pytest

from routedb.adapters.sqlite.sqlite3 import ADAPTER

SETUP = """
CREATE TABLE t (a int);
CREATE VIEW plain AS SELECT a, random() AS r FROM t;
CREATE VIEW plain_too AS SELECT upper(a) AS a FROM plain;
CREATE VIEW own AS SELECT mine(a) AS a FROM t;
CREATE VIEW behind AS SELECT a FROM own;
CREATE VIEW [odd view] AS SELECT a FROM behind;
CREATE VIEW matching AS SELECT a FROM t WHERE a REGEXP 'x';
CREATE VIEW quoted AS SELECT a FROM 'odd view';
CREATE VIEW ÄOwn AS SELECT a FROM own;
CREATE TABLE computed (a int, b int AS (mine(a)));
CREATE TABLE noted (a text COLLATE noted);
CREATE VIEW noted_too AS SELECT a FROM t ORDER BY a COLLATE noted;
CREATE TEMP VIEW temporary AS SELECT mine(1) AS a;
CREATE VIRTUAL TABLE words USING fts5(w);
ATTACH ':memory:' AS other;
CREATE TABLE other.u (a int);
"""
PLAIN = [
    "SELECT a FROM t",
    "SELECT a FROM plain",
    "SELECT a FROM plain_too",
    "SELECT a FROM u",
    "SELECT w FROM words",
    "SELECT count(*), max(a), abs(a) FROM t",
    "SELECT a FROM t WHERE a LIKE 'x' AND a GLOB 'y'",
    "PRAGMA user_version",
    "WITH c AS (SELECT a FROM plain) SELECT a FROM c",
    "VALUES (1)",
]
HIDING = [
    "SELECT mine(a) FROM t",
    "SELECT MINE(a) FROM t",
    'SELECT "mine"(a) FROM t',
    "SELECT a FROM own",
    "SELECT a FROM behind",
    "SELECT a FROM [odd view]",
    "SELECT a FROM OWN",
    "SELECT a FROM matching",
    "SELECT a FROM t WHERE a REGEXP 'x'",
    "SELECT a FROM temporary",
    "WITH c AS (SELECT a FROM own) SELECT a FROM c",
    "SELECT a FROM t UNION SELECT a FROM behind",
    "SELECT sum(a), total_of(a) FROM t",
    "SELECT a FROM quoted",
    "SELECT a FROM ÄOwn",
    "SELECT b FROM computed",
    "SELECT a FROM noted",
    "SELECT a FROM noted_too",
    "SELECT max(a COLLATE noted) FROM t",
]


@pytest.fixture
def raw():
    connection = sqlite3.connect(":memory:")
    connection.create_function("mine", 1, lambda a: a, deterministic=True)
    connection.create_function("regexp", 2, lambda a, b: True)
    connection.create_collation("noted", lambda a, b: (a > b) - (a < b))
    connection.create_aggregate("total_of", 1, type("Total", (), {}))
    connection.executescript(SETUP)
    yield connection
    connection.close()


@pytest.mark.parametrize("sql", PLAIN)
def test_what_is_sqlites_own_is_plain(raw, sql):
    assert ADAPTER.is_plain(raw, sql, ())


@pytest.mark.parametrize("sql", HIDING)
def test_a_function_of_the_program_may_do_anything(raw, sql):
    assert not ADAPTER.is_plain(raw, sql, ())


def test_a_function_in_the_place_of_a_built_in_one_is_the_programs(raw):
    raw.create_function("upper", 1, lambda a: a)
    assert not ADAPTER.is_plain(raw, "SELECT a FROM plain_too", ())


def test_a_module_that_is_not_known_may_do_anything():
    objects = [("v", "CREATE VIRTUAL TABLE v USING csv(filename='x')")]

    class Raw:
        def execute(self, sql):
            rows = {"database_list": [("main",)], "sqlite_master": objects}
            self.rows = next((r for word, r in rows.items() if word in sql), [])
            return self

        def fetchall(self):
            return self.rows

    assert not ADAPTER.is_plain(Raw(), "SELECT * FROM v", ())
