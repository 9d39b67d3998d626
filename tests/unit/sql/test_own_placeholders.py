"""SQLite's own placeholders as pyformat: SQLite answers both alike."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from routedb.adapters.sqlite.sqlite3 import native
from routedb.sql.scanner.own_placeholders import to_pyformat

SAME = [
    ("SELECT 1", ()),
    ("SELECT '?'", ()),
    ("SELECT %s", (1,)),
    ("SELECT %(a)s", {"a": 1}),
    ("SELECT ':a', %s", (1,)),
    ("SELECT ?", (1, 2)),  # too many
    ("SELECT ?, ?", (1,)),
    ("SELECT :a", {"b": 1}),
    ("SELECT ?", {"a": 1}),
    ("SELECT ?0", (1,)),
    ("SELECT ?99999999999", (1,)),
    ("SELECT ?", None),
]


@pytest.mark.parametrize(("sql", "params"), SAME)
def test_what_has_none_or_does_not_fit_stays(sql, params):
    assert to_pyformat(sql, params) == (sql, params)


@pytest.mark.parametrize(
    ("sql", "params", "text", "values"),
    [
        ("SELECT ?", (7,), "SELECT %s", (7,)),
        ("SELECT ? % 4", [7], "SELECT %s %% 4", [7]),
        ("SELECT ?1", (7,), "SELECT %s", (7,)),
        ("SELECT ?1, ?2", (7, 8), "SELECT %s, %s", (7, 8)),
        ("SELECT ?2, ?1", (7, 8), "SELECT %(p2)s, %(p1)s", {"p1": 7, "p2": 8}),
        ("SELECT ?1, ?1", (7,), "SELECT %(p1)s, %(p1)s", {"p1": 7}),
        ("SELECT ?2, ?", (7, 8, 9), "SELECT %(p2)s, %(p3)s", {"p2": 8, "p3": 9}),
        ("SELECT :a, :b", (7, 8), "SELECT %s, %s", (7, 8)),
        ("SELECT :a, @b", {"a": 7, "b": 8}, "SELECT %(a)s, %(b)s", {"a": 7, "b": 8}),
        ("SELECT $a, :a", {"a": 7}, "SELECT %(a)s, %(a)s", {"a": 7}),
        ("SELECT '?%', \"?\", `?`, ?", (7,), "SELECT '?%%', \"?\", `?`, %s", (7,)),
        ("SELECT 1 -- ?\n + ?", (7,), "SELECT 1 -- ?\n + %s", (7,)),
        ("SELECT /* :a ? */ ?", (7,), "SELECT /* :a ? */ %s", (7,)),
        ("SELECT [?] FROM t WHERE a = ?", (7,), "SELECT [?] FROM t WHERE a = %s", (7,)),
        ("SELECT '%s', ?", (7,), "SELECT '%%s', %s", (7,)),
        ("SELECT 5 %s + ?", (7,), "SELECT 5 %%s + %s", (7,)),
        ("SELECT x'3f', ?", (7,), "SELECT x'3f', %s", (7,)),
    ],
)
def test_they_become_pyformat(sql, params, text, values):
    assert to_pyformat(sql, params) == (text, values)
    assert to_pyformat(text, values) == (text, values)


PIECES = [
    "1",
    "'?'",
    "'it''s %'",
    '"?"',
    "-- ? %\n",
    "/* ? :a */",
    "8 % 7",
    "[?]",
    "'%s'",
]
MARKS = ["?", "?1", "?2", "?3", ":a", ":b", "@a", "$b"]


def test_sqlite_answers_as_before():
    rng, asked = random.Random(6), 0
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.execute('CREATE TABLE t ("?" int, "it" int)')
        raw.execute("INSERT INTO t VALUES (3, 4)")
        for _ in range(3000):
            items = [rng.choice(MARKS) for _ in range(rng.randrange(1, 5))]
            items += rng.choices(PIECES, k=3)
            rng.shuffle(items)
            sql = f"SELECT 0{''.join(', ' + each for each in items)} FROM t"
            params: Any = rng.choice(
                [(5, 6, 7)[: rng.randrange(1, 4)], {"a": 8, "b": 9}]
            )
            try:
                expected = raw.execute(sql, params).fetchall()
            except sqlite3.Error:
                continue
            asked += 1
            assert (
                raw.execute(*native(*to_pyformat(sql, params))).fetchall() == expected
            )
    assert asked > 100
