"""Which cases of a test are for `make test-long`: each is for now or for later."""

from __future__ import annotations

import pytest

from tests.support.later import in_turn, later, one_of

pytest_plugins = ["pytester"]

MODULE = """
import pytest

@pytest.mark.engine_in_turn
@pytest.mark.parametrize("where", ["pg", "my"])
@pytest.mark.parametrize("how", ["killed", ("a", 1), {}])
def test_{name}(where, how): pass

@pytest.mark.engine_in_turn
def test_alone(): pass

@pytest.mark.parametrize("where", ["pg", "my"])
def test_of_all(where): pass
"""
CONFTEST = """
import pytest
from tests.support.later import engines_for_later

def pytest_configure(config):
    for name in ("long", "engine_in_turn"):
        config.addinivalue_line("markers", name)

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in engines_for_later(items):
        item.add_marker(pytest.mark.long)
"""


def names(pytester: pytest.Pytester, marks: str) -> set[str]:
    result = pytester.runpytest_inprocess("--collect-only", "-q", "-m", marks)
    return {line.partition("::")[2] for line in result.outlines if "::" in line}


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_one_engine_is_for_now_and_the_other_for_later(pytester, name):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(MODULE.replace("{name}", name))
    now, long = names(pytester, "not long"), names(pytester, "long")
    assert len(now) == 3 + 1 + 2
    assert len(long) == 3
    assert now.isdisjoint(long)
    assert len({each.rpartition("-")[2] for each in long}) == 1  # of one engine


def test_which_engine_depends_on_the_name(pytester):
    pytester.makeconftest(CONFTEST)
    kept = set()
    for number in range(6):
        pytester.makepyfile(
            **{f"test_{number}": MODULE.replace("{name}", f"n{number}")}
        )
    for each in names(pytester, "not long"):
        if "killed" in each:
            kept.add(each.rpartition("-")[2])
    assert kept == {"pg]", "my]"}


def test_cases_are_for_now_or_later():
    def of(cases):
        return [getattr(c, "marks", ()) != () for c in cases]

    assert of(later([1, (2, 3)])) == [True, True]
    assert later([(2, 3)])[0].values == (2, 3)
    assert of(one_of(3, "abcde")) == [False, True, True, False, True]
    assert of(in_turn("ab", "xyz")) == [False, True, False, True, False, True]
