"""Of each class of what was once passed over, statements made by the grammar's rules.

What PostgreSQL's are is said by its own parser; of the others it stands beside them.
"""

from __future__ import annotations

import pytest
from pglast import parser

from benchmarks.corpora.postgresql_judge import judge
from routedb.sql import Kind, classify

from .seen import seen

POSTGRESQL = {
    "windows": (
        "SELECT x FROM a WINDOW w AS (PARTITION BY lo_creat(1))",
        "SELECT sum(x) FILTER (WHERE nextval('s') > 1) OVER w FROM a WINDOW w AS ()",
        "SELECT x FROM a WINDOW w AS (ORDER BY x USING >), v AS (w ORDER BY lastval())",
        "SELECT lag(x) OVER (PARTITION BY (SELECT y FROM b) ORDER BY x DESC) FROM a",
        "SELECT x FROM a ORDER BY rank() OVER (ORDER BY pg_advisory_xact_lock(1))",
        "DELETE FROM a WHERE x IN (SELECT x FROM b WINDOW w AS (ORDER BY (TABLE c)))",
        "SELECT ARRAY(SELECT x FROM a WINDOW w AS (ORDER BY lo_create(0)))",
        "SELECT 1 FROM a WINDOW w AS (RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND "
        "(SELECT y FROM b)::interval FOLLOWING EXCLUDE GROUP)",
        "SELECT 1 FROM a WINDOW w AS (ROWS currval('s') PRECEDING EXCLUDE NO OTHERS)",
        "TABLE a UNION (SELECT 1 FROM b WINDOW w AS (ORDER BY pg_switch_wal()::text))",
        "SELECT (SELECT sum(1) OVER w FROM b WINDOW w AS (PARTITION BY lastval())) "
        "FROM a",
        "COPY (SELECT 1 FROM a WINDOW w AS (ORDER BY nextval('s'))) TO STDOUT",
        "EXPLAIN ANALYZE SELECT 1 FROM a WINDOW w AS (ORDER BY setval('s', 1))",
        'SELECT 1 FROM a WINDOW w AS (PARTITION BY x COLLATE "C", (y).z[1])',
    ),
    "schemas": (
        "CREATE SCHEMA s AUTHORIZATION SESSION_USER",
        "CREATE SCHEMA IF NOT EXISTS AUTHORIZATION CURRENT_ROLE",
        "CREATE SCHEMA u CREATE UNIQUE INDEX i ON t (x) CREATE TABLE t (x int)",
        "CREATE SCHEMA s CREATE TABLE c (y text CHECK (y <> 'create')) CREATE VIEW v "
        "AS SELECT grant_ FROM other GRANT ALL ON v TO PUBLIC",
        "CREATE SCHEMA s CREATE TABLE t (LIKE b INCLUDING DEFAULTS)",
        "CREATE SCHEMA s CREATE SEQUENCE q OWNED BY NONE CREATE TABLE t (x int)",
        "CREATE SCHEMA s CREATE VIEW v AS (VALUES (1)) CREATE VIEW w AS TABLE z",
        'DROP SCHEMA "a.b", "C d" CASCADE',
        "DROP SCHEMA IF EXISTS schema, grant_ RESTRICT",
        'ALTER SCHEMA "A" RENAME TO "B"',
        "ALTER SCHEMA rename RENAME TO owner",
        "ALTER SCHEMA s OWNER TO SESSION_USER",
        "COMMENT ON SCHEMA s IS NULL",
        "SECURITY LABEL ON SCHEMA s IS 'x'",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA s, t GRANT SELECT ON TABLES TO u",
    ),
    "tables": (
        "TRUNCATE ONLY (s.t), ONLY b CONTINUE IDENTITY RESTRICT",
        "LOCK ONLY (s.t), ONLY (b), c IN ROW EXCLUSIVE MODE",
        "DELETE FROM ONLY s.t AS x USING (b CROSS JOIN ONLY (c)) WHERE CURRENT OF q",
        "UPDATE ONLY (t) x SET (a, b) = (SELECT c, d FROM u) FROM LATERAL (TABLE v) w",
        "ALTER TABLE ONLY (t) ADD CONSTRAINT c FOREIGN KEY (a, b) REFERENCES s.u (c, d)"
        " MATCH FULL ON DELETE SET NULL (a) NOT VALID",
        "ALTER TABLE t ADD x int REFERENCES u, ADD CONSTRAINT k EXCLUDE USING gist "
        "(c WITH &&) WHERE (x > 1)",
        "ALTER TABLE t VALIDATE CONSTRAINT c, REPLICA IDENTITY USING INDEX i",
        "ALTER TABLE t ALTER COLUMN x SET DATA TYPE text COLLATE \"C\" USING x || 'a'",
        "ALTER TABLE ONLY (t) ENABLE ALWAYS RULE r, DISABLE TRIGGER ALL, OF s.ty",
        "ALTER VIEW IF EXISTS s.v ALTER COLUMN x SET DEFAULT 1",
        "ALTER MATERIALIZED VIEW v SET (fillfactor = 10), CLUSTER ON i",
        "CREATE TABLE t (x int GENERATED ALWAYS AS (y * 2) STORED, PRIMARY KEY (x) "
        "INCLUDE (y)) PARTITION BY RANGE (x, lower(y)) USING heap TABLESPACE z",
        "CREATE FOREIGN TABLE t PARTITION OF b FOR VALUES WITH (MODULUS 2, REMAINDER 1)"
        " SERVER x",
        "CREATE TABLE t OF s.ty (x WITH OPTIONS PRIMARY KEY REFERENCES u)",
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FROM s.u DEFERRABLE FOR EACH "
        "ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER g AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n "
        "FOR EACH STATEMENT WHEN (pg_trigger_depth() < 1) EXECUTE PROCEDURE f('a')",
        "CREATE RULE r AS ON DELETE TO t WHERE old.x > 1 DO INSTEAD (DELETE FROM u; "
        "INSERT INTO v SELECT * FROM w)",
        "MERGE INTO t USING (SELECT * FROM u) q ON t.x = q.x WHEN MATCHED AND EXISTS "
        "(SELECT 1 FROM v) THEN UPDATE SET y = (SELECT z FROM w) WHEN NOT MATCHED THEN "
        "INSERT DEFAULT VALUES",
        "INSERT INTO t AS n (x) OVERRIDING SYSTEM VALUE TABLE u ON CONFLICT ON "
        "CONSTRAINT c DO UPDATE SET (x, y) = ROW (1, (SELECT z FROM v)) WHERE n.x > 1",
        "SELECT * FROM (t JOIN ONLY (u) AS q USING (x) AS j), v TABLESAMPLE system (1)",
        "COPY t (x) FROM '/f' WITH (FORMAT csv, FORCE_NULL (x)) WHERE x > 1",
        "REINDEX TABLE CONCURRENTLY s.t",
        "CREATE VIEW v WITH (security_barrier) AS TABLE t WITH LOCAL CHECK OPTION",
        "CREATE RECURSIVE VIEW v (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM v, t",
        "SELECT * INTO TEMP TABLE t FROM ONLY (u)",
        "CREATE TABLE t AS EXECUTE p (1)",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v USING heap AS TABLE t WITH NO DATA",
    ),
    "names": (
        'SELECT * FROM "select", "from" AS "where"',
        'UPDATE "a;b" SET "x""y" = 1 WHERE "c--d" = 2',
        'SELECT * FROM U&"\\+01F600", U&"!0061" UESCAPE \'!\'',
        'DELETE FROM U&"x^^y" UESCAPE \'^\' USING u&"b" AS z',
        "SELECT * FROM ünï, ЖЖ.таблица, 表_1",
        "TABLE ☃",
        f'TRUNCATE "{"é" * 40}", {"x" * 64}',
        "SELECT * FROM nchar, coalesce_, position_ WHERE interval_ > 1",
        "ALTER TABLE value RENAME COLUMN key TO type",
        "COMMENT ON COLUMN names.name IS 'x'",
        "DROP TABLE IF EXISTS temporary, off, of, cascade",
        "CREATE PUBLICATION publication FOR TABLE ONLY (ONLY_), s.t (x) WHERE (true)",
        "ALTER PUBLICATION p ADD TABLE a WHERE (x IN (1, 2)), TABLES IN SCHEMA s, t",
        "WITH RECURSIVE with_ AS (TABLE with_) DELETE FROM with_ USING with_ w",
        "LOCK TABLE share, exclusive IN EXCLUSIVE MODE NOWAIT",
    ),
}


