"""FOR SYSTEM_TIME and FOR PORTION OF: words of a query that begin no clause of it."""

from __future__ import annotations

import pytest

from .seen import seen


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM a FOR SYSTEM_TIME ALL", "plain read: a"),
        ("SELECT * FROM a FOR SYSTEM_TIME ALL z, b", "plain read: a, b"),
        ("SELECT * FROM a FOR SYSTEM_TIME ALL AS z JOIN b", "plain read: a, b"),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF now() z, b", "plain read: a, b"),
        (
            "SELECT * FROM a FOR SYSTEM_TIME AS OF TIMESTAMP'2020-01-01'",
            "plain read: a",
        ),
        (
            "SELECT * FROM a FOR SYSTEM_TIME AS OF DATE '2020-01-01', b",
            "plain read: a, b",
        ),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF %s WHERE x = 1", "plain read: a"),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF ? AS z JOIN b", "plain read: a, b"),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF TRANSACTION 7, b", "plain read: a, b"),
        (
            "SELECT * FROM a FOR SYSTEM_TIME AS OF (SELECT max(x) FROM c) z JOIN b",
            "plain read: a, b, c",
        ),
        (
            "SELECT * FROM a FOR SYSTEM_TIME FROM date'2020-01-01' TO date'2021-01-01'",
            "plain read: a",
        ),
        (
            "SELECT * FROM a FOR SYSTEM_TIME FROM now() - INTERVAL 1 DAY TO now(), b",
            "plain read: a, b",
        ),
        (
            "SELECT * FROM a FOR SYSTEM_TIME BETWEEN '2020-01-01' AND now() z JOIN b "
            "FOR SYSTEM_TIME ALL USING (x) WHERE y IN (SELECT y FROM c)",
            "plain read: a, b, c",
        ),
        (
            "SELECT * FROM a FOR SYSTEM_TIME AS OF CASE WHEN 1 THEN now() END z, b",
            "plain read: a, b",
        ),
        (
            "SELECT * FROM c, (SELECT * FROM a) FOR SYSTEM_TIME ALL z, b",
            "plain read: c, b, a",
        ),
        (
            "WITH n AS (SELECT now() t) SELECT * FROM a FOR SYSTEM_TIME AS OF "
            "(SELECT t FROM n)",
            "plain read: a",
        ),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF f() z, b", "read: a, b; asks f"),
        ("SELECT * FROM a FOR SYSTEM_TIME AS OF now() FOR UPDATE", "lock: a"),
        ("SELECT * FROM a FOR SYSTEM_TIME SOON", "unknown"),
        (
            "UPDATE a FOR PORTION OF p FROM date'2020-01-01' TO '2021-01-01' SET x = 1",
            "write: +a",
        ),
        (
            "UPDATE a FOR PORTION OF p FROM date'2020-01-01' + INTERVAL 1 DAY TO %s "
            "AS z SET z.x = (SELECT max(y) FROM b)",
            "write: +a, b",
        ),
        (
            "DELETE FROM a FOR PORTION OF p FROM '2020-01-01' TO (SELECT x FROM b) "
            "WHERE id IN (SELECT id FROM c)",
            "write: +a, b, c",
        ),
        ("DELETE FROM a FOR PORTION OF p FROM ? TO ? RETURNING x", "write: +a"),
        (
            "INSERT INTO b SELECT * FROM a FOR SYSTEM_TIME AS OF @t",
            "write: +b, a; session variable",
        ),
        ("DELETE HISTORY FROM a BEFORE SYSTEM_TIME (SELECT x FROM b)", "write: +a, b"),
        (
            "UPDATE c JOIN a FOR SYSTEM_TIME ALL AS z ON c.x = z.x SET c.y = z.y",
            "write: +c, a",
        ),
    ],
)
def test_no_table_is_made_up_in_a_period_and_those_asked_there_are_found(sql, expected):
    assert seen(sql, "mysql") == expected


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 'x'FROM a", "plain read: a"),
        ("SELECT x FROM a WHERE y='1'AND z IN(SELECT z FROM b)", "plain read: a, b"),
        ("SELECT 'x'AS y FROM a", "plain read: a"),
        ("INSERT INTO a VALUES ('x')", "write: +a"),
        ("INSERT INTO a SELECT 'x'UNION SELECT y FROM b", "write: +a, b"),
        ("DELETE FROM a WHERE x='1'OR y IN (SELECT y FROM b)", "write: +a, b"),
        (
            "SELECT x FROM a WHERE y LIKE'z'OR y IN (SELECT y FROM b)",
            "plain read: a, b",
        ),
    ],
)
def test_a_word_that_touches_a_string_is_a_word(sql, expected, dialect):
    assert seen(sql, dialect) == expected


def test_a_shorthand_of_the_range_is_one_bound():
    sql = "UPDATE a FOR PORTION OF p (daterange('x', 'y')) AS z SET x = 1"
    assert seen(sql) == "write: +a"
