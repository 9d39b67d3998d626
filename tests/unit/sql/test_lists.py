"""Lists of literals are one shape, whatever their length."""

from __future__ import annotations

import pytest

from routedb.sql import scan


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("SELECT 1 FROM t WHERE a IN (1)", "SELECT 0 FROM t WHERE a IN (0)"),
        ("SELECT 1 FROM t WHERE a IN (1, 'b', -2)", "SELECT 0 FROM t WHERE a IN (0)"),
        ("DELETE FROM t WHERE a in(%s,%s)", "DELETE FROM t WHERE a in(0)"),
        ("DELETE FROM t WHERE a IN ( NULL , 2 )", "DELETE FROM t WHERE a IN (0)"),
        ("SELECT * FROM t WHERE (a, b) IN ((1, 2), (3, %s))", None),
        ("SELECT * FROM t WHERE a NOT IN (%(a_1)s, %(a_2)s)", None),
        ("INSERT INTO t VALUES (1, 'a'), (NULL, %s)", "INSERT INTO t VALUES (0)"),
        ("INSERT INTO t VALUES(DEFAULT, 2)", "INSERT INTO t VALUES(0)"),
        ("SELECT * FROM t WHERE a = ANY(ARRAY[1, 2])", None),
    ],
)
@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_a_list_of_literals_has_no_length(sql, shape, dialect):
    if "ARRAY" in sql and dialect == "sqlite":
        sql = sql.replace("ARRAY[1, 2]", "f((VALUES (1), (2)))")
    found = scan(sql, dialect).shape
    assert found == (shape or found)
    assert "0, " not in found
    assert "%" not in found


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT * FROM t WHERE a IN (b, 1)", "postgresql"),
        ("SELECT * FROM t WHERE a IN (f(1), 2)", "postgresql"),
        ("SELECT * FROM t WHERE a IN (SELECT 1, 2)", "mysql"),
        ("SELECT * FROM t WHERE a IN (1, null(2))", "mysql"),
        ("SELECT begin(1, 2), f(1, 2)", "sqlite"),
        ("SELECT t.in (1, 2)", "sqlite"),
        ("SELECT set_config('a', 'b', false)", "postgresql"),
        ('SELECT * FROM "a IN (0, 0)"', "postgresql"),
        ("SELECT * FROM `a IN (0, 0)`", "mysql"),
        ("SELECT * FROM [a IN (0, 0)]", "sqlite"),
        ("INSERT INTO t VALUES (DEFAULT(a), 1)", "mysql"),
        ("INSERT INTO t (a, b) VALUES ($1, $2)", "postgresql"),
    ],
)
def test_what_is_no_list_of_literals_stays(sql, dialect):
    found = scan(sql, dialect)
    assert found.shape == found.counted


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_the_counted_shape_tells_lengths_apart(dialect):
    few, many = (
        scan(f"SELECT * FROM t WHERE a IN ({n})", dialect) for n in ("1", "1, 2")
    )
    assert few.shape == many.shape
    assert few.counted != many.counted
    assert many.literals == ("1", "2")
