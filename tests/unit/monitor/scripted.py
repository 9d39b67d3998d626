"""A server farm in memory: what each node answers is set by the test, at any time."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from routedb.errors import Fault
from routedb.topology import Answer, Role

WRITER = Answer(Role.WRITER)
REPLICA = Answer(Role.REPLICA, lag_s=0.0)


class Refused(Exception):
    """No link could be opened."""


class Reset(Exception):
    """The link is gone."""


class Stranger(Exception):
    """The node is there and does not let this user in."""


class Raw:
    """One link to a node of the farm."""

    def __init__(self, node):
        self.node = node
        self.is_cut = threading.Event()
        self.fate = "open"


FAULTS = {Refused: Fault.REFUSED, Stranger: Fault.STATEMENT}


class Farm:
    """An adapter: the part of it that the monitor uses.

    `says[name]` is an Answer, an exception to raise, or None for a node that hangs
    until its link is cut. `refuses` are names of nodes that open no link.
    """

    def __init__(self, says):
        self.says = says
        self.refuses = {}
        self.links = []
        self.asked: Counter[str] = Counter()
        self.hung = threading.Semaphore(0)  # released when a probe begins to hang

    def connect(self, node, timeout_s):
        if node.name in self.refuses:
            raise self.refuses[node.name]
        self.links.append(Raw(node.name))
        return self.links[-1]

    def connect_apart(self, node, timeout_s):
        return self.connect(node, timeout_s)

    def probe(self, raw):
        self.asked[raw.node] += 1
        said = self.says[raw.node]
        if said is None:
            self.hung.release()
            raw.is_cut.wait(30)
            said = Reset("cut")
        if isinstance(said, Exception):
            raise said
        if raw.is_cut.is_set():
            raise Reset("cut")
        return said

    def is_alive(self, raw):
        return raw.fate == "open"

    def close(self, raw):
        raw.fate = "closed"

    def abandon(self, raw):
        raw.fate = "abandoned"

    def interrupt(self, raw):
        raw.is_cut.set()

    def fault(self, exc, raw):
        return FAULTS.get(type(exc), Fault.LINK_LOST)

    def fates(self, node):
        return [raw.fate for raw in self.links if raw.node == node]


def farm_of(says) -> Any:
    """A farm of these nodes, as an adapter of which only a part is there."""
    return Farm(says)
