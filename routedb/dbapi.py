"""PEP 249's type objects and constructors, the same whatever the driver underneath."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Iterable

apilevel = "2.0"
# Threads may share the module and connections. A driver that cannot stand that
# (mysqlclient) is called under its link's own lock; cursors are not for sharing.
threadsafety = 2
paramstyle = "pyformat"

Date = _dt.date
Time = _dt.time
Timestamp = _dt.datetime


def DateFromTicks(ticks: float) -> _dt.date:  # noqa: N802
    """Return the local date of a time in seconds since the epoch."""
    return _dt.date.fromtimestamp(ticks)


def TimeFromTicks(ticks: float) -> _dt.time:  # noqa: N802
    """Return the local time of day of a time in seconds since the epoch."""
    return _dt.datetime.fromtimestamp(ticks).time()


def TimestampFromTicks(ticks: float) -> _dt.datetime:  # noqa: N802
    """Return the local date and time of a time in seconds since the epoch."""
    return _dt.datetime.fromtimestamp(ticks)


Binary = bytes


class TypeObject:
    """Equal to every `description[i][1]` of its kind, of any driver (PEP 249)."""

    def __init__(self, name: str, codes: Iterable[object] = ()) -> None:
        self.name = name
        self.codes = frozenset(codes)

    def __eq__(self, other: object) -> bool:
        return other is self or other in self.codes

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<routedb type {self.name}>"
