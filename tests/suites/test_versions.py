"""The ends of what the extras allow, as they are run, and their run."""

from __future__ import annotations

import pytest

from tests.suites.source import ROOT, extra
from tests.suites.versions import ENDS, EXTRAS, TESTS, run

LOWEST, HIGHEST = ENDS


def test_the_lowest_is_the_first_release_that_the_extras_allow():
    assert LOWEST.requirements == [
        "django==4.2",
        "sqlalchemy==2.0",
        "psycopg2-binary==2.9.2",
        "mysqlclient==2.2",
    ]


def test_the_highest_is_what_the_extras_allow():
    assert HIGHEST.requirements == [each for name in EXTRAS for each in extra(name)]
    assert all(",<" in each for each in HIGHEST.requirements)


def test_the_tests_of_the_ends_are_there():
    assert [name for name in TESTS if not (ROOT / name).is_file()] == []


@pytest.mark.long
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)
def test_the_integrations_run_at_both_ends(end):
    assert run(end) == 0
