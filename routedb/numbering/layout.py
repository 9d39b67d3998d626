"""What is in a key: 41 bits of milliseconds, 10 bits of a node's number, 12 bits of a
count within the millisecond. The 64th bit stays 0: it is a sign to databases."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import NamedTuple

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
EPOCH_MS = int(EPOCH.timestamp() * 1000)

MOST_NODES = 1 << 10
MOST_A_MS = 1 << 12
_MOST_MS = 1 << 41  # until the year 2095


class Parts(NamedTuple):
    """What one key says: when it was made, to the millisecond in UTC, by which node,
    and how many that node had made before in that millisecond."""

    made_at: datetime
    node: int
    number: int


def put_together(ms: int, node: int, count: int) -> int:
    """Return the key of the millisecond `ms` of Unix time, by `node`, which has made
    `count` keys before in it. Raises ValueError for a time that 41 bits do not hold."""
    since = ms - EPOCH_MS
    if not 0 <= since < _MOST_MS:
        raise ValueError(
            f"a clock that says {ms} ms of Unix time is not between {EPOCH:%Y} and 2095"
        )
    return (since << 22) | (node << 12) | count


def parts(key: int) -> Parts:
    """Take a `key` apart. Raises ValueError for a number that is none."""
    if not 0 <= key < 1 << 63:
        raise ValueError(f"{key} is no key: it is not between 0 and 2**63 - 1")
    made_at = EPOCH + timedelta(milliseconds=key >> 22)
    return Parts(made_at, (key >> 12) % MOST_NODES, key % MOST_A_MS)
