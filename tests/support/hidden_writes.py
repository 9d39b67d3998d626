"""Reads by their text that write on the writer, and reads that do not, on each server.

`WRITING` and `PLAIN` are texts, by what they show; `SETUP` makes what they name. What
writes adds to the one row of `hits`. On PostgreSQL they run as `pg_monitor`, a role
that every server has and that steps over no policy.
"""

from __future__ import annotations

PG_SETUP = """
CREATE TABLE hits (n int NOT NULL);
INSERT INTO hits VALUES (0);
CREATE TABLE items (id int PRIMARY KEY, v int);
INSERT INTO items VALUES (1, 10), (2, 20);
CREATE FUNCTION bump() RETURNS int VOLATILE LANGUAGE plpgsql AS
  'BEGIN UPDATE hits SET n = n + 1; RETURN 1; END';
CREATE FUNCTION bump(i int) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT bump()';
CREATE SEQUENCE numbers;

CREATE VIEW v_function AS SELECT bump() AS b;
CREATE VIEW v_on_view AS SELECT * FROM v_function;
CREATE VIEW v_where AS SELECT id FROM items WHERE bump() = 1 LIMIT 1;
CREATE VIEW v_deep AS WITH c AS (SELECT (SELECT max(b) FROM v_on_view) AS m)
  SELECT m FROM c;
CREATE VIEW "Odd ""View" AS SELECT bump() AS b;
CREATE VIEW v_sequence AS SELECT nextval('numbers') AS x, bump() AS b;
CREATE VIEW v_sequence_only AS SELECT nextval('numbers') AS x;
CREATE SCHEMA other;
CREATE VIEW other.v_elsewhere AS SELECT bump() AS b;

CREATE TABLE policed (id int);
INSERT INTO policed VALUES (1);
ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
ALTER TABLE policed FORCE ROW LEVEL SECURITY;
CREATE POLICY audited ON policed FOR SELECT USING (bump() = 1);
CREATE VIEW v_policed WITH (security_barrier) AS SELECT * FROM policed;
CREATE TABLE ruled (b int);
CREATE RULE "_RETURN" AS ON SELECT TO ruled DO INSTEAD SELECT bump() AS b;

CREATE FUNCTION bump_equal(a int, b int) RETURNS boolean VOLATILE LANGUAGE plpgsql AS
  'BEGIN PERFORM bump(); RETURN a = b; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = bump_equal);
CREATE VIEW v_operator AS SELECT id FROM items WHERE id === 1 LIMIT 1;

CREATE TYPE money_bag AS (amount int);
CREATE FUNCTION to_bag(i int) RETURNS money_bag VOLATILE LANGUAGE plpgsql AS
  'DECLARE r money_bag; BEGIN PERFORM bump(); r.amount = i; RETURN r; END';
CREATE CAST (int AS money_bag) WITH FUNCTION to_bag(int);
CREATE VIEW v_cast AS SELECT id::money_bag FROM items LIMIT 1;
CREATE TYPE color AS ENUM ('red');
CREATE FUNCTION color_number(c color) RETURNS int VOLATILE LANGUAGE plpgsql AS
  'BEGIN PERFORM bump(); RETURN 1; END';
CREATE CAST (color AS int) WITH FUNCTION color_number(color) AS IMPLICIT;
CREATE TABLE painted (c color);
INSERT INTO painted VALUES ('red');
CREATE DOMAIN checked AS int CHECK (bump(VALUE) = 1);

CREATE FUNCTION bump_sum(s int, x int) RETURNS int VOLATILE LANGUAGE plpgsql AS
  'BEGIN PERFORM bump(); RETURN s + x; END';
CREATE AGGREGATE noted_sum(int) (SFUNC = bump_sum, STYPE = int, INITCOND = '0');
CREATE VIEW v_aggregate AS SELECT noted_sum(id) FROM items;
CREATE FUNCTION bump_row(i items) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT bump()';
CREATE FUNCTION abs(c color) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT bump()';

CREATE FUNCTION liar() RETURNS int STABLE LANGUAGE plpgsql AS
  'BEGIN RETURN bump(); END';
CREATE VIEW v_liar AS SELECT liar() AS b;
CREATE FUNCTION by_view() RETURNS int STABLE LANGUAGE sql AS
  'SELECT b FROM v_function';
CREATE VIEW v_by_view AS SELECT by_view() AS b;
CREATE FUNCTION dynamic() RETURNS int STABLE LANGUAGE plpgsql AS
  $$DECLARE r int; BEGIN EXECUTE 'SELECT bu' || 'mp()' INTO r; RETURN r; END$$;
CREATE VIEW v_dynamic AS SELECT dynamic() AS b;
CREATE FUNCTION with_default(i int DEFAULT bump()) RETURNS int STABLE LANGUAGE sql AS
  'SELECT i';
CREATE VIEW v_default AS SELECT with_default() AS b;
CREATE VIEW v_xml AS SELECT query_to_xml('SELECT bump()', true, true, '') AS x;
CREATE VIEW v_table_xml AS SELECT table_to_xml('v_function', true, true, '') AS x;

CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted VALUES (1);
CREATE VIEW v_plain AS SELECT id, v, random() AS r, clock_timestamp() AS t FROM items;
CREATE VIEW v_plain_too AS
  SELECT upper(id::text) AS u, count(*) FROM v_plain GROUP BY 1;
CREATE MATERIALIZED VIEW m_bumped AS SELECT bump() AS b;
CREATE FUNCTION twice(i int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * i';
CREATE VIEW v_twice AS SELECT twice(id) AS t FROM items;
CREATE TABLE fenced (id int);
INSERT INTO fenced VALUES (1);
ALTER TABLE fenced ENABLE ROW LEVEL SECURITY;
ALTER TABLE fenced FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON fenced FOR SELECT
  USING (id > 0 AND current_setting('app.tenant', true) IS NULL);
CREATE POLICY only_written ON items FOR INSERT WITH CHECK (bump() = 1);
CREATE DOMAIN short AS text CHECK (length(VALUE) < 10);
CREATE TYPE crate AS (i checked, t text);
CREATE TYPE stack AS (b crate[]);
CREATE TYPE checked_range AS RANGE (SUBTYPE = checked);
CREATE TABLE keepers (id int, b crate);
CREATE VIEW v_box AS SELECT '(1,x)'::text::crate AS b;
CREATE VIEW v_record AS
  SELECT (jsonb_populate_record(NULL::crate, '{"i": 1}')).i FROM items;
CREATE TABLE triggered (id int, c checked);
CREATE FUNCTION on_write() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN PERFORM bump(); RETURN NEW; END';
CREATE TRIGGER audited BEFORE INSERT ON triggered EXECUTE FUNCTION on_write();

ALTER VIEW v_policed OWNER TO pg_monitor;
GRANT USAGE ON SCHEMA other TO pg_monitor;
GRANT ALL ON ALL TABLES IN SCHEMA public, other TO pg_monitor;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO pg_monitor;
"""

