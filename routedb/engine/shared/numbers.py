"""Numbers that the connections of one configuration draw, each another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from routedb import errors


def _none() -> int:
    raise errors.NotSupportedError("no runtime makes keys for these connections")


class Numbers:
    """Where each connection begins among replicas, and the keys of rows that a table
    rule fills in."""

    def __init__(self) -> None:
        self.starts = count()
        self.next_id: Callable[[], int] = _none  # the runtime's
