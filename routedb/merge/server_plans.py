"""EXPLAIN of a statement over several groups: routedb's plan, and under each fragment
what its servers say of it.

The answer has the shape that the dialect gives: PostgreSQL's one column "QUERY PLAN";
SQLite's columns of EXPLAIN QUERY PLAN, a row for each line; and for MySQL, whose table
has no place for a tree, the one column "EXPLAIN" that its FORMAT=TREE has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from routedb.config.model import ClusterConfig
from routedb.engine.route.plan_tree import Step
from routedb.merge.fragments import GroupReads
from routedb.merge.refused import NotMerged
from routedb.planner import GroupsPlan

_BEFORE = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_PREFIXES = {
    "postgresql": r"EXPLAIN(?:\s*\((?P<options>(?!\s*(?:SELECT|VALUES|WITH|TABLE|\())"
    r"[^()]*)\)|(?P<words>(?:\s+(?:ANALY[ZS]E|VERBOSE)\b)*))",
    "mysql": r"(?:EXPLAIN|DESCRIBE|DESC|ANALYZE)"
    r"(?P<words>(?:\s+(?:EXTENDED|PARTITIONS|ANALYZE|FORMAT\s*=\s*\w+)\b)*)",
    "sqlite": r"EXPLAIN\s+QUERY\s+PLAN\b",
}
_PREFIX = {
    dialect: re.compile(rf"{_BEFORE}{words}{_BEFORE}", re.IGNORECASE | re.DOTALL)
    for dialect, words in _PREFIXES.items()
}
_PLAIN = {
    "postgresql": "EXPLAIN ",
    "mysql": "EXPLAIN ",
    "sqlite": "EXPLAIN QUERY PLAN ",
}
_FORMAT = re.compile(r"FORMAT\s*=?\s*['\"]?(?P<form>\w+)", re.IGNORECASE)
_TEXTS = frozenset({"TEXT", "TRADITIONAL", "TREE"})
_ANALYZE = re.compile(r"\bANALY[ZS]E\b(?!\s*(?:FALSE|OFF|0)\b)", re.IGNORECASE)


class Asked(NamedTuple):
    """An EXPLAIN: its beginning, the statement, and whether that is run."""

    prefix: str
    inner: str
    runs: bool


def split_explain(source: str, dialect: str) -> Asked:
    """Take the text `source` of an EXPLAIN in `dialect` apart. Raises NotMerged for
    what is not shown as text."""
    found = _PREFIX[dialect].match(source)
    if found is None:
        raise NotMerged("of its EXPLAIN only the plan is shown (EXPLAIN QUERY PLAN)")
    prefix, inner = source[: found.end()], source[found.end() :]
    form = _FORMAT.search(prefix)
    if form is not None and form["form"].upper() not in _TEXTS:
        raise NotMerged("its plan is shown as text alone, not in another FORMAT")
    return Asked(prefix, inner, _ANALYZE.search(prefix) is not None)


def asking(made: GroupsPlan, prefix: str, config: ClusterConfig) -> GroupsPlan:
    """Return the plan `made` with `prefix` before the text of each fragment; before one
    of another dialect, by `config`, the plain word of its own."""
    fragments = []
    for each in made.fragments:
        dialect = config.databases[each.database].dialect
        word = prefix if dialect == made.dialect else _PLAIN[dialect]
        fragments.append(
            replace(each, text=each.text._replace(sql=f"{word}{each.text.sql}"))
        )
    return replace(made, fragments=tuple(fragments))


def one_by_one(asked: Sequence[GroupReads]) -> list[GroupReads]:
    """Return what is `asked` of the groups, for each fragment alone."""
    return [
        GroupReads(reads.database, reads.number, [number])
        for reads in asked
        for number in reads.fragments
    ]


def server_lines(description: Sequence[Any], rows: Sequence[Any]) -> tuple[str, ...]:
    """Return a server's own answer as lines: `rows` with this `description`."""
    names = [column[0] for column in description]
    if len(names) == 1:
        return tuple(line for row in rows for line in str(row[0]).splitlines())
    if names[-1] == "detail":  # SQLite's, a tree
        depths = {0: -1}
        lines = []
        for number, parent, _, detail in rows:
            depths[number] = depths.get(parent, -1) + 1
            lines.append(f"{'  ' * depths[number]}{detail}")
        return tuple(lines)
    return tuple(
        ", ".join(
            f"{name}={value}"
            for name, value in zip(names, row, strict=True)
            if value is not None
        )
        for row in rows
    )


def with_servers(step: Step, said: Mapping[tuple[int, str], tuple[str, ...]]) -> Step:
    """Return the tree of `step` in which each fragment has what the servers have `said`
    of it, by its number and the group's name."""
    steps = [with_servers(each, said) for each in step.steps]
    number = dict(step.facts).get("fragment")
    for (of, place), lines in said.items():
        if of == number:
            steps.append(Step(f"{place} says", (("", lines),)))
    return replace(step, steps=tuple(steps))


def text_of(lines: Sequence[str], dialect: str) -> tuple[str, Any]:
    """Return a statement of `dialect` that answers these `lines`, and its
    parameters."""
    if dialect == "postgresql":
        return (
            'SELECT * FROM unnest(%s::text[]) AS routedb_p("QUERY PLAN")',
            (list(lines),),
        )
    selects = ["SELECT %s AS `EXPLAIN`", *["SELECT %s"] * (len(lines) - 1)]
    return " UNION ALL ".join(selects), tuple(lines)


def sqlite_rows(step: Step) -> list[tuple[int, int, int, str]]:
    """Return the tree of `step` as SQLite has plans: number, parent, 0, text."""
    rows: list[tuple[int, int, int, str]] = []

    def add(parent: int, text: str) -> int:
        rows.append((len(rows) + 1, parent, 0, text))
        return len(rows)

    def walk(each: Step, parent: int) -> None:
        own = add(parent, each.title)
        for line in replace(each, steps=()).lines()[1:]:
            add(own, line[2:])
        for inner in each.steps:
            walk(inner, own)

    walk(step, 0)
    return rows
