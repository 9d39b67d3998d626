"""PEP 249's type objects and constructors, the same for every driver, and the types of
its methods' arguments and results."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

apilevel = "2.0"
# Threads may share the module and connections, not cursors. A driver whose connections
# cannot be shared (mysqlclient) is called under its link's own lock.
threadsafety = 2
paramstyle = "pyformat"


class Composable(Protocol):
    """A composed statement, such as those of `psycopg2.sql`."""

    def as_string(self, context: Any) -> str:
        """Return the text, quoted as the connection or cursor `context` needs it."""


Query = str | bytes | bytearray | Composable
Params = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]

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
    """Equal to every `description[i][1]` of its kind, of any driver (PEP 249).

    `name` is for its `repr`, `codes` are the type codes of all drivers.
    """

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


# The codes of psycopg2 are type oids (pg_type.dat), those of mysqlclient field types
# (MySQL's enum_field_types): 0 to 16 and 245 to 255. No oid of a type below falls into
# those ranges, so one set serves both. sqlite3 gives no codes.
STRING = TypeObject("STRING", (18, 19, 25, 1042, 1043, 15, 247, 248, 253, 254))
BINARY = TypeObject("BINARY", (17, 249, 250, 251, 252))
NUMBER = TypeObject(
    "NUMBER", (20, 21, 23, 700, 701, 1700, 0, 1, 2, 3, 4, 5, 8, 9, 13, 246)
)
DATETIME = TypeObject(
    "DATETIME", (704, 1082, 1083, 1114, 1184, 1186, 1266, 7, 10, 11, 12, 14)
)
ROWID = TypeObject("ROWID", (26,))
