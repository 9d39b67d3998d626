"""Tells observers every few minutes which share of the statements replicas have run.

It is called with what the monitor publishes, since that comes from threads of our own,
and as long as anybody is connected: the statements themselves pay nothing for it.
"""

from __future__ import annotations

import os
import threading
from collections import Counter

from routedb.engine.plans.tally import RoleOf
from routedb.engine.shared.core import Core
from routedb.events import ReplicaShare
from routedb.observers import OBSERVERS
from routedb.topology.snapshot import Role
from routedb.topology.update import Event

FIRST_S = 60.0  # a program that has just begun is to be seen soon
EVERY_S = 600.0


class ShareNews:
    """Publishes news of nodes in `core`, and counts its statements meanwhile."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._databases = [
            name
            for name, database in core.config.databases.items()
            if not all(group.is_single for group in database.groups)
        ]
        self._begin()

    def _begin(self) -> None:
        """In a forked child, too: it counts anew, and a thread may hold the lock."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._since = self._core.clock()
        self._due = self._since + FIRST_S
        self._told: Counter[RoleOf] = Counter()

    def publish(self, event: Event) -> None:
        """Publish `event`, and tell of the statements when it is time."""
        self._core.publish(event)
        if self._pid != os.getpid():
            self._begin()
        if self._core.clock() >= self._due:
            with self._lock:
                self._tell(self._core.clock())

    def _tell(self, now: float) -> None:
        if now < self._due:  # another thread was first
            return
        seconds, self._since, self._due = now - self._since, now, now + EVERY_S
        before, self._told = self._told, roles_of(self._core)
        if any(self._told[each] < count for each, count in before.items()):
            before = Counter()  # counted anew: the rules were replaced
        for name in self._databases:
            replicas, writers = (
                self._told[name, role] - before[name, role]
                for role in (Role.REPLICA, Role.WRITER)
            )
            if replicas + writers:
                OBSERVERS.emit(ReplicaShare(name, replicas, writers, seconds))


def roles_of(core: Core) -> Counter[RoleOf]:
    """Return how many statements of `core` went to each database in each role, by the
    rules in force."""
    return sum((cache.roles() for cache in core.plan_caches), Counter())
