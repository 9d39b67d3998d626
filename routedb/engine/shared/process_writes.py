"""Which runtimes of this process reach the same servers, and what they know of them.

Under `consistency = "process"` a connection reads what any connection of its process
has written, also one of another `Cluster`, or of other options: a runtime belongs to a
configuration, a write to a server. Servers are the same when their address is, or what
they say of themselves: PostgreSQL's system identifier, MariaDB's and MySQL's server and
GTID domain. Two that are taken for one cost a read on a replica, no more.

So is an old writer that comes back: which history is the newest, one runtime may have
seen and another not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol
from weakref import ReferenceType, WeakKeyDictionary, WeakSet, ref

from routedb.config.dsn import parse_dsn
from routedb.config.label import label_of
from routedb.config.model import NodeConfig
from routedb.topology.snapshot import Answer, GroupView, Snapshot

Key = tuple[str, ...]
Told = tuple[tuple["ReferenceType[Writer]", int], ...]


class Writer(Protocol):
    """What this module needs of a runtime's core."""

    nodes: Sequence[NodeConfig]
    topology: Snapshot
    # By group written to: the others to tell of each write, and their groups, as long
    # as nobody joins or leaves. What is here need not be noted again.
    noted_writes: dict[int, Told]

    def take_write(self, group: int) -> None:
        """Take note that another runtime of this process has written to `group`."""


class ProcessWrites:
    """The runtimes of this process, and the servers that one of them has written to."""

    def __init__(self) -> None:
        self._writers: WeakSet[Writer] = WeakSet()
        # By the last write to it: writes are numbered as they are noted.
        self._written: dict[Key, int] = {}
        self._told: WeakKeyDictionary[Writer, dict[int, int]] = WeakKeyDictionary()
        self._number = 0
        self._promotions = 0  # how often one of them has seen another node's history
        self._heard: WeakKeyDictionary[Writer, dict[int, int]] = WeakKeyDictionary()
        self._keys: WeakKeyDictionary[Writer, _Keys] = WeakKeyDictionary()
        # When it last joined: what its servers were known by, and the last number.
        self._joined: WeakKeyDictionary[Writer, tuple[tuple[frozenset[Key], ...], int]]
        self._joined = WeakKeyDictionary()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def forget(self) -> None:
        """Forget runtimes and writes, where servers of a test have the names of
        others."""
        with self._lock:
            self._note_anew()
            self._written.clear()
            self._writers.clear()

    def _begin(self) -> None:
        """In a forked child, too: no thread that is not here may hold the lock."""
        self._lock = threading.RLock()

    def join(self, writer: Writer) -> None:
        """Tell `writer` of other runtimes' writes, from now on and before; again when
        it has learnt what its servers say of themselves."""
        with self._lock:
            self._note_anew()
            self._writers.add(writer)
            told, after = self._told.setdefault(writer, {}), self._keys_of(writer)
            before, number = self._joined.get(writer, (after, self._number))
            self._joined[writer] = (after, self._number)
            for group, keys in enumerate(after):
                last = self._last(keys)
                # Of a write noted since then without `writer`, later ones may follow
                # that have no number.
                is_missed = self._last(keys - before[group]) > number
                if last > told.get(group, 0) or is_missed:
                    told[group] = last
                    writer.take_write(group)
            grown = [group for group in told if after[group] != before[group]]
        for group in grown:  # maybe by itself: others may know those servers
            self.note(writer, group)

    def _last(self, keys: frozenset[Key]) -> int:
        return max((self._written.get(key, 0) for key in keys), default=0)

    def leave(self, writer: Writer) -> None:
        """Tell `writer`, which is closed, no more. What it wrote stays known."""
        with self._lock:
            self._note_anew()
            self._writers.discard(writer)

    def note(self, writer: Writer, group: int) -> None:
        """Tell all others that `writer` has written to its `group`."""
        with self._lock:
            keys = self._keys_of(writer)[group]
            self._number += 1
            self._written.update(dict.fromkeys(keys, self._number))
            self._told.setdefault(writer, {})[group] = self._number
            told = writer.noted_writes[group] = tuple(
                (ref(other), theirs)
                for other in self._writers
                if other is not writer
                for theirs, reached in enumerate(self._keys_of(other))
                if not keys.isdisjoint(reached)
            )
        tell(told)

    def note_promotion(self) -> None:
        """Take note that one of them has seen the history of another node."""
        with self._lock:
            self._promotions += 1

    def has_new_promotions(self, writer: Writer, group: int) -> bool:
        """Tell whether any was noted since this was last asked for `writer` and its
        `group`."""
        with self._lock:
            heard = self._heard.setdefault(writer, {})
            before = heard.get(group)
            heard[group] = self._promotions
            return before != self._promotions

    def histories(self, writer: Writer, group: int, claim: Answer | None) -> list[str]:
        """Return the newest histories that other runtimes have seen of the servers of
        `writer`'s `group`; but not those that they have seen of the server itself that
        answers with this `claim`, for that goes on."""
        with self._lock:
            others = [other for other in self._writers if other is not writer]
            if not others or claim is None:
                return []
            keys = self._keys_of(writer)[group]
            return [
                view.history
                for other in others
                for view, reached in zip(
                    other.topology.groups, self._keys_of(other), strict=True
                )
                if view.history is not None
                and view.system == claim.system
                and (claim.system is not None or not keys.isdisjoint(reached))
                and not _is_of(view, claim)
            ]

    def _note_anew(self) -> None:
        for writer in self._writers:
            writer.noted_writes.clear()

    def _keys_of(self, writer: Writer) -> tuple[frozenset[Key], ...]:
        """Return what the servers of each of its groups are known by; nodes may say
        more of themselves in a newer topology."""
        known = self._keys.get(writer)
        topology = writer.topology
        if known is None or known.topology is not topology:
            groups = tuple(
                frozenset(_server_keys(writer.nodes, group))
                for group in topology.groups
            )
            known = self._keys[writer] = _Keys(topology, groups)
        return known.groups


