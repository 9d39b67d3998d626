"""Placeholders of pyformat become those of SQLite."""

from __future__ import annotations

import pytest

from routedb.errors import ProgrammingError
from routedb.sql import from_qmark, to_qmark


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


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT ?, ?", "SELECT %s, %s"),
        ("SELECT '?%s', \"?\" % ? -- ?", "SELECT '?%%s', \"?\" %% %s -- ?"),
        ("SELECT a %? FROM [?] /* ? */", "SELECT a %%%s FROM [?] /* ? */"),
        ("SELECT '?'", None),
        ("SELECT %s", None),
        ("SELECT ?1, ?", None),
    ],
)
def test_question_marks_are_placeholders_and_back(sql, text):
    found = from_qmark(sql)
    assert found == text
    if found is not None:
        assert to_qmark(found) == (sql, None)
