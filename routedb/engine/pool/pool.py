"""The pool of one node: its slots under a lock, and the I/O outside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from routedb import errors
from routedb.adapters.base import AUTOCOMMIT, Adapter, Raw, TxMode
from routedb.config.label import label_of
from routedb.config.model import DatabaseConfig, NodeConfig, PoolConfig
from routedb.engine.pool.refcount import is_held
from routedb.engine.pool.slots import Slot, Slots, Waiter
from routedb.engine.pool.states import SlotState
from routedb.events import PoolWaited
from routedb.observers import OBSERVERS

ONCE = "once"  # the kind of a link that cannot be lent again


class LentLink(Protocol):
    """What a pool needs of a link that is given back to it."""

    raw: Raw

    @property
    def slot(self) -> Slot | None:
        """Its place in the pool."""

    @property
    def mode(self) -> TxMode | None:
        """Its transaction mode; None when it is not known."""

    def reset(self, is_bound: bool) -> bool:
        """Make it what the next borrower may have; False: that cannot be done.
        `is_bound`: a transaction may be open on it."""

    def detach_raw(self) -> Raw:
        """Leave the raw connection to the caller."""

    def close(self) -> None:
        """Close the driver's connection. Never raises."""


Opener = Callable[[NodeConfig, float], Raw]  # opens within so many seconds


class PoolContext(NamedTuple):
    """What a pool needs of its runtime."""

    clock: Callable[[], float]
    generation: Callable[[NodeConfig], int]  # the node's, as the snapshot shows it
    expiry: Callable[[DatabaseConfig], float]  # of a link that is opened now
    open_raw: Callable[[NodeConfig, Opener], Raw]  # on a line that is kept alive
    attend: Callable[[], None]  # see to it that there is upkeep


class Warm(NamedTuple):
    """How to open a link before a borrower asks for one."""

    kind: Any
    open: Callable[[], tuple[Raw, Any]]  # the raw connection, and the object to lend


