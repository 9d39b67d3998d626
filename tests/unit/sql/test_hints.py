"""Hints in comments: what they say, and what is no hint."""

from __future__ import annotations

import pytest

from routedb.sql import Hints, classify


@pytest.mark.parametrize(
    ("sql", "hints"),
    [
        ("SELECT 1", None),
        ("/* routedb: role=writer */ SELECT 1", Hints(role="writer")),
        ("SELECT 1 -- routedb: database=crm", Hints(database="crm")),
        ("SELECT 1 /*routedb: shard=2 key=42*/", Hints(shard=2, key="42")),
        ("/* routedb: key='a b' */ SELECT 1", Hints(key="a b")),
        ('/* routedb: key="a=b" */ SELECT 1', Hints(key="a=b")),
        ("SELECT /* routedb: consistency=strong */ 1", Hints(consistency="strong")),
        (
            "/* routedb: role=writer */ SELECT 1 /* routedb: shard=1 */",
            Hints(role="writer", shard=1),
        ),
        (
            "/* routedb: role=writer */ SELECT 1 -- routedb: role=writer",
            Hints(None, "writer"),
        ),
        (
            "/* routedb: role=writer */ SELECT 1 -- routedb: role=replica",
            Hints(role="writer", unknown=("role=replica",)),
        ),
        ("/* routedb: colour=red */ SELECT 1", Hints(unknown=("colour=red",))),
        ("/* routedb: shard=-1 x */ SELECT 1", Hints(unknown=("shard=-1", "x"))),
        (
            "/* routedb: role = writer */ SELECT 1",
            Hints(unknown=("role", "=", "writer")),
        ),
        ("SELECT '/* routedb: role=writer */'", None),
        ('SELECT "-- routedb: role=writer"', None),
        ("/* about routedb: role=writer */ SELECT 1", None),
        ("/* routedb */ SELECT 1", None),
    ],
)
def test_a_hint_is_a_comment_that_begins_with_the_name(sql, hints):
    statement = classify(sql)
    assert (statement.hints, statement.read_only) == (hints, True)


@pytest.mark.parametrize(
    "sql", ["-- routedb: role=writer", "SELECT ( -- routedb: role=writer"]
)
def test_hints_are_known_though_the_statement_is_not(sql):
    statement = classify(sql)
    assert statement.hints == Hints(role="writer")
    assert not statement.read_only


def test_texts_with_other_hints_are_told_apart():
    asked = [classify(f"/* routedb: shard={n} */ SELECT {n}").hints for n in (1, 2)]
    assert asked == [Hints(shard=1), Hints(shard=2)]


def test_a_mysql_line_comment_may_hold_a_hint():
    assert classify("SELECT 1 # routedb: role=writer", "mysql").hints == Hints(
        role="writer"
    )
