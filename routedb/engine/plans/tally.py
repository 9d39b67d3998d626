"""Counts of where statements go, by shape, and the report on them.

Without literals: a report may be shown to whoever may see the texts of a program.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from routedb import errors
from routedb.config.mask import mask
from routedb.routing import Reason, Route
from routedb.sql.scanner.shape import FAULT
from routedb.topology.snapshot import Role

_MOST_LINES = 10_000
_REST = "(other statements)"
_WIDEST = 100  # of a statement in the text of a report; the dataclass has all of it

_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w$.])\d[\d.]*(?![\w$])")
_LIST = re.compile(r"(\?|%s|\$\d+)(?:, ?(?:\?|%s|\$\d+))+")
_ROWS = re.compile(r"(\([^()]*, …\)|\(\?\))(?:, ?\1)+")

# What is said of shards, whose numbers would make a line for each.
_SHARDS = {
    Reason.HINT_SHARD: "hint names the shard",
    Reason.SHARD_KEY: "by shard key",
    Reason.ANY_SHARD: "any shard",
    Reason.EVERY_SHARD: "every shard",
    Reason.SEVERAL_GROUPS: "several groups",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Statements of one shape that went one way. A `refusal` is the name of the error
    that they would raise, and `reason` its text; they have no database and no role."""

    shape: str  # the text without literals
    count: int
    reason: str
    database: str | None = None
    role: Role | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Where statements went or would go. `str()` prints it as a table."""

    lines: tuple[Line, ...] = ()  # the refused ones first, then the most frequent

    @property
    def total(self) -> int:
        """How many statements were counted."""
        return sum(line.count for line in self.lines)

    @property
    def refused(self) -> int:
        """How many of them would be refused."""
        return sum(line.count for line in self.lines if line.refusal)

    @property
    def roles(self) -> dict[str, int]:
        """How many go to replicas and to writers."""
        counts = dict.fromkeys((Role.REPLICA.value, Role.WRITER.value), 0)
        for line in self.lines:
            if line.role is not None:
                counts[line.role.value] += line.count
        return counts

    @property
    def replica_share(self) -> float:
        """Which part of those that are not refused goes to replicas."""
        roles = self.roles
        return roles[Role.REPLICA.value] / (sum(roles.values()) or 1)

    @property
    def databases(self) -> dict[str, int]:
        """How many go to each database, the busiest first."""
        counts: Counter[str] = Counter()
        for line in self.lines:
            if line.database is not None:
                counts[line.database] += line.count
        return dict(counts.most_common())

    @property
    def totals(self) -> str:
        """The sums, in two lines."""
        shapes = len({line.shape for line in self.lines})
        roles = [f"{_share(n, self.total)} {name}" for name, n in self.roles.items()]
        roles.append(f"{_share(self.refused, self.total)} refused")
        found = self.databases.items()
        places = [f"{_share(n, self.total)} {name}" for name, n in found]
        return (
            f"{self.total} statements of {shapes} shapes: {', '.join(roles)}\n"
            f"databases: {', '.join(places) or 'none'}"
        )

    def __str__(self) -> str:
        rows = [("count", "database", "role", "reason", "statement")]
        rows.extend(_row(line) for line in self.lines)
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        table = [_aligned(row, widths) for row in rows]
        return "\n".join([*table, "", self.totals])


Count = tuple[str, Route, int]  # a shape, its way, how many
RoleOf = tuple[str, Role]  # a database, and where a statement on it went


class _Key(NamedTuple):
    shape: str
    database: str | None
    role: Role | None
    reason: str
    refusal: str


class Tally:
    """Counts statements; any thread may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[_Key, int] = {}
        self._refusals: dict[tuple[str, str], str] = {}

    def add(self, shape: str, route: Route, count: int = 1) -> None:
        """Count statements of a shape that go by `route`, `count` of them."""
        key = _Key(shape, route.database, route.role, _why(route), "")
        self._count(key, count)

    def with_counts(self, counts: Iterable[Count]) -> Tally:
        """Return another tally, which has these counts as well."""
        made = Tally()
        with self._lock:
            made._counts, made._refusals = dict(self._counts), dict(self._refusals)
        for shape, route, count in counts:
            made.add(shape, route, count)
        return made

    def roles(self) -> Counter[RoleOf]:
        """Return how many statements went to each database in each role."""
        with self._lock:
            counts = list(self._counts.items())
        roles: Counter[RoleOf] = Counter()
        for key, count in counts:
            if key.database is not None and key.role is not None:
                roles[key.database, key.role] += count
        return roles

    def refuse(self, shape: str, refusal: errors.Error) -> None:
        """Count a statement that is refused. Of a shape the first refusal's text is
        kept: others may differ from it in what stands in their parameters."""
        name = type(refusal).__name__
        said = self._refusals.get((shape, name))
        if said is None:
            said = " ".join(mask(str(refusal)).split())
            if len(self._refusals) < _MOST_LINES:
                said = self._refusals.setdefault((shape, name), said)
        self._count(_Key(shape, None, None, said, name))

    def report(self) -> Report:
        """Return what was counted so far."""
        with self._lock:
            counts = list(self._counts.items())
        told: Counter[_Key] = Counter()
        for key, count in counts:  # costs too much where a plan is dropped
            told[key._replace(shape=shown(key.shape))] += count
        lines = [
            Line(key.shape, n, key.reason, key.database, key.role, key.refusal)
            for key, n in told.items()
        ]
        lines.sort(key=lambda line: (not line.refusal, -line.count, line.shape))
        return Report(tuple(lines))

    def clear(self) -> None:
        """Begin anew; in a forked child, too: the parent reports its own."""
        self._lock = threading.Lock()
        self._counts = {}
        self._refusals = {}

    def _count(self, key: _Key, count: int = 1) -> None:
        with self._lock:
            if key not in self._counts and len(self._counts) >= _MOST_LINES:
                key = key._replace(shape=_REST, reason="")
            self._counts[key] = self._counts.get(key, 0) + count


