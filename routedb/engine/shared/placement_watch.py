"""Learns of placements: when a runtime is first used, and whenever they change.

The home database (`ClusterConfig.home`) is asked by the first connection of a runtime,
before its first statement, so that no new process sends anything to an old place. After
that the monitor asks it on the link of its probes of the home group's writer. A group
of one node is not probed: there a thread asks, over a connection of its own, while the
runtime is used. Whoever meets a fence asks too.

While there is no table of placements only the catalog is asked for it, now and then.
The table is made long before the first move has copied anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary, ref

from routedb import errors
from routedb.adapters.base import Adapter, Raw, TxMode
from routedb.config.label import label_of
from routedb.config.mask import mask
from routedb.config.model import GroupConfig, NodeConfig
from routedb.config.placements import Placements
from routedb.engine.pool.upkeep import Upkeep
from routedb.engine.shared.ledger import ledger_of

if TYPE_CHECKING:
    from routedb.engine.shared.core import Core

POLL_S = 1.0  # as often as calm nodes are probed
ABSENT_S = 20.0  # between two looks for the table, as long as there is none
LEASE_S = 5.0  # what is known is as good as new for so long: see `be_sure`
NO_TABLE = Placements()


# Weak on both sides: a watch knows its runtime, and that its core.
_watches: WeakKeyDictionary[Core, ref[PlacementWatch]] = WeakKeyDictionary()


class AskedLink(Protocol):
    """What is needed of a link of the program's."""

    node: NodeConfig
    adapter: Adapter
    mode: TxMode | None

    def ask(self, call: Callable[[Raw], bool]) -> bool:
        """Return what `call` does, made while no other thread uses the link."""

    def rollback(self) -> None:
        """Roll back."""


