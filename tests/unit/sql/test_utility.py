"""EXPLAIN, COPY, CALL, SHOW, cursors and other statements that are no queries."""

from __future__ import annotations

import pytest

from routedb.sql import classify
from routedb.sql.session_objects import ObjectKind

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("EXPLAIN SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN DELETE FROM a", "plain explain: a"),
        ("EXPLAIN VERBOSE UPDATE a SET x = 1", "plain explain: a"),
        ("EXPLAIN ANALYZE SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN ANALYZE DELETE FROM a", "write: +a"),
        ("EXPLAIN ANALYZE VERBOSE INSERT INTO a SELECT * FROM b", "write: +a, b"),
        ("EXPLAIN (ANALYZE) DELETE FROM a", "write: +a"),
        ("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN (ANALYZE true) UPDATE a SET x = 1", "write: +a"),
        ("EXPLAIN (ANALYZE off) DELETE FROM a", "plain explain: a"),
        ("EXPLAIN (ANALYZE false, COSTS off) DELETE FROM a", "plain explain: a"),
        ("EXPLAIN (ANALYZE 0) DELETE FROM a", "write: +a"),
        ("EXPLAIN (ANALYZE 1) DELETE FROM a", "write: +a"),
        ("EXPLAIN (ANALYZE 'off') DELETE FROM a", "write: +a"),
        ("EXPLAIN (FORMAT json, ANALYZE on) SELECT * FROM a FOR UPDATE", "lock: a"),
        ("EXPLAIN (COSTS off) (SELECT * FROM a)", "plain explain: a"),
        ("EXPLAIN (SELECT * FROM a)", "plain explain: a"),
        ("EXPLAIN ANALYZE SELECT nextval('s')", "write; session variable"),
        ("EXPLAIN SELECT nextval('s') FROM a", "plain explain: a"),
        ("EXPLAIN EXECUTE p", "call"),
        ("EXPLAIN ANALYZE EXECUTE p(1)", "call"),
        ("EXPLAIN CREATE TABLE n AS SELECT * FROM a", "plain explain: n, a"),
        ("EXPLAIN ANALYZE CREATE TABLE n AS SELECT * FROM a", "ddl: +n, a"),
        ("EXPLAIN DECLARE c CURSOR FOR SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN ANALYSE DELETE FROM a", "write: +a"),
        ("EXPLAIN ANALYZE SELECT * INTO n FROM a", "ddl: +n, a"),
    ],
)
def test_explain_runs_nothing_without_analyze(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("COPY a FROM STDIN", "copy: +a"),
        ("COPY a (x, y) FROM STDIN WITH (FORMAT csv)", "copy: +a"),
        ("COPY s.a FROM '/tmp/f'", "copy: +s.a"),
        ("COPY a FROM PROGRAM 'cat'", "copy: +a"),
        ("COPY a TO STDOUT", "plain copy: a"),
        ("COPY s.a (x) TO STDOUT WITH CSV HEADER", "plain copy: s.a"),
        ("COPY a TO '/tmp/f'", "copy: a"),
        ("COPY a TO PROGRAM 'cat'", "copy: a"),
        ("COPY (SELECT * FROM a JOIN b USING (id)) TO STDOUT", "plain copy: a, b"),
        ("COPY (DELETE FROM a RETURNING *) TO STDOUT", "write: +a"),
        ("COPY (SELECT nextval('s')) TO STDOUT", "write; session variable"),
        ("COPY (SELECT * FROM a FOR UPDATE) TO STDOUT", "copy: a"),
        ("COPY (SELECT * FROM a) TO '/tmp/f'", "copy: a"),
        ("COPY BINARY a TO STDOUT", "plain copy: a"),
        (
            "COPY (WITH x AS (DELETE FROM a RETURNING *) TABLE x) TO "
            "STDOUT (FORMAT csv)",
            "write: +a",
        ),
        ("COPY (VALUES (1)) TO STDOUT", "plain copy"),
        ("COPY (SELECT f(x) FROM a) TO STDOUT", "copy: a; asks f"),
    ],
)
def test_copy_reads_only_towards_the_client(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CALL p(1)", "call"),
        ("CALL s.p((SELECT 1))", "call"),
        ("DO $$ BEGIN DELETE FROM a; END $$", "call"),
        ("DO LANGUAGE plpgsql 'BEGIN END'", "call"),
        ("EXECUTE p(1)", "call"),
        ("PREPARE p AS SELECT * FROM a", "session: a; session prepare"),
        (
            "PREPARE p (int) AS DELETE FROM a WHERE id = $1",
            "write: +a; session prepare",
        ),
        ("DEALLOCATE p", "session; session prepare"),
        ("DEALLOCATE ALL", "session; session prepare"),
        ("DECLARE c CURSOR FOR SELECT * FROM a", "session: a; session cursor"),
        (
            "DECLARE c BINARY INSENSITIVE SCROLL CURSOR WITH HOLD FOR "
            "SELECT * FROM a FOR UPDATE",
            "lock: a; session cursor",
        ),
        ("FETCH 10 FROM c", "session; session cursor"),
        ("FETCH c", "session; session cursor"),
        ("MOVE FORWARD ALL IN c", "session; session cursor"),
        ("CLOSE c", "session; session cursor"),
        ("CLOSE ALL", "session; session cursor"),
        ("LISTEN c", "session; session listen"),
        ("UNLISTEN *", "session; session listen"),
        ("LOAD 'auto_explain'", "session; session set"),
        ("SHOW search_path", "plain read"),
        ("SHOW ALL", "plain read"),
        ("SHOW TRANSACTION ISOLATION LEVEL", "plain read"),
        ("CHECKPOINT", "ddl"),
        ("VACUUM a, b", "ddl: +a, +b"),
        ("VACUUM (FULL, ANALYZE) a", "ddl: +a"),
        ("VACUUM", "ddl"),
        ("ANALYZE a (x)", "ddl: +a"),
        ("REINDEX TABLE CONCURRENTLY a", "ddl: +a"),
        ("CLUSTER a USING i", "ddl: +a"),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY s.v", "ddl: +s.v"),
    ],
)
def test_what_runs_unseen_or_lives_in_the_session(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SHOW TABLES", "plain read"),
        ("SHOW TABLES FROM db", "plain read"),
        ("SHOW COLUMNS FROM a", "plain read: a"),
        ("SHOW FULL COLUMNS FROM a FROM db", "plain read: db.a"),
        ("SHOW INDEX FROM db.a", "plain read: db.a"),
        ("SHOW CREATE TABLE a", "plain read: a"),
        ("SHOW CREATE VIEW db.v", "plain read: db.v"),
        ("SHOW VARIABLES LIKE 'x'", "plain read"),
        ("SHOW WARNINGS", "read; session variable"),
        ("SHOW COUNT(*) WARNINGS", "read; session variable"),
        ("SHOW MASTER STATUS", "plain read"),
        ("SHOW SLAVE STATUS", "plain read"),
        ("SHOW PROCESSLIST", "plain read"),
        ("SHOW DATABASES", "plain read"),
        ("DESCRIBE a", "plain explain: a"),
        ("DESC db.a x", "plain explain: db.a"),
        ("EXPLAIN a", "plain explain: a"),
        ("EXPLAIN SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN FORMAT=JSON SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN DELETE FROM a", "explain: a"),
        ("EXPLAIN EXTENDED SELECT * FROM a, b", "plain explain: a, b"),
        ("EXPLAIN ANALYZE SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN ANALYZE DELETE a FROM a JOIN b", "write: +a, b"),
        ("EXPLAIN FOR CONNECTION 5", "explain"),
        ("ANALYZE SELECT * FROM a", "plain explain: a"),
        ("ANALYZE FORMAT=JSON UPDATE a SET x = 1", "write: +a"),
        ("ANALYZE TABLE a", "ddl: +a; tx commit"),
        ("DO SLEEP(1)", "call"),
        ("DO RELEASE_LOCK('a')", "call; session lock"),
        ("CALL p()", "call"),
        ("EXECUTE p USING @v", "call"),
        ("PREPARE p FROM 'DELETE FROM a'", "session; session prepare"),
        ("EXECUTE IMMEDIATE 'DELETE FROM a'", "call"),
        ("DEALLOCATE PREPARE p", "session; session prepare"),
        ("HANDLER a OPEN", "session: a; session cursor"),
        ("HANDLER db.a READ FIRST", "session: db.a; session cursor"),
        ("LOCK TABLES a READ, db.b WRITE", "lock: a, db.b; tx commit; session lock"),
        ("LOCK TABLES a AS x LOW_PRIORITY WRITE", "lock: a; tx commit; session lock"),
        ("UNLOCK TABLES", "lock; session lock"),
        ("FLUSH TABLES WITH READ LOCK", "ddl; tx commit; session lock"),
        ("FLUSH TABLES a, b.c WITH READ LOCK", "ddl: a, b.c; tx commit; session lock"),
        ("FLUSH LOCAL TABLES local FOR EXPORT", "ddl: local; tx commit; session lock"),
        (
            "FLUSH TABLES WITH READ LOCK AND DISABLE CHECKPOINT",
            "ddl; tx commit; session lock",
        ),
        ("FLUSH NO_WRITE_TO_BINLOG TABLE a", "ddl: a; tx commit"),
        ("FLUSH TABLES", "ddl; tx commit"),
        ("FLUSH LOCAL HOSTS, STATUS", "ddl; tx commit"),
        ("REPAIR LOCAL TABLE local QUICK", "ddl: +local; tx commit"),
        ("REPAIR TABLES a, local QUICK USE_FRM", "ddl: +a, +local; tx commit"),
        ("CHECK VIEW view FOR UPGRADE", "ddl: +view; tx commit"),
        ("ANALYZE NO_WRITE_TO_BINLOG TABLES tables", "ddl: +tables; tx commit"),
        ("TRUNCATE tables", "ddl: +tables; tx commit"),
        ("TRUNCATE TABLE view", "ddl: +view; tx commit"),
        ("FLUSH PRIVILEGES", "ddl; tx commit"),
        ("KILL 5", "ddl"),
        ("CHANGE MASTER TO MASTER_HOST = 'x'", "ddl; tx commit"),
        ("PURGE BINARY LOGS TO 'x'", "ddl; tx commit"),
        ("CHECK TABLE a", "ddl: +a; tx commit"),
        ("CHECKSUM TABLE a, b", "ddl: +a, +b; tx commit"),
        ("OPTIMIZE TABLE a", "ddl: +a; tx commit"),
        ("REPAIR TABLE a", "ddl: +a; tx commit"),
        ("HELP 'x'", "plain read"),
        ("SIGNAL SQLSTATE '45000'", "call"),
        ("SHUTDOWN", "ddl; tx commit"),
        ("INSTALL PLUGIN x SONAME 'y'", "ddl; tx commit"),
    ],
)
def test_mysql_statements_about_tables_and_the_server(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize(
    ("sql", "holds", "needs"),
    [
        ("GET DIAGNOSTICS @n = NUMBER, @r = ROW_COUNT", "n r", ""),
        ("get current diagnostics @n = number", "n", ""),
        ("GET DIAGNOSTICS CONDITION 1 @s = RETURNED_SQLSTATE", "s", ""),
        ("GET STACKED DIAGNOSTICS CONDITION @i @m = MESSAGE_TEXT", "m", "i"),
        ("GET CURRENT DIAGNOSTICS CONDITION 2 @a=MYSQL_ERRNO,@b=TABLE_NAME", "a b", ""),
        ("GET DIAGNOSTICS n = NUMBER", "", ""),
    ],
)
def test_diagnostics_are_of_the_statement_before(sql, holds, needs):
    statement = classify(sql, "mysql")
    assert not statement.read_only
    assert [held.name for held in statement.holds] == holds.split()
    kinds = [needed.kind for needed in statement.needs]
    assert kinds[0] is ObjectKind.RESULT
    assert [needed.name for needed in statement.needs[1:]] == needs.split()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('EXPLAIN FORMAT="json" INSERT INTO a VALUES (1)', "explain: a"),
        ("EXPLAIN FORMAT='tree' SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN FORMAT = `json` DELETE FROM a", "explain: a"),
        ('EXPLAIN FORMAT="json" (SELECT * FROM a)', "plain explain: a"),
        (
            'EXPLAIN FORMAT="json" WITH b AS (SELECT 1) SELECT * FROM b, a',
            "plain explain: a",
        ),
        ('DESC FORMAT="json" UPDATE a SET x = 1', "explain: a"),
        ('ANALYZE FORMAT="json" DELETE FROM a', "write: +a"),
        ("SHOW TABLES WHERE (SELECT max(x) FROM a) = 1", "plain read: a"),
        ("CALL p((SELECT max(x) FROM a))", "call: a"),
    ],
)
def test_what_a_statement_of_mysql_is_about_is_found(sql, expected):
    assert seen(sql, "mysql") == expected
