"""One open driver connection to one node."""

from __future__ import annotations

import threading

from routedb.adapters.base import Adapter, Raw, TxMode
from routedb.config.model import NodeConfig

AUTOCOMMIT = TxMode(autocommit=True)


class Link:
    """A driver connection, `raw`, and what the engine must know of it.

    `generation` is the node's when the link was opened: a fault on an old link says
    nothing about a node that has come back since. `lock` is None when the driver lets
    several threads use one connection.
    """

    __slots__ = (
        "adapter",
        "fresh",
        "generation",
        "id",
        "is_text_begun",
        "lock",
        "mode",
        "node",
        "pins",
        "raw",
        "replayed",
    )

    def __init__(
        self, node: NodeConfig, adapter: Adapter, raw: Raw, generation: int
    ) -> None:
        self.id = node.id
        self.node = node
        self.adapter = adapter
        self.raw = raw
        self.generation = generation
        # What Adapter.connect leaves behind; None when it is not known.
        self.mode: TxMode | None = AUTOCOMMIT
        self.fresh = -1  # the dispatcher's version this link was last brought up to
        self.replayed = -1  # the version of the settings it has
        self.is_text_begun = False  # its transaction was begun by statement
        self.pins: set[str] = set()  # what lives on this link only: temporary tables …
        self.lock = None if adapter.is_concurrent else threading.RLock()

    def set_mode(self, mode: TxMode) -> None:
        """Make later transactions run as `mode` says; costs nothing when they do."""
        if self.mode != mode:
            self.adapter.set_mode(self.raw, mode)
            self.mode = mode

    def is_alive(self) -> bool:
        """Tell whether the link can still be used, once no other thread uses it."""
        if self.lock is None:
            return self.adapter.is_alive(self.raw)
        with self.lock:
            return self.adapter.is_alive(self.raw)

    @property
    def holds_writes(self) -> bool:
        """Tell whether what it has just written waits for a commit: SQLite begins by
        itself before some statements only, and the others last at once."""
        return self.node.engine != "sqlite" or not self.adapter.is_idle(self.raw)

    @property
    def pinned(self) -> str:
        """Name what lives on this link only, for an error."""
        return ", ".join(sorted(self.pins))

    def close(self) -> None:
        """Close the driver's connection. Never raises."""
        self.adapter.close(self.raw)