# Of this process: what shadows have counted, and what plans had that are forgotten.
TALLY = Tally()
os.register_at_fork(after_in_child=TALLY.clear)


def replica_shares(roles: Mapping[RoleOf, int]) -> dict[str, float]:
    """Return which part of each database's statements, counted in `roles`, went to
    replicas."""
    counts: dict[str, list[int]] = {}
    for (database, role), count in roles.items():
        found = counts.setdefault(database, [0, 0])
        found[role is Role.WRITER] += count
    return {name: found[0] / (sum(found) or 1) for name, found in counts.items()}


def shown(shape: str) -> str:
    """Return the shape of a text for people: no literal, lists cut short."""
    if shape.startswith(FAULT):
        return f"(cannot be read: {shape.removeprefix(FAULT)})"
    return _ROWS.sub(r"\1, …", _LIST.sub(r"\1, …", _LITERAL.sub("?", shape)))


def _why(route: Route) -> str:
    """Return why it takes this role, and how its shard is found, without numbers."""
    shards = [_SHARDS[reason] for reason, _ in route.reasons if reason in _SHARDS]
    return "; ".join([*shards, route.reasons[-1][1]])


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total if total else 0:.1%})"


def _row(line: Line) -> tuple[str, str, str, str, str]:
    role = line.refusal or (line.role.value if line.role is not None else "")
    shape = line.shape
    if len(shape) > _WIDEST:
        shape = f"{shape[: _WIDEST - 1]}…"
    return str(line.count), line.database or "refused", role, line.reason, shape


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    count, *words = row
    cells = [count.rjust(widths[0])]
    cells += [w.ljust(n) for w, n in zip(words, widths[1:], strict=False)]
    return "  ".join([*cells, words[-1]])
