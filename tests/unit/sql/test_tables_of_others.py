"""Tables that statements about other things name: they are placed by the rules, too."""

from __future__ import annotations

import pytest

from routedb.sql import classify

NAMED = {
    "postgresql": """
CREATE SEQUENCE q OWNED BY a.x                              -> a
CREATE SEQUENCE s.q START 5 OWNED BY s.a.x CACHE 3          -> s.a
CREATE TEMP SEQUENCE q AS int OWNED BY a.x                  -> a
ALTER SEQUENCE IF EXISTS q RESTART OWNED BY "A".x           -> A
ALTER SEQUENCE q OWNED BY NONE                              ->
ALTER SEQUENCE owned RESTART WITH 3                         ->
ALTER EXTENSION e ADD TABLE a                               -> a
ALTER EXTENSION e DROP TABLE s.a                            -> s.a
ALTER EXTENSION e ADD VIEW a                                -> a
ALTER EXTENSION e DROP MATERIALIZED VIEW s.a                -> s.a
ALTER EXTENSION e ADD FOREIGN TABLE a                       -> a
ALTER EXTENSION e ADD FOREIGN DATA WRAPPER w                ->
ALTER EXTENSION e ADD FUNCTION f(a, b)                      ->
ALTER EXTENSION e UPDATE TO '2'                             ->
CREATE EXTENSION IF NOT EXISTS e SCHEMA s CASCADE           ->
DROP EXTENSION e, f CASCADE                                 ->
""",
    "mysql": """
CACHE INDEX a IN k                                          -> a
CACHE INDEX a, d.b IN k                                     -> a d.b
CACHE INDEX a INDEX (i, j), b KEY (k) IN hot                -> a b
CACHE INDEX a PARTITION (p, q) INDEX (i) IN k               -> a
CACHE INDEX d.a PARTITION (ALL) IN DEFAULT                  -> d.a
LOAD INDEX INTO CACHE a                                     -> a
LOAD INDEX INTO CACHE a IGNORE LEAVES, d.b                  -> a d.b
LOAD INDEX INTO CACHE `a b` INDEX (i), c KEY (j)            -> a_b c
LOAD INDEX INTO CACHE a PARTITION (p) INDEX (i) IGNORE LEAVES -> a
SELECT NTH_VALUE(x, 2) FROM FIRST OVER w FROM a WINDOW w AS () -> a
SELECT NTH_VALUE(x, 2) FROM LAST OVER (ORDER BY y) FROM a, b -> a b
SELECT NTH_VALUE(x, 2) FROM FIRST RESPECT NULLS OVER w FROM a -> a
SELECT NTH_VALUE(x, 2) FROM LAST IGNORE NULLS OVER () FROM a -> a
SELECT count(x) FROM first                                  -> first
SELECT count(x) FROM last IGNORE INDEX (i)                  -> last
SELECT lead(x) OVER () FROM first, last                     -> first last
""",
}
CASES = [
    (dialect, *map(str.strip, line.split("->")))
    for dialect, lines in NAMED.items()
    for line in lines.strip().splitlines()
]


@pytest.mark.parametrize(("dialect", "sql", "expected"), CASES)
def test_the_tables_are_found(dialect, sql, expected):
    statement = classify(sql, dialect)
    found = [str(table).replace(" ", "_") for table in statement.tables]
    assert (statement.kind.value != "unknown", found) == (True, expected.split())
