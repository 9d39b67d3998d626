"""EXPLAIN, DESCRIBE and ANALYZE of MySQL and MariaDB, with all that they may hold."""

from __future__ import annotations

import pytest

from routedb.sql import classify

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('EXPLAIN FORMAT="json" INSERT INTO a VALUES (1)', "explain: a"),
        ("EXPLAIN FORMAT='json' UPDATE a SET x = 1", "explain: a"),
        ("EXPLAIN FORMAT=json SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN FORMAT = traditional SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN FORMAT=TREE TABLE a", "plain explain: a"),
        ("EXPLAIN EXTENDED SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN PARTITIONS SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN (SELECT * FROM a) UNION (SELECT * FROM b)", "plain explain: a, b"),
        ("EXPLAIN SELECT nextval(s) FROM a", "explain: a"),
        ("EXPLAIN REPLACE a SELECT * FROM b", "explain: a, b"),
        ("DESC FORMAT=json DELETE FROM a", "explain: a"),
        ("DESCRIBE a", "plain explain: a"),
        ("DESCRIBE s.a x", "plain explain: s.a"),
        ("DESC a 'x%'", "plain explain: a"),
        ("EXPLAIN a", "plain explain: a"),
        ("DESCRIBE format", "plain explain: format"),
        ("DESCRIBE extended", "plain explain: extended"),
        ("EXPLAIN a b c d", "unknown"),
        ("ANALYZE SELECT * FROM a", "plain explain: a"),
        ("ANALYZE FORMAT=JSON SELECT * FROM a FOR UPDATE", "lock: a"),
        ("ANALYZE FORMAT=JSON UPDATE a SET x = 1", "write: +a"),
        ("ANALYZE FORMAT='json' DELETE FROM a", "write: +a"),
        ("ANALYZE INSERT INTO a SELECT * FROM b", "write: +a, b"),
        ("ANALYZE WITH q AS (SELECT 1) SELECT * FROM q, a", "plain explain: a"),
        ("ANALYZE TABLE a", "ddl: +a; tx commit"),
        ("EXPLAIN ANALYZE SELECT * FROM a", "plain explain: a"),
        ("EXPLAIN ANALYZE UPDATE a SET x = 1", "write: +a"),
        ("EXPLAIN ANALYZE FORMAT=TREE DELETE FROM a", "write: +a"),
        ("EXPLAIN FOR CONNECTION 7", "explain"),
        ("EXPLAIN FORMAT=JSON FOR CONNECTION 7", "explain"),
        ("EXPLAIN INTO @x SELECT * FROM a", "explain: a; session variable"),
        ("EXPLAIN FORMAT=JSON INTO @x SELECT * FROM a", "explain: a; session variable"),
        (
            "EXPLAIN FORMAT=JSON INTO @x FOR SCHEMA s SELECT * FROM a, t.b",
            "explain: s.a, t.b; session variable",
        ),
        ("EXPLAIN INTO @'x y' SELECT * FROM a", "explain: a; session variable"),
        (
            'EXPLAIN ANALYZE FORMAT=JSON INTO @"x" UPDATE a SET x = 1',
            "write: +a; session variable",
        ),
        (
            "EXPLAIN FORMAT=JSON INTO @`x y` FOR SCHEMA s TABLE a",
            "explain: s.a; session variable",
        ),
        ("EXPLAIN FOR SCHEMA s SELECT * FROM a", "plain explain: s.a"),
        ("EXPLAIN FOR DATABASE `s` SELECT * FROM a", "plain explain: s.a"),
        ("EXPLAIN FORMAT=TREE FOR SCHEMA s DELETE FROM a", "explain: s.a"),
        ("EXPLAIN ANALYZE FOR SCHEMA s SELECT * FROM a", "plain explain: s.a"),
        ("EXPLAIN ANALYZE FOR SCHEMA s UPDATE a SET x = 1", "write: +s.a"),
        (
            "EXPLAIN ANALYZE FORMAT=JSON INTO @x FOR SCHEMA s DELETE FROM a",
            "write: +s.a; session variable",
        ),
        (
            "EXPLAIN FOR SCHEMA s WITH a AS (SELECT 1) SELECT * FROM a, b",
            "plain explain: s.b",
        ),
        ("EXPLAIN FOR SCHEMA 1 SELECT * FROM a", "unknown"),
    ],
)
def test_explain_runs_nothing_without_analyze(sql, expected):
    assert seen(sql, "mysql") == expected


def test_a_variable_that_explain_sets_is_held():
    statement = classify("EXPLAIN FORMAT=JSON INTO @Plan SELECT 1", "mysql")
    assert [str(thing) for thing in statement.holds] == ["user variable plan"]
