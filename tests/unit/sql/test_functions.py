"""Functions that write, lock or use the session, and those no list has."""

from __future__ import annotations

import pytest

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT now(), count(*), lower(name) FROM a", "plain read: a"),
        ("SELECT nextval('s')", "write; session variable"),
        ("SELECT * FROM a WHERE id = currval('s')", "read: a; session variable"),
        ("SELECT lastval()", "read; session variable"),
        ("SELECT setval('s', 1)", "write; session variable"),
        ("SELECT pg_catalog.nextval('s')", "write; session variable"),
        ("SELECT NEXTVAL ('s')", "write; session variable"),
        ("SELECT \"nextval\"('s')", "write; session variable"),
        ("SELECT pg_notify('c', 'p')", "write"),
        ("SELECT pg_advisory_unlock_all()", "lock; session lock"),
        ("SELECT lo_create(0), lo_import('/f')", "write"),
        ("SELECT txid_current()", "write"),
        ("SELECT setseed(0.5)", "read; session variable"),
        ("SELECT f(x) FROM a", "read: a; asks f"),
        ("SELECT s.f(x), g() FROM a", "read: a; asks s.f, g"),
        ("SELECT * FROM f(1) AS t (x int)", "read; asks f"),
        ("SELECT * FROM a JOIN s.f(a.x) ON true", "read: a; asks s.f"),
        ("SELECT s.now()", "read; asks s.now"),
        ("SELECT pg_catalog.now()", "plain read"),
        ('SELECT "Now"()', "read; asks Now"),
        ("SELECT x FROM a WHERE y OPERATOR(pg_catalog.+) 1 = 2", "plain read: a"),
        (
            "SELECT a.x -> 'y' ->> 'z', x @> y, x ?| ARRAY['a'], x <-> y, !!x FROM a",
            "plain read: a",
        ),
        ("SELECT pg_sleep(1)", "plain read"),
        ("SELECT pg_terminate_backend(1)", "write"),
        ("SELECT pg_switch_wal()", "write"),
        ("SELECT dblink_exec('x', 'DELETE FROM a')", "read; asks dblink_exec"),
        ("SELECT query_to_xml('DELETE FROM a', true, true, '')", "write"),
        ("SELECT f (x) FROM a", "read: a; asks f"),
        ("SELECT a.f FROM a", "plain read: a"),
        ("SELECT (f(x)).y FROM a", "read: a; asks f"),
        ("SELECT * FROM a ORDER BY f(x)", "read: a; asks f"),
        ("SELECT x::f(3) FROM a", "plain read: a"),
        ("INSERT INTO a VALUES (f(1))", "write: +a"),
        ("SELECT ts_stat('SELECT 1')", "write"),
        ("SELECT date('2024-01-01'), int4(3), \"char\"(65)", "plain read"),
    ],
)
def test_postgresql_functions(sql, expected):
    assert seen(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT @v", "read; session variable"),
        ("SELECT @v := @v + 1 FROM a", "read: a; session variable"),
        ("SELECT @`a b`", "read; session variable"),
        ("SELECT @@global.read_only, @@version", "plain read"),
        ("SELECT @@session.last_insert_id", "read; session variable"),
        ("SELECT @@identity", "read; session variable"),
        ("SELECT @@in_transaction", "read; session variable"),
        ("SELECT SQL_CALC_FOUND_ROWS * FROM a", "read: a; session variable"),
        ("SELECT FOUND_ROWS()", "read; session variable"),
        ("SELECT ROW_COUNT()", "read; session variable"),
        ("SELECT LAST_INSERT_ID()", "read; session variable"),
        ("SELECT LAST_INSERT_ID(5)", "read; session variable"),
        ("SELECT nextval(s), NEXT VALUE FOR s, lastval(s)", "write; session variable"),
        ("SELECT PREVIOUS VALUE FOR s", "read; session variable"),
        ("SELECT CONNECTION_ID(), UUID(), SLEEP(1), DATABASE()", "plain read"),
        ("SELECT f(x) FROM a", "read: a; asks f"),
        ("SELECT db.f(x) FROM a", "read: a; asks db.f"),
        ("SELECT * FROM a PROCEDURE ANALYSE()", "plain read: a"),
        ("SELECT LOAD_FILE('/etc/passwd')", "write"),
        ("SELECT NEXT VALUE FOR s", "write; session variable"),
        ("SELECT `nextval`(s)", "write; session variable"),
        ("SELECT 1; SELECT 2; DELETE FROM a", "write: +a"),
    ],
)
def test_mysql_functions_and_variables(sql, expected):
    assert seen(sql, "mysql") == expected
