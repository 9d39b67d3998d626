"""Notes each test's outcome in a file, whoever runs the tests.

Lives in the process of a foreign suite: as a plugin of pytest (`-p recorder`), or by
`watch_unittest()`. A line is written as soon as a test is over, so that a run that
crashes still tells how far it came.
"""

from __future__ import annotations

import json
import os
import unittest
from typing import Any

_PATH = os.environ.get("SUITES_RECORD", os.devnull)
_LONGEST = 300  # characters of a reason


def note(test: str, outcome: str, reason: object = "") -> None:
    lines = str(reason).strip().splitlines()
    record = {
        "test": test,
        "outcome": outcome,
        "reason": lines[-1][:_LONGEST] if lines else "",
    }
    with open(_PATH, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


# -- pytest ------------------------------------------------------------------------


def pytest_runtest_logreport(report: Any) -> None:
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        reason = crash.message.splitlines()[:1] if crash else [report.longrepr]
        note(report.nodeid, "failed", reason[0] if reason else "")
    elif report.skipped:
        note(report.nodeid, "skipped")
    elif report.when == "call":
        note(report.nodeid, "passed")


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        note(report.nodeid, "failed", report.longrepr)


# -- unittest ----------------------------------------------------------------------


def watch_unittest() -> None:
    """Have unittest's own result class, and so its subclasses, note what it is told."""
    for method, outcome in (
        ("addSuccess", "passed"),
        ("addFailure", "failed"),
        ("addError", "failed"),
        ("addSkip", "skipped"),
        ("addExpectedFailure", "passed"),
        ("addUnexpectedSuccess", "failed"),
    ):
        _watch(method, outcome)
    _watch_subtests()


def _watch(method: str, outcome: str) -> None:
    original = getattr(unittest.TestResult, method)

    def watched(self: Any, test: Any, *details: Any) -> Any:
        note(test.id(), outcome, _reason(*details))
        return original(self, test, *details)

    setattr(unittest.TestResult, method, watched)


def _watch_subtests() -> None:
    original = unittest.TestResult.addSubTest

    def watched(self: Any, test: Any, subtest: Any, error: Any) -> Any:
        if error is not None:
            note(test.id(), "failed", _reason(error))
        return original(self, test, subtest, error)

    setattr(unittest.TestResult, "addSubTest", watched)  # noqa: B010  # for mypy


def _reason(detail: Any = "") -> object:
    """Return what to say of an exception triple, or of a skipped test's reason."""
    if isinstance(detail, tuple):
        return f"{detail[0].__name__}: {detail[1]}".partition("\n")[0]
    return detail
