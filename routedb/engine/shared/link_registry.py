"""The open links of a runtime: who must be told when a node hangs.

A statement that waits for a node which says nothing more would wait for ever. The
monitor finds such a node out, over links of its own, and its verdict ends the links
that the roll has. What then becomes of a statement is the recovery table's to say, as
for every other lost link.
"""

from __future__ import annotations

import threading
from weakref import WeakSet

from routedb.engine.links.link import Link


class LinkRegistry:
    """The links that live, held weakly; touched when one opens only.

    One that was closed leaves with its last holder: closing does not end a statement
    that another thread still waits for, and that may hang.
    """

    def __init__(self) -> None:
        self._links: WeakSet[Link] = WeakSet()
        # Re-entrant: a connection that is collected inside it closes its links.
        self._lock = threading.RLock()

    def add(self, link: Link) -> None:
        """Take note of a link that has opened."""
        with self._lock:
            self._links.add(link)

    def interrupt_all(self) -> None:
        """End whatever still waits on a link to a server: its runtime closes."""
        with self._lock:
            for link in list(self._links):
                if link.adapter.is_remote:
                    link.interrupt()

    def give_up(self, node: int, since: float, silence_s: float) -> None:
        """End the links to a node that has answered nothing `since` then.

        Not those that were opened later: then it did answer.
        """
        with self._lock:
            for link in list(self._links):
                if link.id == node and link.opened_at <= since:
                    link.give_up(silence_s)
                    self._links.discard(link)