class Pool:
    """Lends the links of one node, at most `max` at a time, first come, first served.

    `limits` are the pool's of `config`, the node's database; `adapter` resets and
    closes links, `context` is what the runtime provides. The lock is held to decide,
    never while a link is opened, reset, checked or closed. The pool keeps no reference
    to a link that is lent.
    """

    def __init__(
        self,
        node: NodeConfig,
        config: DatabaseConfig,
        limits: PoolConfig,
        adapter: Adapter,
        context: PoolContext,
    ) -> None:
        self.node = node
        self._config = config
        self._limits = limits
        self._adapter = adapter
        self._context = context
        self._is_closed = False
        shards = {group.id: group.shard for group in config.groups}
        self._label = label_of(node, shards[node.group])
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()  # guards the fields below
        self._slots = Slots(self._limits)
        self._resetting: dict[Slot, tuple[Raw, float]] = {}

    @property
    def open(self) -> int:
        """How many links are open or being opened."""
        return self._slots.open

    @property
    def has_room(self) -> bool:
        """Tell whether a link could be lent now; another thread may take it."""
        return self._slots.has_room

    # -- borrowing -------------------------------------------------------------------

    def reserve(self, kind: Any, may_reuse: bool = True) -> Slot:
        """Return a slot for the caller: LENT, with a link in it that can be used, or
        OPENING, for `fill`.

        `kind` is what the link must serve (see Slot). `may_reuse` False: only a new
        link. Raises PoolTimeout when none comes within `wait_timeout`.
        """
        self._context.attend()
        slot = self._promised(kind if may_reuse else object())
        if slot.state is SlotState.OPENING:
            slot.kind = kind
            return slot
        try:
            if may_reuse and slot.kind == kind and self._is_usable(slot):
                return slot
            self._adapter.end(slot.raw)
        except BaseException:
            self.cancel(slot)
            raise
        with self._lock:
            self._slots.replace(slot, kind)
        return slot

    def fill(self, slot: Slot, open_: Callable[[], Raw]) -> Raw:
        """Open a link by `open_` in `slot`, which is OPENING; return it.

        On failure the slot is freed, and what `open_` raises is raised.
        """
        self._stamp(slot)
        try:
            raw = open_()
        except BaseException:
            with self._lock:
                self._slots.failed(slot)
            raise
        with self._lock:
            self._slots.opened(slot)
        return raw

    def borrow(self, kind: Any, open_: Callable[[], Raw]) -> tuple[Slot, Raw]:
        """Return a slot and its link of this `kind`, an idle one or one opened by
        `open_`.

        Raises PoolTimeout, and what `open_` raises.
        """
        slot = self.reserve(kind)
        if slot.state is SlotState.OPENING:
            return slot, self.fill(slot, open_)
        return slot, take(slot)

    def cancel(self, slot: Slot) -> None:
        """Free a slot that `reserve` returned and that was not used."""
        if slot.raw is not None:
            self._adapter.end(slot.raw)
            slot.raw = slot.keeper = None
        with self._lock:
            if slot.state is SlotState.OPENING:
                self._slots.failed(slot)
            else:
                self._slots.lost(slot)

    # -- giving back -------------------------------------------------------------------

    def give(self, link: LentLink, is_bound: bool) -> None:
        """Take `link` back: reset it for the next borrower, or close it. Never raises.

        `is_bound`: a transaction may be open on it.
        """
        slot = link.slot
        assert slot is not None  # it was borrowed here
        with self._lock:
            self._slots.give(slot)
            self._resetting[slot] = (link.raw, self._context.clock())
        is_clean = False
        try:
            is_clean = self._is_wanted(slot) and link.reset(is_bound)
        except Exception:  # the driver's own classes: any failure ends the link
            return
        finally:
            with self._lock:
                del self._resetting[slot]
            if not is_clean:
                self._end(slot, link)
        if is_clean:
            self._rest(slot, link)

    def lost(self, slot: Slot) -> None:
        """Note that a lent link has been closed."""
        with self._lock:
            self._slots.lost(slot)

    # -- upkeep ------------------------------------------------------------------------

    def tend(self, warm: Warm | None) -> None:
        """Close links that are idle for too long or too old; end resets that hang; with
        `warm`, open links up to `min`."""
        now = self._context.clock()
        with self._lock:
            old = self._slots.expire(now, self._is_current)
            begun = now - self._config.connect_timeout_s
            hung = [raw for raw, since in self._resetting.values() if since < begun]
        for raw in hung:
            self._adapter.interrupt(raw)
        for slot in old:
            self._shut(slot)
        while warm is not None and self._warm(warm):
            continue

    def close(self) -> None:
        """Close idle links now, and from now on each that is given back."""
        with self._lock:
            self._is_closed = True
        self.close_idle()

    def close_idle(self) -> None:
        """Close idle links now."""
        with self._lock:
            idle = self._slots.expire(float("inf"), lambda _: False)
        for slot in idle:
            self._shut(slot)

    def abandon(self) -> None:
        """In a forked child: drop all links, which are the parent's."""
        idle = list(self._slots.idle)
        self._begin()
        for slot in idle:
            self._adapter.abandon(slot.raw)

    # -- inside ------------------------------------------------------------------------

    def _promised(self, kind: Any) -> Slot:
        """Wait for a slot and return it."""
        thread = threading.get_ident()
        with self._lock:
            spare = self._adapter.references
            slot = self._slots.ask(kind, thread, lambda p: not is_held(p, spare))
            if slot is not None:
                return slot
            turn = threading.Lock()
            turn.acquire()
            waiter = Waiter(kind, thread, turn.release)
            self._slots.wait(waiter)
            since = self._context.clock()
        try:
            turn.acquire(timeout=self._limits.wait_timeout_s)
        except BaseException:
            with self._lock:
                slot = self._slots.leave(waiter)
                if slot is not None:
                    self._slots.decline(slot, self._context.clock())
            raise
        with self._lock:
            slot = self._slots.leave(waiter)
            waiting = self._slots.waiting
        waited_s = self._context.clock() - since
        OBSERVERS.emit(PoolWaited(self._label, waited_s, timed_out=slot is None))
        if slot is None:
            raise self._timeout(waiting)
        return slot

    def _timeout(self, waiting: int) -> errors.PoolTimeout:
        limits = self._limits
        return errors.PoolTimeout(
            f"no link to {self.node.name} became free within wait_timeout, which is "
            f"{limits.wait_timeout_s:g} s: all {limits.max} are in use (pool.max) and "
            f"{waiting} more wait. Close connections sooner, or raise pool.max"
        )

    def _is_usable(self, slot: Slot) -> bool:
        """Check, without a round trip, an idle link that was chosen."""
        return (
            slot.expires_at > self._context.clock()
            and self._is_current(slot)
            and not is_held(slot, self._adapter.references)
            and self._adapter.is_alive(slot.raw)
        )

    def _is_current(self, slot: Slot) -> bool:
        """Tell whether the node has not failed since the link was opened."""
        return slot.generation == self._context.generation(self.node)

    def _is_wanted(self, slot: Slot) -> bool:
        return (
            not self._is_closed
            and slot.kind is not ONCE
            and slot.expires_at > self._context.clock()
            and self._is_current(slot)
        )

    def _stamp(self, slot: Slot) -> None:
        slot.generation = self._context.generation(self.node)
        slot.expires_at = self._context.expiry(self._config)
        slot.mode = AUTOCOMMIT  # as after Adapter.connect

    def _rest(self, slot: Slot, link: LentLink) -> None:
        """Make a link that was reset idle, or lend it to the first waiter."""
        if slot.kind is not None:
            slot.keeper = link.raw.keeper
        slot.mode = link.mode
        slot.raw = link.detach_raw()
        with self._lock:
            if not self._is_closed:
                self._slots.clean(slot, self._context.clock())
                return
        link.raw = take(slot)
        self._end(slot, link)

    def _end(self, slot: Slot, link: LentLink) -> None:
        with self._lock:
            self._slots.unfit(slot)
        link.close()
        with self._lock:
            self._slots.closed(slot)

    def _shut(self, slot: Slot) -> None:
        self._adapter.end(slot.raw)
        with self._lock:
            self._slots.closed(slot)

    def _warm(self, warm: Warm) -> bool:
        """Open one idle link; False when there are `min`, or it cannot be opened."""
        with self._lock:
            slot = None if self._is_closed else self._slots.spare(warm.kind)
        if slot is None:
            return False
        self._stamp(slot)
        try:
            slot.raw, slot.keeper = warm.open()
        except Exception:  # the driver's own classes: the next borrower gets the error
            with self._lock:
                self._slots.failed(slot)
            return False
        with self._lock:
            self._slots.warmed(slot, self._context.clock())
        return True


def take(slot: Slot) -> Raw:
    """Take the link out of a lent slot: only the borrower references it."""
    raw, slot.raw, slot.keeper = slot.raw, None, None
    return raw
