"""Texts that set nothing but what is written in them."""

from __future__ import annotations

import pytest

from routedb.sql import Classifier
from routedb.sql.scanner.literal_settings import sets_literals_only


@pytest.mark.parametrize(
    ("dialect", "sql", "is_literal"),
    [
        ("postgresql", "SET work_mem = '1MB'", True),
        ("postgresql", "SELECT set_config('a.b', 'c', false)", True),
        ("postgresql", "SELECT set_config('a.b', %s, false)", True),
        ("postgresql", "SELECT set_config('a.b', now()::text, false)", False),
        ("postgresql", "SELECT set_config('a.b', c, false) FROM t", False),
        ("mysql", "SET SESSION sort_buffer_size = 1000000, sql_mode = ''", True),
        ("mysql", "SET NAMES utf8mb4", True),
        ("mysql", "SET SESSION sort_buffer_size = @wanted", False),
        ("mysql", "SET sort_buffer_size = (SELECT 1)", False),
        ("mysql", "/* routedb: role=writer */ SET NAMES utf8mb4", True),
        ("mysql", "/* routedb: role=writer */ SET sql_mode = @x", False),
        ("mysql", "SET @a = 1, NAMES utf8mb4", False),
        (
            "postgresql",
            "-- routedb: role=writer\nSELECT set_config('a', 'b', false)",
            True,
        ),
        ("sqlite", "PRAGMA cache_size = 10", True),
    ],
)
def test_only_what_is_written(dialect, sql, is_literal):
    classifier = Classifier(dialect)
    scan = classifier.scan(sql)
    verb = classifier.statement(scan).verb
    assert sets_literals_only(dialect, verb, scan.shape) is is_literal
