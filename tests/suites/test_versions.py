"""The ends of what the extras allow, as they are run, and their run."""

from __future__ import annotations

import pytest

from tests.suites.source import ROOT, Unobtainable, extra, extras
from tests.suites.versions import (
    ENDS,
    EXTRAS,
    LEFT_OUT,
    MATRIX,
    QUICK,
    TESTS,
    End,
    interpreter,
    run,
)

LOWEST, HIGHEST = ENDS


def test_the_lowest_is_the_first_release_that_is_allowed():
    assert LOWEST.requirements == [
        *("django==4.2", "sqlalchemy==2.0", "peewee==3.17"),
        *("psycopg2-binary==2.9.2", "mysqlclient==2.2", "pony==0.7.20"),
        *("pandas==2.2", "alembic==1.16", "opentelemetry-api==1.31"),
        *(
            "prometheus-client==0.21",
            "click==8.1",
            "msgspec==0.19",
            "rich==13",
            "sqlglot==30.30",
        ),
        *("sqlparse==0.5.1", "tomli==2"),
    ]


def test_every_extra_is_at_the_ends_or_named_as_left_out():
    names = set(extras())
    assert names == set(EXTRAS) | set(LEFT_OUT)
    assert not set(EXTRAS) & set(LEFT_OUT)


def test_the_highest_is_what_the_extras_allow():
    ranges = [each for name in EXTRAS for each in extra(name)]
    assert HIGHEST.requirements == list(dict.fromkeys(ranges))
    assert all(",<" in each for each in HIGHEST.requirements)


def test_the_matrix_has_every_python_and_a_series_of_each():
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    for row in MATRIX:
        assert f"Python :: {row.pythons[0]}\n" in setup
    requirements = {each for row in MATRIX for each in row.requirements}
    for series in ("4.2", "5.1", "5.2", "6.0", "6.1"):
        assert f"django=={series}.*" in requirements
    assert {"sqlalchemy==2.0.*", "sqlalchemy==2.1.*"} <= requirements


def test_a_row_whose_python_is_missing_is_told():
    with pytest.raises(Unobtainable, match=r"Python 2\.0 is not at hand"):
        interpreter(End("none", ("2.0",), {"django": "1.0"}))


def test_the_tests_of_the_ends_are_there():
    assert [name for name in TESTS if not (ROOT / name).exists()] == []
    assert set(QUICK) <= set(TESTS)


@pytest.mark.long
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)
def test_the_integrations_run_at_both_ends(end):
    assert run(end) == 0
