"""Texts that tell the names of what they set, and texts that put these together."""

from __future__ import annotations

import pytest

from routedb.sql.scanner.shape import scan
from routedb.sql.scanner.told_names import (
    body_tells_names,
    tells_names,
    tells_values,
)


@pytest.mark.parametrize(
    ("sql", "is_told"),
    [
        ("SELECT set_config('a.b', 'c' || 'd', false)", True),
        ("SELECT set_config(E'a.b', $$c$$, false)", True),
        ("SELECT pg_catalog . set_config /**/ (%s::text, %s, false)", True),
        ("SELECT set_config(%(name)s, 'c', false), set_config('a', 'b', true)", True),
        ("SELECT set_config(upper('a.b'), 'c', false)", True),
        ("PREPARE p (text) AS SELECT set_config($1, 'c', false)", True),
        ("SELECT 'set_config(' || a FROM t", True),
        ("SELECT set_config('a' || '.b', 'c', false)", False),
        ("SELECT set_config('a', 'b', true), set_config(n, 'c', false)", False),
        ("SELECT set_config(concat('a.b', '', ''), 'c', false)", True),
        ("SELECT set_config(concat('a', '.b'), 'c', false)", False),
        ("SELECT set_config(concat('a', '', '.b'), 'c', false)", False),
        ("SELECT set_config(concat('a', ''''), 'c', false)", False),
        ("SELECT set_config(%s || '.b', 'c', false)", False),
        ("SELECT \"set_config\"((SELECT 'a.b'), 'c', false)", False),
        ("SELECT f(set_config) FROM t", False),
    ],
)
def test_names_of_calls(sql, is_told):
    assert tells_names(scan(sql, "postgresql").shape, sql) is is_told


@pytest.mark.parametrize(
    ("sql", "is_told"),
    [
        ("EXECUTE p", True),
        ("EXECUTE \"a p\" ('a.b', 1, NULL, %s) ;", True),
        ("execute p(E'a', -2, true)", True),
        ("EXECUTE p('a' || '.b')", False),
        ("EXECUTE p(lower('A.b'))", False),
    ],
)
def test_arguments_of_execute(sql, is_told):
    assert tells_values(scan(sql, "postgresql").shape) is is_told


@pytest.mark.parametrize(
    ("body", "is_told"),
    [
        ("BEGIN SET a.b = 'c'; PERFORM set_config('a.b', 'c', false); END", True),
        ("BEGIN PERFORM set_config('a' || '.b', 'c', false); END", False),
        ("BEGIN EXECUTE 'SET a' || '.b = 1'; END", False),
    ],
)
def test_bodies_of_do(body, is_told):
    assert body_tells_names(body) is is_told
