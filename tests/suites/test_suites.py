"""psycopg2's own tests, on routedb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.suites.__main__ import main

LEAST = 740  # of the 753 that pass on psycopg2 2.9.13 itself


@pytest.mark.long
@pytest.mark.live
@pytest.mark.timeout(1800)
def test_psycopg2s_own_suite_passes_but_for_the_known_tests(tmp_path: Path):
    status = main(["--suite", "psycopg2", "--output", str(tmp_path)])
    found = json.loads((tmp_path / "report.json").read_text())
    assert not found["missing"]
    suite = found["suites"]["psycopg2"]
    assert (suite["trouble"], suite["unknown"], suite["stale"]) == (None, [], [])
    assert suite["routedb"]["passed"] >= LEAST
    assert status == 0
