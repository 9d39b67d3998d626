"""Placeholders of pyformat become those of SQLite."""

from __future__ import annotations

import pytest

from routedb.errors import ProgrammingError
from routedb.sql import to_qmark


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT %s, %s", "SELECT ?, ?", None),
        ("SELECT %(a)s, %(b c)s, %(a)s", "SELECT ?, ?, ?", ("a", "b c", "a")),
        ("SELECT 5 %% 2, %s", "SELECT 5 % 2, ?", None),
        ("SELECT 1", "SELECT 1", None),
        ("SELECT %%s", "SELECT %s", None),
    ],
)
def test_each_placeholder_is_a_question_mark(sql, text, names):
    assert to_qmark(sql) == (text, names)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT %d", "'d' at position 9"),
        ("SELECT %", "'' at position 8"),
        ("SELECT %(a)", "'' at position 11"),
        ("SELECT %s, %(a)s", "are mixed"),
    ],
)
def test_what_is_no_placeholder_is_refused(sql, words):
    with pytest.raises(ProgrammingError) as caught:
        to_qmark(sql)
    assert words in str(caught.value)