@pytest.mark.parametrize(
    ("kind", "sql"),
    [(kind, sql) for kind, texts in POSTGRESQL.items() for sql in texts],
)
def test_postgresqls_are_what_its_parser_says(kind, sql):
    (tree,) = parser.parse_sql(sql)
    verdict = judge(tree.stmt, frozenset())
    statement = classify(sql)
    assert statement.kind is not Kind.UNKNOWN, statement.reason
    assert frozenset(map(tuple, statement.tables)) == verdict.tables
    assert statement.read_only <= bool(verdict.is_read)
    assert statement.read_only or bool(statement.asks) >= bool(verdict.is_read)


# What follows a definition of a schema in one text.
BESIDE_SCHEMAS = {
    "postgresql": {
        "CREATE SCHEMA s; CREATE TEMP TABLE n (x int)": "ddl: +n; session temp",
        "DROP SCHEMA a, b; SELECT pg_advisory_lock(1)": "ddl; session lock",
        "ALTER SCHEMA a OWNER TO u; SET ROLE r": "ddl; session set",
        "CREATE SCHEMA AUTHORIZATION u; LISTEN c": "ddl; session listen",
        "DROP SCHEMA IF EXISTS s CASCADE; SELECT 1 FROM other.t": "ddl: other.t",
        "CREATE SCHEMA s CREATE TABLE t (x int); DELETE FROM a": "ddl: +t, +a",
        "ALTER SCHEMA a RENAME TO b; PREPARE p AS SELECT 1": "ddl; session prepare",
        "CREATE SCHEMA s; DECLARE c CURSOR WITH HOLD FOR TABLE a": "ddl: a; session "
        "cursor",
        "begin; create schema s; commit": "ddl; tx begin, commit",
        "DROP SCHEMA s; MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE": "ddl: "
        "+a, b",
    },
    "mysql": {
        "CREATE DATABASE IF NOT EXISTS d; INSERT INTO a VALUES (1)": "ddl: +a; "
        "tx commit",
        "CREATE SCHEMA d COLLATE utf8mb4_bin; SET @v = 1": "ddl; tx commit; session "
        "variable",
        "DROP SCHEMA d; CREATE TEMPORARY TABLE n (x int)": "ddl: +n; tx commit; "
        "session temp",
        "ALTER SCHEMA d COLLATE = utf8mb4_bin; DELETE FROM d.a": "ddl: +d.a; tx commit",
        "ALTER DATABASE CHARACTER SET utf8; SELECT GET_LOCK('a', 1)": "ddl; tx commit; "
        "session lock",
        "CREATE OR REPLACE SCHEMA d; TRUNCATE a": "ddl: +a; tx commit, commit",
        "DROP DATABASE IF EXISTS `a``b`; UPDATE a SET x = 1": "ddl: +a; tx commit",
        "CREATE DATABASE d ENCRYPTION 'Y'; USE d": "ddl; tx commit; session use",
        "ALTER DATABASE d READ ONLY = 1; REPLACE a VALUES (1)": "ddl: +a; tx commit",
        "ALTER DATABASE `#mysql50#a-b` UPGRADE DATA DIRECTORY NAME; BEGIN": "ddl; "
        "tx commit, begin",
    },
}

