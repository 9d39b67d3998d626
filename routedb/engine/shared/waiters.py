"""Threads that wait until something is so, and are woken when it may be.

A condition of the threading module is entered and left by Python's code, where a
signal handler may raise: the lock is lost then, or released twice. Here a waiter holds
nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Waiters:
    """Who waits for one kind of news. The `lock` is for those who bring them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._turns: dict[threading.Lock, bool] = {}  # locked; whose they are waits

    def wait(self, is_due: Callable[[], bool], timeout_s: float) -> None:
        """Wait until `wake`, for `timeout_s` seconds at most; not when `is_due()`
        already: what it looks at is changed before `wake` is called."""
        turn = threading.Lock()
        turn.acquire()
        try:
            self._turns[turn] = True
            if not is_due():
                turn.acquire(timeout=timeout_s)
        finally:
            self._turns.pop(turn, None)

    def wake(self) -> None:
        """Let all go on."""
        for turn in list(self._turns):
            if self._turns.pop(turn, False):  # else another thread has
                turn.release()
