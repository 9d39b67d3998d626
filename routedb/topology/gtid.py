"""All the GTIDs a node has, and whether they contain all that another has.

A position says where a node is; an *extent* says what it has passed on the way, and so
it can be compared across a failover.

MySQL names every transaction by the server that made it and lists them all: sets, and
exact. MariaDB lists the last number of every (domain, server) pair. What is provable
from that rests on two guarantees: one server's numbers in a domain only grow,
and a node takes over a domain in the order in which it was written. So a node that has
the last GTID of a domain has all of that domain before it. Where both list the
same pair, the numbers must agree with that too: under `gtid_strict_mode = OFF` two
servers may have written at once.

The extent of MariaDB is read from the binary log and from the replica's position. A
replica without `log_slave_updates` writes what it replays to no binary log, so of what
came before only the replica's position tells: the last GTID of each domain. That is
enough as long as the other node's last GTID in that domain is of the same server.
Otherwise nothing is proven, and what is not proven is not contained.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from routedb.topology.positions import GtidSet, read_gtids


class Extent(Protocol):
    """All that a node has."""

    def contains(self, other: Any) -> bool:
        """Tell whether all that `other` has is certainly here too."""

    def without(self, origin: str) -> Extent:
        """Return this less what the server `origin` has written itself."""


@dataclass(frozen=True, slots=True)
class SetExtent:
    """MySQL's: the set itself."""

    gtids: GtidSet

    def contains(self, other: Any) -> bool:
        """Tell whether `other` is a subset."""
        return type(other) is SetExtent and self.gtids.covers(other.gtids)

    def without(self, origin: str) -> SetExtent:
        """Leave out one source."""
        kept = {s: r for s, r in self.gtids.ranges.items() if s != origin.lower()}
        return SetExtent(GtidSet(kept))


@dataclass(frozen=True, slots=True)
class PairExtent:
    """MariaDB's: `(domain, server) -> last number`."""

    last: Mapping[tuple[int, int], int]

    def contains(self, other: Any) -> bool:
        """Tell whether the end of each of `other`'s domains was passed here."""
        if type(other) is not PairExtent:
            return False
        passed = {
            domain: self._has((domain, server), number)
            for domain, (server, number) in other.ends().items()
        }
        return all(
            self._has(pair, number) if pair in self.last else passed[pair[0]]
            for pair, number in other.last.items()
        )

    def without(self, origin: str) -> PairExtent:
        """Leave out one server, in all domains."""
        kept = {pair: n for pair, n in self.last.items() if str(pair[1]) != origin}
        return PairExtent(kept)

    def ends(self) -> dict[int, tuple[int, int]]:
        """Return the last GTID of each domain: the server and its number."""
        found: dict[int, tuple[int, int]] = {}
        for (domain, server), number in self.last.items():
            if domain not in found or number > found[domain][1]:
                found[domain] = (server, number)
        return found

    def _has(self, pair: tuple[int, int], number: int) -> bool:
        return self.last.get(pair, -1) >= number


_GTID = re.compile(r"(\d+)-(\d+)-(\d+)")


def read_extent(text: str | None) -> Extent | None:
    """Read what a server printed; None when it has no GTIDs, or none we can read."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    found = [_GTID.fullmatch(part) for part in parts]
    if parts and all(found):
        return _pairs(match.groups() for match in found if match)
    gtids = read_gtids(text or "")
    return SetExtent(gtids) if type(gtids) is GtidSet else None


def _pairs(gtids: Iterable[tuple[str, ...]]) -> PairExtent:
    last: dict[tuple[int, int], int] = {}
    for gtid in gtids:
        domain, server, number = map(int, gtid)
        pair = (domain, server)
        last[pair] = max(number, last.get(pair, number))
    return PairExtent(last)
