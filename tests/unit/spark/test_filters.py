"""What of Spark's filters a server is asked, engine by engine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from routedb.integrations.spark.filters import Shape, push
from routedb.integrations.spark.types import field_of
from routedb.planner import Column

COLUMNS: dict[str, list[tuple[str, str, str | None]]] = {
    "postgresql": [
        ("n", "integer", None),
        ("d", "numeric(9,2)", None),
        ("r", "real", None),
        ("f", "double precision", None),
        ("t", "text", None),
        ("i", "text", '"nd"'),
        ("c", "character(5)", None),
        ("z", "timestamp with time zone", None),
        ("s", "timestamp without time zone", None),
        ("b", "boolean", None),
        ("u", "uuid", None),
    ],
    "mysql": [("n", "bigint(20)", None), ("t", "varchar(9)", "utf8mb4_bin")],
    "sqlite": [("n", "INT", None), ("t", "TEXT", None), ("d", "DATE", None)],
}
FIELDS = {
    engine: {
        name: field_of(engine, Column(name, type_, collation))
        for name, type_, collation in columns
    }
    for engine, columns in COLUMNS.items()
}
NOON = dt.datetime(2024, 1, 1, 12)
UTC_NOON = NOON.replace(tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("engine", "shape", "sql", "is_exact"),
    [
        ("postgresql", Shape("EqualTo", "n", 5), '"n" = 5', True),
        ("postgresql", Shape("EqualTo", "n", 5, True), '"n" <> 5', True),
        ("postgresql", Shape("LessThan", "d", Decimal("1.50")), '"d" < 1.50', True),
        ("postgresql", Shape("GreaterThanOrEqual", "f", 0.5), '"f" >= 0.5', True),
        ("postgresql", Shape("In", "n", (1, None, 2)), '"n" IN (1, 2)', True),
        ("postgresql", Shape("In", "n", (1, 2), True), '"n" NOT IN (1, 2)', True),
        ("postgresql", Shape("EqualTo", "t", "a'\\"), "\"t\" = 'a''\\'", True),
        ("postgresql", Shape("EqualTo", "i", "a"), "\"i\" = 'a'", False),
        ("postgresql", Shape("In", "c", ("a",)), "\"c\" IN ('a')", False),
        (
            "postgresql",
            Shape("StringStartsWith", "t", "5%|_"),
            "\"t\" LIKE '5|%|||_%' ESCAPE '|'",
            True,
        ),
        ("postgresql", Shape("EqualTo", "b", True), '"b" = TRUE', True),
        (
            "postgresql",
            Shape("LessThan", "z", UTC_NOON),
            "\"z\" < '2024-01-01 12:00:00+00'",
            True,
        ),
        (
            "postgresql",
            Shape("EqualTo", "s", NOON),
            "\"s\" = '2024-01-01 12:00:00'",
            True,
        ),
        ("postgresql", Shape("IsNull", "u"), '"u" IS NULL', True),
        ("postgresql", Shape("IsNull", "u", None, True), '"u" IS NOT NULL', True),
        ("mysql", Shape("EqualTo", "t", "a\\"), "`t` = 'a\\\\'", False),
        ("sqlite", Shape("EqualTo", "t", "a"), "\"t\" = 'a'", False),
    ],
)
def test_what_means_the_same_or_finds_more_is_pushed(engine, shape, sql, is_exact):
    assert push(engine, FIELDS[engine], shape) == (sql, is_exact)


@pytest.mark.parametrize(
    ("engine", "shape"),
    [
        ("postgresql", Shape("EqualTo", "r", 0.1)),  # 0.1 is another number there
        ("postgresql", Shape("EqualTo", "f", float("nan"))),
        ("postgresql", Shape("LessThan", "t", "a")),  # by its collation
        ("postgresql", Shape("EqualTo", "i", "a", True)),
        ("postgresql", Shape("EqualTo", "t", "a\0")),
        ("postgresql", Shape("EqualTo", "u", "x")),
        ("postgresql", Shape("EqualTo", "z", NOON)),
        ("postgresql", Shape("EqualTo", "s", UTC_NOON)),
        ("postgresql", Shape("EqualTo", "n", True)),
        ("postgresql", Shape("In", "n", (1, None), True)),
        ("postgresql", Shape("In", "n", ())),
        ("postgresql", Shape("StringContains", "t", "a")),
        ("postgresql", Shape("EqualTo", "elsewhere", 1)),
        ("mysql", Shape("EqualTo", "t", "a", True)),
        ("mysql", Shape("GreaterThan", "t", "a")),
        ("sqlite", Shape("EqualTo", "d", "2024-01-01")),
    ],
)
def test_what_may_not_is_not(engine, shape):
    assert push(engine, FIELDS[engine], shape) is None
