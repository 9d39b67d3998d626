"""The comparisons as RST, for the README and the docs, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.suites.outcomes import PASSED, Comparison, Run

_HEAD = ("suite", "run", "passed plain", "passed routedb", "only routedb fails")
_SHARE = "statements on replicas"


def rst(comparisons: Sequence[Comparison], missing: Mapping[str, str]) -> str:
    """Return a table, and below it what fails only on routedb and what is missing."""
    parts = [_table(_rows(comparisons))] if comparisons else []
    for each in comparisons:
        if each.trouble:
            parts.append(f"{each.suite}: {each.trouble}")
        if each.lost:
            parts.append(_lost(each))
        if each.stale:
            names = "\n".join(f"* ``{test}``" for test in each.stale)
            parts.append(f"{each.suite}: known to fail, but they pass\n\n{names}")
    parts += [
        f"{name}: cannot be obtained, so it was not run\n\n{reason}"
        for name, reason in missing.items()
    ]
    return "\n\n".join(parts) + "\n"


def json_text(comparisons: Sequence[Comparison], missing: Mapping[str, str]) -> str:
    """Return everything that was found, for other programs."""
    suites: dict[str, Any] = {
        each.suite: {
            "plain": _counts(each.plain),
            "routedb": _counts(each.routedb),
            "trouble": each.trouble,
            "lost": {test: outcome.reason for test, outcome in each.lost.items()},
            "unknown": sorted(each.unknown),
            "stale": each.stale,
        }
        for each in comparisons
    }
    return json.dumps({"suites": suites, "missing": dict(missing)}, indent=2) + "\n"


def _rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    rows = [_HEAD, *map(_row, comparisons)]
    shares = [each.routedb.share if each.routedb else None for each in comparisons]
    if all(share is None for share in shares):
        return rows
    last = [_SHARE, *("-" if s is None else f"{s:.1%}" for s in shares)]
    return [(*row, cell) for row, cell in zip(rows, last, strict=True)]


def _row(each: Comparison) -> tuple[str, ...]:
    either = each.plain or each.routedb
    run = either.executed if either else "-"
    is_compared = each.plain and each.routedb
    lost = str(len(each.lost)) if is_compared else "-"
    return each.suite, str(run), _passed(each.plain), _passed(each.routedb), lost


def _passed(run: Run | None) -> str:
    return str(run.count(PASSED)) if run else "-"


def _counts(run: Run | None) -> dict[str, float] | None:
    if run is None:
        return None
    return {
        **{word: run.count(word) for word in (PASSED, "failed", "skipped")},
        "seconds": round(run.seconds, 1),
        **run.roles,
    }


def _lost(each: Comparison) -> str:
    """Return what was lost, grouped by why."""
    reasons: dict[str, list[str]] = {}
    unrun = [t for t, outcome in each.lost.items() if outcome.outcome == "missing"]
    for test, outcome in sorted(each.lost.items()):
        if each.trouble and test in unrun:
            continue
        why = each.known.get(test) or f"NOT KNOWN. {outcome.outcome}: {outcome.reason}"
        reasons.setdefault(why, []).append(test)
    lines = [f"{each.suite}: pass on the plain driver and fail on routedb"]
    for why, tests in reasons.items():
        lines += ["", f"{why}:", "", *(f"* ``{test}``" for test in tests)]
    if each.trouble and unrun:
        lines += ["", f"{len(unrun)} tests were not run"]
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])
