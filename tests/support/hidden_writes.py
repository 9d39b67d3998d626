"""Reads by their text that write on the writer, and reads that do not, on each server.

`WRITING` and `PLAIN` are texts, by what they show; `SETUP` makes what they name. What
writes adds to the one row of `hits`. On PostgreSQL they run as `pg_monitor`, a role
that every server has and that steps over no policy. `MORE` are rarer ways, of which
`make test` asks the catalog alone.
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

PG_MORE_SETUP = r"""
CREATE FUNCTION bump_compare(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
  'BEGIN PERFORM bump(); RETURN btint4cmp(a, b); END';
CREATE OPERATOR <<< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt);
CREATE OPERATOR <== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4le);
CREATE OPERATOR =~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR >== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ge);
CREATE OPERATOR >>> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4gt);
CREATE OPERATOR CLASS noted_ops FOR TYPE int USING btree AS OPERATOR 1 <<<,
  OPERATOR 2 <==, OPERATOR 3 =~=, OPERATOR 4 >==, OPERATOR 5 >>>,
  FUNCTION 1 bump_compare(int, int);
CREATE OPERATOR CLASS noted_too FOR TYPE int USING btree AS OPERATOR 1 <,
  OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
  FUNCTION 1 bump_compare(int, int);
CREATE TABLE ranged (id int) PARTITION BY RANGE (id noted_too);
CREATE TABLE ranged_1 PARTITION OF ranged FOR VALUES FROM (0) TO (10);
CREATE TABLE ranged_2 PARTITION OF ranged FOR VALUES FROM (10) TO (20);
INSERT INTO ranged VALUES (1);
CREATE FUNCTION planned(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
  'BEGIN RETURN bump(); END';
CREATE TABLE indexed (a int);
INSERT INTO indexed VALUES (1);
CREATE INDEX ON indexed (a) WHERE a = planned(1);

CREATE TABLE others (id int) PARTITION BY LIST (id);
CREATE TABLE others_default PARTITION OF others DEFAULT;
INSERT INTO others VALUES (5);
ALTER TABLE others ENABLE ROW LEVEL SECURITY;
ALTER TABLE others FORCE ROW LEVEL SECURITY;
CREATE POLICY by_query ON others USING ((SELECT b FROM v_function) = 1);

CREATE LANGUAGE another HANDLER plpgsql_call_handler
  INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION by_other() RETURNS int STABLE LANGUAGE another AS
  $$DECLARE r int; BEGIN EXECUTE 'SELECT bu' || 'mp()' INTO r; RETURN r; END$$;
CREATE VIEW v_other AS SELECT by_other() AS b;
CREATE FUNCTION by_domain() RETURNS int STABLE LANGUAGE sql AS
  'SELECT 1::checked::int';
CREATE VIEW v_by_domain AS SELECT by_domain() AS b;
CREATE FUNCTION by_operator() RETURNS boolean STABLE LANGUAGE sql AS
  'SELECT 1 === 1';
CREATE VIEW v_by_operator AS SELECT by_operator() AS b;
CREATE FUNCTION by_quoted() RETURNS int STABLE LANGUAGE sql AS
  'SELECT b FROM "Odd ""View"';
CREATE VIEW v_by_quoted AS SELECT by_quoted() AS b;
CREATE FUNCTION "odd bump"() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT bump()';
CREATE FUNCTION by_quoted_call() RETURNS int STABLE LANGUAGE sql AS
  'SELECT "odd bump"()';
CREATE VIEW v_by_quoted_call AS SELECT by_quoted_call() AS b;
CREATE FUNCTION by_escape() RETURNS int STABLE LANGUAGE sql AS
  'SELECT b FROM U&"\0076_function"';
CREATE VIEW v_by_escape AS SELECT by_escape() AS b;
CREATE VIEW v_long_890123456789012345678901234567890123456789012345678901234 AS
  SELECT bump() AS b;
CREATE DOMAIN d_long_890123456789012345678901234567890123456789012345678901234
  AS int CHECK (bump(VALUE) = 1);
CREATE FUNCTION by_long() RETURNS int STABLE LANGUAGE sql AS
  'SELECT b FROM v_long_8901234567890123456789012345678901234567890123456789012345_';
CREATE VIEW v_by_long AS SELECT by_long() AS b;
CREATE TABLE arrayed (cs checked[]);
INSERT INTO arrayed VALUES ('{1}');
INSERT INTO keepers VALUES (1, NULL);
CREATE FUNCTION keeper(k keepers) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION by_literal() RETURNS bigint STABLE LANGUAGE sql AS
  $$SELECT count(*) FROM arrayed WHERE cs = '{1}'$$;
CREATE VIEW v_by_literal AS SELECT by_literal() AS b;
CREATE FUNCTION int_bytes(i int) RETURNS bytea STABLE LANGUAGE sql AS
  $$SELECT CASE WHEN bump() = 1 THEN ''::bytea END$$;
CREATE CAST (int AS bytea) WITH FUNCTION int_bytes(int);
CREATE FUNCTION by_cast() RETURNS bytea STABLE LANGUAGE sql AS 'SELECT 1::bytea';
CREATE VIEW v_by_cast AS SELECT by_cast() AS b;
CREATE VIEW ÄView AS SELECT bump() AS b;
CREATE FUNCTION atomically() RETURNS int STABLE LANGUAGE sql
  BEGIN ATOMIC SELECT b FROM v_function; END;
CREATE VIEW v_atomically AS SELECT atomically() AS b;
CREATE FUNCTION definer() RETURNS int STABLE SECURITY DEFINER
  SET search_path = other, public LANGUAGE sql AS 'SELECT b FROM v_elsewhere';
CREATE VIEW v_definer AS SELECT definer() AS b;
CREATE FUNCTION added(s int, x int) RETURNS int IMMUTABLE LANGUAGE sql AS
  'SELECT s + bump(x)';
CREATE AGGREGATE summed(int) (SFUNC = added, STYPE = int, INITCOND = '0');
CREATE VIEW v_window AS SELECT summed(id) OVER (ORDER BY id) FROM items;
CREATE FUNCTION rows_of() RETURNS SETOF v_function STABLE LANGUAGE sql AS
  'TABLE v_function';
CREATE VIEW v_rows AS SELECT * FROM ROWS FROM (rows_of(), generate_series(1, 2));
CREATE VIEW v_lateral AS SELECT f.b FROM items i, LATERAL (SELECT bump(i.id) AS b) f;
CREATE VIEW v_recursive AS WITH RECURSIVE r(n) AS (
  SELECT 1 UNION ALL SELECT n + bump() FROM r WHERE n < 2) SELECT n FROM r;
CREATE VIEW v_filter AS SELECT count(*) FILTER (WHERE bump() = 1) AS n FROM items;
CREATE VIEW v_sorted AS SELECT id FROM items ORDER BY bump(id);
CREATE VIEW v_grouped AS SELECT count(*) FROM items GROUP BY bump(id);
CREATE VIEW v_sampled AS
  SELECT id FROM items TABLESAMPLE BERNOULLI (100 * (SELECT bump()));
CREATE VIEW v_values AS VALUES (1), (bump());
GRANT ALL ON ALL TABLES IN SCHEMA public, other TO pg_monitor;
"""
_LONG = "_long_8901234567890123456789012345678901234567890123456789012345_"
PG_MORE = {
    "a sort by another order": "SELECT id FROM items ORDER BY id USING <<<",
    "partitions by another order": "SELECT id FROM ranged WHERE id = 1",
    "an index's condition": "SELECT a FROM indexed WHERE a = 1",
    "a policy on a default partition": "SELECT id FROM others",
    "another language": "SELECT b FROM v_other",
    "a domain in a body": "SELECT b FROM v_by_domain",
    "an operator in a body": "SELECT b FROM v_by_operator",
    "a quoted name in a body": "SELECT b FROM v_by_quoted",
    "a quoted function in a body": "SELECT b FROM v_by_quoted_call",
    "an escaped name in a body": "SELECT b FROM v_by_escape",
    "a literal in a body": "SELECT b FROM v_by_literal",
    "a cast in a body": "SELECT b FROM v_by_cast",
    "a long name in a body": "SELECT b FROM v_by_long",
    "a long name": f"SELECT b FROM v{_LONG}",
    "a long name of a domain": f"SELECT 1::d{_LONG}",
    "a literal for a row": """SELECT keeper('(1,"(1,x)")')""",
    "a literal for an array": "SELECT 1 FROM arrayed WHERE cs = '{1}'",
    "a literal beside a row": "SELECT COALESCE(b, '(1,x)') FROM keepers",
    "letters beyond ASCII": "SELECT b FROM ÄView",
    "a body that is parsed": "SELECT b FROM v_atomically",
    "its owner's rights": "SELECT b FROM v_definer",
    "a window": "SELECT * FROM v_window",
    "rows from functions": "SELECT * FROM v_rows",
    "a lateral join": "SELECT b FROM v_lateral",
    "recursion": "SELECT n FROM v_recursive",
    "a filter": "SELECT n FROM v_filter",
    "a sort": "SELECT id FROM v_sorted",
    "a group": "SELECT * FROM v_grouped",
    "a sample": "SELECT id FROM v_sampled",
    "values": "SELECT * FROM v_values",
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

MY_MORE_SETUP = (
    *(
        "BEGIN NOT ATOMIC SET sql_mode = 'ANSI_QUOTES'; EXECUTE IMMEDIATE "
        f"'CREATE FUNCTION {name}() RETURNS int READS SQL DATA "
        f"RETURN (SELECT max(b) FROM {view})'; END"
        for name, view in (("by_ansi", '"v_function"'), ("by_quoted", '"odd `view"'))
    ),
    "CREATE FUNCTION by_comment() RETURNS int READS SQL DATA RETURN bump/* x */()",
    "CREATE FUNCTION by_line() RETURNS int READS SQL DATA RETURN bump -- x\n ()",
    "CREATE FUNCTION in_comment() RETURNS int READS SQL DATA "
    "RETURN (SELECT /*! max(b) FROM v_function */)",
    "CREATE FUNCTION by_cursor() RETURNS int READS SQL DATA BEGIN DECLARE x int; "
    "DECLARE c CURSOR FOR SELECT b FROM v_function; "
    "OPEN c; FETCH c INTO x; CLOSE c; RETURN x; END",
    "CREATE FUNCTION by_variable() RETURNS int READS SQL DATA "
    "BEGIN SET @x = bump(); RETURN @x; END",
    "CREATE AGGREGATE FUNCTION noted(x int) RETURNS int READS SQL DATA BEGIN "
    "DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN 1; "
    "LOOP FETCH GROUP NEXT ROW; UPDATE hits SET n = n + 1; END LOOP; END",
    *(
        f"CREATE VIEW v_{name} AS SELECT {name}() AS b"
        for name in ("by_ansi", "by_quoted", "by_comment", "by_line", "in_comment")
    ),
    "CREATE VIEW v_by_cursor AS SELECT by_cursor() AS b",
    "CREATE VIEW v_by_variable AS SELECT by_variable() AS b",
    "CREATE VIEW v_noted AS SELECT noted(id) AS b FROM items",
    "CREATE SQL SECURITY INVOKER VIEW v_invoker AS SELECT bump() AS b",
    "CREATE VIEW v_having AS SELECT v AS b FROM items GROUP BY v HAVING bump() = 1",
    "CREATE VIEW v_window AS SELECT sum(bump()) OVER () AS b FROM items",
    "CREATE VIEW v_recursive AS WITH RECURSIVE r(n) AS "
    "(SELECT 1 UNION SELECT n + bump() FROM r WHERE n < 2) SELECT n AS b FROM r",
    "CREATE VIEW ÄView AS SELECT bump() AS b",
)
MY_MORE = {
    "double quotes in a body": "SELECT b FROM v_by_ansi",
    "a quoted name in a body": "SELECT b FROM v_by_quoted",
    "a comment in a call": "SELECT b FROM v_by_comment",
    "a comment to the line's end": "SELECT b FROM v_by_line",
    "a comment that is code in a body": "SELECT b FROM v_in_comment",
    "a comment that is code": "SELECT /*! b FROM v_function */",
    "a cursor": "SELECT b FROM v_by_cursor",
    "a variable": "SELECT b FROM v_by_variable",
    "an aggregate": "SELECT b FROM v_noted",
    "its user's rights": "SELECT b FROM v_invoker",
    "HAVING": "SELECT b FROM v_having",
    "a window": "SELECT b FROM v_window",
    "recursion": "SELECT b FROM v_recursive",
    "letters beyond ASCII": "SELECT b FROM ÄView",
}
