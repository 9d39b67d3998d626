"""Makes keys, one after another, each greater than the one before."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from routedb import errors
from routedb.numbering.layout import MOST_A_MS, MOST_NODES, put_together

_MOST_BACK_MS = 5_000  # so far ahead of a clock that was set back keys may be


class Borrowed(NamedTuple):
    """A node's number for the time from `from_ms`, without `until_ms`; `now_ms` tells
    the time by the same clock. All are milliseconds of Unix time."""

    node: int
    from_ms: int
    until_ms: int
    now_ms: Callable[[], int]


class Lender(Protocol):
    """What numbers are borrowed from: a `Lease`, or another place that lends none to
    two at a time."""

    def borrow(self, before: Borrowed | None) -> Borrowed:
        """Return a number, the one of `before` for a longer time where that can be."""


class Generator:
    """Makes 64-bit keys that grow with time, and no two alike on all nodes.

    `node` is this process's number among all that make keys, from 0 to 1023, which no
    other process may have at any time; or a `Lease`, which borrows one from a table of
    a database. `clock` returns seconds of Unix time, for a number that is given.

    Threads may share one. So may processes that were forked, when the number is leased:
    the child borrows one of its own; with a number that was given, it is refused there.
    Raises ValueError for a number that is none.
    """

    def __init__(
        self, node: int | Lender, *, clock: Callable[[], float] = time.time
    ) -> None:
        if isinstance(node, int) and not 0 <= node < MOST_NODES:
            raise ValueError(f"node {node} is not between 0 and {MOST_NODES - 1}")
        self._given = node if isinstance(node, int) else None
        self._lender = None if isinstance(node, int) else node
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._borrowed: Borrowed | None = None
        self._last_ms = -1
        self._count = 0  # of those made in that millisecond

    def next(self) -> int:
        """Return the next key.

        Raises OperationalError when the clock was set back by more than five seconds,
        as keys would come again, and what borrowing raises (see `Lease`);
        InterfaceError in a forked child with a number that was given."""
        if self._pid != os.getpid():
            self._forked()
        with self._lock:
            return self._next()

    def take(self, count: int) -> list[int]:
        """Return the next `count` keys, in their order. Raises as `next` does."""
        return [self.next() for _ in range(count)]

    def _forked(self) -> None:
        if self._lender is None:
            raise errors.InterfaceError(
                f"node {self._given} makes keys in the process that was forked: give "
                "each process a number of its own, or use routedb.ids.Lease"
            )
        self._begin()

    def _next(self) -> int:
        node, ms = self._moment()
        if ms > self._last_ms:
            self._last_ms, self._count = ms, 0
        elif self._count == MOST_A_MS:
            return self._after_full(node)
        key = put_together(self._last_ms, node, self._count)
        self._count += 1
        return key

    def _after_full(self, node: int) -> int:
        """The millisecond is used up. The next one comes; where the clock was set back,
        it is not waited for."""
        while True:
            node, ms = self._moment()
            if ms != self._last_ms:
                break
            time.sleep(0.0002)
        self._last_ms, self._count = max(ms, self._last_ms + 1), 1
        return put_together(self._last_ms, node, 0)

    def _moment(self) -> tuple[int, int]:
        """Return whose number it is, and the time."""
        if self._given is None:
            return self._borrowed_moment()
        ms = int(self._clock() * 1000)
        if self._last_ms - ms > _MOST_BACK_MS:
            raise errors.OperationalError(
                f"the clock is {(self._last_ms - ms) / 1000:.1f} s behind the last key "
                f"of node {self._given}: keys would come again; none is made until it "
                "is right"
            )
        return self._given, ms

    def _borrowed_moment(self) -> tuple[int, int]:
        assert self._lender is not None
        borrowed = self._borrowed
        if borrowed is None or borrowed.now_ms() >= borrowed.until_ms:
            borrowed = self._borrowed = self._lender.borrow(borrowed)
        return borrowed.node, max(borrowed.now_ms(), borrowed.from_ms)
