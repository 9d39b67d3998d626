"""Every token of a statement is accounted for, or the statement is unknown."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import tests.unit.sql
from routedb.sql import Classifier, Kind, classify

from .seen import seen


def rows() -> Iterator[tuple[str, str]]:
    """Yield each statement, with its dialect, of the tables of the tests beside."""
    for module in pkgutil.iter_modules(tests.unit.sql.__path__):
        if module.name == "test_accounting":
            continue
        found = importlib.import_module(f"tests.unit.sql.{module.name}")
        for test in vars(found).values():
            for mark in getattr(test, "pytestmark", ()):
                if mark.name == "parametrize" and "sql" in mark.args[0]:
                    yield from _of_table(*mark.args)


def _of_table(names, table) -> Iterator[tuple[str, str]]:
    for row in table:
        values = (
            {names: row}
            if isinstance(names, str)
            else dict(zip(names, row, strict=False))
        )
        sql = values.get("sql")
        if isinstance(sql, str):
            yield from ((sql, dialect) for dialect in _dialects(values))


def _dialects(values: dict[str, object]) -> tuple[str, ...]:
    said = values.get("dialect")
    return (said,) if isinstance(said, str) else ("postgresql", "mysql", "sqlite")


def test_every_token_of_the_statements_in_these_tests_is_accounted_for():
    judged = 0
    for sql, dialect in rows():
        classifier = Classifier(dialect)
        is_unknown = classifier.statement(classifier.scan(sql)).kind is Kind.UNKNOWN
        if is_unknown or "/*" in sql:  # for spans, executable comments are all run
            continue
        judged += 1
        assert "unread" not in dict(classifier.spans(sql)), (dialect, sql)
    assert judged > 1500


@pytest.mark.parametrize(
    ("dialect", "sql", "spans"),
    [
        (
            "postgresql",
            "SELECT * FROM f() AS (a int, b numeric(2)), c d (x, y)",
            [
                ("read", "SELECT * FROM f ( ) AS"),
                ("name list", "( a int , b numeric ( 0 ) )"),
                ("read", ", c d"),
                ("name list", "( x , y )"),
            ],
        ),
        (
            "postgresql",
            "GRANT SELECT ON a TO b",
            [("option list", "GRANT SELECT ON a TO b")],
        ),
        (
            "postgresql",
            "BEGIN; COMMIT garbage; DROP TABLE a b",
            [
                ("read", "BEGIN"),
                ("read", "COMMIT"),
                ("unread", "garbage"),
                ("read", "DROP TABLE a"),
                ("unread", "b"),
            ],
        ),
        (
            "mysql",
            "SELECT /*!99999 a, */ 1; NOSUCH x",
            [("read", "SELECT a , 0"), ("unread", "NOSUCH x")],
        ),
        (
            "sqlite",
            "ROLLBACK TRANSACTION t TO s",
            [("read", "ROLLBACK TRANSACTION t TO s")],
        ),
    ],
)
def test_spans_say_how_each_token_was_read(dialect, sql, spans):
    assert Classifier(dialect).spans(sql) == spans


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("DROP TABLE a b", "postgresql"),
        ("DROP VIEW a, b PLEASE", "sqlite"),
        ("TRUNCATE a SELECT 1", "postgresql"),
        ("TRUNCATE ONLY (a, b)", "postgresql"),
        ("VACUUM (f(1)) a", "postgresql"),
        ("COMMIT AND garbage", "postgresql"),
        ("BEGIN garbage", "mysql"),
        ("SET x = (SELECT f(1))", "postgresql"),
        ("RESET x y(SELECT 1)", "postgresql"),
        ("SHOW x; y", "postgresql"),
        ("CREATE NOVELTY a", "postgresql"),
        ("CREATE VERY TEMP TABLE a (x int)", "mysql"),
        ("ALTER a TABLE b", "sqlite"),
        ("DROP NOVELTY a", "mysql"),
        ("LISTEN a(f(1))", "postgresql"),
        ("NOTIFY a, (SELECT 1)", "postgresql"),
        ("CREATE TABLE (x int)", "postgresql"),
        ("RENAME TABLE a TO b AND c TO d", "mysql"),
        ("USE a (SELECT 1)", "mysql"),
        ("GET LOST", "mysql"),
    ],
)
def test_what_is_not_understood_is_unknown(sql, dialect):
    statement = classify(sql, dialect)
    assert statement.kind is Kind.UNKNOWN
    assert not statement.read_only
    assert statement.reason


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "BEGIN; DROP SCHEMA IF EXISTS nosuch; UPDATE a SET x = 1",
            "ddl: +a; tx begin",
        ),
        ("CREATE SCHEMA s; SET search_path TO s", "ddl; session set"),
        (
            "ALTER SCHEMA s RENAME TO u; CREATE TEMP TABLE a (x int)",
            "ddl: +a; session temp",
        ),
        ("DROP SCHEMA s CASCADE; SELECT pg_advisory_lock(1)", "ddl; session lock"),
        ("CREATE SCHEMA s CREATE TABLE a (x int); SET ROLE r", "ddl: +a; session set"),
        ("SELECT * FROM b; CREATE SCHEMA AUTHORIZATION u; COMMIT", "ddl: b; tx commit"),
        ("CREATE SCHEMA s GRANT SELECT ON a TO u; LISTEN c", "ddl: +a; session listen"),
        ("BEGIN; NOVELTY x; UPDATE a SET x = 1", "unknown: +a; tx begin"),
        ("NOVELTY x; SET search_path TO s", "unknown; session set"),
        ("CREATE TEMP TABLE a (x int); COMMIT NOW", "unknown: +a; session temp"),
        ("SELECT * FROM b; TRUNCATE (a)", "unknown: b"),
        ("SELECT pg_advisory_lock(1); HELP", "unknown; session lock"),
    ],
)
def test_what_stands_beside_it_in_the_text_is_not_lost(sql, expected):
    assert seen(sql) == expected