class PlacementWatch:
    """For one runtime, by its `core`. `is_used` tells whether it has connections."""

    def __init__(self, core: Core, is_used: Callable[[], bool]) -> None:
        self._core = ref(core)
        _watches[core] = ref(self)
        self._is_used = is_used
        self.home = core.config.home
        # No monitor probes a group of one node.
        self.has_thread = self.home is not None and self.home.is_single
        self.is_first = self.home is not None  # nobody has asked yet
        self._absent_at = -inf  # when there was no table last
        self._polled_at = -inf
        self._asked_at = -inf  # when the last question for `ask_again` was sent
        self.known_at = -inf  # when the last question with an answer was sent
        self._open: tuple[NodeConfig, Adapter, Raw] | None = None
        self._upkeep = Upkeep(self._tend, POLL_S)
        self._make_lock()

    def _make_lock(self) -> None:
        self._lock = threading.Lock()  # one asks first, the others wait
        self._using = threading.Lock()  # the thread's connection

    # -- who asks ----------------------------------------------------------------------

    def ask(self, node: NodeConfig, adapter: Adapter, raw: Raw) -> bool:
        """Ask `node`, which is of the home group, through `raw` of `adapter`, and put
        in force what is new; tell whether something was. Raises what the driver
        raises."""
        core = self._core()
        if core is None:
            return False
        table, namespace = adapter.placements, label_of(node).namespace
        known, asked_at = core.ruleset.placements.version, core.clock()
        if known < 0 and not table.is_there(raw, namespace):
            self._absent_at = core.clock()
            self.known_at = max(self.known_at, asked_at)
            return False
        self._absent_at = -inf
        found = table.read(raw, namespace, None if known < 0 else known)
        is_new = found is not None and core.place(found)
        self.known_at = max(self.known_at, asked_at)
        return is_new

    def probed(self, node: NodeConfig, adapter: Adapter, raw: Raw) -> None:
        """Ask on the monitor's link, which has just answered as a writer's of the home
        group, where it is time to."""
        core = self._core()
        if core is not None and core.clock() - self._absent_at >= ABSENT_S:
            self.ask(node, adapter, raw)

    def ask_now(self, timeout_s: float) -> bool:
        """Ask over a new connection to the writer, waiting for one up to `timeout_s`;
        tell whether something new is in force. Raises what the driver raises, and
        NoNodeError."""
        core = self._core()
        if core is None or self.home is None:
            return False
        with ledger_of(core).asking(self.home.id, core.clock() + timeout_s) as asked:
            return self.ask(asked.node, asked.adapter, asked.raw)

    def ask_again(self, timeout_s: float) -> None:
        """Ask as `ask_now` does, for at most `timeout_s`, unless somebody else has
        since this was called. Who follows a table asks again and again: a connection
        that is there saves more than the question costs."""
        core = self._core()
        if core is None or self.home is None:
            return
        called_at = core.clock()
        with self._lock:
            if self._asked_at < called_at:
                self._asked_at = core.clock()
                if not self._ask_by_open():
                    self.ask_now(timeout_s)

    def ask_first(self, link: AskedLink | None) -> None:
        """Ask before the first statement of the runtime, once: by `link`, which is just
        open, where it leads to the home group. Raises OperationalError where it cannot
        be told where tables are."""
        with self._lock:
            core = self._core()
            if not self.is_first or core is None or self.home is None:
                return
            database = core.config.databases[self.home.database]
            try:
                if link is not None and link.node.group == self.home.id:
                    self._ask_by(link)
                else:
                    self.ask_now(database.connect_timeout_s)
            except errors.Error as exc:
                raise errors.OperationalError(
                    f"where tables are cannot be asked of {database.name}: "
                    f"{mask(str(exc)).strip()}. Whoever runs statements needs SELECT "
                    "on its table routedb_placements"
                ) from exc
            self.is_first = False

    def _ask_by(self, link: AskedLink) -> None:
        """Ask by a link of the program's, which nothing has run on yet."""
        try:
            link.ask(lambda raw: self.ask(link.node, link.adapter, raw))
        finally:
            if link.mode is None or not link.mode.autocommit:
                link.rollback()  # of what the driver has begun by itself

    # -- where there is no monitor -----------------------------------------------------

    def _ask_by_open(self) -> bool:
        """Ask over the thread's connection, where there is one that nobody uses now;
        tell whether it has answered."""
        if not self._using.acquire(blocking=False):
            return False
        try:
            opened = self._open
            if opened is None or not opened[1].is_alive(opened[2]):
                return False
            self.ask(*opened)
        except Exception:  # the thread finds it dead, too
            return False
        finally:
            self._using.release()
        return True

    def attend(self) -> None:
        """See to it that somebody asks from now on."""
        if self.has_thread:
            self._upkeep.attend()

    def stop(self) -> None:
        """End the thread, and its connection."""
        self._upkeep.stop()
        self._close()

    def abandon(self) -> None:
        """In a forked child: the thread, and its connection, are the parent's."""
        self._make_lock()
        self._upkeep.abandon()
        opened, self._open = self._open, None
        if opened is not None:
            opened[1].abandon(opened[2])

    def _tend(self) -> bool:
        core = self._core()
        if core is None or self.home is None or not self._is_used():
            self._close()
            return False
        if core.clock() - max(self._absent_at, self._polled_at) < self._pause_s():
            return True
        self._polled_at = core.clock()
        with self._using:
            try:
                self.ask(*self._link(core, self.home))
            except Exception:  # the next round comes, over another connection
                self._close()
            if self._absent_at > -inf:
                self._close()
        return True

    def _pause_s(self) -> float:
        return ABSENT_S if self._absent_at > -inf else 0.0

    def _link(self, core: Core, home: GroupConfig) -> tuple[NodeConfig, Adapter, Raw]:
        opened = self._open
        if opened is not None and opened[1].is_alive(opened[2]):
            return opened
        self._close()
        node = home.nodes[0]
        adapter = core.adapter(node)
        raw = core.open_raw(node, adapter.connect_apart)
        self._open = (node, adapter, raw)
        return self._open

    def _close(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            with suppress(Exception):
                opened[1].close(opened[2])


def be_sure(core: Core, timeout_s: float) -> None:
    """See to it that what `core` knows of placements was so `LEASE_S` ago, asking for
    at most `timeout_s`. A mover that writes what the reads over several shards are to
    know waits for longer than that before it goes on. Raises OperationalError where
    there are placements and nobody answers."""
    known = _watches.get(core)
    watch = None if known is None else known()
    if watch is None or watch.home is None:
        return
    is_there = core.ruleset.placements.version >= 0
    lease_s = LEASE_S if is_there else LEASE_S + ABSENT_S
    if core.clock() - watch.known_at <= lease_s:
        return
    try:
        watch.ask_again(timeout_s)
    except errors.Error as exc:
        if is_there:
            raise errors.OperationalError(
                "a read over several shards has to know where rows are, and "
                f"{watch.home.database} does not say: {mask(str(exc)).strip()}"
            ) from exc


def ask_again(core: Core, timeout_s: float) -> None:
    """Have the watch of `core` ask again, for at most `timeout_s`; do nothing where
    there is none. Raises what the driver raises, and NoNodeError."""
    known = _watches.get(core)
    watch = None if known is None else known()
    if watch is not None:
        watch.ask_again(timeout_s)
