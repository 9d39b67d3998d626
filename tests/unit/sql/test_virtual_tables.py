"""SQLite takes arguments behind a virtual table: FROM documents('term')."""

from __future__ import annotations

import pytest

from tests.unit.sql.seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM ft('x')", "read: ft; asks ft"),
        ("SELECT * FROM main.ft('x') AS q, a", "read: main.ft, a; asks main.ft"),
        ('SELECT * FROM a JOIN "f t"(?) ON 1', "read: a, f t; asks f t"),
        ("SELECT * FROM a, ft(a.x)", "read: a, ft; asks ft"),
        ("SELECT * FROM (a CROSS JOIN ft(:x))", "read: a, ft; asks ft"),
        ("SELECT a FROM b WHERE a IN ft('x')", "read: b, ft; asks ft"),
        (
            "SELECT a FROM b WHERE a NOT IN main.ft('x')",
            "read: b, main.ft; asks main.ft",
        ),
        ("SELECT (SELECT rank FROM ft('a') LIMIT 1)", "read: ft; asks ft"),
        ("INSERT INTO a SELECT 1 FROM ft('x' || 'y')", "write: +a, ft"),
        ("DELETE FROM a WHERE x IN (SELECT rowid FROM ft('x'))", "write: +a, ft"),
        ("WITH n AS (SELECT x FROM ft('q')) SELECT * FROM n", "read: ft; asks ft"),
        ("SELECT a FROM b UNION SELECT x FROM ft('z')", "read: b, ft; asks ft"),
        ("CREATE VIEW v AS SELECT * FROM ft('x')", "ddl: +v, ft"),
        # Functions that are known are no tables, nor is what stands elsewhere.
        ("SELECT * FROM json_each('[1]'), generate_series(1, 2)", "plain read"),
        ("SELECT * FROM pragma_table_info('a')", "plain read"),
        ("SELECT a FROM b WHERE a IN json_each('[1]')", "plain read: b"),
        ("SELECT ft('x') FROM a", "read: a; asks ft"),
    ],
)
def test_it_is_a_table_of_the_statement(sql, expected):
    assert seen(sql, "sqlite") == expected


def test_a_function_of_the_configuration_is_no_table():
    assert seen("SELECT * FROM ft('x')", "sqlite", ft="read") == "plain read"


def test_other_servers_have_functions_there():
    assert seen("SELECT * FROM ft('x')") == "read; asks ft"
