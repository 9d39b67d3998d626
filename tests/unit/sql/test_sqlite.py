"""SQLite's own spellings."""

from __future__ import annotations

import pytest

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT * FROM [a b], `c`, "D", main.E', "plain read: a b, c, d, main.e"),
        ("SELECT 'a\\' FROM b", "plain read: b"),
        ('SELECT "a""b", [x;y] FROM c', "plain read: c"),
        ("SELECT 1 -- x", "plain read"),
        ("SELECT 1 /* x", "plain read"),
        ("SELECT ?, ?1, :a, @b, $c FROM d", "plain read: d"),
        ("SELECT x'1F', 0xFF, 1e5 FROM a", "plain read: a"),
        ("SELECT * FROM a INDEXED BY i", "plain read: a"),
        ("SELECT * FROM a NOT INDEXED", "plain read: a"),
        ("SELECT * FROM a WHERE x GLOB 'y*' AND z MATCH 'q'", "plain read: a"),
        ("SELECT * FROM json_each('[1]') j, a", "plain read: a"),
        ("SELECT * FROM pragma_table_info('a')", "plain read"),
        ("SELECT last_insert_rowid()", "read; session variable"),
        ("SELECT changes()", "read; session variable"),
        ("SELECT load_extension('x')", "write"),
        ("SELECT f(x) FROM a", "read: a; asks f"),
        ("VALUES (1), (2)", "plain read"),
        ("WITH x AS (SELECT * FROM a) SELECT * FROM X", "plain read: a"),
        ("INSERT INTO a VALUES (1)", "write: +a"),
        ("INSERT OR REPLACE INTO a (x) VALUES (1)", "write: +a"),
        (
            "INSERT OR IGNORE INTO main.a SELECT * FROM b WHERE true ON "
            "CONFLICT (x) DO UPDATE SET y = 1",
            "write: +main.a, b",
        ),
        ("REPLACE INTO a VALUES (1)", "write: +a"),
        ("INSERT INTO a DEFAULT VALUES RETURNING id", "write: +a"),
        ("UPDATE OR IGNORE a SET x = 1", "write: +a"),
        ("UPDATE a SET x = b.x FROM b WHERE a.id = b.id", "write: +a, b"),
        ("DELETE FROM a WHERE id IN (SELECT id FROM b) RETURNING *", "write: +a, b"),
        ("WITH x AS (SELECT 1) DELETE FROM a", "write: +a"),
        ("EXPLAIN QUERY PLAN SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN DELETE FROM a", "plain explain: a"),
        ("BEGIN", "transaction; tx begin"),
        ("BEGIN IMMEDIATE", "transaction; tx begin"),
        ("BEGIN EXCLUSIVE TRANSACTION", "transaction; tx begin"),
        ("COMMIT", "transaction; tx commit"),
        ("END TRANSACTION", "transaction; tx commit"),
        ("ROLLBACK", "transaction; tx rollback"),
        ("ROLLBACK TRANSACTION TO SAVEPOINT s", "transaction; tx rollback to"),
        ("SAVEPOINT s", "transaction; tx savepoint"),
        ("RELEASE s", "transaction; tx release"),
        ("ATTACH 'x.db' AS y", "session; session set"),
        ("ATTACH DATABASE ? AS y", "session; session set"),
        ("DETACH y", "session; session set"),
        ("VACUUM", "ddl"),
        ("VACUUM INTO 'x.db'", "ddl"),
        ("VACUUM main INTO 'x.db'", "ddl"),
        ("ANALYZE", "ddl"),
        ("ANALYZE main.a", "ddl: +main.a"),
        ("REINDEX a", "ddl: +a"),
        ("CREATE TABLE n (id INTEGER PRIMARY KEY)", "ddl: +n"),
        ("CREATE TABLE IF NOT EXISTS n AS SELECT * FROM a", "ddl: +n, a"),
        ("CREATE TEMP TABLE n (x)", "ddl: +n; session temp"),
        ("CREATE VIRTUAL TABLE v USING fts5(x)", "ddl: +v"),
        ("CREATE VIEW v AS SELECT * FROM a", "ddl: +v, a"),
        ("CREATE INDEX i ON a (x)", "ddl: +a"),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; SELECT 1; END",
            "ddl: +a",
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN x "
            "THEN 1 END; END; SELECT 2",
            "ddl: +a",
        ),
        ("ALTER TABLE a RENAME TO b", "ddl: +a"),
        ("ALTER TABLE a RENAME COLUMN x TO y", "ddl: +a"),
        ("DROP TABLE IF EXISTS a", "ddl: +a"),
        ("SHOW x", "unknown"),
        ("SET x = 1", "unknown"),
        ("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", "unknown"),
        ("SELECT * FROM 'a'", "plain read: a"),
    ],
)
def test_sqlite_statements(sql, expected):
    assert seen(sql, "sqlite") == expected