PG_WRITING = {
    "a view over a function": "SELECT b FROM v_function",
    "a view on a view": "SELECT b FROM v_on_view",
    "a view's condition": "SELECT id FROM v_where",
    "a view's subquery": "SELECT m FROM v_deep",
    "a quoted view": 'SELECT b FROM "Odd ""View"',
    "a view of another schema": "SELECT b FROM other.v_elsewhere",
    "TABLE": "TABLE v_function",
    "a common table expression": "WITH c AS (SELECT b FROM v_function) SELECT b FROM c",
    "a join": "SELECT 1 FROM items JOIN v_function ON id = b",
    "a subquery": "SELECT id FROM items WHERE id = (SELECT b FROM v_function)",
    "a union": "SELECT 1 AS b UNION SELECT b FROM v_function",
    "a sequence and more": "SELECT x FROM v_sequence",
    "a policy": "SELECT id FROM policed",
    "a policy behind a view": "SELECT id FROM v_policed",
    "a rule": "SELECT b FROM ruled",
    "an operator": "SELECT id FROM items WHERE id === 1",
    "an operator with its schema": "SELECT 1 OPERATOR(public.===) 1",
    "an operator behind a view": "SELECT id FROM v_operator",
    "a cast": "SELECT 1::money_bag",
    "CAST": "SELECT CAST(id AS money_bag) FROM items LIMIT 1",
    "a cast behind a view": "SELECT id FROM v_cast",
    "a cast that does not show": "SELECT c + 1 FROM painted",
    "a domain": "SELECT 1::checked",
    "a row with a domain": "SELECT '(1,x)'::crate",
    "ROW of a type with a domain": "SELECT ROW(1, 'x')::crate",
    "CAST to a row": "SELECT CAST('(1,x)' AS crate)",
    "a type in front of a row": "SELECT crate '(1,x)'",
    "an array of rows": "SELECT '{\"(1,x)\"}'::crate[]",
    "a row in a row": """SELECT '("{""(1,x)""}")'::stack""",
    "a row of a table": """SELECT '(1,"(1,x)")'::keepers""",
    "a record": "SELECT jsonb_populate_record(NULL::crate, '{\"i\": 1}')",
    "a record of a table": (
        """SELECT jsonb_populate_record(NULL::triggered, '{"c": 1}')"""
    ),
    "a record by columns": (
        """SELECT * FROM jsonb_to_record('{"i": 1}') AS r (i checked)"""
    ),
    "a row behind a view": "SELECT b FROM v_box",
    "a record behind a view": "SELECT i FROM v_record",
    "a range": "SELECT '[1,2]'::checked_range",
    "a multirange": "SELECT '{[1,2]}'::checked_multirange",
    "an aggregate behind a view": "SELECT * FROM v_aggregate",
    "a function as a column": "SELECT items.bump_row FROM items LIMIT 1",
    "an overload of a built-in": "SELECT abs(c) FROM painted",
    "a stable function that is none": "SELECT b FROM v_liar",
    "a view in a stable function": "SELECT b FROM v_by_view",
    "a text that is made up": "SELECT b FROM v_dynamic",
    "a default of a function": "SELECT b FROM v_default",
    "a query as a string": "SELECT x FROM v_xml",
    "a table as a string": "SELECT x FROM v_table_xml",
    "EXPLAIN ANALYZE": "EXPLAIN (ANALYZE) SELECT b FROM v_function",
}
PG_PLAIN = {
    "nothing": "SELECT 1",
    "a table": "SELECT v FROM items WHERE id = 1",
    "an aggregate": "SELECT count(*), max(v) FROM items",
    "a sort": "SELECT DISTINCT v FROM items ORDER BY v",
    "a built-in cast": "SELECT v::text, 'x'::varchar FROM items",
    "partitions": "SELECT id FROM parted",
    "a plain view": "SELECT * FROM v_plain",
    "a plain view on a view": "SELECT u FROM v_plain_too",
    "a materialized view": "SELECT b FROM m_bumped",
    "an immutable function": "SELECT t FROM v_twice",
    "a plain policy": "SELECT id FROM fenced",
    "a plain domain": "SELECT 'x'::short",
    "a table with a trigger": "SELECT id FROM triggered",
    "rows that are read": "SELECT b FROM keepers",
    "the catalog": "SELECT count(*) FROM pg_class",
    "a setting": "SHOW work_mem",
    "operators": "SELECT v + 1 FROM items WHERE id IN (1, 2) AND v BETWEEN 1 AND 99",
    "a join": "SELECT a.id FROM items a JOIN items b USING (id) WHERE a.v <> b.id",
}

