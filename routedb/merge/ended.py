"""What other threads have done with, for the one that waits for it.

To wake a thread, only for it to wait again, costs more than a short statement. So where
all that is under way is known to be short, the one that waits is woken once: by the
last of them, or by the first that cannot wait.
"""

from __future__ import annotations

import queue
from collections import deque
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ended(Generic[Item]):
    """The items that have ended, in that order. One thread gets them, any may put."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._put = count(1)
        self._together = 0

    def expect(self, together: int) -> None:
        """Have the first so many items wake whoever waits as one; 0: each does."""
        self._together = together

    def put(self, item: Item, is_urgent: bool) -> None:
        """Add an item; one that `is_urgent` wakes whoever waits in any case."""
        # In this order: who has just been told to expect nothing looks for items last.
        self._items.append(item)
        if next(self._put) >= self._together or is_urgent:
            self._wakes.put(None)

    def get(self, timeout: float | None = None) -> Item:
        """Return the next item, once there is one. Raises queue.Empty when no item has
        woken this thread for `timeout` seconds."""
        while not self._items:
            self._wakes.get(timeout=timeout)  # by what may have been got already
        return self._items.popleft()
