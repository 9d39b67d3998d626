"""A Classifier remembers shapes; what is known of a text besides its tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from routedb.sql import Classifier, classify
from tests.support.count_calls import counted

from .seen import line, seen


def known(classifier, sql):
    return classifier.statement(classifier.scan(sql))


def test_texts_of_one_shape_share_one_statement():
    classifier = Classifier("postgresql")
    one = known(classifier, "SELECT x FROM a WHERE id = 1 AND y = 'b'")
    assert known(classifier, "SELECT x  FROM a WHERE id = 22 AND y = $$c$$") is one


def test_the_oldest_shapes_are_forgotten():
    classifier = Classifier("postgresql", max_shapes=8)
    first = known(classifier, "SELECT 1 FROM t")
    for n in range(7):
        known(classifier, f"SELECT 1 FROM t{n}")
    last = known(classifier, "SELECT 1 FROM last")
    assert known(classifier, "SELECT 1 FROM last") is last
    assert known(classifier, "SELECT 1 FROM t") is not first


def test_threads_may_share_one_though_it_is_full():
    classifier = Classifier("postgresql", max_shapes=4)

    def names(n):
        return [line(known(classifier, f"SELECT * FROM t{n}{m}")) for m in range(200)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(names, range(4)))
    assert found == [[f"plain read: t{n}{m}" for m in range(200)] for n in range(4)]


def test_a_dialect_must_be_known():
    with pytest.raises(ValueError, match="postgresql, mysql, sqlite"):
        Classifier("oracle")


@pytest.mark.parametrize(
    ("sql", "does", "expected"),
    [
        ("SELECT f(x) FROM a", "read", "plain read: a"),
        ("SELECT F(x) FROM a", "write", "write: a"),
        ("SELECT f(x) FROM a", "session", "read: a; session variable"),
        ("SELECT s.f(x) FROM a", "read", "plain read: a"),
        ("SELECT g(x), f(x) FROM a", "read", "read: a; asks g"),
    ],
)
def test_the_user_says_what_a_function_does(sql, does, expected):
    assert seen(sql, f=does) == expected


def test_the_users_word_counts_more_than_the_list():
    assert seen("SELECT now()", **{"pg_catalog.now": "write", "lower": "write"}) == (
        "plain read"
    )
    assert seen("SELECT lower(x)", lower="write") == "write"


def test_a_function_of_one_schema_may_be_told_from_the_others():
    own = {"a.f": "write", "f": "read"}
    assert seen("SELECT a.f()", **own) == "write"
    assert seen("SELECT b.f()", **own) == "plain read"


@pytest.mark.parametrize(
    ("sql", "verb", "parts", "is_returning"),
    [
        ("select 1", "SELECT", 1, False),
        ("WITH x AS (SELECT 1) DELETE FROM a RETURNING *", "DELETE", 1, True),
        ("(SELECT 1)", "SELECT", 1, False),
        ("create unique index i on a (x)", "CREATE INDEX", 1, False),
        ("INSERT INTO a VALUES (1) RETURNING id", "INSERT", 1, True),
        ("SELECT * FROM a; DELETE FROM b", "SELECT", 2, False),
        ("SELECT 1; SELECT 1; SELECT 1;", "SELECT", 3, False),
        (
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END; BEGIN",
            "CREATE FUNCTION",
            2,
            False,
        ),
        ("", "", 0, False),
    ],
)
def test_the_verb_the_number_of_parts_and_whether_rows_come_back(
    sql, verb, parts, is_returning
):
    statement = classify(sql)
    assert (statement.verb, statement.parts, statement.is_returning) == (
        verb,
        parts,
        is_returning,
    )


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 1", ""),
        ("SELECT * FROM a FOR UPDATE", "locks rows"),
        ("SELECT nextval('s')", "calls nextval"),
        ("SELECT s.f(1)", "calls s.f, which no list of functions has"),
        ("INSERT INTO s.a VALUES (1)", "writes s.a"),
        ("frobnicate", "'frobnicate' begins no statement"),
        ("SELECT (1", "a bracket is not closed"),
        ("SELECT 'a", "unterminated quote"),
    ],
)
def test_the_reason_says_why_it_is_no_plain_read(sql, reason):
    assert classify(sql).reason == reason


def test_bytes_are_read_as_text():
    assert seen(b"SELECT * FROM caf\xc3\xa9") == "plain read: café"
    assert seen(b"SELECT '\xff' FROM a") == "plain read: a"


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
@pytest.mark.parametrize(
    "sql",
    ["SELECT x FROM t WHERE y = %s", "SELECT id, name, price FROM item WHERE id = 5"],
)
def test_a_text_seen_first_costs_few_calls(sql, dialect):
    classifier = Classifier(dialect, max_shapes=0)
    assert known(classifier, sql).read_only  # what is made once, is made now
    calls = counted(lambda: classifier.statement(classifier.scan(sql)))
    assert calls.total <= 42  # two of them account for the tokens
    assert calls.files <= 9
