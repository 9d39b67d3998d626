"""Whether snapshots of several groups show the same transactions over several groups.

Each such transaction is somebody's: of a *coordinator*, who commits one after another
and counts them. In each group that it has written to a coordinator has one row, and
that holds, for every other group, the number of the last transaction that both took
part in. The row is written in the transaction itself, so that a snapshot that shows the
one shows the other: what is prepared, or was rolled back, is in neither.

A coordinator begins its next transaction once the last one is committed everywhere. So
in every group its transactions become visible in the order of their numbers, and of
those that two groups share a snapshot shows the first few. Where the rows name the same
number for one another, these are the same, and nothing is torn; where they do not, one
snapshot shows a transaction that the other does not. No other comparison is needed, and
none is too many: transactions with groups that nobody looks at change nothing in it.

A coordinator that does not know that its last transaction is committed everywhere never
comes back under the same name. What it left prepared is told by its row, until that is
recovered, however long it takes.

Rows of coordinators that are gone are deleted, one group after another, so a row that
is not there must mean something else then than "not yet". Such rows are marked as *old*
first, in all of their groups. Who marks has seen that they agree, and again a while
later: from the first of these on every snapshot shows the transaction everywhere.
Beside an old row one that is missing is a row that was deleted, if no snapshot is older
than that while (`LONGEST_S`).

Nothing but this file says what a row means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LONGEST_S = 10.0  # that may lie between the first and the last snapshot of a read
SEEN_TWICE_S = 3_000.0  # between the two looks of who marks rows as old
_IDLE_S = 600.0  # a name that was not used for so long is never used again
_SNAPSHOT_S = 60.0  # a transaction with one snapshot takes names unused for so long


class Row(NamedTuple):
    """A coordinator's row in one group: `counts` by the other groups."""

    counts: Mapping[str, int]
    is_old: bool = False


Rows = Mapping[str, Row]  # of one group, by the names of coordinators


class Torn(NamedTuple):
    """`ahead` shows a transaction of `coordinator` that `behind` does not."""

    coordinator: str
    ahead: str
    behind: str


def torn(seen: Mapping[str, Rows]) -> list[Torn]:
    """Return where the snapshots of groups disagree; `seen` are the rows by group."""
    found = set()
    for group, rows in seen.items():
        for name, row in rows.items():
            for other, count in row.counts.items():
                there = seen.get(other)
                if there is None:  # nobody looks at it
                    continue
                beside = there.get(name)
                if beside is None:
                    if not row.is_old:
                        found.add(Torn(name, group, other))
                    continue
                its = beside.counts.get(group, 0)
                if its != count:
                    pair = (group, other) if count > its else (other, group)
                    found.add(Torn(name, *pair))
    return sorted(found)


def text_of(counts: Mapping[str, int]) -> str:
    """Return the text of a row's counts."""
    return " ".join(f"{group}:{count}" for group, count in sorted(counts.items()))


def row_of(text: str, is_old: bool = False) -> Row:
    """Return the row of the `text` that `text_of` has made; `is_old` is its mark."""
    pairs = (each.split(":") for each in text.split())
    return Row({group: int(count) for group, count in pairs}, is_old)


class Coordinator:
    """The counts of one coordinator, who is called `name`, as they are committed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.freed_at = 0.0
        self._last = 0
        self._counts: dict[str, dict[str, int]] = {}

    def count(self, groups: Iterable[str]) -> dict[str, str]:
        """Count a transaction over these `groups`; return the text for each of them.
        It is not in force until `keep` is called."""
        self._last += 1
        taking = list(groups)
        return {
            group: text_of(
                {
                    **self._counts.get(group, {}),
                    **{other: self._last for other in taking if other != group},
                }
            )
            for group in taking
        }

    def keep(self, texts: Mapping[str, str]) -> None:
        """Take note that the transaction with these `texts` is committed everywhere."""
        for group, text in texts.items():
            self._counts[group] = dict(row_of(text).counts)


class Coordinators:
    """Those of a process that are free. Not safe for threads: its owner is."""

    def __init__(self) -> None:
        self._free: list[Coordinator] = []  # the last one that was used at the end

    def borrow(self, now: float, has_snapshot: bool) -> Coordinator | None:
        """Return one that is free `now`; None: a new one is needed.

        `has_snapshot`: the transaction has one snapshot from its beginning on. A row
        that was written since would fail it, so it gets one that has rested.
        """
        self._free = [each for each in self._free if now - each.freed_at < _IDLE_S]
        if not self._free:
            return None
        if not has_snapshot:
            return self._free.pop()
        rested = now - self._free[0].freed_at >= _SNAPSHOT_S
        return self._free.pop(0) if rested else None

    def give(self, coordinator: Coordinator, now: float) -> None:
        """Take back `coordinator`, whose last transaction is over everywhere `now`."""
        coordinator.freed_at = now
        self._free.append(coordinator)


class OldRows:
    """Which coordinators' rows are to be marked and deleted, over all rounds of one
    who does that."""

    def __init__(self) -> None:
        # By coordinator: its rows as they were first seen, and when.
        self._known: dict[str, tuple[dict[str, Row], float]] = {}

    def look(self, seen: Mapping[str, Rows], now: float) -> dict[str, dict[str, Row]]:
        """Look `now` at the rows of all groups, as `seen`, and return those of
        coordinators that are to be deleted, by coordinator and group: marked first, all
        of them, where they are not."""
        by_name: dict[str, dict[str, Row]] = {}
        for group, rows in seen.items():
            for name, row in rows.items():
                by_name.setdefault(name, {})[group] = row
        disagreeing = {each.coordinator for each in torn(seen)}
        found = {}
        known, self._known = self._known, {}
        for name, rows in by_name.items():
            others = {other for row in rows.values() for other in row.counts}
            if name in disagreeing or not others <= seen.keys():
                continue  # nobody may say that it is over
            before = known.get(name)
            if before is None or before[0] != rows:
                before = (rows, now)
            self._known[name] = before
            if now - before[1] >= SEEN_TWICE_S:
                found[name] = rows
        return found
