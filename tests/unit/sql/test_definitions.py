"""CREATE, ALTER, DROP, GRANT and their kin."""

from __future__ import annotations

import pytest

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE n (id int REFERENCES a (id))", "ddl: +n, a"),
        (
            "CREATE TABLE IF NOT EXISTS s.n (LIKE a INCLUDING ALL) INHERITS (b)",
            "ddl: +s.n, a, b",
        ),
        ("CREATE TABLE n PARTITION OF a FOR VALUES IN (1)", "ddl: +n, a"),
        ("CREATE TEMP TABLE n (x int)", "ddl: +n; session temp"),
        ("CREATE TEMPORARY TABLE n AS SELECT * FROM a", "ddl: +n, a; session temp"),
        ("CREATE UNLOGGED TABLE n AS TABLE a WITH NO DATA", "ddl: +n, a"),
        ("CREATE TABLE n AS WITH x AS (SELECT * FROM a) SELECT * FROM x", "ddl: +n, a"),
        ("CREATE OR REPLACE VIEW v AS SELECT * FROM a, b", "ddl: +v, a, b"),
        ("CREATE TEMP VIEW v AS SELECT 1", "ddl: +v; session temp"),
        ("CREATE MATERIALIZED VIEW v AS SELECT * FROM a", "ddl: +v, a"),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON s.a USING btree (x)",
            "ddl: +s.a",
        ),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "ddl: +a",
        ),
        (
            "CREATE RULE r AS ON UPDATE TO a DO ALSO INSERT INTO b SELECT * FROM c",
            "ddl: +a, +b, c",
        ),
        ("CREATE POLICY p ON a USING (id IN (SELECT id FROM b))", "ddl: +a, b"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM a'", "ddl"),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM a; SELECT 1; END",
            "ddl",
        ),
        ("CREATE SEQUENCE s", "ddl"),
        ("CREATE SCHEMA s CREATE TABLE n (x int) GRANT SELECT ON n TO u", "ddl: +n"),
        ("CREATE TYPE t AS (x int)", "ddl"),
        ("CREATE EXTENSION IF NOT EXISTS hstore", "ddl"),
        ("CREATE DATABASE d", "ddl"),
        ("CREATE STATISTICS s ON x, y FROM a", "ddl: a"),
        ("CREATE PUBLICATION p FOR TABLE a, b", "ddl: +a, +b"),
        (
            "ALTER TABLE a ADD COLUMN x int, ADD FOREIGN KEY (x) REFERENCES b",
            "ddl: +a, b",
        ),
        (
            "ALTER TABLE IF EXISTS ONLY s.a ATTACH PARTITION b FOR VALUES IN (1)",
            "ddl: +s.a, b",
        ),
        ("ALTER INDEX i RENAME TO j", "ddl"),
        ("ALTER SYSTEM SET work_mem = '1MB'", "ddl"),
        ("ALTER ROLE u SET x = 1", "ddl"),
        ("ALTER TABLE a RENAME TO b", "ddl: +a"),
        ("DROP TABLE IF EXISTS a, s.b CASCADE", "ddl: +a, +s.b"),
        ("DROP VIEW v", "ddl: +v"),
        ("DROP INDEX i", "ddl"),
        ("DROP FUNCTION f(int)", "ddl"),
        ("GRANT SELECT ON a, s.b TO u", "ddl: +a, +s.b"),
        ("GRANT ALL ON ALL TABLES IN SCHEMA s TO u", "ddl"),
        ("REVOKE SELECT ON TABLE a FROM u", "ddl: +a"),
        ("GRANT r TO u", "ddl"),
        ("COMMENT ON TABLE a IS 'x'", "ddl: +a"),
        ("COMMENT ON COLUMN s.a.x IS 'y'", "ddl: +s.a"),
        ("SECURITY LABEL ON TABLE a IS 'x'", "ddl: +a"),
        ("REASSIGN OWNED BY u TO v", "ddl"),
        ("IMPORT FOREIGN SCHEMA s FROM SERVER v INTO t", "ddl"),
    ],
)
def test_a_definition_writes_what_it_defines(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "CREATE TABLE n (id int, FOREIGN KEY (id) REFERENCES a (id))",
            "ddl: +n, a; tx commit",
        ),
        ("CREATE TABLE n LIKE a", "ddl: +n, a; tx commit"),
        ("CREATE TABLE n SELECT * FROM a", "ddl: +n, a; tx commit"),
        ("CREATE TABLE n (x int) AS SELECT * FROM a", "ddl: +n, a; tx commit"),
        ("CREATE TEMPORARY TABLE n (x int)", "ddl: +n; session temp"),
        ("DROP TEMPORARY TABLE n", "ddl: +n; session temp"),
        (
            "CREATE OR REPLACE ALGORITHM = MERGE DEFINER = u SQL SECURITY "
            "INVOKER VIEW v AS SELECT * FROM a",
            "ddl: +v, a; tx commit",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN DELETE FROM b; END",
            "ddl: +a; tx commit",
        ),
        (
            "CREATE PROCEDURE p() BEGIN IF x THEN DELETE FROM a; END IF; END",
            "ddl; tx commit",
        ),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM a", "ddl; tx commit"),
        ("ALTER TABLE a ADD x int, RENAME TO b", "ddl: +a; tx commit"),
        ("RENAME TABLE a TO b, db.c TO d", "ddl: +a, +b, +db.c, +d; tx commit"),
        ("GRANT SELECT ON s.* TO u@h", "ddl; tx commit"),
        ("GRANT ALL ON *.* TO 'u'@'%' WITH GRANT OPTION", "ddl; tx commit"),
        ("REVOKE UPDATE (x) ON TABLE s.a FROM u", "ddl: +s.a; tx commit"),
        ("DROP TABLE IF EXISTS a, b WAIT 5", "ddl: +a, +b; tx commit"),
        ("RENAME TABLE IF EXISTS a WAIT 5 TO b", "ddl: +a, +b; tx commit"),
        ("CREATE DEFINER=`u`@`h` VIEW v AS SELECT * FROM a", "ddl: +v, a; tx commit"),
        ("CREATE DEFINER='u'@'%' VIEW v AS SELECT * FROM a", "ddl: +v, a; tx commit"),
        ("ALTER SCHEMA s CHARACTER SET utf8", "ddl; tx commit"),
        ("DROP TABLE a, db.b", "ddl: +a, +db.b; tx commit"),
        ("DROP INDEX i ON a", "ddl: +a; tx commit"),
        ("CREATE INDEX i ON db.a (x)", "ddl: +db.a; tx commit"),
        ("GRANT SELECT ON db.a TO u", "ddl: +db.a; tx commit"),
        ("CREATE USER u", "ddl; tx commit"),
        ("CREATE DATABASE d", "ddl; tx commit"),
    ],
)
def test_mysql_definitions_commit(sql, expected):
    assert seen(sql, "mysql") == expected
