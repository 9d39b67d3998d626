"""Queries: which tables they name, and what makes them more than a read."""

from __future__ import annotations

import pytest

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "plain read"),
        ("SELECT * FROM a", "plain read: a"),
        ("SELECT * FROM a, b, s.c", "plain read: a, b, s.c"),
        (
            "SELECT * FROM a x JOIN b y ON x.id = y.id LEFT JOIN c USING (id)",
            "plain read: a, b, c",
        ),
        (
            "SELECT * FROM a NATURAL JOIN b CROSS JOIN c FULL OUTER JOIN d ON true",
            "plain read: a, b, c, d",
        ),
        (
            "SELECT * FROM (a JOIN b ON a.id = b.id) JOIN c ON true",
            "plain read: a, b, c",
        ),
        ("SELECT * FROM ONLY a, b *, ONLY (c)", "plain read: a, b, c"),
        ("SELECT * FROM a AS x (p, q), b AS y", "plain read: a, b"),
        ("SELECT * FROM (SELECT * FROM a) x, (VALUES (1), (2)) v (n)", "plain read: a"),
        (
            "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.id = a.id) x",
            "plain read: a, b",
        ),
        ("SELECT * FROM a LEFT JOIN LATERAL unnest(a.list) u ON true", "plain read: a"),
        ("SELECT * FROM generate_series(1, 3) g, a", "plain read: a"),
        (
            "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY[1])) r, a",
            "plain read: a",
        ),
        (
            "SELECT (SELECT max(n) FROM b) FROM a WHERE EXISTS (SELECT 1 FROM c)",
            "plain read: a, b, c",
        ),
        (
            "SELECT * FROM a WHERE id IN (SELECT id FROM b UNION SELECT id FROM c)",
            "plain read: a, b, c",
        ),
        (
            "SELECT * FROM a TABLESAMPLE system (10) REPEATABLE (1), b",
            "plain read: a, b",
        ),
        (
            "SELECT DISTINCT ON (a.x) a.* FROM a ORDER BY (SELECT 1 FROM b)",
            "plain read: a, b",
        ),
        (
            "SELECT count(*) FILTER (WHERE x > 0) OVER (PARTITION BY y) "
            "FROM a WINDOW w AS (ORDER BY z)",
            "plain read: a",
        ),
        (
            "SELECT extract(year FROM at), substring(name FROM 2 FOR 3), "
            "trim(both ' ' FROM name) FROM a",
            "plain read: a",
        ),
        ("SELECT a.x IS DISTINCT FROM b.x FROM a, b", "plain read: a, b"),
        ("SELECT CAST(x AS numeric(10, 2)), y::varchar(3)[] FROM a", "plain read: a"),
        (
            "SELECT * FROM a, b WHERE a.x = ANY (ARRAY(SELECT y FROM c))",
            "plain read: a, b, c",
        ),
        (
            "SELECT CASE WHEN x THEN (SELECT 1 FROM b) ELSE 2 END FROM a",
            "plain read: a, b",
        ),
        ("SELECT * FROM db.s.a", "plain read: s.a"),
        (
            "SELECT xmltable.* FROM a, XMLTABLE('/r' PASSING a.x COLUMNS n int)",
            "plain read: a",
        ),
        ("TABLE a", "plain read: a"),
        ("TABLE s.a ORDER BY 1", "plain read: s.a"),
        ("VALUES (1), ((SELECT max(x) FROM a))", "plain read: a"),
        (
            "(SELECT * FROM a) UNION ALL (SELECT * FROM b) ORDER BY 1",
            "plain read: a, b",
        ),
        ("((SELECT * FROM a))", "plain read: a"),
        ("(TABLE a) EXCEPT (TABLE b)", "plain read: a, b"),
        ("SELECT * FROM a INTERSECT TABLE b", "plain read: a, b"),
        (
            "SELECT * FROM a UNION VALUES (1) EXCEPT ALL SELECT * FROM c",
            "plain read: a, c",
        ),
        ("SELECT", "plain read"),
        ("SELECT * FROM a FETCH FIRST 3 ROWS ONLY", "plain read: a"),
        ("SELECT * FROM a LIMIT (SELECT n FROM b) OFFSET 2", "plain read: a, b"),
        ("SELECT * FROM a GROUP BY ROLLUP (x, y), CUBE (z)", "plain read: a"),
    ],
)
def test_a_query_names_its_tables(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("WITH x AS (SELECT * FROM a) SELECT * FROM x", "plain read: a"),
        ("WITH x AS (SELECT * FROM a) SELECT * FROM x, b", "plain read: b, a"),
        (
            "WITH x AS (SELECT * FROM a), y AS (SELECT * FROM x) SELECT * FROM y",
            "plain read: a",
        ),
        ("WITH x AS (SELECT * FROM x) SELECT * FROM x", "plain read: x"),
        (
            "WITH RECURSIVE x AS (SELECT 1 UNION SELECT n + 1 FROM x) SELECT * FROM x",
            "plain read",
        ),
        (
            "WITH x AS (SELECT * FROM y), y AS (SELECT 1) SELECT * FROM x, y",
            "plain read: y",
        ),
        (
            "WITH RECURSIVE x AS (SELECT * FROM y), y AS (SELECT 1) SELECT * FROM x",
            "plain read",
        ),
        ("WITH x AS (SELECT 1) SELECT * FROM s.x", "plain read: s.x"),
        ("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) d, x", "plain read: x"),
        ("SELECT (WITH x AS (SELECT 1) SELECT * FROM x), y FROM x", "plain read: x"),
        (
            "WITH x AS (SELECT 1) SELECT * FROM a WHERE id IN (SELECT * FROM x)",
            "plain read: a",
        ),
        (
            "WITH x AS MATERIALIZED (SELECT * FROM a), y (n) AS NOT "
            "MATERIALIZED (SELECT 1) SELECT * FROM x, y",
            "plain read: a",
        ),
        ('WITH "X" AS (SELECT 1) SELECT * FROM x', "plain read: x"),
        ("WITH X AS (SELECT 1) SELECT * FROM x", "plain read"),
        (
            "WITH RECURSIVE x AS (SELECT * FROM a) SEARCH DEPTH FIRST BY "
            "id SET o CYCLE id SET c USING p SELECT * FROM x",
            "plain read: a",
        ),
        (
            "WITH x AS (SELECT 1) (SELECT * FROM x UNION SELECT * FROM a)",
            "plain read: a",
        ),
        (
            "WITH x AS (WITH y AS (SELECT * FROM a) SELECT * FROM y) "
            "SELECT * FROM x, y",
            "plain read: y, a",
        ),
        ("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", "write: +a"),
        ("WITH x AS (SELECT 1) DELETE FROM a USING x WHERE a.id = x.id", "write: +a"),
        ("WITH x AS (SELECT 1) INSERT INTO x SELECT * FROM x", "write: +x"),
        (
            "WITH x AS (INSERT INTO a SELECT * FROM b RETURNING id) "
            "UPDATE c SET d = x.id FROM x",
            "write: +a, +c, b",
        ),
        ("WITH x AS (UPDATE a SET b = 1) SELECT 1", "write: +a"),
        (
            "SELECT * FROM a WHERE id IN (WITH x AS (SELECT 1) SELECT * FROM x)",
            "plain read: a",
        ),
        (
            "WITH x AS (MERGE INTO a USING b ON true WHEN MATCHED THEN "
            "DELETE RETURNING *) TABLE x",
            "write: +a, b",
        ),
        ("WITH x AS (VALUES (1)) TABLE x", "plain read"),
        (
            "EXPLAIN WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x",
            "plain explain: a",
        ),
    ],
)
def test_an_expression_hides_tables_in_its_scope_only(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * INTO n FROM a", "ddl: +n, a"),
        ("SELECT * INTO TABLE s.n FROM a", "ddl: +s.n, a"),
        ("SELECT 1 INTO TEMP n", "ddl: +n; session temp"),
        ("SELECT x INTO TEMPORARY TABLE n FROM a", "ddl: +n, a; session temp"),
        ("SELECT x INTO UNLOGGED n FROM a", "ddl: +n, a"),
        ("SELECT * FROM a FOR UPDATE", "lock: a"),
        ("SELECT * FROM a, b FOR UPDATE OF a SKIP LOCKED", "lock: a, b"),
        ("SELECT * FROM a FOR NO KEY UPDATE NOWAIT", "lock: a"),
        ("SELECT * FROM a FOR SHARE", "lock: a"),
        ("SELECT * FROM a FOR KEY SHARE", "lock: a"),
        ("SELECT * FROM (SELECT * FROM a FOR UPDATE) x", "lock: a"),
        ("SELECT * FROM a WHERE id IN (SELECT id FROM b FOR SHARE)", "lock: a, b"),
        ("WITH x AS (SELECT * FROM a FOR UPDATE) SELECT * FROM x", "lock: a"),
        ("SELECT * FROM a ORDER BY id LIMIT 1 FOR UPDATE", "lock: a"),
        ("SELECT * FROM a FOR READ ONLY", "plain read: a"),
        ("LOCK TABLE a, ONLY b IN ACCESS EXCLUSIVE MODE NOWAIT", "lock: a, b"),
        ("LOCK s.a", "lock: s.a"),
        ("SELECT pg_advisory_lock(1)", "lock; session lock"),
        ("SELECT pg_try_advisory_xact_lock(1) FROM a", "lock: a"),
    ],
)
def test_what_creates_or_locks_is_no_plain_read(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT `a b`.`c``d` FROM `a b`, db.`t`, `D`.`T`",
            "plain read: a b, db.t, D.T",
        ),
        ("SELECT REPLACE(x, 'a', 'b'), INSERT(x, 1, 2, 'c') FROM a", "plain read: a"),
        ("SELECT IF(x, VALUES(y), 1) FROM a", "plain read: a"),
        ("SELECT LEFT(x, 1), RIGHT(x, 2), MOD(x, 2) FROM a", "plain read: a"),
        (
            "SELECT * FROM a USE INDEX (i) IGNORE INDEX FOR JOIN (j), b "
            "FORCE INDEX (k)",
            "plain read: a, b",
        ),
        ("SELECT * FROM a PARTITION (p0, p1), b", "plain read: a, b"),
        ("SELECT * FROM a STRAIGHT_JOIN b ON true", "plain read: a, b"),
        ("SELECT * FROM a, (SELECT * FROM b) c", "plain read: a, b"),
        ("SELECT * FROM {OJ a LEFT OUTER JOIN b ON true}", "plain read: a, b"),
        (
            "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (x int PATH '$')) j, a",
            "plain read: a",
        ),
        ("SELECT MATCH (x) AGAINST ('y' IN BOOLEAN MODE) FROM a", "plain read: a"),
        ("SELECT x DIV 2, x MOD 3, NOT y, BINARY x FROM a", "plain read: a"),
        ("SELECT * FROM seq_1_to_10", "plain read: seq_1_to_10"),
        ("TABLE a", "plain read: a"),
        ("VALUES ROW(1, 2), ROW(3, 4)", "plain read"),
        ("(SELECT * FROM a) UNION (SELECT * FROM b)", "plain read: a, b"),
        ("WITH x AS (SELECT * FROM a) SELECT * FROM x", "plain read: a"),
        (
            "WITH RECURSIVE x AS (SELECT 1 UNION SELECT * FROM x) SELECT * FROM x, X",
            "plain read: X",
        ),
        (
            "SELECT GROUP_CONCAT(x ORDER BY y SEPARATOR ';') FROM a GROUP "
            "BY z WITH ROLLUP",
            "plain read: a",
        ),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF '2024-01-01'", "plain read: a"),
        ("SELECT * FROM a LIMIT 1, 2", "plain read: a"),
        ("SELECT b.* FROM a AS b", "plain read: a"),
        ("SELECT _utf8'x', N'y', 0xFF, b'1', x'1F' FROM a", "plain read: a"),
        ("SELECT BENCHMARK(1, 1)", "plain read"),
        ("SELECT * FROM 1a, a$b, `1`", "plain read: 1a, a$b, 1"),
        ("SELECT next, previous FROM next, previous", "plain read: next, previous"),
        ("SELECT next.value, nextval FROM t AS next", "plain read: t"),
        ("SELECT {fn now()}, {d '2024-01-01'} FROM a", "plain read: a"),
        ("SELECT * FROM a WHERE x = 1e5 AND y IN ('a', 'b')", "plain read: a"),
        ("SELECT * FROM a USE INDEX FOR ORDER BY (i), b", "plain read: a, b"),
        ("SELECT 'a' 'b', 'c''d' FROM a", "plain read: a"),
        ("SELECT * FROM a AS `x`, b `y`", "plain read: a, b"),
        ("SELECT * FROM db . a", "plain read: db.a"),
    ],
)
def test_mysql_queries_name_their_tables(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM a LOCK IN SHARE MODE", "lock: a"),
        ("SELECT * FROM a FOR SHARE", "lock: a"),
        ("SELECT * FROM a FOR UPDATE", "lock: a"),
        ("SELECT * FROM a, b FOR UPDATE OF a SKIP LOCKED", "lock: a, b"),
        ("SELECT * INTO OUTFILE '/tmp/x' FROM a", "write: a"),
        ("SELECT * FROM a INTO DUMPFILE '/tmp/x'", "write: a"),
        ("SELECT x INTO @v FROM a", "read: a; session variable"),
        ("SELECT x, y FROM a INTO @v, @w", "read: a; session variable"),
        ("SELECT x INTO v FROM a", "read: a; session variable"),
        ("SELECT GET_LOCK('a', 1)", "lock; session lock"),
        ("SELECT RELEASE_LOCK('a')", "lock; session lock"),
        ("SELECT IS_FREE_LOCK('a')", "lock"),
        ("TABLE a INTO OUTFILE 'x'", "write: a"),
        ("(SELECT 1 FROM a) INTO OUTFILE 'x'", "write: a"),
        ("(SELECT 1) UNION (SELECT 2) INTO @v", "read; session variable"),
        ("VALUES ROW(1) INTO OUTFILE 'x'", "write"),
    ],
)
def test_mysql_locks_files_and_variables_are_no_plain_reads(sql, expected):
    assert seen(sql, "mysql") == expected
