"""Which runtimes of this process reach the same servers, and what they wrote there.

Under `consistency = "process"` a connection reads what any connection of its process
has written, also one of another `Cluster`, or of other options: a runtime belongs to a
configuration, a write to a server. Servers are the same when their address is, or what
they say of themselves: PostgreSQL's system identifier, MariaDB's and MySQL's server and
GTID domain. Two that are taken for one cost a read on a replica, no more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

from routedb.config.dsn import parse_dsn
from routedb.config.label import label_of
from routedb.config.model import NodeConfig
from routedb.topology.snapshot import Snapshot

Key = tuple[str, ...]


class Writer(Protocol):
    """What this module needs of a runtime's core."""

    nodes: Sequence[NodeConfig]
    topology: Snapshot

    def take_write(self, group: int) -> None:
        """Take note that another runtime of this process has written to `group`."""


class ProcessWrites:
    """The runtimes of this process, and the servers that one of them has written to."""

    def __init__(self) -> None:
        self._writers: WeakSet[Writer] = WeakSet()
        self._written: set[Key] = set()
        # By runtime: the groups that are in there, while nobody else is to be told.
        self._noted: WeakKeyDictionary[Writer, set[int]] = WeakKeyDictionary()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def forget(self) -> None:
        """Forget what was written, where servers of a test have the names of others."""
        with self._lock:
            self._written.clear()
            self._noted.clear()

    def _begin(self) -> None:
        """In a forked child, too: no thread that is not here may hold the lock."""
        self._lock = threading.RLock()

    def join(self, writer: Writer) -> None:
        """Tell `writer` of other runtimes' writes, from now on and before."""
        with self._lock:
            self._writers.add(writer)
            self._noted.clear()
            for group in range(len(writer.topology.groups)):
                if not self._written.isdisjoint(_keys(writer, group)):
                    writer.take_write(group)

    def note(self, writer: Writer, group: int) -> None:
        """Tell all others that `writer` has written to its `group`."""
        noted = self._noted.get(writer)
        if noted is not None and group in noted:
            return  # it is alone
        keys = set(_keys(writer, group))
        with self._lock:
            self._written |= keys
            others = [other for other in self._writers if other is not writer]
            if not others:
                self._noted.setdefault(writer, set()).add(group)
        for other in others:
            for theirs in range(len(other.topology.groups)):
                if not keys.isdisjoint(_keys(other, theirs)):
                    other.take_write(theirs)


def _keys(writer: Writer, group: int) -> Iterator[Key]:
    for view in writer.topology.groups[group].nodes:
        label, node = label_of(writer.nodes[view.id]), writer.nodes[view.id]
        name = label.host or _name_in(node.dsn)
        yield (label.system, name, str(label.port))
        answer = view.answer
        if answer is not None and answer.system is not None:
            yield (label.system, "system", answer.system)
        elif answer is not None and answer.origin is not None:
            yield (label.system, "origin", answer.origin, answer.history or "")


@lru_cache(4096)
def _name_in(dsn: str) -> str:
    """Return what a DSN without a host connects to: a file, a service."""
    where = parse_dsn(dsn).where
    return str(where.get("name") or where.get("service") or "")


PROCESS_WRITES = ProcessWrites()
