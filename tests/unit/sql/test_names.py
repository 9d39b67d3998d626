"""Words that are keywords somewhere are tables, columns and aliases elsewhere.

Each word of PostgreSQL's list stands in every place where a name may; what its parser
does not take is left out. SQLite has another opinion on some of them.
"""

from __future__ import annotations

import pytest
from pglast import keywords, parser

from benchmarks.judge import judge
from routedb.sql import classify

from .seen import seen

MODELS = (
    "SELECT * FROM {0}",
    "SELECT * FROM {0} t, b",
    "SELECT * FROM a JOIN {0} ON true, b",
    "SELECT * FROM s.{0}, {0}.b",
    "SELECT * FROM a AS {0} (x), b",
    "SELECT {0}, x AS {0}, a.{0} FROM a, b",
    "SELECT x FROM a WHERE {0} = (SELECT y FROM b) GROUP BY {0} ORDER BY {0}",
    "WITH c AS (SELECT {0} FROM a) SELECT {0}.x FROM c {0}",
    "INSERT INTO {0} (x) SELECT y FROM b",
    "UPDATE {0} SET x = 1",
    "UPDATE a SET {0} = 1 FROM {0}",
    "DELETE FROM {0} USING b",
    "TRUNCATE b, {0}",
    "DROP TABLE b, {0}",
)


@pytest.mark.parametrize("model", MODELS)
def test_a_keyword_is_a_name_where_postgresql_takes_it_for_one(model):
    judged = 0
    for word in sorted(keywords.UNRESERVED_KEYWORDS | keywords.COL_NAME_KEYWORDS):
        sql = model.format(word)
        try:
            (tree,) = parser.parse_sql(sql)
        except parser.ParseError:
            continue
        judged += 1
        verdict = judge(tree.stmt, frozenset())
        statement = classify(sql)
        assert frozenset(map(tuple, statement.tables)) == verdict.tables, sql
        assert statement.read_only == verdict.is_read, sql
    assert judged > 200


@pytest.mark.parametrize(
    ("sql", "dialect", "expected"),
    [
        ("SELECT * FROM user u, b", "mysql", "plain read: user, b"),
        ("UPDATE user SET x = 1", "mysql", "write: +user"),
        ("SELECT 1 FROM DUAL", "mysql", "plain read"),
        ("SELECT * FROM 1st, offset", "mysql", "plain read: 1st, offset"),
        (
            "SELECT * FROM user, offset o, window",
            "sqlite",
            "plain read: user, offset, window",
        ),
        ("SELECT * FROM current_user", "postgresql", "plain read"),
        ("UPDATE ignore SET x = 1", "postgresql", "write: +ignore"),
        ("UPDATE IGNORE a SET x = 1", "mysql", "write: +a"),
    ],
)
def test_what_is_a_name_depends_on_the_dialect(sql, dialect, expected):
    assert seen(sql, dialect) == expected
