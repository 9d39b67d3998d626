"""What a run of a suite said, test by test, and two runs compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PASSED = "passed"


@dataclass(frozen=True)
class Outcome:
    """How one test ended: passed, failed or skipped, and the last line of why."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """One run of one suite on one driver.

    `trouble` says why the run itself did not come to its end; None when it did.
    `roles` has the numbers of statements that ran on writers and on replicas, where
    they were counted. `cpu_s` is the processor's time of the suite's own processes, in
    seconds; `seconds` also has what else is waited for.
    """

    driver: str
    outcomes: Mapping[str, Outcome]
    seconds: float
    trouble: str | None = None
    roles: Mapping[str, int] = field(default_factory=dict)
    cpu_s: float = 0.0

    @property
    def share(self) -> float | None:
        """The share of statements that ran on replicas; None when none was counted."""
        total = sum(self.roles.values())
        return self.roles.get("replica", 0) / total if total else None

    def count(self, outcome: str) -> int:
        return Counter(each.outcome for each in self.outcomes.values())[outcome]

    @property
    def executed(self) -> int:
        """Tests that ran: all but the skipped ones."""
        return self.count(PASSED) + self.count("failed")


@dataclass(frozen=True)
class Comparison:
    """What became of a suite's tests on the plain driver and on routedb."""

    suite: str
    plain: Run | None
    routedb: Run | None
    known: Mapping[str, str] = field(default_factory=dict)  # test -> reason

    @property
    def lost(self) -> dict[str, Outcome]:
        """Tests that pass on the plain driver, and not on routedb."""
        if self.plain is None or self.routedb is None:
            return {}
        gone = Outcome("missing", self.routedb.trouble or "was not run")
        after = self.routedb.outcomes
        return {
            test: after.get(test, gone)
            for test, before in self.plain.outcomes.items()
            if before.outcome == PASSED and after.get(test, gone).outcome != PASSED
        }

    @property
    def unknown(self) -> dict[str, Outcome]:
        """Lost tests that the list of known ones does not name."""
        return {
            test: outcome
            for test, outcome in self.lost.items()
            if test not in self.known
        }

    @property
    def stale(self) -> list[str]:
        """Known ones that pass on routedb now: they should leave the list."""
        after = self.routedb.outcomes if self.routedb else {}
        return [
            test
            for test in self.known
            if test in after and after[test].outcome == PASSED
        ]

    @property
    def trouble(self) -> str | None:
        """Why the runs cannot be believed, if they cannot."""
        for run in (self.plain, self.routedb):
            if run is None:
                continue
            if run.trouble:
                return f"{run.driver}: {run.trouble}"
            if not run.executed:
                return f"{run.driver}: no test ran"
        return None


def read(path: Path) -> dict[str, Outcome]:
    """Read what the recorder wrote. Of a test's several outcomes the worst counts.

    A test has several when its subtests or its teardown fail on their own.
    """
    worse = {PASSED: 0, "skipped": 1, "failed": 2}
    found: dict[str, Outcome] = {}
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        test, outcome = record["test"], record["outcome"]
        if test not in found or worse[outcome] > worse[found[test].outcome]:
            found[test] = Outcome(outcome, record["reason"])
    return found


def read_roles(path: Path) -> dict[str, int]:
    """Read what the processes of a run have counted, and add it up."""
    found: Counter[str] = Counter()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            found.update(json.loads(line))
    return dict(found)
