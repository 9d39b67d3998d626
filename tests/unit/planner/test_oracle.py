"""Plans answer what one database with all rows answers: statements made by chance."""

from __future__ import annotations

import random

import pytest

from tests.support.planner_oracle import campaign


@pytest.mark.parametrize("seed", [12, random.randrange(2**32)], ids=["fixed", "fresh"])
def test_plans_answer_as_one_database(seed):
    report = campaign(seed, 100)
    assert not report.wrong, f"seed {seed}: {report.wrong[0]}"
    assert not report.refused, f"seed {seed}"
    assert report.shown > report.statements / 3  # an empty answer proves little


@pytest.mark.long
def test_thousands_of_plans_answer_as_one_database():
    seed = random.randrange(2**32)
    report = campaign(seed, 20_000)
    assert not report.wrong, f"seed {seed}: {report.wrong[0]}"
    assert not report.refused, f"seed {seed}"
