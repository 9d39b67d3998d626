"""What the fragments of one statement have done: who, for how long, with how much.

`bytes` are the lengths of the values as text, without what protocols and Python's
objects add. Where rows do not come as lines of text it is an estimate, by at most so
many rows that lie evenly among all; the rest is taken to be as they are. To look at
each value would cost as much as to fetch it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from sys import getsizeof
from typing import Any

from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.events import MergeProgress
from routedb.merge.limits import Bounds, bounds_of, bounds_of_one
from routedb.planner import GroupsPlan
from routedb.routing.route import FragmentRun
from routedb.topology.snapshot import Role

COMING = -1  # the number of what is not known yet to be of which fragment
_SAMPLED_ROWS = 16
_SHORT = 8  # of a number, a date: what most of them take as text


class Pace:
    """How long the longest part of a statement took when it ran last, in seconds."""

    __slots__ = ("took_s",)

    def __init__(self) -> None:
        self.took_s = inf  # it has not run


class Measures:
    """What is known of the fragments so far; any thread may add to it, each its own.

    `bounds` are told of what comes, and may refuse it; `clock` is in seconds.
    `progress` is called, by the program's thread, when a group is asked and when it has
    answered. `pace` is that of the text, kept from one run to the next.
    """

    def __init__(
        self,
        bounds: Bounds,
        clock: Callable[[], float],
        progress: Callable[[MergeProgress], object] | None,
        pace: Pace,
    ) -> None:
        self.bounds = bounds
        self.pace = pace
        self._clock = clock
        self._progress = progress
        self._began = clock()
        self._asked = self._answered = 0
        self._sent: dict[tuple[int, int], tuple[Link, str, float]] = {}
        self._came: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def is_watched(self) -> bool:
        """Tell whether the program is told of each group that has answered."""
        return self._progress is not None

    def begin(self, numbers: Sequence[int], link: Link) -> float:
        """Take note that the fragments of these `numbers` are sent to `link` now, as
        one statement; return when that is.

        They count as if they had run once when they are run again for the same group.
        """
        group = link.node.group
        for number in numbers:
            self._came.pop((number, group), None)
        return self._clock()

    def end(
        self, numbers: Sequence[int], link: Link, texts: Sequence[str], began: float
    ) -> float:
        """Take note that the fragments of these `numbers`, which are these `texts`,
        have ended on `link`, which `began` then; return how long they took."""
        took = self._clock() - began
        for number, sql in zip(numbers, texts, strict=True):
            self._sent[number, link.node.group] = (link, sql, took)
        return took

    def took(self, number: int, link: Link, rows: Sequence[Any]) -> None:
        """Take note of the `rows` of the fragment of this `number`, from `link`. Raises
        NotMerged where they are more than is allowed."""
        self.count(number, link, len(rows), estimate(rows))

    def count(self, number: int, link: Link, rows: int, size: int) -> None:
        """Take note of so many `rows`, of `size` bytes, of the fragment of this
        `number`, from `link`; they may be what has come so far."""
        self._came[number, link.node.group] = (rows, size)
        self.bounds.check_size(*self._total())

    def advance(self, asked: int, answered: int) -> None:
        """So many more groups are asked, and so many more have answered. Raises what
        the program's callback raises."""
        self._asked += asked
        self._answered += answered
        if self._progress is not None:
            rows, size = self._total()
            took = self._clock() - self._began
            self._progress(MergeProgress(self._asked, self._answered, rows, size, took))

    def _total(self) -> tuple[int, int]:
        """Return how many rows have come of all, and how many bytes."""
        rows = size = 0
        for count, its_size in list(self._came.values()):  # others may add to it
            rows += count
            size += its_size
        return rows, size

    def forget(self, number: int, link: Link) -> None:
        """Take no more note of what came of the fragment of this `number`, from
        `link`."""
        self._came.pop((number, link.node.group), None)

    def runs(self, core: Core) -> tuple[FragmentRun, ...]:
        """Return what each fragment did on each of its groups, in their order; `core`
        knows the groups."""
        found = []
        for key, (link, sql, seconds) in sorted(self._sent.items(), key=_place):
            is_writer = core.topology.groups[key[1]].writer == link.id
            found.append(
                FragmentRun(
                    key[0],
                    link.node.database,
                    core.groups[key[1]].shard or 0,
                    link.node.name,
                    Role.WRITER if is_writer else Role.REPLICA,
                    sql,
                    *self._came.get(key, (0, 0)),
                    seconds,
                )
            )
        return tuple(found)

    @property
    def origin(self) -> NodeConfig | None:
        """The node that all rows came from; None where there were several."""
        nodes = {link.node.id: link.node for link, _, _ in self._sent.values()}
        return nodes.popitem()[1] if len(nodes) == 1 else None


def measures_of(
    session: Session, made: GroupsPlan, pace: Pace | None = None
) -> Measures:
    """Return the measures of a statement in `session`, which runs the plan `made`, with
    the limits of the databases that it reads; its `pace`, where that is kept."""
    core = session.core
    names = {fragment.database for fragment in made.fragments}
    known = core.config.databases
    if len(names) == 1 and not session.merge_limits:
        bounds = bounds_of_one(known[names.pop()])
    else:
        bounds = bounds_of(session, [known[name] for name in sorted(names)])
    return Measures(bounds, core.clock, session.merge_progress, pace or Pace())


def _place(sent: tuple[tuple[int, int], object]) -> tuple[int, int]:
    return sent[0]


def estimate(rows: Sequence[Any]) -> int:
    """Return about how many bytes the values of `rows` are as text."""
    if not rows:
        return 0
    if len(rows) == 1:
        return _size_of_row(rows[0])
    step = max(1, len(rows) // _SAMPLED_ROWS)
    sample = rows[::step][:_SAMPLED_ROWS]
    return sum(map(_size_of_row, sample)) * len(rows) // len(sample)


def _size_of_row(row: Any) -> int:
    if type(row) is tuple:
        return sum(map(_size, row))
    if isinstance(row, Mapping):
        return sum(map(_size, row.values()))
    if isinstance(row, Sequence) and not isinstance(row, str | bytes):
        return sum(map(_size, row))
    return getsizeof(row)  # whatever the program makes of rows


def _size(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(value, memoryview):
        return value.nbytes
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return _SHORT
