"""Every name that a text may use is found, however it is spelt."""

from __future__ import annotations

import time

import pytest

from routedb.sql.scanner.names import calls_in, names_in

NAMES = {
    "SELECT a FROM v": {"a", "v"},
    "SELECT A FROM V": {"a", "A", "v", "V"},
    'SELECT a FROM "Odd View"': {"Odd View", "odd view", "Odd", "View"},
    'SELECT a FROM "x""y"': {'x"y'},
    "SELECT a FROM `x``y`": {"x`y"},
    "SELECT a FROM [odd view]": {"odd view"},
    "SELECT s.v.a": {"s", "v", "a"},
    "SELECT a::mytype": {"a", "mytype"},
    "SELECT f(a)+g (b)": {"f", "a", "g", "b"},
    "SELECT é FROM Ä": {"é", "ä", "Ä"},
    "SELECT a$b, _c": {"a$b", "_c"},
    "SELECT 0x, t1.c2": {"t1", "c2"},
    'SELECT "a"."b"': {"a", "b"},
}
CALLS = {
    "SELECT f(a), g": {"f"},
    "SELECT F (a)": {"f", "F"},
    'SELECT "Odd F"(a)': {"Odd F", "odd f"},
    "SELECT `s`.`f`(a)": {"f"},
    "SELECT s.f\n(a)": {"f"},
    "SELECT f, g, h": set(),
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_found(text):
    assert names_in(text) >= NAMES[text]


@pytest.mark.parametrize("text", CALLS)
def test_what_a_parenthesis_follows_is_a_call(text):
    assert calls_in(text) == CALLS[text]


@pytest.mark.parametrize("run", ["a", '"', "`", "[", "(", " ", "a ", "a(", '"a"', "$"])
def test_long_runs_take_no_long_time(run):
    text = "SELECT " + run * (100_000 // len(run))
    began = time.process_time()
    names_in(text)
    calls_in(text)
    assert time.process_time() - began < 2
