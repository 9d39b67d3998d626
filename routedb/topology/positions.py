"""Points in a write history, and whether one is certainly at or beyond another.

A server reports its position; positions are only comparable within one history. A
PostgreSQL promotion begins a new timeline, and a WAL position of the old one proves
nothing about the new. A MariaDB GTID counts per domain, and after a failover two
servers may have counted on from the same number. MySQL's GTID sets name every
transaction by the server that made it, so they compare whatever happened.

`covers` is True only when it is certain that a node at this position has all that the
other position stands for. What is not comparable is not covered: the writer answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

_PAGE = 8192  # XLOG_BLCKSZ as every build has it
_SHORT_HEADER = 24  # of a WAL page, and of the first page of a segment
_LONG_HEADER = 40
_SMALLEST_SEGMENT = 1 << 20


class Position(Protocol):
    """A point in a group's write history."""

    def covers(self, other: Any) -> bool:
        """Tell whether a node here certainly has all that `other` stands for."""


class WalPosition(NamedTuple):
    """A WAL position of PostgreSQL, on one timeline."""

    timeline: int
    lsn: int

    def covers(self, other: Any) -> bool:
        """Tell whether this is at or beyond `other`, on the same timeline."""
        return (
            type(other) is WalPosition
            and self.timeline == other.timeline
            and self.lsn >= other.lsn
        )

    def __str__(self) -> str:
        return f"{self.lsn >> 32:X}/{self.lsn & 0xFFFFFFFF:08X}@{self.timeline}"


@dataclass(frozen=True, slots=True)
class GtidPosition:
    """MariaDB's: the last transaction of each domain, `domain -> (server, sequence)`.

    Two servers number on from the same transaction when one is promoted and the other
    is not stopped, so a sequence only counts within what one server has numbered.
    """

    last: Mapping[int, tuple[int, int]]

    def covers(self, other: Any) -> bool:
        """Tell whether every domain of `other` is at or beyond, numbered by the same
        server."""
        return type(other) is GtidPosition and all(
            self._reaches(domain, server, number)
            for domain, (server, number) in other.last.items()
        )

    def _reaches(self, domain: int, server: int, number: int) -> bool:
        own_server, own_number = self.last.get(domain, (server, -1))
        return own_server == server and own_number >= number

    def __str__(self) -> str:
        return ",".join(f"{d}-{s}-{n}" for d, (s, n) in sorted(self.last.items()))


Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class GtidSet:
    """MySQL's: which transactions of each server, `uuid -> ranges, both ends in`."""

    ranges: Mapping[str, Ranges]

    def covers(self, other: Any) -> bool:
        """Tell whether every transaction of `other` is among these."""
        return type(other) is GtidSet and all(
            _contains(self.ranges.get(source, ()), ranges)
            for source, ranges in other.ranges.items()
        )

    def __str__(self) -> str:
        return ",".join(
            ":".join([source, *(f"{a}-{b}" for a, b in ranges)])
            for source, ranges in sorted(self.ranges.items())
        )


def _contains(outer: Ranges, inner: Ranges) -> bool:
    return all(any(a <= c and d <= b for a, b in outer) for c, d in inner)


_WAL = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_GTID = re.compile(r"(\d+)-(\d+)-(\d+)")
_SOURCE = re.compile(r"([0-9A-Fa-f-]{32,36})((?::\d+(?:-\d+)?)+)")


def read_position(
    dialect: str, text: str | None, history: str | None
) -> Position | None:
    """Return the position in `text`, as a server of `dialect` prints it.

    None when it printed none. `history` is the timeline on PostgreSQL, and not used
    for other dialects.
    """
    if text is None:
        return None
    if dialect == "postgresql":
        return _read_wal(text, history)
    if dialect == "mysql":
        return read_gtids(text)
    return None


def _read_wal(text: str, history: str | None) -> WalPosition | None:
    found = _WAL.fullmatch(text)
    if found is None or history is None or not history.isdecimal():
        return None
    lsn = int(found[1], 16) << 32 | int(found[2], 16)
    return WalPosition(int(history), _before_header(lsn))


def _before_header(lsn: int) -> int:
    """Return the end of the last record, where `lsn` is where the next may begin.

    They differ when the record filled its page: then the writer reports the place
    behind the next page's header, and a replica that has replayed all, the page's.
    """
    offset = lsn % _PAGE
    is_first = (lsn - offset) % _SMALLEST_SEGMENT == 0
    if offset == _SHORT_HEADER or (offset == _LONG_HEADER and is_first):
        return lsn - offset
    return lsn


def read_gtids(text: str) -> GtidPosition | GtidSet | None:
    """Read MariaDB's `domain-server-number,…` or MySQL's `uuid:1-5:7,…`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        return None
    gtids = [_GTID.fullmatch(part) for part in parts]
    if all(gtids):
        numbers = [tuple(map(int, found.groups())) for found in gtids if found]
        return GtidPosition({domain: (s, n) for domain, s, n in numbers})
    sources = [_SOURCE.fullmatch(part) for part in parts]
    if not all(sources):
        return None
    return GtidSet({found[1].lower(): _ranges(found[2]) for found in sources if found})


def _ranges(text: str) -> Ranges:
    pairs = (part.partition("-") for part in text.strip(":").split(":"))
    return tuple((int(first), int(last or first)) for first, _, last in pairs)
