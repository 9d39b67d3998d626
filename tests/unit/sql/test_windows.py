"""What stands in a WINDOW clause, and in brackets that hold names, is read."""

from __future__ import annotations

import pytest

from routedb.sql import classify

from .seen import seen

COUNT = "SELECT count(*) OVER w FROM a"


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (f"{COUNT} WINDOW w AS ()", "plain read: a"),
        (f"{COUNT} WINDOW w AS (ORDER BY f(1))", "read: a; asks f"),
        (f"{COUNT} WINDOW w AS (PARTITION BY f(x) ORDER BY y)", "read: a; asks f"),
        (
            f"{COUNT} WINDOW v AS (PARTITION BY x), w AS (v ORDER BY f(1))",
            "read: a; asks f",
        ),
        (
            f"{COUNT} WHERE x = 1 WINDOW w AS (ORDER BY (SELECT max(y) FROM b))",
            "plain read: a, b",
        ),
        (
            f"{COUNT} WINDOW w AS (PARTITION BY EXISTS (SELECT 1 FROM b WHERE f(x)))",
            "read: a, b; asks f",
        ),
        (
            "SELECT * FROM (SELECT sum(x) OVER w FROM a "
            "WINDOW w AS (ORDER BY (SELECT f(y) FROM b))) q, c",
            "read: c, a, b; asks f",
        ),
        (
            f"{COUNT} WINDOW w AS (ORDER BY f(1)) UNION ALL "
            "SELECT x FROM b WINDOW w AS (ORDER BY g(2)) ORDER BY 1",
            "read: a, b; asks f, g",
        ),
        (
            f"WITH q AS ({COUNT} WINDOW w AS (ORDER BY f(x))) "
            "SELECT * FROM q, b WINDOW w AS (PARTITION BY g(x)) LIMIT 1",
            "read: b, a; asks f, g",
        ),
        (
            f"{COUNT} WINDOW w AS (ORDER BY x ROWS BETWEEN f(1) PRECEDING "
            "AND UNBOUNDED FOLLOWING)",
            "read: a; asks f",
        ),
        (
            f"{COUNT} WINDOW w AS (ORDER BY x GROUPS BETWEEN 1 PRECEDING AND "
            "CURRENT ROW EXCLUDE TIES) ORDER BY (SELECT y FROM b)",
            "plain read: a, b",
        ),
        (
            f"{COUNT} WINDOW w AS (ORDER BY x RANGE (SELECT y FROM b) PRECEDING), "
            "v AS (w), u AS (v ORDER BY f(1))",
            "read: a, b; asks f",
        ),
        (
            "SELECT x FROM a GROUP BY x HAVING count(*) > 1 "
            "WINDOW w AS (ORDER BY count(f(x)))",
            "read: a; asks f",
        ),
        (
            "INSERT INTO t SELECT x FROM a WINDOW w AS (ORDER BY (SELECT 1 FROM b))",
            "write: +t, a, b",
        ),
        (
            "SELECT sum(x) OVER (w ORDER BY f(x)) FROM a WINDOW w AS (ORDER BY y)",
            "read: a; asks f",
        ),
    ],
)
def test_a_window_is_read_as_any_expression(sql, dialect, expected):
    assert seen(sql, dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "window", "reason"),
    [
        ("postgresql", "ORDER BY pg_advisory_lock(991)::text", "pg_advisory_lock"),
        ("postgresql", "PARTITION BY nextval('s')", "nextval"),
        ("postgresql", "v ORDER BY set_config('a', 'b', false)", "set_config"),
        ("mysql", "ORDER BY get_lock('a', 1)", "get_lock"),
        ("mysql", "PARTITION BY @a := x", "variable"),
        ("sqlite", "ORDER BY last_insert_rowid()", "last_insert_rowid"),
    ],
)
def test_a_window_may_be_what_makes_it_no_plain_read(dialect, window, reason):
    statement = classify(f"{COUNT} WINDOW w AS ({window})", dialect)
    assert not statement.read_only
    assert reason in statement.reason


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT * FROM g() AS (a int, b numeric(10, 2), c timestamp(3) with time "
            "zone, d character varying(5), e text[], f s.t(1)), b",
            "read: b; asks g",
        ),
        ("SELECT * FROM ROWS FROM (g() AS (a int, b h(2))) r, b", "read: b; asks g"),
        ("SELECT * FROM json_to_record('{}') AS x (a int, b h(p, 1))", "plain read"),
        ("SELECT cast(x AS h(2)), x::h(3), x::s.h(4) FROM a", "plain read: a"),
        ("SELECT * FROM a JOIN b USING (x, y) AS j, c", "plain read: a, b, c"),
        ("WITH q (x, y) AS (SELECT 1, 2) SELECT * FROM q, b", "plain read: b"),
        ("INSERT INTO a (x, y[1], z.u, v[1:2]) VALUES (1, 2, 3, 4)", "write: +a"),
        ("INSERT INTO a (y[(SELECT x FROM b)]) VALUES (1)", "write: +a, b"),
        ("SELECT * FROM a AS q (x, y) WINDOW w AS (ORDER BY h(1))", "read: a; asks h"),
        (
            "SELECT * FROM a q (x) JOIN (SELECT h(1)) AS r (y) ON h(2) = 1",
            "read: a; asks h",
        ),
    ],
)
def test_a_bracket_is_passed_over_only_where_it_holds_names_and_types(sql, expected):
    assert seen(sql) == expected
