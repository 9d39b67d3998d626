"""UPDATE pg_settings sets settings: that is seen, and which, where the text tells."""

from __future__ import annotations

import pytest

from routedb.sql import scan
from routedb.sql.scanner.updated_settings import updated_settings

from .seen import seen


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE pg_settings SET setting = 'hex' WHERE name = 'bytea_output'",
        "UPDATE pg_catalog.pg_settings SET setting = 'hex'",
        'UPDATE "pg_settings" SET setting = 1',
        "UPDATE pg_catalog . pg_settings AS s SET setting = 1 WHERE s.name = 'a'",
        "UPDATE ONLY pg_settings SET setting = 1",
        "update PG_SETTINGS set setting = 1",
        "UPDATE pg_settings * SET (setting) = ROW(1)",
        "UPDATE pg_settings SET setting = x.a FROM x WHERE x.n = name",
        "WITH x AS (SELECT 1) UPDATE pg_settings SET setting = 1",
        "EXPLAIN ANALYZE UPDATE pg_settings SET setting = 1",
        "SELECT 1; UPDATE pg_settings SET setting = 1; SELECT 2",
    ],
)
def test_it_is_seen(sql):
    line = seen(sql)
    assert line.startswith("write: ")
    assert line.endswith("; session set")


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("UPDATE s.pg_settings SET setting = 1", "postgresql"),
        ("UPDATE pg_settings SET setting = 1", "mysql"),
        ("UPDATE pg_settings SET setting = 1", "sqlite"),
        ('UPDATE "PG_SETTINGS" SET setting = 1', "postgresql"),
        ("SELECT * FROM pg_settings WHERE name = 'a'", "postgresql"),
        ("UPDATE t SET a = 1 FROM pg_settings", "postgresql"),
        ("EXPLAIN UPDATE pg_settings SET setting = 1", "postgresql"),
    ],
)
def test_another_table_is_another_thing(sql, dialect):
    assert "session" not in seen(sql, dialect)


@pytest.mark.parametrize(
    ("condition", "params", "expected"),
    [
        ("name = 'bytea_output'", None, ("bytea_output",)),
        ("name='DateStyle';", None, ("datestyle",)),
        ("pg_settings.name = 'a'", None, ("a",)),
        ("s.\"name\" = 'a.b'", None, ("a.b",)),
        ("\"name\" = 'a'", None, ("a",)),
        ("'a' = name", None, ("a",)),
        ("name::text = 'a'::text", None, ("a",)),
        ("(name = 'a')", None, ("a",)),
        ("((name) = 'a')", None, None),
        ("name IN ('a', 'b')", None, ("a", "b")),
        ("name IN (%s, 'b')", ("v", "a"), ("a", "b")),
        ("name = 'a' OR name = 'b'", None, ("a", "b")),
        ("(name = 'a' AND setting <> 'x') OR ('b' = name)", None, ("a", "b")),
        ("setting = 'x' AND name = 'a' /* y */ AND z -- w", None, ("a",)),
        ("name = %s", ("v", "A"), ("a",)),
        ("x = %s AND name = %s", ("v", 1, "a"), ("a",)),
        ("name = %(n)s", {"n": "a"}, ("a",)),
        ("name = %s", ("v",), None),
        ("name = %s", ("v", 5), None),
        ("name = %s", None, None),
        ("name = 'a' OR true", None, None),
        ("name LIKE 'a%'", None, None),
        ("NOT name = 'a'", None, None),
        ("name <> 'a'", None, None),
        ("lower(name) = 'a'", None, None),
        ("name = lower('A')", None, None),
        ("name = E'a'", None, None),
        ("name = 'a' || 'b'", None, None),
        ("name IN (SELECT 'a')", None, None),
        ("name = ANY (ARRAY['a'])", None, None),
        ("x BETWEEN 1 AND name = 'a'", None, None),
        ("CASE WHEN x AND name = 'a' AND y THEN z END", None, None),
        ("x.name = 'a' AND name IN (SELECT n FROM t WHERE true)", None, None),
        ("name = 'a' AND set_config('b', 'c', false) = 'c'", None, None),
        ("name NOT IN ('a', 'b')", None, None),
        ("name IN ('a' 'b')", None, None),
        ("true", None, None),
    ],
)
def test_which_are_set(condition, params, expected):
    sql = f"UPDATE pg_settings s SET setting = %s WHERE {condition}"
    assert updated_settings(scan(sql, "postgresql"), params) == expected


def test_without_a_condition_all_may_be_set():
    sql = "UPDATE pg_settings SET setting = 1"
    assert updated_settings(scan(sql, "postgresql"), None) is None