MY_SETUP = (
    "CREATE TABLE hits (n int NOT NULL)",
    "INSERT INTO hits VALUES (0)",
    "CREATE TABLE items (id int PRIMARY KEY, v int)",
    "INSERT INTO items VALUES (1, 10), (2, 20)",
    "CREATE FUNCTION bump() RETURNS int DETERMINISTIC MODIFIES SQL DATA "
    "BEGIN UPDATE hits SET n = n + 1; RETURN 1; END",
    "CREATE FUNCTION undeclared() RETURNS int DETERMINISTIC "
    "BEGIN UPDATE hits SET n = n + 1; RETURN 1; END",
    "CREATE FUNCTION liar() RETURNS int READS SQL DATA "
    "BEGIN UPDATE hits SET n = n + 1; RETURN 1; END",
    "CREATE FUNCTION by_function() RETURNS int READS SQL DATA RETURN bump()",
    "CREATE VIEW v_function AS SELECT bump() AS b",
    "CREATE FUNCTION by_view() RETURNS int READS SQL DATA "
    "RETURN (SELECT max(b) FROM v_function)",
    "CREATE VIEW v_on_view AS SELECT * FROM v_function",
    "CREATE VIEW v_where AS SELECT id FROM items WHERE bump() = 1",
    "CREATE VIEW v_join AS SELECT id FROM items JOIN v_function ON id = b",
    "CREATE VIEW v_union AS SELECT 2 AS b UNION ALL SELECT bump()",
    "CREATE VIEW v_undeclared AS SELECT undeclared() AS b",
    "CREATE VIEW v_liar AS SELECT liar() AS b",
    "CREATE VIEW v_by_function AS SELECT by_function() AS b",
    "CREATE VIEW v_by_view AS SELECT by_view() AS b",
    "CREATE VIEW `odd ``view` AS SELECT bump() AS b",
    "CREATE VIEW v_case AS SELECT CASE WHEN bump() = 1 THEN 1 END AS b",
    "CREATE SEQUENCE numbers",
    "CREATE VIEW v_plain AS SELECT id, v, rand() AS r, now() AS t FROM items",
    "CREATE VIEW v_plain_too AS SELECT upper(v) AS u, count(0) AS c FROM v_plain "
    "GROUP BY upper(v)",
    "CREATE FUNCTION twice(i int) RETURNS int DETERMINISTIC NO SQL RETURN 2 * i",
    "CREATE FUNCTION total() RETURNS int READS SQL DATA "
    "RETURN (SELECT sum(v) FROM items)",
    "CREATE VIEW v_twice AS SELECT twice(id) AS t FROM items",
    "CREATE VIEW v_total AS SELECT total() AS t",
)
MY_WRITING = {
    "a view over a function": "SELECT b FROM v_function",
    "a view on a view": "SELECT b FROM v_on_view",
    "a view's condition": "SELECT id FROM v_where",
    "a view's join": "SELECT id FROM v_join",
    "a view's union": "SELECT b FROM v_union",
    "a function without a word of it": "SELECT b FROM v_undeclared",
    "a function that is declared otherwise": "SELECT b FROM v_liar",
    "a function in a function": "SELECT b FROM v_by_function",
    "a view in a function": "SELECT b FROM v_by_view",
    "a quoted view": "SELECT b FROM `odd ``view`",
    "a view in capitals": "SELECT b FROM `v_function` AS B",
    "CASE": "SELECT b FROM v_case",
    "a subquery": "SELECT id FROM items WHERE id = (SELECT b FROM v_function)",
    "a common table expression": "WITH c AS (SELECT b FROM v_function) SELECT b FROM c",
    "a union": "SELECT 2 AS b UNION SELECT b FROM v_function",
    "a join": "SELECT 1 FROM items JOIN v_function ON id = b",
}
MY_PLAIN = {
    "nothing": "SELECT 1",
    "a table": "SELECT v FROM items WHERE id = 1",
    "an aggregate": "SELECT count(*), max(v) FROM items",
    "a sort": "SELECT DISTINCT v FROM items ORDER BY v",
    "a cast": "SELECT CAST(v AS char) FROM items",
    "a plain view": "SELECT * FROM v_plain",
    "a plain view on a view": "SELECT u FROM v_plain_too",
    "a function without SQL": "SELECT t FROM v_twice",
    "a function that reads": "SELECT t FROM v_total",
    "the catalog": "SELECT count(*) FROM information_schema.tables",
    "SHOW": "SHOW TABLES",
}
