"""Plans against one database that has all rows.

`python -m tests.support.planner_oracle COUNT [SEED]` compares the answers to so many
statements, and prints what was wrong and what was refused.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import NamedTuple

from routedb.planner import GroupsPlan, Refusal
from tests.support.split_statements import Made, Statements
from tests.support.split_world import Answer, SplitWorld, is_right

_STATEMENTS_A_WORLD = 50


class Wrong(NamedTuple):
    """A statement whose plan answered otherwise than the one database."""

    made: Made
    plan: GroupsPlan
    got: Answer
    expected: Answer


class Report(NamedTuple):
    """What a campaign found."""

    statements: int
    errors: int  # of the one database too: nothing was compared but the error
    shown: int  # answers with rows
    merges: Counter[str]
    kept: Counter[str]
    refused: Counter[str]
    wrong: list[Wrong]


def campaign(seed: int, count: int) -> Report:
    """Compare `count` statements made by `seed`."""
    rng = random.Random(seed)
    merges: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    wrong: list[Wrong] = []
    errors = shown = 0
    for _ in range(0, count, _STATEMENTS_A_WORLD):
        world = SplitWorld(rng)
        statements = Statements(rng)
        for _ in range(min(_STATEMENTS_A_WORLD, count)):
            made = statements.one()
            plan = world.plan(made.sql)
            expected = world.expected(made.sql, made.params)
            errors += bool(expected.error)
            shown += bool(expected.rows)
            if isinstance(plan, Refusal):
                refused[f"{plan.construct}: {plan.reason}"] += 1
                continue
            pushed = " and ".join(plan.fragments[0].pushed) if plan.fragments else ""
            how = " (groups)" * pushed.startswith("groups")
            merges[plan.merge.value + how] += 1
            kept.update(plan.kept)
            got = world.answer(plan, made.params)
            if not is_right(world, made, got, expected):
                wrong.append(Wrong(made, plan, got, expected))
        world.close()
    return Report(count, errors, shown, merges, kept, refused, wrong)


def main(count: str = "1000", seed: str = "") -> int:
    chosen = int(seed) if seed else random.randrange(2**32)
    report = campaign(chosen, int(count))
    for wrong in report.wrong[:3]:
        print(*wrong, sep="\n", end="\n\n")
    print(
        f"seed {chosen}: {report.statements} statements, {len(report.wrong)} wrong, "
        f"{sum(report.refused.values())} refused, {report.errors} errors, "
        f"{report.shown} with rows"
    )
    for counts in (report.merges, report.refused, report.kept):
        print()
        for name, number in counts.most_common():
            print(f"  {number:6} {name}")
    return bool(report.wrong)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
