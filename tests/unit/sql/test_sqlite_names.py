"""SQLite: strings that are names, and common table expressions that name themselves."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from routedb.sql import classify
from routedb.sql.scanner.shape import scan

STRINGS = {
    "INSERT INTO 'items' VALUES (1, 'x')": ["items"],
    "insert or ignore into 'items' (id) values (1)": ["items"],
    "REPLACE INTO 'items' VALUES (1, 'from')": ["items"],
    "UPDATE 'items' SET name = 'into'": ["items"],
    "UPDATE OR REPLACE 'items' SET name = 'a'": ["items"],
    "DELETE FROM 'items' WHERE name = 'x'": ["items"],
    "DELETE FROM 'it''ems'": ["it'ems"],
    "DELETE FROM '\"items\"'": ['"items"'],
    "SELECT * FROM 'items'": ["items"],
    "SELECT * FROM main.'items' WHERE name = 'y'": ["main.items"],
    "SELECT 'items'.'name' FROM 'items'": ["items"],
    "SELECT * FROM tags JOIN 'items' ON name = 'x'": ["items", "tags"],
    "SELECT * FROM tags JOIN 'items' ON 'x' = name": ["items", "tags"],
    "SELECT * FROM tags WHERE id IN (SELECT id FROM /* x */ 'items')": [
        *("items", "tags"),
    ],
    "CREATE TABLE 'items' (id, name DEFAULT 'x')": ["items"],
    "CREATE TABLE IF NOT EXISTS 'items' (id)": ["items"],
    "CREATE TABLE tags (id REFERENCES 'items' (id))": ["items", "tags"],
    "CREATE TEMP TABLE 'items'(id)": ["items"],
    "CREATE VIEW 'items' AS SELECT * FROM tags": ["items", "tags"],
    "CREATE INDEX i ON 'items'(id)": ["items"],
    "CREATE UNIQUE INDEX IF NOT EXISTS 'i' ON 'items' (id)": ["items"],
    "CREATE TRIGGER g AFTER INSERT ON main.'items'BEGIN SELECT 1; END": ["main.items"],
    "DROP TABLE 'items'": ["items"],
    "DROP VIEW IF EXISTS 'items'": ["items"],
    "ALTER TABLE 'items' ADD COLUMN c DEFAULT 'x'": ["items"],
    "ANALYZE 'items'": ["items"],
    "EXPLAIN QUERY PLAN SELECT * FROM 'items'": ["items"],
}


@pytest.mark.parametrize(("sql", "tables"), STRINGS.items(), ids=STRINGS)
def test_a_string_where_a_name_is_due_is_one(sql, tables):
    statement = classify(sql, "sqlite")
    assert sorted(map(str, statement.tables)) == tables
    assert statement.kind != "unknown"


VALUES = (
    "SELECT id FROM items WHERE name IS NOT DISTINCT FROM 'x'",
    "SELECT id FROM items WHERE name IS DISTINCT FROM'x'",
    "SELECT id FROM items WHERE name = 'into'",
    "SELECT 'from' || 'x' FROM items",
    "SELECT id FROM items JOIN tags ON 'x' = name",
    "SELECT id 'alias' FROM items",
    "SELECT id FROM items WHERE name IN ('x', 'y')",
    "SELECT id FROM items WHERE name LIKE 'x' ESCAPE 'y'",
    "SELECT id FROM items LIMIT 1 OFFSET 2",
    "SELECT 1.'x', id FROM items",
)


@pytest.mark.parametrize("sql", VALUES)
def test_other_strings_stay_values_and_out_of_the_shape(sql):
    other = sql.replace("'x'", "'another'").replace("'into'", "'other'")
    assert scan(sql, "sqlite").shape == scan(other, "sqlite").shape
    assert classify(sql, "sqlite").read_only


def test_a_string_that_is_a_name_is_no_literal_of_the_scan():
    found = scan("INSERT INTO 'items' VALUES ('a', 2)", "sqlite")
    assert found.literals == ("'a'", "2")
    assert found.shape == scan("INSERT INTO 'items' VALUES ('b', 3)", "sqlite").shape
    assert found.shape != scan("INSERT INTO 'tags' VALUES ('b', 3)", "sqlite").shape
    assert "".join(found.parts) == "INSERT INTO 'items' VALUES ('a', 2)"


_N = "(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9)"
RECURSIVE = {
    f"WITH n{_N} SELECT i FROM n": [],
    f"WITH n{_N} INSERT INTO a SELECT i, i FROM n": ["a"],
    f"WITH n{_N} DELETE FROM a WHERE x IN n": ["a"],
    f"WITH n{_N} UPDATE a SET x = (SELECT i FROM n)": ["a"],
    "WITH n AS (SELECT y FROM m), m AS (SELECT y FROM b) SELECT y FROM n": ["b"],
    "WITH n AS (SELECT x FROM main.n) SELECT x FROM n": ["main.n"],
    "WITH n AS (SELECT x FROM a) SELECT n.x FROM n, b ORDER BY b.y": ["a", "b"],
    f"SELECT * FROM (WITH n{_N} SELECT i FROM n)": [],
    f"SELECT x FROM a WHERE x IN (WITH n{_N} SELECT i FROM n)": ["a"],
    f"CREATE VIEW v AS WITH n{_N} SELECT i FROM n": ["v"],
    f"INSERT INTO a WITH n{_N} SELECT i, i FROM n": ["a"],
    f"WITH RECURSIVE n{_N} SELECT i FROM n": [],
    f"EXPLAIN WITH n{_N} SELECT i FROM n": [],
}


@pytest.mark.parametrize(("sql", "tables"), RECURSIVE.items(), ids=RECURSIVE)
def test_sqlite_takes_recursive_for_granted(sql, tables):
    assert sorted(map(str, classify(sql, "sqlite").tables)) == tables
    with closing(sqlite3.connect(":memory:")) as database:
        for name in "abn":
            database.execute(f"CREATE TABLE {name} (x, y)")
        explained = sql if sql.startswith("EXPLAIN") else f"EXPLAIN {sql}"
        assert database.execute(explained).fetchall()  # SQLite takes it


def test_postgresql_does_not():
    sql = "WITH n AS (SELECT x FROM n) SELECT x FROM n"
    assert [str(table) for table in classify(sql, "postgresql").tables] == ["n"]


OPEN_COMMENTS = (
    "SELECT x FROM a /* to the end",
    "SELECT x FROM a /**",
    "SELECT x FROM a -- b\n/* c",
    "SELECT x/*y*/ FROM a/* z *",
)


@pytest.mark.parametrize("sql", OPEN_COMMENTS)
def test_a_comment_may_end_with_the_text(sql):
    statement = classify(sql, "sqlite")
    assert statement.read_only
    assert [str(table) for table in statement.tables] == ["a"]
    assert not classify(sql, "postgresql").read_only
