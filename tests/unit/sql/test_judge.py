"""PostgreSQL's own parser judges what we say: see benchmarks/corpora/.

The statements here are every way to wrap one in another, with every statement in it;
those that PostgreSQL's grammar refuses are left out. Whole suites of SQL are judged in
`test_corpora`.
"""

from __future__ import annotations

from itertools import product

import pytest
from pglast import parser

from benchmarks.corpora.postgresql_judge import judge
from routedb.sql import classify

INNER = (
    "SELECT a.x FROM s.a, b AS c",
    "SELECT 1",
    "VALUES (1), (2)",
    "TABLE a",
    "(SELECT x FROM a) EXCEPT (SELECT y FROM b)",
    "SELECT x FROM a FOR UPDATE",
    "SELECT x FROM a WHERE y IN (SELECT z FROM b FOR KEY SHARE)",
    "SELECT nextval('s') FROM a",
    "SELECT x FROM nextval('s') x",
    "WITH a AS (SELECT * FROM b) SELECT * FROM a, c",
    "WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a",
    "WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a",
    "WITH a AS (SELECT 1) UPDATE a SET x = (SELECT y FROM a)",
    "INSERT INTO a SELECT * FROM b RETURNING *",
    "INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET y = 2 RETURNING x",
    "UPDATE a SET x = 1 FROM b RETURNING a.*",
    "DELETE FROM a USING b RETURNING x",
    "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE RETURNING a.x",
    "SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b) c ON true",
    "SELECT substring(x FROM 1 FOR 2), x IS DISTINCT FROM y FROM a",
    "EXECUTE p",
    "CREATE TABLE n AS SELECT * FROM a",
    "REFRESH MATERIALIZED VIEW v",
)
OUTER = (
    "{0}",
    "/* x */ {0} -- y",
    "({0})",
    "EXPLAIN {0}",
    "EXPLAIN ANALYZE VERBOSE {0}",
    "EXPLAIN (COSTS off, ANALYZE) {0}",
    "EXPLAIN (ANALYZE off) {0}",
    "WITH q AS ({0}) SELECT * FROM q",
    "WITH a AS NOT MATERIALIZED ({0}) SELECT * FROM a",
    "WITH RECURSIVE b (x) AS ({0}) TABLE b",
    "COPY ({0}) TO STDOUT",
    "COPY ({0}) TO '/tmp/f'",
    "SELECT * FROM ({0}) q, d",
    "SELECT * FROM d WHERE EXISTS ({0}) AND z = ANY ({0})",
    "SELECT ({0}), ARRAY({0}) FROM d ORDER BY ({0}) LIMIT ({0})",
    "SELECT * FROM d JOIN e ON (({0}) = 1) LEFT JOIN f USING (x)",
    "SELECT CASE WHEN x THEN ({0}) END FROM ROWS FROM (lower('x'), upper('y')) r, d",
    "({0}) UNION ALL ({0})",
    "INSERT INTO d {0}",
    "UPDATE d SET x = ({0}) WHERE y IN ({0})",
    "MERGE INTO d USING ({0}) q ON true WHEN NOT MATCHED THEN DO NOTHING",
    "CREATE TABLE d AS {0}",
    "CREATE VIEW d AS {0}",
    "DECLARE c CURSOR FOR {0}",
    "PREPARE p AS {0}",
)


def parsed(sql):
    try:
        (tree,) = parser.parse_sql(sql)
    except parser.ParseError:
        return None
    return tree.stmt


@pytest.mark.parametrize("outer", OUTER)
def test_wrapped_statements_are_what_the_parser_says(outer):
    judged = 0
    for inner, outermost in product(INNER, ("{0}", "EXPLAIN (ANALYZE) {0}")):
        sql = outermost.format(outer.format(inner))
        tree = parsed(sql)
        if tree is None:
            continue
        judged += 1
        verdict = judge(tree, frozenset())
        statement = classify(sql)
        assert statement.read_only <= bool(verdict.is_read), sql
        assert frozenset(map(tuple, statement.tables)) == verdict.tables, sql
        if "EXECUTE p" not in sql:  # what it runs is the session's
            assert statement.read_only == verdict.is_read, sql
    assert judged
