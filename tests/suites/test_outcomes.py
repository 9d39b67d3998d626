"""What two runs of a suite say of routedb."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.suites import report
from tests.suites.outcomes import Comparison, Outcome, Run, read, read_roles


def runs(plain: str, routedb: str, **known: str) -> Comparison:
    """Compare two runs of tests a, b, …: p passed, f failed, s skipped, - missing."""
    words = {"p": "passed", "f": "failed", "s": "skipped"}
    first, second = [
        Run(
            driver,
            {
                name: Outcome(words[letter], "why")
                for name, letter in zip("abcdef", letters, strict=False)
                if letter in words
            },
            1.0,
        )
        for driver, letters in (("plain", plain), ("routedb", routedb))
    ]
    return Comparison("suite", first, second, known)


@pytest.mark.parametrize(
    ("plain", "routedb", "lost"),
    [
        ("pppp", "pppp", ""),
        ("pppp", "pfs-", "bcd"),
        ("fsp", "ffp", ""),  # what fails on the plain driver is not routedb's doing
        ("fp", "pp", ""),
    ],
)
def test_a_test_is_lost_when_it_passes_on_the_plain_driver_only(plain, routedb, lost):
    assert "".join(runs(plain, routedb).lost) == lost


def test_a_known_loss_is_lost_and_not_unknown():
    compared = runs("ppp", "pff", b="by design")
    assert list(compared.lost) == ["b", "c"]
    assert list(compared.unknown) == ["c"]
    assert "by design" in report.rst([compared], {})


def test_a_known_loss_that_passes_is_stale():
    assert runs("pp", "pp", b="by design").stale == ["b"]


def test_a_run_without_tests_is_trouble():
    assert runs("pp", "pp").trouble is None
    assert runs("pp", "ss").trouble == "routedb: no test ran"


def test_a_run_that_broke_off_is_trouble():
    plain = runs("p", "p").plain
    broken = Run("routedb", {}, 1.0, "exit status -11")
    compared = Comparison("suite", plain, broken)
    assert compared.trouble == "routedb: exit status -11"
    assert compared.lost == {"a": Outcome("missing", "exit status -11")}


def test_of_several_outcomes_the_worst_counts(tmp_path: Path):
    record = tmp_path / "record"
    lines = [("a", "passed"), ("a", "failed"), ("b", "failed"), ("b", "passed")]
    record.write_text(
        "".join(
            json.dumps({"test": test, "outcome": outcome, "reason": ""}) + "\n"
            for test, outcome in lines
        )
    )
    assert {test: each.outcome for test, each in read(record).items()} == {
        "a": "failed",
        "b": "failed",
    }


def test_the_report_has_a_row_for_each_suite_and_names_what_is_missing():
    text = report.rst([runs("ppf", "pff")], {"other": "no such package"})
    assert "suite  3    2             1               1" in text
    assert "NOT KNOWN. failed: why:\n\n* ``b``" in text
    assert "other: cannot be obtained, so it was not run\n\nno such package" in text


def test_the_counts_of_all_processes_add_up(tmp_path: Path):
    assert read_roles(tmp_path / "none") == {}
    path = tmp_path / "roles"
    path.write_text('{"writer": 2, "replica": 1}\n{}\n{"writer": 1}\n')
    assert read_roles(path) == {"writer": 3, "replica": 1}


def test_the_share_of_replicas_is_told_where_it_was_counted():
    counted = runs("pp", "pp")
    assert counted.routedb is not None
    assert counted.routedb.share is None
    assert "replicas" not in report.rst([counted], {})
    roles = {"writer": 1, "replica": 3}
    run = replace(counted.routedb, roles=roles)
    text = report.rst([Comparison("suite", counted.plain, run)], {})
    head, row = text.splitlines()[1], text.splitlines()[3]
    assert head.endswith("statements on replicas")
    assert row.endswith("75.0%")


def test_the_json_says_the_same():
    found = json.loads(report.json_text([runs("ppf", "pff")], {"other": "why"}))
    assert found["suites"]["suite"]["lost"] == {"b": "why"}
    assert found["suites"]["suite"]["routedb"]["passed"] == 1
    assert found["missing"] == {"other": "why"}
