"""Conditions that are written without sqlglot's generator read as it writes them."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from routedb.planner.plain_sql import plain_sql

DIALECTS = ("postgres", "mysql", "sqlite")
PLAIN = (
    "a = 1",
    "t.a <> 'x y'",
    "a != 2 AND b < 3 AND (c >= 4 OR d <= 5)",
    "NOT a > 1",
    "a IS NULL",
    "a IN (1, 2, 'three')",
    "a NOT IN (1)",
    "a BETWEEN 1 AND routedb_place_0",
    "A = routedb_place_1 OR T.B = 'ü%'",
    "a = NULL",
)
# By what sqlglot writes in another way than it reads, or what is more than that.
OTHERS = (
    "a IS NOT NULL",
    "a = 'it''s'",
    "a = 1.50",
    "a = -1",
    "a + 1 = 2",
    "a IN (SELECT 1)",
    "s.t.a = 1",
    "a BETWEEN SYMMETRIC 2 AND 1",
    "a IS TRUE",
    "a = 1 /* why */",
    "lower(a) = 'x'",
)


def condition(sql: str, dialect: str) -> exp.Expr:
    tree = sqlglot.parse_one(f"SELECT 1 WHERE {sql}", dialect=dialect)
    found: exp.Expr = tree.args["where"].this
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sql", PLAIN)
def test_what_is_plain_is_written_as_sqlglot_does(sql: str, dialect: str) -> None:
    node = condition(sql, dialect)
    assert plain_sql(node, dialect) == node.sql(dialect=dialect)


@pytest.mark.parametrize("sql", OTHERS)
def test_what_is_not_is_left_to_sqlglot(sql: str) -> None:
    assert plain_sql(condition(sql, "postgres"), "postgres") is None


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ('"a" = 1', "postgres"),
        ('"a b"."c" = 1', "sqlite"),
        ("`a b` = 1", "mysql"),
        ("`rows` = 1", "mysql"),
    ],
)
def test_names_in_quotes_keep_them(sql: str, dialect: str) -> None:
    node = condition(sql, dialect)
    assert plain_sql(node, dialect) == node.sql(dialect=dialect) == sql


def test_names_that_sqlglot_would_quote_are_left_to_it() -> None:
    node = exp.column("rows").eq(1)
    assert node.sql(dialect="mysql") == "`rows` = 1"
    assert plain_sql(node, "mysql") is None