MYSQL = {
    "SELECT sum(x) OVER (PARTITION BY LAST_INSERT_ID(3)) FROM a": "read: a; session "
    "variable",
    "SELECT 1 FROM a WINDOW w AS (ORDER BY x ROWS NEXTVAL(s) PRECEDING)": "write: a; "
    "session variable",
    "SELECT 1 FROM a WINDOW w AS (), v AS (w PARTITION BY (SELECT y FROM b))": "plain "
    "read: a, b",
    "SELECT nth_value(x, 2) FROM FIRST RESPECT NULLS OVER w FROM a WINDOW w AS (ORDER "
    "BY f(x))": "read: a; asks f",
    "UPDATE a SET x = (SELECT rank() OVER w FROM b WINDOW w AS (ORDER BY (SELECT 1 "
    "FROM c)) LIMIT 1)": "write: +a, b, c",
    "(SELECT 1 FROM a WINDOW w AS (ORDER BY RELEASE_LOCK('x'))) UNION TABLE b": (
        "lock: b, a; session lock"
    ),
    "SELECT 1 FROM a GROUP BY x WITH ROLLUP HAVING 1 WINDOW w AS (ORDER BY @v := 1)": (
        "read: a; session variable"
    ),
    "WITH q AS (SELECT 1 FROM a WINDOW w AS (ORDER BY SETVAL(s, 1))) TABLE q": "write: "
    "a; session variable",
    "SELECT 1 FROM a WINDOW `w w` AS (RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND "
    "INTERVAL (SELECT y FROM b) HOUR FOLLOWING)": "plain read: a, b",
    "SELECT 1 FROM a WINDOW w AS (PARTITION BY x, DEFAULT(y))": "read: a; session "
    "variable",
    # Tables in odd places.
    "DELETE FROM d.a FOR PORTION OF `p q` FROM now() TO now() + INTERVAL 1 DAY ORDER "
    "BY x LIMIT 1": "write: +d.a",
    "UPDATE d.a FOR PORTION OF p FROM (SELECT x FROM b) TO '2021-01-01' SET y = 1 "
    "WHERE z IN (TABLE c)": "write: +d.a, b, c",
    "SELECT * FROM a PARTITION (p0, p1) FOR SYSTEM_TIME FROM '2020-01-01' TO now() AS "
    "q JOIN b": "plain read: a, b",
    "SELECT * FROM a FOR SYSTEM_TIME BETWEEN time'10:00' AND (SELECT max(t) FROM b)": (
        "plain read: a, b"
    ),
    "SET STATEMENT max_statement_time=1 FOR DELETE a FROM a JOIN b USING (x)": "write: "
    "+a, b",
    "SET STATEMENT a=1, b=DEFAULT FOR SET STATEMENT c=2 FOR REPLACE INTO a TABLE b": (
        "write: +a, b"
    ),
    "SET STATEMENT a=1 FOR ALTER TABLE d.a ADD x int": "ddl: +d.a; tx commit",
    "SET STATEMENT a=1 FOR LOAD DATA INFILE 'f' INTO TABLE a": "write: +a",
    "SET STATEMENT a=1 FOR EXPLAIN FORMAT='json' DELETE FROM a": "explain: a",
    "BEGIN NOT ATOMIC l: LOOP DELETE FROM a LIMIT 1; IF ROW_COUNT() = 0 THEN LEAVE l; "
    "END IF; END LOOP; END": "write: +a; session variable",
    "BEGIN NOT ATOMIC DECLARE c CURSOR (n INT) FOR SELECT x FROM a WHERE y = n; OPEN "
    "c(1); FETCH c INTO @v; CLOSE c; END": "call: a; session variable",
    "BEGIN NOT ATOMIC SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'; END": "call",
    "IF (SELECT count(*) FROM a) > 1 THEN SIGNAL SQLSTATE '45000'; END IF": "call: a",
    "IF x THEN BEGIN IF y THEN UPDATE a SET z = 1; END IF; END; END IF": "write: +a",
    'EXPLAIN EXTENDED FORMAT="JSON" REPLACE a SELECT * FROM b': "explain: a, b",
    "DELETE a.*, d.b.* FROM a, d.b, c WHERE a.x = c.x": "write: +a, +d.b, c",
    "DELETE QUICK FROM x USING a AS x JOIN b": "write: +a, b",
    "INSERT INTO a VALUE (1, (SELECT x FROM b))": "write: +a, b",
    "INSERT LOW_PRIORITY IGNORE a SET x = (SELECT y FROM b) RETURNING z": (
        "write: +a, b"
    ),
    "SELECT * FROM a JOIN (b, c) ON 1, {OJ d LEFT JOIN e ON 1}": "plain read: a, b, c, "
    "d, e",
    "CREATE TABLE n (x int) UNION = (a, d.b) ENGINE = MERGE": "ddl: +n, a, d.b; "
    "tx commit",
    "CREATE TABLE n (PRIMARY KEY (x)) IGNORE AS (SELECT x FROM a)": "ddl: +n, a; "
    "tx commit",
    "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b, ADD FOREIGN KEY (x) REFERENCES "
    "d.c (y)": "ddl: +a, b, d.c; tx commit",
    "LOCK TABLE a x READ LOCAL, d.b AS y WRITE CONCURRENT": "lock: a, d.b; tx commit; "
    "session lock",
    "CACHE INDEX a, b INDEX (i) IN c": "ddl: a, b; tx commit",
    "FLUSH TABLES a, d.b FOR EXPORT": "ddl: a, d.b; tx commit; session lock",
    "ALTER VIEW d.v (x) AS SELECT y FROM a JOIN d.b USING (y)": "ddl: +d.v, a, d.b; "
    "tx commit",
    "ALTER ALGORITHM = MERGE DEFINER = CURRENT_USER SQL SECURITY INVOKER VIEW v AS "
    "(SELECT * FROM a) UNION TABLE b WITH CHECK OPTION": "ddl: +v, b, a; tx commit",
    "ALTER VIEW v AS WITH q AS (TABLE a) SELECT * FROM q": "ddl: +v, a; tx commit",
    "ALTER VIEW v AS VALUES ROW(1, (TABLE a))": "ddl: +v, a; tx commit",
    "ALTER TABLE a CONVERT PARTITION p TO TABLE d.b WITHOUT VALIDATION": (
        "ddl: +a, d.b; tx commit"
    ),
    "ALTER TABLE a CONVERT TABLE d.b TO PARTITION p VALUES LESS THAN (1)": (
        "ddl: +a, d.b; tx commit"
    ),
    "ALTER TABLE a CONVERT TABLE b TO PARTITION p DEFAULT": "ddl: +a, b; tx commit",
    "ALTER TABLE a CONVERT TO CHARACTER SET utf8": "ddl: +a; tx commit",
    "ALTER TABLE a ADD `table` int, CONVERT PARTITION p TO TABLE `table`": (
        "ddl: +a, table; tx commit"
    ),
    # No table.
    "GRANT PROXY ON a TO b WITH GRANT OPTION": "ddl; tx commit",
    "GRANT PROXY ON 'a'@'h' TO b": "ddl; tx commit",
    "REVOKE PROXY ON a FROM b": "ddl; tx commit",
    "GRANT SELECT ON proxy TO b": "ddl: +proxy; tx commit",
    "IMPORT TABLE FROM 'a.sdi', 'b.sdi'": "ddl; tx commit",
    "CLONE LOCAL DATA DIRECTORY = 'x'": "ddl; tx commit",
    "CLONE INSTANCE FROM 'u'@'h':3306 IDENTIFIED BY 'p' REQUIRE NO SSL": "ddl; "
    "tx commit",
    "LOCK INSTANCE FOR BACKUP": "lock; session lock",
    "UNLOCK INSTANCE": "lock; session lock",
    "LOCK TABLES instance READ": "lock: instance; tx commit; session lock",
    # EXPLAIN of MySQL 8.3.
    "EXPLAIN FORMAT = JSON INTO @`a b` FOR DATABASE d UPDATE a, d2.b SET x = 1": (
        "explain: d.a, d2.b; session variable"
    ),
    "EXPLAIN FOR SCHEMA `d``e` TABLE a UNION TABLE f.b": "plain explain: d`e.a, f.b",
    "EXPLAIN ANALYZE FOR DATABASE d REPLACE a SELECT * FROM b": "write: +d.a, d.b",
    "EXPLAIN ANALYZE FORMAT = TREE FOR SCHEMA d TABLE a FOR UPDATE": "lock: d.a",
    "DESCRIBE FOR SCHEMA d INSERT INTO a SELECT * FROM b": "explain: d.a, d.b",
    "DESC FORMAT=JSON INTO @x SELECT 1": "explain; session variable",
    "EXPLAIN FORMAT=JSON INTO @x FOR SCHEMA d WITH q AS (TABLE a) DELETE FROM b WHERE "
    "y IN (TABLE q)": "explain: d.b, d.a; session variable",
    "EXPLAIN FOR SCHEMA d (SELECT * FROM a) ORDER BY 1": "plain explain: d.a",
    "EXPLAIN FORMAT=TRADITIONAL FOR SCHEMA d VALUES ROW (1, (TABLE a))": "plain "
    "explain: d.a",
    "EXPLAIN FORMAT=JSON INTO @a FOR SCHEMA d.e SELECT 1": "unknown; session variable",
    # Reads that draw.
    "SELECT x FROM a WHERE y > NEXT VALUE FOR `d`.`s`": "write: a; session variable",
    "SELECT COALESCE(DEFAULT(a.x), 1) FROM a": "read: a; session variable",
    "SELECT * FROM a ORDER BY s.nextval DESC LIMIT 1": "write: a; session variable",
    "SELECT (SELECT d.s.nextval), x FROM a": "write: a; session variable",
    "SELECT CASE WHEN PREVIOUS VALUE FOR d.s > 1 THEN 1 END": "read; session variable",
    "SELECT x FROM a HAVING LASTVAL(d.s) > 1": "read: a; session variable",
    "WITH q AS (SELECT NEXTVAL(s) n) SELECT n FROM q": "write; session variable",
    "VALUES (NEXT VALUE FOR s)": "write; session variable",
    "SELECT x FROM a GROUP BY DEFAULT(x), 2": "read: a; session variable",
    "SELECT x FROM a JOIN b ON DEFAULT(a.y) = b.y": "read: a, b; session variable",
    "EXPLAIN SELECT NEXT VALUE FOR s": "explain",
    "DO NEXTVAL(s), SETVAL(d.s, 5, 0, 1)": "write; session variable",
    # Of the statement before.
    "GET DIAGNOSTICS @a = NUMBER, @b = ROW_COUNT": "read; session variable",
    "get current diagnostics @a=number": "read; session variable",
    "GET DIAGNOSTICS CONDITION 2 @a = CONSTRAINT_NAME": "read; session variable",
    "GET DIAGNOSTICS CONDITION @n @`a b` = CLASS_ORIGIN, @c = COLUMN_NAME": "read; "
    "session variable",
    "GET STACKED DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT": "read; session variable",
    "/* x */ GET DIAGNOSTICS @'q r' = NUMBER -- y": "read; session variable",
    "GET STACKED DIAGNOSTICS @n = NUMBER": "read; session variable",
    "BEGIN NOT ATOMIC DELETE FROM a; GET DIAGNOSTICS @n = ROW_COUNT; END": "write: +a; "
    "session variable",
    "GET DIAGNOSTICS CONDITION 1 p = MYSQL_ERRNO": "read; session variable",
    "GET DIAGNOSTICS CONDITION 1 @a = CURSOR_NAME, @b = SUBCLASS_ORIGIN": "read; "
    "session variable",
    # Names.
    "SELECT * FROM `select`, `from`.`where`": "plain read: select, from.where",
    "SELECT * FROM 2a.3b, d.1e5x": "plain read: 2a.3b, d.1e5x",
    "UPDATE `a;b` SET `x``y` = 1": "write: +a;b",
    "DELETE FROM a$b, $c USING a$b, $c": "write: +a$b, +$c",
    "SELECT * FROM ünï, 表.таблица": "plain read: ünï, 表.таблица",
    "ALTER TABLE value RENAME COLUMN `key` TO type": "ddl: +value; tx commit",
    "TRUNCATE TABLE truncate": "ddl: +truncate; tx commit",
    "DROP TABLE IF EXISTS temporary, local CASCADE": "ddl: +temporary, +local; "
    "tx commit",
    "SELECT * FROM begin, end, status s, `a``": "unknown",
    "WITH x AS (SELECT 1) SELECT * FROM x, d.x": "plain read: d.x",
}

