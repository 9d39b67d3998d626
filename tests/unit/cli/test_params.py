"""Values on a command line are what they look like."""

from __future__ import annotations

import pytest

from routedb.cli.params import parameters


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("42", 42),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ("007", "007"),
        ("1_000", "1_000"),
        ("", ""),
        ("null", None),
        ("TRUE", True),
        ("false", False),
        ('"42"', "42"),
        ('"', '"'),
        ('"a"b"', '"a"b"'),
        ("2024-01-31", "2024-01-31"),
        ("a=b", "a=b"),
        ("NaN", "NaN"),
    ],
)
def test_a_value_is_what_it_looks_like(written, value):
    assert parameters("SELECT %s", [written]) == [value]


def test_without_values_there_are_no_parameters():
    assert parameters("SELECT '100%'", []) is None


def test_a_named_value_may_hold_an_equals_sign():
    assert parameters("SELECT %(a)s", ["a=b=c"]) == {"a": "b=c"}
