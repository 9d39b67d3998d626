"""Whatever the text: no error, no end without an answer, no dependence on literals."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_time import drawn, made, seconds
from routedb.errors import ProgrammingError
from routedb.sql import Classifier, Statement, classify, scan
from routedb.sql.scanner.placeholders import to_qmark
from tests.support.later import in_turn

from .seen import line

DIALECTS = ("postgresql", "mysql", "sqlite")
MEGABYTE = 1_000_000

dialects = st.sampled_from(DIALECTS)
WORDS = """
    SELECT FROM WHERE a b.c "d" `e` [f] ( ) , ; . * = 1 2.5 'x' E'y\\'' U&"g" $$ $t$
    -- /* */ /*! # @v @@w :n %s ? $1 :: WITH AS RECURSIVE INSERT INTO VALUES UPDATE SET
    DELETE USING MERGE ON JOIN LATERAL UNION TABLE FOR SHARE IN MODE EXPLAIN ANALYZE
    COPY TO STDOUT BEGIN COMMIT PREPARED SAVEPOINT CREATE TEMP DROP IF EXISTS GRANT CALL
    DO PRAGMA SHOW nextval( END CASE WHEN RETURNING DEFAULT REPLACE ROWS { } \\ '
"""
statements = st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join)
texts = st.text(max_size=200) | statements


@settings(max_examples=400)
@given(texts, dialects)
def test_no_text_raises(sql, dialect):
    statement = classify(sql, dialect)
    assert isinstance(statement, Statement)
    assert set(statement.writes) <= set(statement.tables)


@given(texts, dialects)
def test_the_parts_are_the_text_whatever_it_is(sql, dialect):
    found = scan(sql, dialect)
    assert "".join(found.parts) == sql
    if not found.fault:
        odd = iter(found.parts[1::2])  # literals, names in quotes and comments
        assert all(literal in odd for literal in found.literals)


@given(st.binary(max_size=100), dialects)
def test_no_bytes_raise(sql, dialect):
    assert isinstance(classify(sql, dialect), Statement)


NUMBERED = ", ".join(f"t{n}" for n in range(12_000))
LONG = {
    "quotes": "'" * (MEGABYTE + 1),
    "an open quote": "SELECT '" + "a" * MEGABYTE,
    "escapes": "SELECT E'" + "\\'" * (MEGABYTE // 2),
    "names": '"' * (MEGABYTE + 1),
    "backticks": "`a" * (MEGABYTE // 2),
    "brackets": "(" * MEGABYTE,
    "closed brackets": "(" * (MEGABYTE // 2) + ")" * (MEGABYTE // 2),
    "queries": "SELECT * FROM (" * (MEGABYTE // 15),
    "dollars": "$" * MEGABYTE,
    "tags": "".join(f"$a{n}$" for n in range(MEGABYTE // 8)),
    "comments": "/*" * (MEGABYTE // 2),
    "nested comments": "/*" * (MEGABYTE // 4) + "*/" * (MEGABYTE // 4),
    "executable comments": "/*!1 " * (MEGABYTE // 5),
    "open comments": "/* a" * (MEGABYTE // 4),
    "short comments": "/**/" * (MEGABYTE // 4),
    "lines": "--\n" * (MEGABYTE // 3),
    "dashes": "-" * MEGABYTE,
    "stars": "/*" + "*" * MEGABYTE,
    "digits": "1" * MEGABYTE,
    "dots": "." * MEGABYTE,
    "numbers": "1e" * (MEGABYTE // 2),
    "spaces": "SELECT" + " " * MEGABYTE + "1",
    "blanks before nothing": " \t\n" * (MEGABYTE // 3) + "1",
    "comments before nothing": " /* a */\n" * (MEGABYTE // 9) + "1",
    "semicolons": ";" * MEGABYTE,
    "statements": "SELECT 1;" * (MEGABYTE // 9),
    "other statements": "".join(f"SELECT a{n};" for n in range(MEGABYTE // 14)),
    "columns": "SELECT " + "a, " * (MEGABYTE // 3) + "a",
    "joins": "SELECT * FROM a" + " JOIN a ON x" * (MEGABYTE // 12),
    "expressions": "WITH " + "a AS (SELECT 1), " * (MEGABYTE // 17),
    "hints": "/* routedb: " + "a=" * (MEGABYTE // 2) + "*/ SELECT 1",
    "rows": "INSERT INTO t VALUES " + "(1, 'a'), " * (MEGABYTE // 10),
    "rows, open": "INSERT INTO t VALUES " + "(1, 'a, " * (MEGABYTE // 8),
    "heads": "INSERT INTO " + "VALUES " * (MEGABYTE // 7),
    "parameters": "SELECT " + "%(a" * (MEGABYTE // 3),
    "settings": "SET " + "autocommit = 'a', " * (MEGABYTE // 18),
    "colons": "SELECT " + ":" * MEGABYTE,
    "prefixes": "SELECT " + "U&" * (MEGABYTE // 2),
    "square brackets": "[" * MEGABYTE,
    "blocks": "CREATE TRIGGER t " + "BEGIN " * (MEGABYTE // 6),
    "publications": "CREATE PUBLICATION p FOR " + "TABLE a, " * 20_000,
    "policies": "CREATE POLICY p ON a " + "USING (" * 20_000 + ")" * 20_000,
    "likes": "CREATE TABLE a " + "LIKE b " * 25_000,
    "rules": "CREATE RULE r AS ON UPDATE TO a DO (" + "x;" * 80_000 + ")",
    "levels": "SELECT * FROM a, (" * 8000 + "SELECT 1" + ") a" * 8000,
    "targets": f"DELETE {NUMBERED} FROM {NUMBERED}",
    "square brackets behind blanks": "SELECT  " + "[" * MEGABYTE,
    "backticks behind blanks": "SELECT  a" + "`" * (MEGABYTE + 1),
    "arrays": "SELECT  ARRAY[" + "0, [" * (MEGABYTE // 4),
    "an open list": "SELECT * FROM t WHERE a IN (" + "0, " * (MEGABYTE // 3) + "f()",
    "open lists": "SELECT * FROM t WHERE a IN (" + "0, -0 IN (" * (MEGABYTE // 10),
    "nested lists": "SELECT * FROM t WHERE a" + " IN ((" * (MEGABYTE // 6),
    "many lists": "SELECT * FROM t WHERE" + " a IN (1, 2) OR" * (MEGABYTE // 15),
    "lists in a comment": "/* " + "IN (1, 2), " * (MEGABYTE // 11) + "*/ SELECT 1",
    "rows of rows": "VALUES " + "((1), (2)), " * (MEGABYTE // 12) + "(1)",
    "rows of strings": "VALUES " + "('it''s', E'\\''), " * (MEGABYTE // 18) + "(1, 2)",
    "letters beyond ASCII": "SELECT é" + "é" * (MEGABYTE // 2),
}


@pytest.mark.parametrize(("name", "dialect"), in_turn(LONG, DIALECTS))
def test_no_long_text_is_without_an_answer(name, dialect):
    assert isinstance(classify(LONG[name], dialect), Statement)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_small_text_of_many_pieces_is_slow(dialect):
    """A part of `benchmarks.fuzz_time`, which goes on for minutes: a quadratic pattern
    takes seconds for one of these already."""
    rng = random.Random(20)
    slow = [
        (opening, piece, end)
        for opening, piece, end in (drawn(rng) for _ in range(60))
        if is_slow(made(opening, piece, end, 16_000), dialect)
    ]
    assert slow == []


def is_slow(text, dialect):
    """Each time: on a machine that others use, one try may be."""
    return all(seconds(text, dialect) > 1 for _ in range(3))


@pytest.mark.parametrize(
    "text", ["[", "'", '"', "`", "/*", "%(", "%(a", "--", ":a", "[a%s"]
)
def test_placeholders_are_found_in_a_long_text(text):
    sql = 'SELECT "' + text * (MEGABYTE // len(text))
    found = ""
    with contextlib.suppress(ProgrammingError):
        found = to_qmark(sql)[0]
    assert found in ("", sql)


# Texts with gaps: {0} and {1} are literals, a space may be any white space or comment.
MODELS = (
    "SELECT * FROM a WHERE x = {0} AND y IN ( {1} , {0} )",
    "WITH x AS ( SELECT {0} FROM a ) SELECT * FROM x , b WHERE x.y < {1} FOR UPDATE",
    "INSERT INTO s.t ( a , b ) VALUES ( {0} , {1} ) ON CONFLICT DO NOTHING",
    "UPDATE a SET x = {0} WHERE y = {1} AND z = f( {0} )",
    "DELETE FROM a WHERE x = {0} ; SELECT {1}",
    "SELECT CASE WHEN {0} THEN {1} END FROM a , LATERAL ( SELECT {0} ) b",
    "EXPLAIN SELECT {0} , nextval( {1} ) FROM a",
)
literal = st.one_of(
    st.integers(min_value=0).map(str),
    st.floats(min_value=0, allow_infinity=False, allow_nan=False).map(repr),
    st.text(st.characters(exclude_characters="\\\0")).map(
        lambda text: "'" + text.replace("'", "''") + "'"
    ),
)
inside = st.text("ab '\"`;\n()", max_size=8)
gap = st.one_of(
    st.sampled_from([" ", "\n", "\t ", "  "]),
    inside.map(lambda text: f" /*{text}*/ "),
    inside.map(lambda text: f"-- {text}".replace("\n", " ") + "\n"),
)


@given(st.data(), st.sampled_from(MODELS), dialects)
def test_literals_comments_and_white_space_change_nothing(data, model, dialect):
    classifier = Classifier(dialect)
    plain = model.format(1, "'a'")
    pieces = model.split(" ")
    spaced = pieces[0] + "".join(f"{data.draw(gap)}{piece}" for piece in pieces[1:])
    other = spaced.format(data.draw(literal), data.draw(literal))
    expected = line(classifier.statement(classifier.scan(plain)))
    assert line(classifier.statement(classifier.scan(other))) == expected
