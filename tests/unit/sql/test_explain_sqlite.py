"""SQLite explains any statement, and runs none of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from routedb.sql import classify

EXPLAINED = {
    "SELECT x FROM a": ["a"],
    "VALUES (1)": [],
    "WITH n AS (SELECT x FROM a) SELECT x FROM n": ["a"],
    "INSERT INTO a SELECT x, y FROM b": ["a", "b"],
    "REPLACE INTO a VALUES (1, 2)": ["a"],
    "UPDATE a SET x = 1": ["a"],
    "DELETE FROM a": ["a"],
    "BEGIN": [],
    "BEGIN IMMEDIATE TRANSACTION": [],
    "COMMIT": [],
    "END TRANSACTION": [],
    "ROLLBACK": [],
    "SAVEPOINT s": [],
    "RELEASE SAVEPOINT s": [],
    "ROLLBACK TO s": [],
    "ANALYZE": [],
    "ANALYZE a": ["a"],
    "REINDEX": [],
    "REINDEX a": ["a"],
    "VACUUM": [],
    "CREATE TABLE c (x)": ["c"],
    "CREATE TABLE c AS SELECT x FROM a": ["a", "c"],
    "CREATE INDEX i ON a (x)": ["a"],
    "CREATE VIEW v AS SELECT x FROM a": ["a", "v"],
    "DROP TABLE a": ["a"],
    "ALTER TABLE a ADD COLUMN z": ["a"],
    "ATTACH 'x' AS y": [],
    "DETACH y": [],
}


@pytest.mark.parametrize("explain", ["EXPLAIN", "explain query plan"])
@pytest.mark.parametrize(("sql", "tables"), EXPLAINED.items(), ids=EXPLAINED)
def test_what_is_explained_is_not_run(sql, tables, explain):
    statement = classify(f"{explain} {sql}", "sqlite")
    assert statement.kind == "explain"
    assert statement.read_only
    assert sorted(map(str, statement.tables)) == tables
    assert (statement.writes, statement.tx, statement.session) == ((), (), ())
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("CREATE TABLE a (x, y)")
        database.execute("CREATE TABLE b (x, y)")
        before = database.execute("SELECT sql FROM sqlite_master").fetchall()
        database.execute(f"{explain} {sql}").fetchall()
        assert database.execute("SELECT sql FROM sqlite_master").fetchall() == before
        assert not database.in_transaction


def test_a_pragma_is_what_it_is_without_explain():
    for sql in ("PRAGMA user_version = 3", "PRAGMA user_version", "PRAGMA optimize"):
        explained, bare = classify(f"EXPLAIN {sql}", "sqlite"), classify(sql, "sqlite")
        assert explained.read_only == bare.read_only
        assert explained.session == bare.session


@pytest.mark.parametrize("sql", ["EXPLAIN FOO", "EXPLAIN", "EXPLAIN EXPLAIN SELECT 1"])
def test_what_sqlite_does_not_explain_is_unknown(sql):
    assert classify(sql, "sqlite").kind == "unknown"
