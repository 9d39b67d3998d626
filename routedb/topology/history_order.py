"""Which of two claims to be the writer has the newer history, where that is provable.

PostgreSQL: every promotion takes a higher timeline than it has seen, so the higher
number is the newer history, and equal numbers prove nothing.

MySQL and MariaDB: the node that has all GTIDs of the other, and more. *More* means
GTIDs that the other has not written itself. The two were asked at different moments,
and what the other writes meanwhile reaches a node that was its replica a moment ago:
that does not prove which came later. Equal or diverged: nothing is proven.

SQLite has no history.
"""

from __future__ import annotations

from typing import Protocol

from routedb.topology.gtid import read_extent
from routedb.topology.snapshot import Answer


class HistoryOrder(Protocol):
    """How the histories of one kind of server compare. All answers are of probes."""

    is_total: bool  # of any two histories, one is provably the later

    def history_of(self, answer: Answer) -> str | None:
        """Return what to remember of a writer that answered so."""

    def is_newer(self, one: Answer, other: Answer) -> bool:
        """Tell whether `one`, a writer, is provably ahead of `other`, a writer."""

    def may_continue(self, answer: Answer, remembered: str) -> bool:
        """Tell whether `answer` may be as new as `remembered`, the history of another
        node that was the writer: False only when it is provably older."""


class TimelineOrder:
    """PostgreSQL's."""

    is_total = True

    def history_of(self, answer: Answer) -> str | None:
        """The timeline."""
        return None if _timeline(answer) is None else answer.history

    def is_newer(self, one: Answer, other: Answer) -> bool:
        """The higher number."""
        ours, theirs = _timeline(one), _timeline(other)
        return ours is not None and theirs is not None and ours > theirs

    def may_continue(self, answer: Answer, remembered: str) -> bool:
        """An old writer that returns has a lower number."""
        timeline = _timeline(answer)
        return timeline is None or timeline >= int(remembered)


class GtidOrder:
    """MySQL's and MariaDB's."""

    is_total = False

    def history_of(self, answer: Answer) -> str | None:
        """All its GTIDs."""
        return answer.extent

    def is_newer(self, one: Answer, other: Answer) -> bool:
        """`one` has all GTIDs of `other`, and some that `other` did not write."""
        ours, theirs = read_extent(one.extent), read_extent(other.extent)
        if ours is None or theirs is None or other.origin is None:
            return False
        more = ours.without(other.origin)
        return ours.contains(theirs) and not theirs.contains(more)

    def may_continue(self, answer: Answer, remembered: str) -> bool:
        """An old writer that returns lacks what was written since."""
        extent = read_extent(answer.extent)
        return extent is not None and extent.contains(read_extent(remembered))


class NoOrder:
    """SQLite's."""

    is_total = False

    def history_of(self, answer: Answer) -> str | None:
        """Nothing to remember."""
        return None

    def is_newer(self, one: Answer, other: Answer) -> bool:
        """Nothing is provable."""
        return False

    def may_continue(self, answer: Answer, remembered: str) -> bool:
        """Nothing is provable, so nothing is excluded."""
        return True


HISTORY_ORDERS: dict[str, HistoryOrder] = {
    "postgresql": TimelineOrder(),
    "mysql": GtidOrder(),
    "sqlite": NoOrder(),
}


def _timeline(answer: Answer) -> int | None:
    history = answer.history
    return int(history) if history is not None and history.isdecimal() else None
