"""Variants of what reports from the field showed: no clause is passed over, so that
what is no plain read is none, and every table is found."""

from __future__ import annotations

import pytest

from routedb.sql import Kind, classify

# Dialect, text, whether it is a plain read, tables that are found at least.
Case = tuple[str, str, bool, frozenset[str]]


def reads(dialect: str, text: str, *tables: str) -> Case:
    return dialect, text, True, frozenset(tables)


def other(dialect: str, text: str, *tables: str) -> Case:
    return dialect, text, False, frozenset(tables)


CASES: dict[str, list[Case]] = {
    "what stands in a clause that orders, limits or samples": [
        other(
            "postgresql",
            "SELECT sum(x) OVER (w ROWS 1 PRECEDING) FROM t WINDOW w AS (ORDER BY "
            "nextval('s'))",
        ),
        other(
            "postgresql",
            "SELECT 1 FROM t WINDOW a AS (), b AS (a ORDER BY (SELECT "
            "pg_advisory_lock(1)))",
        ),
        other(
            "postgresql",
            "SELECT 1 FROM t WINDOW w AS (ORDER BY x RANGE BETWEEN "
            "set_config('a','b',false)::int PRECEDING AND CURRENT ROW)",
        ),
        other(
            "postgresql",
            "(SELECT 1 FROM t WINDOW w AS (ORDER BY lo_unlink(1))) UNION SELECT 2",
        ),
        other(
            "postgresql",
            'WITH a AS (SELECT 1 FROM t WINDOW "W" AS (PARTITION BY '
            "pg_notify('a','b')::text)) SELECT * FROM a",
        ),
        reads(
            "postgresql",
            "SELECT x FROM (SELECT 1 x FROM t WINDOW w AS (ORDER BY (SELECT v FROM "
            "hidden LIMIT 1))) q",
            "hidden",
        ),
        other("mysql", "SELECT 1 FROM t WINDOW w AS (ORDER BY GET_LOCK('a',1))"),
        other(
            "mysql",
            "SELECT row_number() OVER w FROM t WINDOW w AS (ORDER BY "
            "LAST_INSERT_ID(5)), v AS (w)",
        ),
        other("sqlite", "SELECT 1 FROM t WINDOW w AS (ORDER BY load_extension('x'))"),
        reads(
            "sqlite",
            "SELECT count(*) FILTER (WHERE a) OVER (w GROUPS 1 PRECEDING EXCLUDE "
            "TIES) FROM t WINDOW w AS (ORDER BY (SELECT b FROM hidden))",
            "hidden",
        ),
        other(
            "postgresql",
            "SELECT 1 FROM t WHERE a = 1 GROUP BY GROUPING SETS ((a),(b)) HAVING "
            "count(*)>1 WINDOW w AS (ORDER BY dblink_exec('x','y'))",
        ),
        other("postgresql", "VALUES (1) ORDER BY nextval('s')"),
        other("postgresql", "TABLE t ORDER BY nextval('s')"),
        other("postgresql", "SELECT 1 LIMIT nextval('s')"),
        other(
            "postgresql",
            "SELECT 1 OFFSET (SELECT pg_advisory_lock(1)) ROWS FETCH FIRST 1 ROW ONLY",
        ),
        other("postgresql", "SELECT DISTINCT ON (nextval('s')) a FROM t"),
        other("postgresql", "SELECT * FROM t TABLESAMPLE bernoulli (nextval('s'))"),
        other(
            "postgresql",
            "SELECT * FROM t TABLESAMPLE system (10) REPEATABLE (nextval('s'))",
        ),
        other(
            "postgresql", "SELECT a FROM ROWS FROM (nextval('s'), f(1)) WITH ORDINALITY"
        ),
        other(
            "postgresql",
            "SELECT * FROM XMLTABLE('/a' PASSING pg_notify('a','b')::text COLUMNS "
            "x int DEFAULT nextval('s'))",
        ),
        other("postgresql", "SELECT xmlelement(name a, nextval('s'))"),
        other("postgresql", "SELECT ARRAY(SELECT nextval('s'))"),
        other("postgresql", "SELECT (row(nextval('s'))).f1"),
        other("postgresql", "SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED"),
        other("postgresql", "SELECT a FROM t ORDER BY a FOR KEY SHARE"),
        other(
            "postgresql",
            "WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM r) "
            "SEARCH DEPTH FIRST BY n SET o CYCLE n SET c USING p SELECT "
            "nextval('s') FROM r",
        ),
        other(
            "postgresql", "WITH x AS MATERIALIZED (DELETE FROM t RETURNING *) TABLE x"
        ),
        other(
            "postgresql", "SELECT * FROM t, LATERAL (SELECT set_config('a',t.b,true)) l"
        ),
    ],
    "units and zones with a bracket behind them": [
        reads(
            "postgresql",
            "SELECT a AT TIME ZONE (SELECT x FROM hidden) FROM t",
            "hidden",
        ),
        reads("postgresql", "SELECT a AT TIME ZONE ('UTC'), b FROM t", "t"),
        reads("postgresql", "SELECT CAST(a AS interval day to second (3)) FROM t", "t"),
        reads("postgresql", "SELECT a::interval minute to second(0), b FROM t", "t"),
        reads("postgresql", "SELECT interval '1' hour to second (2)"),
        other(
            "postgresql", "SELECT a AT TIME ZONE (set_config('a', 'b', false)) FROM t"
        ),
    ],
    "operators by their names": [
        reads("postgresql", "SELECT a FROM t ORDER BY a USING OPERATOR(pg_catalog.>)"),
        reads("postgresql", "SELECT a FROM t ORDER BY a USING OPERATOR(<), b", "t"),
        reads("postgresql", "SELECT OPERATOR(pg_catalog.-) 3"),
        reads("postgresql", "SELECT a FROM t WHERE NOT OPERATOR(pg_catalog.@) a > 2"),
        reads("postgresql", "SELECT a, OPERATOR(-) (SELECT b FROM u) FROM t", "u"),
        reads("postgresql", "SELECT a OPERATOR(s.=) ANY (SELECT b FROM u) FROM t", "u"),
        other("postgresql", "SELECT OPERATOR(pg_catalog.-) nextval('s')"),
    ],
    "what stands beside a schema's making": [
        other(
            "postgresql",
            "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1; "
            "UPDATE items SET a=1",
            "items",
        ),
        other(
            "postgresql",
            "begin; alter schema a rename to b; update items set x=1",
            "items",
        ),
        other(
            "postgresql",
            "begin; DROP SCHEMA IF EXISTS a, b CASCADE; delete from items",
            "items",
        ),
        other(
            "postgresql",
            "CREATE SCHEMA IF NOT EXISTS AUTHORIZATION joe; SET search_path TO joe",
        ),
        other(
            "postgresql",
            "ALTER SCHEMA s OWNER TO CURRENT_USER; LOCK TABLE items",
            "items",
        ),
        other(
            "mysql",
            "CREATE SCHEMA IF NOT EXISTS s DEFAULT CHARACTER SET utf8mb4; UPDATE "
            "items SET a=1",
            "items",
        ),
        other(
            "mysql",
            "DROP DATABASE IF EXISTS s; CREATE TEMPORARY TABLE items (a int)",
            "items",
        ),
        other(
            "mysql",
            "ALTER DATABASE s UPGRADE DATA DIRECTORY NAME; DELETE FROM items",
            "items",
        ),
        other(
            "mysql",
            "CREATE OR REPLACE DATABASE s COMMENT 'x'; DELETE FROM items",
            "items",
        ),
        other(
            "postgresql",
            'CREATE SCHEMA "weird;name"; INSERT INTO items VALUES (1)',
            "items",
        ),
        other(
            "postgresql",
            "COMMENT ON SCHEMA s IS 'a;b'; INSERT INTO items VALUES (1)",
            "items",
        ),
        other(
            "postgresql",
            "GRANT USAGE ON SCHEMA a, b TO x WITH GRANT OPTION; INSERT INTO items "
            "VALUES (1)",
            "items",
        ),
    ],
    "tables in the odd places of a grammar": [
        other(
            "postgresql",
            "DELETE FROM ONLY (items) USING ONLY (other)",
            "items",
            "other",
        ),
        other("postgresql", "TRUNCATE TABLE ONLY (items), other *", "items", "other"),
        other("postgresql", "LOCK ONLY (items) IN SHARE MODE NOWAIT", "items"),
        other("postgresql", "ALTER TABLE IF EXISTS ONLY (items) ADD c int", "items"),
        other(
            "postgresql",
            "UPDATE ONLY (items) AS i SET a = o.b FROM ONLY (other) o",
            "items",
            "other",
        ),
        other(
            "postgresql",
            "MERGE INTO ONLY items USING other ON true WHEN MATCHED THEN DELETE",
            "items",
            "other",
        ),
        reads("postgresql", "SELECT * FROM ONLY (items), ((other))", "items", "other"),
        reads("postgresql", "COPY items (a) TO STDOUT", "items"),
        reads("postgresql", "COPY (SELECT * FROM ONLY (items)) TO STDOUT", "items"),
        other(
            "postgresql", "CREATE TABLE c () INHERITS (items, other)", "items", "other"
        ),
        other(
            "postgresql",
            "CREATE TABLE c (LIKE items INCLUDING ALL, b int REFERENCES other)",
            "items",
            "other",
        ),
        other("postgresql", "CREATE INDEX CONCURRENTLY ON ONLY items (a)", "items"),
        other(
            "postgresql",
            "CREATE TABLE p PARTITION OF items FOR VALUES FROM (1) TO (2)",
            "items",
        ),
        other(
            "postgresql",
            "ALTER TABLE items ATTACH PARTITION other DEFAULT",
            "items",
            "other",
        ),
        other("postgresql", "CREATE STATISTICS st ON a, b FROM items", "items"),
        other("postgresql", "CLUSTER items USING ix", "items"),
        other("postgresql", "REINDEX (VERBOSE) TABLE CONCURRENTLY items", "items"),
        other(
            "postgresql", "VACUUM (ANALYZE, VERBOSE) items (a), other", "items", "other"
        ),
        other("postgresql", "SECURITY LABEL FOR x ON TABLE items IS 'y'", "items"),
        other(
            "postgresql",
            "CREATE POLICY p ON items USING (EXISTS (SELECT 1 FROM other))",
            "items",
            "other",
        ),
        other(
            "postgresql",
            "CREATE RULE r AS ON INSERT TO items DO ALSO INSERT INTO other VALUES (1)",
            "items",
            "other",
        ),
        other(
            "mysql",
            "DELETE FROM items FOR PORTION OF p FROM '2020-01-01' TO (SELECT "
            "max(d) FROM other)",
            "items",
            "other",
        ),
        reads(
            "mysql",
            "SELECT * FROM items FOR SYSTEM_TIME BETWEEN timestamp'2020-01-01' AND "
            "NOW()",
            "items",
        ),
        reads(
            "mysql",
            "SELECT * FROM items FOR SYSTEM_TIME AS OF TRANSACTION 5 AS x",
            "items",
        ),
        reads(
            "mysql",
            "SELECT * FROM items FOR SYSTEM_TIME ALL JOIN other FOR SYSTEM_TIME "
            "FROM date'2020-1-1' TO date'2021-1-1'",
            "items",
            "other",
        ),
        other(
            "mysql",
            "SET STATEMENT max_statement_time=1, sort_buffer_size=100 FOR INSERT "
            "INTO items SELECT * FROM other",
            "items",
            "other",
        ),
        other(
            "mysql",
            "BEGIN NOT ATOMIC DECLARE x INT; SELECT 1 INTO x FROM other; UPDATE "
            "items SET a=x; END",
            "items",
            "other",
        ),
        other(
            "mysql",
            "IF (SELECT 1 FROM other) THEN DELETE FROM items; ELSE TRUNCATE third; "
            "END IF",
            "items",
            "other",
            "third",
        ),
        other(
            "mysql",
            "FOR r IN (SELECT a FROM other) DO INSERT INTO items VALUES (r.a); END FOR",
            "items",
            "other",
        ),
        other("mysql", "WHILE @a < 3 DO UPDATE items SET a=1; END WHILE", "items"),
        other(
            "mysql",
            'EXPLAIN FORMAT="json" DELETE items FROM items JOIN other',
            "items",
            "other",
        ),
        other("mysql", "ANALYZE FORMAT='JSON' UPDATE items SET a=1", "items"),
        other(
            "mysql",
            "DELETE items, other FROM items INNER JOIN other USING (a)",
            "items",
            "other",
        ),
        other("mysql", "UPDATE items i, other o SET i.a=o.a", "items", "other"),
        other(
            "mysql",
            "INSERT INTO items SELECT * FROM other ON DUPLICATE KEY UPDATE "
            "a=(SELECT 1 FROM third)",
            "items",
            "other",
            "third",
        ),
        other(
            "mysql",
            "REPLACE DELAYED items SET a=(SELECT b FROM other)",
            "items",
            "other",
        ),
        other(
            "mysql",
            "LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE items PARTITION (p) "
            "(a,@b) SET c=(SELECT 1 FROM other)",
            "items",
            "other",
        ),
        other("mysql", "CREATE TABLE n LIKE items", "items"),
        other("mysql", "RENAME TABLE items TO i2, other TO o2", "items", "other"),
        other(
            "mysql",
            "LOCK TABLES items AS i READ LOCAL, other LOW_PRIORITY WRITE",
            "items",
            "other",
        ),
        other("mysql", "HANDLER items OPEN AS h", "items"),
        other("mysql", "CHECKSUM TABLE items, other EXTENDED", "items", "other"),
        other(
            "mysql", "OPTIMIZE NO_WRITE_TO_BINLOG TABLE items, other", "items", "other"
        ),
        reads("mysql", "TABLE items ORDER BY a LIMIT 1", "items"),
        reads("mysql", "VALUES ROW(1,(SELECT 1 FROM items)), ROW(2,3)", "items"),
        reads(
            "mysql",
            "SELECT * FROM JSON_TABLE((SELECT j FROM items), '$' COLUMNS (a INT "
            "PATH '$')) x",
            "items",
        ),
        other(
            "sqlite",
            "INSERT INTO items DEFAULT VALUES RETURNING (SELECT 1 FROM other)",
            "items",
            "other",
        ),
        other(
            "sqlite",
            "REPLACE INTO main.items SELECT * FROM other INDEXED BY ix",
            "items",
            "other",
        ),
        other("sqlite", "UPDATE OR IGNORE items SET a=1 FROM other", "items", "other"),
        other(
            "sqlite",
            "CREATE TRIGGER tr AFTER INSERT ON items BEGIN DELETE FROM other; END",
            "items",
        ),
        other(
            "mysql",
            "LOAD XML INFILE 'x' INTO TABLE items CHARACTER SET utf8 ROWS "
            "IDENTIFIED BY '<a>' SET a = CASE WHEN @a IN (SELECT b FROM x.other) "
            "THEN 1 END",
            "items",
            "other",
        ),
    ],
    "a view that sets": [
        other(
            "postgresql",
            "UPDATE ONLY pg_catalog.pg_settings SET setting='x' WHERE name='work_mem'",
        ),
        other(
            "postgresql",
            "update pg_settings s set setting = $1 from t where s.name = 'a'",
        ),
    ],
    "pragmas": [
        other("sqlite", "PRAGMA user_version=-1"),
        other("sqlite", "PRAGMA main.user_version=+5"),
        other("sqlite", 'PRAGMA "main"."user_version" = - 3'),
        other("sqlite", "PRAGMA [user_version](-1)"),
        other("sqlite", "PRAGMA `journal_mode`=wal"),
        reads("sqlite", "PRAGMA user_version"),
        reads("sqlite", "PRAGMA table_info(items)"),
        other("sqlite", "pragma foreign_keys=-0"),
        other("sqlite", "PRAGMA cache_size=-2000"),
        other("sqlite", "PRAGMA wal_checkpoint"),
        other("sqlite", "PRAGMA optimize"),
        other("sqlite", "PRAGMA main.incremental_vacuum(5)"),
        reads("sqlite", "PRAGMA data_version"),
    ],
    "reads that draw": [
        other("mysql", "SELECT DEFAULT(a) FROM t"),
        other("mysql", "SELECT DEFAULT(t.a)+1 FROM t"),
        other("mysql", "SELECT NEXTVAL(s)"),
        other("mysql", "SELECT s.nextval"),
        other("mysql", "SELECT db.s.nextval"),
        other("mysql", "SELECT PREVIOUS VALUE FOR s"),
        other("mysql", "SELECT NEXT VALUE FOR db.s"),
        other("mysql", "SELECT `s`.`nextval`"),
        other("mysql", "SELECT LASTVAL(s)"),
        other("mysql", "SELECT SETVAL(s,1)"),
        other("mysql", "SELECT s.currval"),
        other("mysql", "SELECT 1 FROM t WHERE a = DEFAULT(a)"),
    ],
    "what belongs to the statement before": [
        other("mysql", "GET DIAGNOSTICS @a = NUMBER"),
        other("mysql", "GET CURRENT DIAGNOSTICS CONDITION 1 @b = MESSAGE_TEXT"),
        other("mysql", "GET STACKED DIAGNOSTICS @a = ROW_COUNT"),
        other("mysql", "SHOW COUNT(*) WARNINGS"),
        other("mysql", "SHOW WARNINGS LIMIT 1,2"),
        other("mysql", "SHOW ERRORS"),
        other("mysql", "SELECT @@warning_count"),
        other("mysql", "SELECT @@error_count"),
        other("mysql", "SELECT ROW_COUNT()"),
        other("mysql", "SELECT FOUND_ROWS()"),
        other(
            "mysql",
            "GET DIAGNOSTICS CONDITION @n @m = RETURNED_SQLSTATE, @k = MYSQL_ERRNO",
        ),
    ],
    "names": [
        other("postgresql", "ALTER TABLE local ADD a int", "local"),
        other("postgresql", "COMMENT ON COLUMN local.a IS NULL", "local"),
        other("postgresql", 'DELETE FROM "€" WHERE a', "€"),
        reads("postgresql", "SELECT * FROM €€", "€€"),
        reads("postgresql", "SELECT * FROM 😀", "😀"),
        reads("postgresql", "SELECT * FROM U&\"d!0061t\" UESCAPE '!'", "dat"),
        reads("postgresql", 'SELECT * FROM U&"\\0061bc"', "abc"),
        other(
            "postgresql",
            "CREATE PUBLICATION p FOR TABLE ONLY (b), c (x) WHERE (x > 1)",
            "b",
            "c",
        ),
        other("postgresql", "ALTER PUBLICATION p SET TABLE a, ONLY b", "a", "b"),
        other(
            "postgresql",
            "WITH items AS (SELECT 1) INSERT INTO items SELECT * FROM items",
            "items",
        ),
        other("postgresql", "WITH x AS (SELECT 1) INSERT INTO x TABLE x", "x"),
        other("postgresql", "ALTER TABLE temporary RENAME TO x", "temporary"),
        other(
            "postgresql", "DROP TABLE IF EXISTS local, temp CASCADE", "local", "temp"
        ),
        other("postgresql", "COMMENT ON TABLE global IS 'x'", "global"),
        other("postgresql", "LOCK TABLE if", "if"),
        other("postgresql", "ANALYZE verbose"),
        reads("mysql", "SELECT * FROM `a``b`", "a`b"),
        reads("mysql", "SELECT * FROM 1a", "1a"),
        other("mysql", "ALTER TABLE local ADD a int", "local"),
        reads("mysql", "SELECT * FROM €", "€"),
    ],
    "CAST of SQLite": [
        reads("sqlite", "SELECT CAST(a AS TEXT) FROM t"),
        reads("sqlite", "SELECT CAST((SELECT 1) AS NUMERIC(10,2))"),
        reads("sqlite", "SELECT CAST(x AS unsigned big int) FROM t"),
        reads("sqlite", "SELECT json_extract(a,'$') ->> 'b', iif(1,2,3) FROM t"),
        reads("sqlite", "SELECT a COLLATE NOCASE FROM t ORDER BY CAST(b AS INT)"),
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_passed_over(name):
    for dialect, text, is_read, tables in CASES[name]:
        found = classify(text, dialect)
        assert found.kind is not Kind.UNKNOWN, text
        is_plain = found.kind in (Kind.READ, Kind.EXPLAIN, Kind.COPY)
        assert (is_plain and not found.reason) is is_read, text
        assert tables <= {table.name for table in found.tables}, text
