"""Other people's tests, on routedb, from where they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.suites.__main__ import main
from tests.suites.catalog import SUITES
from tests.support.later import later

# That pass on routedb: of a part, and of all (753 and 3490).
LEAST_OF_A_PART = {"psycopg2": 465, "django": 580}
LEAST = {"psycopg2": 740, "django": 3400}
READS_OUTSIDE = {"psycopg2", "django"}  # of transactions; the ORMs begin one
WAYS = [("--nodes", "1"), ("--nodes", "3"), ("--serving",)]

pytestmark = [pytest.mark.live, pytest.mark.timeout(1800)]


def found(folder: Path, *words: str) -> dict[str, Any]:
    """Run a suite on both drivers; return what it says of the suite."""
    status = main([*words, "--output", str(folder)])
    report = json.loads((folder / "report.json").read_text())
    assert not report["missing"]
    [suite] = report["suites"].values()
    assert (suite["trouble"], suite["unknown"], suite["stale"]) == (None, [], [])
    assert status == 0
    return dict(suite)


@pytest.mark.parametrize("name", ["psycopg2", *later(["django"])])
def test_a_part_of_a_suite_passes_but_for_the_known_tests(name, tmp_path):
    suite = found(tmp_path, "--suite", name, "--quick")
    assert suite["routedb"]["passed"] >= LEAST_OF_A_PART[name]


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS, ids="".join)
@pytest.mark.parametrize("name", sorted(SUITES))
def test_every_suite_passes_on_a_writer_with_replicas_too(name, way, tmp_path):
    suite = found(tmp_path, "--suite", name, *way)
    assert suite["routedb"]["passed"] >= LEAST.get(name, 0) or way != WAYS[0]
    if way == ("--serving",) and name in READS_OUTSIDE:
        assert suite["routedb"]["replica"] > 0


@pytest.mark.long
def test_a_suite_passes_with_its_tables_dealt_over_two_databases(tmp_path):
    suite = found(tmp_path, "--suite", "django", "--dealt", "postgresql")
    assert suite["routedb"]["passed"] >= 0.97 * suite["plain"]["passed"]
