"""A runtime's part in watching nodes: keep the snapshot, and wait for news."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from routedb.monitor import Monitor
from routedb.topology import Limits, initial, update


class Board:
    """What a runtime does with the events of its monitor."""

    def __init__(self, config):
        self.limits = Limits.of(config)
        self.snapshot = initial(config)
        self.news = threading.Condition()
        self.heard = []

    def publish(self, event):
        with self.news:
            self.heard.append(event)
            self.snapshot = update(self.snapshot, event, time.monotonic(), self.limits)
            self.news.notify_all()

    def wait_for(self, is_so, timeout_s=10.0):
        with self.news:
            assert self.news.wait_for(is_so, timeout_s), self.snapshot

    @property
    def group(self):
        """The only group of the cluster, as it is now."""
        return self.snapshot.groups[0]

    def state(self, node):
        return self.group.nodes[node].state


@contextmanager
def watching(config, adapter_for):
    """A started monitor over a cluster, as (monitor, board)."""
    board = Board(config)
    monitor = Monitor(config, adapter_for, board.publish, lambda: board.snapshot)
    monitor.start()
    try:
        yield monitor, board
    finally:
        monitor.stop()
