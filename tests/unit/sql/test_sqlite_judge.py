"""SQLite itself says, through its authorizer, which tables a statement uses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from routedb.sql import classify

WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
TABLES = {*"abcdef", "one"}

INNER = (
    "SELECT x, y FROM a",
    "SELECT b.x, c.y FROM a AS b, b AS c",
    "VALUES (1, 2)",
    'SELECT y FROM [a] EXCEPT SELECT z FROM "b"',
    "WITH a AS (SELECT x FROM b) SELECT a.x FROM a, c WHERE c.y",
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION SELECT x + 1 FROM n) SELECT * FROM n",
    "WITH a AS (SELECT 1) DELETE FROM b WHERE x IN (SELECT * FROM a)",
    "WITH a AS (SELECT 1) SELECT y FROM b WHERE x IN a",
    "INSERT INTO a (x) SELECT x + 1 FROM b",
    "INSERT INTO a (x) WITH q AS (SELECT x FROM b) SELECT x FROM q",
    "INSERT OR REPLACE INTO a (x) VALUES (1) ON CONFLICT DO UPDATE SET y = 2",
    "INSERT INTO a DEFAULT VALUES RETURNING x",
    "REPLACE INTO a (x) VALUES (2)",
    "UPDATE a SET y = b.y FROM b WHERE a.x = b.x",
    "UPDATE OR IGNORE a SET y = (SELECT y FROM b)",
    "DELETE FROM a WHERE EXISTS (SELECT x FROM b WHERE b.x = a.x) RETURNING x",
    "SELECT a.x FROM a JOIN b USING (x) LEFT JOIN main.c ON c.y = b.y",
    "SELECT x FROM a WHERE y = 'FROM b' AND z -- FROM c\n = 1",
    "SELECT a.y, c.z FROM (a CROSS JOIN b) JOIN c ON b.y = c.y",
    "SELECT x, count(*) OVER (PARTITION BY y) FROM a HAVING y > (SELECT x FROM b)",
    "SELECT json_each.value FROM a, json_each(a.y)",
    "SELECT replace(y, 'a', 'b') FROM A",
    "SELECT x FROM a WHERE y IN one AND z NOT IN main.one",
    "SELECT x IN (y), x FROM a",
)
OUTER = (
    "{0}",
    "/* x */ {0} -- y",
    "SELECT q.*, d.y FROM ({0}) q, d",
    "WITH q AS ({0}) SELECT * FROM q",
    "WITH a AS ({0}) SELECT * FROM a",
    "WITH b AS MATERIALIZED ({0}), e AS (SELECT * FROM b) SELECT e.*, d.y FROM e, d",
    "SELECT y FROM d WHERE EXISTS ({0})",
    "SELECT y FROM d WHERE x IN ({0})",
    "SELECT ({0}), y FROM d ORDER BY ({0}) LIMIT 1",
    "INSERT INTO d (x) {0}",
    "UPDATE d SET y = ({0}) WHERE x IN ({0})",
    "DELETE FROM d WHERE x = ({0})",
    "SELECT CASE WHEN y THEN ({0}) END FROM d AS a",
    "SELECT x FROM d UNION ALL {0}",
    "SELECT d.y FROM d LEFT JOIN ({0}) q ON d.x = (SELECT y FROM e)",
)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE one (x)")
        for name in sorted(TABLES - {"one"}):
            connection.execute(f"CREATE TABLE {name} (x INTEGER PRIMARY KEY, y, z)")
        yield connection


def used(database, sql):
    """The tables used and those written, or None when SQLite refuses the text."""
    tables: set[str] = set()
    writes: set[str] = set()

    def note(action, name, *more):
        if action == sqlite3.SQLITE_READ or action in WRITES:
            tables.add(name)
        if action in WRITES:
            writes.add(name)
        return sqlite3.SQLITE_OK

    database.set_authorizer(note)
    try:
        database.execute(f"EXPLAIN {sql}")
    except sqlite3.OperationalError:
        return None
    finally:
        database.set_authorizer(None)
    return tables & TABLES, writes & TABLES


@pytest.mark.parametrize("outer", OUTER)
def test_wrapped_statements_use_the_tables_sqlite_says(database, outer):
    judged = 0
    for sql in map(outer.format, INNER):
        verdict = used(database, sql)
        if verdict is None:
            continue
        judged += 1
        statement = classify(sql, "sqlite")
        names = {t.name for t in statement.tables}, {t.name for t in statement.writes}
        assert names == verdict, sql
        assert statement.read_only == (not verdict[1]), sql
    assert judged