def tell(told: Told) -> None:
    """Tell each runtime that its group was written to."""
    for reference, group in told:
        other = reference()
        if other is not None:
            other.take_write(group)


class _Keys(NamedTuple):
    """By group, as of a topology."""

    topology: Snapshot
    groups: tuple[frozenset[Key], ...]


def server_ids(group: GroupView) -> set[Key]:
    """Return what the servers of a group say of themselves, so far."""
    told = (_told(view.answer) for view in group.nodes)
    return {each for each in told if each is not None}


def _is_of(view: GroupView, claim: Answer) -> bool:
    """Tell whether the newest history of a group is of the server that claims."""
    node = None if view.history_node is None else view.find(view.history_node)
    answer = None if node is None else node.answer
    return answer is not None and answer.server == claim.server is not None


def _server_keys(nodes: Sequence[NodeConfig], group: GroupView) -> Iterator[Key]:
    for view in group.nodes:
        node = nodes[view.id]
        label = label_of(node)
        name = label.host or _name_in(node.dsn)
        yield (label.system, name, str(label.port))
        told = _told(view.answer)
        if told is not None:
            yield (label.system, *told)


def _told(answer: Answer | None) -> Key | None:
    """Return the name that a server has given itself."""
    if answer is None:
        return None
    if answer.system is not None:
        return ("system", answer.system)
    if answer.origin is not None:
        return ("origin", answer.origin, answer.history or "")
    return None


@lru_cache(4096)
def _name_in(dsn: str) -> str:
    """Return what a DSN without a host connects to: a file, a service."""
    where = parse_dsn(dsn).where
    return str(where.get("name") or where.get("service") or "")


PROCESS_WRITES = ProcessWrites()
