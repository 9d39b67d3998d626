"""The open links of a runtime: who must be told when a node hangs.

A statement that waits for a node which says nothing more would wait for ever. The
monitor finds such a node out, over links of its own, and its verdict ends the links
that the roll has. What then becomes of a statement is the recovery table's to say, as
for every other lost link.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Protocol

from routedb.adapters.base import Adapter
from routedb.adapters.weak_registry import WeakRegistry


class OpenLink(Protocol):
    """What a runtime needs of an open link."""

    @property
    def id(self) -> int:
        """The id of its node."""

    @property
    def adapter(self) -> Adapter:
        """The adapter that opened it."""

    @property
    def generation(self) -> int:
        """The node's generation when it was opened."""

    @property
    def opened_at(self) -> float:
        """When it was opened, on the core's clock."""

    @property
    def used_at(self) -> float:
        """When it last answered a statement, on that clock."""

    @property
    def server(self) -> str | None:
        """The server that it leads to, where it was asked."""

    def unsync(self) -> None:
        """Have it looked at before its next statement."""

    def interrupt(self) -> None:
        """Let whatever waits on it fail now. Never raises."""

    def give_up(self, silence_s: float) -> None:
        """Do so because its node has been silent for `silence_s`. Never raises."""


class LinkRegistry(WeakRegistry[OpenLink]):
    """The links that live, held weakly; touched when one opens only.

    One that was closed leaves with its last holder: closing does not end a statement
    that another thread still waits for, and that may hang.
    """

    def __init__(self) -> None:
        super().__init__()
        # Re-entrant: a connection that is collected inside it closes its links.
        self._lock = threading.RLock()

    def interrupt_all(self) -> None:
        """End whatever still waits on a link to a server: its runtime closes."""
        for link in self.alive():
            if link.adapter.is_remote:
                link.interrupt()

    def give_up(self, node: int, since: float, silence_s: float) -> None:
        """End the links to `node` that were open at `since`, in monotonic seconds: it
        has answered nothing for the `silence_s` after. Not those that were opened
        later: then it did answer."""
        with self._lock:
            for link in self.alive():
                if link.id == node and link.opened_at <= since:
                    self.discard(link)
                    link.give_up(silence_s)

    def used_at(self, nodes: Collection[int]) -> float:
        """Return when a link to one of `nodes`, which are ids, last answered; 0.0: none
        that is open has."""
        return max(
            (link.used_at for link in self.alive() if link.id in nodes), default=0.0
        )

    def unsync_others(self, node: int, server: str | None) -> None:
        """Have those links to `node` looked at that lead to another than `server`."""
        for link in self.alive():
            if link.id == node and link.server not in (None, server):
                link.unsync()