SQLITE = {
    # Windows.
    "SELECT sum(x) OVER (w ROWS 1 PRECEDING) FROM a WINDOW w AS (ORDER BY changes())": (
        "read: a; session variable"
    ),
    "SELECT 1 FROM a WINDOW w AS (PARTITION BY x IN b)": "plain read: a, b",
    "SELECT 1 FROM a WINDOW w AS (), v AS (w ORDER BY x COLLATE nocase NULLS LAST)": (
        "plain read: a"
    ),
    "SELECT 1 FROM a WINDOW w AS (GROUPS BETWEEN f(1) PRECEDING AND CURRENT ROW EXCLUDE"
    " NO OTHERS)": "read: a; asks f",
    "VALUES (1) UNION SELECT 1 FROM a WINDOW w AS (ORDER BY load_extension('x'))": (
        "write: a"
    ),
    "DELETE FROM a WHERE x IN (SELECT y FROM b WINDOW w AS (ORDER BY (SELECT z FROM "
    "c)))": "write: +a, b, c",
    "WITH q AS (SELECT 1 FROM a WINDOW w AS (PARTITION BY last_insert_rowid())) SELECT "
    "* FROM q": "read: a; session variable",
    "SELECT 1 FROM a WINDOW [w w] AS (ORDER BY EXISTS (SELECT 1 FROM b))": "plain "
    "read: a, b",
    "SELECT ntile(4) OVER 'w' FROM a WINDOW 'w' AS (ORDER BY f(x))": "read: a; asks f",
    "UPDATE a SET x = (SELECT row_number() OVER w FROM b WINDOW w AS (ORDER BY (TABLE_)"
    "))": "write: +a, b",
    # Tables in odd places.
    "INSERT INTO main.'a' SELECT * FROM [b c] NOT INDEXED": "write: +main.a, b c",
    "INSERT INTO a AS n (x) VALUES ((SELECT y FROM b)) ON CONFLICT (x) WHERE z DO "
    "NOTHING ON CONFLICT DO UPDATE SET x = (SELECT y FROM c)": "write: +a, b, c",
    "UPDATE main.a AS z INDEXED BY i SET (x, y) = (SELECT 1, 2 FROM b) FROM c JOIN d": (
        "write: +main.a, c, d, b"
    ),
    "DELETE FROM a NOT INDEXED WHERE x NOT IN temp.b RETURNING (SELECT 1 FROM c)": (
        "write: +a, temp.b, c"
    ),
    "SELECT * FROM (a, b) LEFT JOIN (c NATURAL JOIN d) USING (x)": "plain read: a, b, "
    "c, d",
    "SELECT * FROM a RIGHT JOIN b ON x FULL OUTER JOIN main.c": "plain read: a, b, "
    "main.c",
    "CREATE TABLE n (x REFERENCES a (y) ON DELETE SET NULL, FOREIGN KEY (x) REFERENCES "
    "b)": "ddl: +n, a, b",
    "CREATE TABLE IF NOT EXISTS main.n AS WITH q AS (VALUES (1)) SELECT * FROM a, q": (
        "ddl: +main.n, a"
    ),
    "CREATE UNIQUE INDEX IF NOT EXISTS main.i ON a (x COLLATE rtrim, abs(y)) WHERE z": (
        "ddl: +a"
    ),
    "ALTER TABLE main.a ADD COLUMN x REFERENCES b": "ddl: +main.a, b",
    "ALTER TABLE a DROP COLUMN x": "ddl: +a",
    "DROP VIEW IF EXISTS main.v": "ddl: +main.v",
    "EXPLAIN QUERY PLAN UPDATE a SET x = 1 FROM b": "plain explain: a, b",
    # Pragmas.
    "PRAGMA 'main'.\"user_version\"\n=\t-\n7": "write",
    "PRAGMA [main].user_version(+ 7)": "write",
    "PRAGMA application_id(0x7f)": "write",
    "PRAGMA encoding='UTF-16'": "write",
    "pragma`auto_vacuum`=full": "write",
    "PRAGMA TEMP.synchronous=-0": "session; session set",
    "PRAGMA busy_timeout=+100": "session; session set",
    "PRAGMA case_sensitive_like=on": "session; session set",
    "PRAGMA main.foreign_key_list([a b])": "plain read: main.a b",
    "PRAGMA journal_mode": "plain read",
    "PRAGMA main.wal_checkpoint(TRUNCATE)": "write",
    "PRAGMA journal_size_limit=-1": "write",
    # Names.
    'SELECT * FROM [select], `from`."where"': "plain read: select, from.where",
    "SELECT * FROM 'a b' AS 'c', main.'d'": "plain read: a b, main.d",
    "UPDATE \"a;b\" SET [x y]=1 WHERE 'a;'": "write: +a;b",
    "DELETE FROM ünï WHERE 表 = 1": "write: +ünï",
    "SELECT * FROM key, match, of, rows, temp, view": "plain read: key, match, of, "
    "rows, temp, view",
    "WITH x AS (SELECT 1) INSERT INTO x SELECT * FROM x": "write: +x",
    'ALTER TABLE "a""b" RENAME TO \'c\'': 'ddl: +a"b',
    "SELECT * FROM a$b, _c, d9": "plain read: a$b, _c, d9",
    "DROP TABLE IF EXISTS 'if'": "ddl: +if",
    "SELECT * FROM ☃ JOIN 😀 USING (é)": "plain read: ☃, 😀",
    # What looks like calls.
    "SELECT CAST(x AS VARCHAR(10)) || CAST(y AS TEXT) FROM a": "plain read: a",
    "SELECT CAST(CAST(1 AS TEXT) AS BLOB)": "plain read",
    "SELECT cast(NULL AS 'my type') FROM a": "plain read: a",
    "SELECT CAST(? AS double precision), cast(:x AS int) FROM a": "plain read: a",
    'SELECT CAST(x COLLATE nocase AS "t"(1, 2)) FROM a': "plain read: a",
    "SELECT * FROM a WHERE CAST((SELECT y FROM b) AS REAL) > 1": "plain read: a, b",
    "SELECT CAST(changes() AS int)": "read; session variable",
    "SELECT CAST(CASE WHEN x THEN f(1) END AS text) FROM a": "read: a; asks f",
    "INSERT INTO a VALUES (CAST('1' AS int))": "write: +a",
    "SELECT CAST(x AS text) FROM a GROUP BY CAST(x AS text) ORDER BY cast(x AS int)": (
        "plain read: a"
    ),
}


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        (dialect, *case)
        for dialect, cases in (
            *((name, cases) for name, cases in BESIDE_SCHEMAS.items()),
            *(("mysql", MYSQL), ("sqlite", SQLITE)),
        )
        for case in cases.items()
    ],
)
def test_all_of_a_statement_is_read(dialect, sql, expected):
    assert seen(sql, dialect) == expected
