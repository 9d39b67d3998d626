"""Very long INSERTs are cut, and are then known for what they are all the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routedb.sql import Classifier, classify, scan
from routedb.sql.scanner import bulk_insert

from .seen import line

ROWS = 3000


def both(sql, dialect):
    """What is known of the text that is cut, and of the whole."""
    classifier = Classifier(dialect)
    whole = Classifier(dialect)
    cut = classifier.scan(sql)
    return (
        cut.is_whole,
        line(classifier.statement(cut)),
        line(whole.statement(scan(sql, dialect))),
    )


def insert(row, dialect="postgresql", tail=""):
    return both(
        f"INSERT INTO s.t (a, b) VALUES {', '.join([row] * ROWS)}{tail}", dialect
    )


@pytest.mark.parametrize(
    ("row", "dialect"),
    [
        ("(1, 'a')", "postgresql"),
        ("(-1.5e-3, 'it''s; -- /* x', NULL, DEFAULT)", "postgresql"),
        ("(%s, %(name)s, $1)", "postgresql"),
        ("(now(), '2024-01-01'::timestamptz, ARRAY[1, 2], true)", "postgresql"),
        ("(E'a\\\\', E'\\n', 'b')", "postgresql"),
        ("('{\"a\": [1, \"--\"]}', DATE '2024-01-01')", "postgresql"),
        ("(1, 'it\\'s', \"\\\"\", _binary 'x', 0xFF)", "mysql"),
        ("(?, :name, X'1F', '\\')", "sqlite"),
    ],
)
def test_a_long_insert_is_a_write_to_its_table(row, dialect):
    _, cut, whole = insert(row, dialect)
    assert cut == whole == "write: +s.t"


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_rows_of_literals_are_cut(dialect):
    assert insert("(1, 'a', NULL)", dialect)[0] is False


@pytest.mark.parametrize(
    ("row", "dialect", "expected"),
    [
        ("((SELECT max(x) FROM u))", "postgresql", "write: +s.t, u"),
        ("(1), (2) /* , */", "postgresql", "write: +s.t"),
        ("('a') -- '\n", "postgresql", "write: +s.t"),
        ("($$'$$)", "postgresql", "write: +s.t"),
        ("(E'\\'')", "postgresql", "write: +s.t"),
        ("(1); DELETE FROM u; INSERT INTO t VALUES (2)", "postgresql", None),
        ("(nextval('s'))", "postgresql", None),
        ("(@v := 1)", "mysql", None),
        ('("\'")', "mysql", "write: +s.t"),
        ("([x'y])", "sqlite", "write: +s.t"),
    ],
)
def test_rows_that_may_hold_more_are_read_like_any(row, dialect, expected):
    _, cut, whole = insert(row, dialect)
    assert cut == whole
    assert expected in (None, cut)


@pytest.mark.parametrize(
    ("tail", "dialect", "expected"),
    [
        (" ON CONFLICT DO NOTHING", "postgresql", "write: +s.t"),
        (" RETURNING (SELECT x FROM u)", "postgresql", "write: +s.t, u"),
        (" ON CONFLICT (a) DO UPDATE SET b = f(1);", "postgresql", "write: +s.t"),
        ("; DELETE FROM u", "postgresql", "write: +s.t, +u"),
        (
            " AS n ON DUPLICATE KEY UPDATE a = (SELECT 1 FROM u)",
            "mysql",
            "write: +s.t, u",
        ),
    ],
)
def test_what_follows_the_rows_is_read(tail, dialect, expected):
    _, cut, whole = insert("(1, 'a')", dialect, tail)
    assert cut == whole == expected


def test_the_parts_of_a_cut_text_are_the_text():
    sql = f"INSERT INTO t VALUES {', '.join(['(1)'] * 9000)}"
    assert Classifier("postgresql").scan(sql).parts == [sql]


PIECES = (
    *("'", "''", '"', "`", "\\", "\\'", "--", "-", "/*", "*/", "$$", "$a$", "#", ";"),
    *("[", "]", "(", ")", ",", " ", "\n", "1", "0xF", "1e5", "a", "E'", "e", "x'", "N"),
    *("NULL", "now()", "SELECT", " FROM u", "VALUES", "nextval('s')", "@v", "%s", "::"),
)


@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.sampled_from(["postgresql", "mysql", "sqlite"]),
)
def test_cutting_never_makes_a_text_more_harmless(middle, dialect):
    sql = f"INSERT INTO t VALUES (1, 'a'), ({middle}), (2, 'b')"
    short = bulk_insert.shorten(sql, dialect)
    if short is None:
        return
    whole, cut = classify(sql, dialect), classify(short, dialect)
    assert not cut.read_only
    assert set(whole.tables) <= set(cut.tables)
    assert cut.parts >= whole.parts or whole.kind.value == "unknown"
