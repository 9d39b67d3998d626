"""Deadlocks over several groups are found, and end with their server's own error: see
`routedb.session.wait_for`.

A thread looks at transactions that have branches on several groups, every second while
there are any. Where a statement has taken longer than that, its server is asked who
waits for whom. A transaction that waits writes which sessions it has into a table of
each of its groups, so that other processes know as well; where no such table can be
had, only deadlocks among the transactions of one process are found.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from weakref import WeakKeyDictionary, WeakSet, ref

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.pool.upkeep import Upkeep
from routedb.engine.shared.core import Core
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.ledger import Asked, Ledger, ledger_of
from routedb.session.wait_for import Backend, Claim, Wait, victims

_INTERVAL_S = 1.0
_AGAIN_S = 0.1  # between the two looks at what may be a deadlock
_EARLY, _OFTEN = 3, 5  # looks at a long statement: the first ones, then each so many
_CANCEL_S = 5.0

Branches = Mapping[int, Link]


class Watched:
    """A transaction with `branches` on several groups, by a name of its own."""

    def __init__(self, name: str, branches: Branches) -> None:
        self.name = name
        self.began = time.time()
        self._branches: Branches | None = branches
        self._before: list[tuple[int, float]] = []  # what was busy, and since when
        self._rounds = 0  # for which that is so

    def end(self) -> None:
        """Take note that it is over."""
        for link in dict(self._branches or {}).values():
            link.is_victim = False
        self._branches = None

    @property
    def links(self) -> dict[int, Link]:
        """Its branches as they are now; {}: it is over."""
        with suppress(RuntimeError):  # another one joins
            return dict(self._branches or {})
        return {}

    @property
    def is_over(self) -> bool:
        """Tell whether there is nothing to watch."""
        return self._branches is None

    def busy(self) -> dict[int, Link]:
        """Return the branches on which a statement is under way."""
        return {group: each for group, each in self.links.items() if each.is_busy()}

    def waits_long(self) -> bool:
        """Tell, once in a round, whether its statement is to be looked at now."""
        now = [(group, link.used_at) for group, link in self.busy().items()]
        self._rounds = self._rounds + 1 if now and now == self._before else 0
        self._before = now
        rounds = self._rounds
        return 0 < rounds <= _EARLY or (rounds > 0 and rounds % _OFTEN == 0)


class Deadlocks:
    """Watches the transactions of a runtime, `core` is its core."""

    def __init__(self, core: Core) -> None:
        self._core = ref(core)
        self._ledger: Ledger = ledger_of(core)
        self._watched: WeakSet[Watched] = WeakSet()
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._upkeep = Upkeep(self._tend, _INTERVAL_S)
        self._without: set[int] = set()  # groups that have no table for it

    def watch(self, branches: Branches) -> Watched:
        """Watch a transaction with `branches`, which may change."""
        watched = Watched(self._ledger.new_transaction(), branches)
        with self._lock:
            if self._process != os.getpid():  # the thread is the parent's
                self._watched = WeakSet()
                self._begin()
            self._watched.add(watched)
        self._upkeep.attend()
        return watched

    def _tend(self) -> bool:
        core = self._core()
        with self._lock:
            there = [each for each in self._watched if not each.is_over]
            self._watched = WeakSet(there)
        waiting = [each for each in there if each.waits_long()]
        if waiting and core is not None:
            with suppress(errors.Error):  # another round comes
                _Look(core, self._ledger, self._without, there, waiting).end_all()
        return bool(there) and core is not None


class _Look:
    """One look at who waits for whom. Of transactions of this process, `there` are all
    that are watched, and `waiting` those that wait; `without` are groups without a
    table of claims."""

    def __init__(
        self,
        core: Core,
        ledger: Ledger,
        without: set[int],
        there: Iterable[Watched],
        waiting: Iterable[Watched],
    ) -> None:
        self._core = core
        self._ledger = ledger
        self._without = without
        self._waiting = {each.name: each for each in waiting}
        self._names: dict[int, str] = {}
        self._claims = {each.name: self._claim(each) for each in there}

    def end_all(self) -> None:
        """End those of this process that are to end."""
        waits = self._waits()
        if not victims(self._claims.values(), waits):
            return
        time.sleep(_AGAIN_S)
        for name in victims(self._claims.values(), waits & self._waits()):
            watched = self._waiting.get(name)
            for link in watched.busy().values() if watched is not None else ():
                link.is_victim = True
                link.cancel(_CANCEL_S)

    def _waits(self) -> set[Wait]:
        """Ask the groups on which somebody waits, and those where they who wait, or are
        waited for, have another branch."""
        found: set[Wait] = set()
        groups = {group for each in self._waiting.values() for group in each.busy()}
        asked: set[int] = set()
        while ahead := groups - asked:
            for group in ahead:
                asked.add(group)
                try:
                    found |= self._ask(group)
                except Exception as exc:
                    if is_from_program(exc):
                        raise
            waiting = {backend for wait in found for backend in wait}
            names = {
                backend.group
                for claim in self._claims.values()
                if not waiting.isdisjoint(claim.backends)
                for backend in claim.backends
            }
            groups = {at.id for at in self._core.groups if self._name(at.id) in names}
        return found

    def _ask(self, group: int) -> set[Wait]:
        core = self._core
        database = core.config.databases[core.groups[group].database]
        deadline = core.clock() + database.connect_timeout_s
        with self._ledger.asking(group, deadline) as asked:
            waits = asked.adapter.decisions.waits.waits(asked.raw)
            if waits:
                self._exchange(group, asked)
        name = self._name(group)
        return {
            Wait(Backend(name, waiter), Backend(name, holder))
            for waiter, holder in waits
        }

    def _exchange(self, group: int, asked: Asked) -> None:
        """Write what is known here of who is one transaction, and read what others
        know."""
        if group in self._without:
            return
        table, raw, namespace = (
            asked.adapter.decisions.waits,
            asked.raw,
            asked.namespace,
        )
        name = self._name(group)
        try:
            asked.adapter.run(raw, table.text(namespace))
            for mine in self._waiting:
                claim = self._claims[mine]
                if any(backend.group == name for backend in claim.backends):
                    table.put(raw, namespace, claim)
            for claim in table.claims(raw, namespace):
                self._claims.setdefault(claim.name, claim)
        except Exception as exc:
            if is_from_program(exc):
                raise
            self._without.add(group)

    def _claim(self, watched: Watched) -> Claim:
        backends = [
            Backend(self._name(group), link.adapter.backend_id(link.raw))
            for group, link in watched.links.items()
        ]
        return Claim(watched.name, watched.began, tuple(backends))

    def _name(self, group: int) -> str:
        """Return what all processes call a group; one without a table of decisions has
        a name of this process."""
        if group not in self._names:
            try:
                self._names[group] = self._ledger.decider(group, may_make=False)[-12:]
            except errors.Error:
                self._names[group] = f"g{group}"
        return self._names[group]


_all: WeakKeyDictionary[Core, Deadlocks] = WeakKeyDictionary()
_lock = threading.Lock()  # of the dictionary


def deadlocks_of(core: Core) -> Deadlocks:
    """Return what watches the transactions of a runtime."""
    with _lock:
        found = _all.get(core)
        if found is None:
            found = _all[core] = Deadlocks(core)
        return found
