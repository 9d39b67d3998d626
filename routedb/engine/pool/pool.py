"""The pool of one node: its slots under a lock, and the I/O outside it.

An exception out of a signal handler may come at any line. What is done under the lock
is mended by whoever comes next; outside it, whoever has a slot in hand ends it, and
does so again when that was cut short.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from routedb import errors
from routedb.adapters.base import Adapter, Raw
from routedb.config.label import label_of
from routedb.config.model import DatabaseConfig, NodeConfig, PoolConfig
from routedb.engine.pool.refcount import is_held
from routedb.engine.pool.slots import Slot, Slots, Waiter
from routedb.engine.pool.states import SlotState
from routedb.events import PoolWaited
from routedb.observers import OBSERVERS

T = TypeVar("T")

_COLLECT_EVERY_S = 10.0
ONCE = "once"  # the kind of a link that cannot be lent again


class LentLink(Protocol):
    """What a pool needs of a link that is given back to it."""

    raw: Raw
    slot: Slot | None  # its place in the pool, until that is given back

    def reset(self, is_bound: bool) -> bool:
        """Make it what the next borrower may have; False: that cannot be done.
        `is_bound`: a transaction may be open on it."""

    def close(self) -> None:
        """Close the driver's connection; once is enough. Raises no error of it."""


Opener = Callable[[NodeConfig, float], Raw]  # opens within so many seconds


class PoolContext(NamedTuple):
    """What a pool needs of its runtime."""

    clock: Callable[[], float]
    generation: Callable[[NodeConfig], int]  # the node's, as the snapshot shows it
    expiry: Callable[[DatabaseConfig], float]  # of a link that is opened now
    open_raw: Callable[[NodeConfig, Opener], Raw]  # on a line that is kept alive
    is_from_program: Callable[[BaseException], bool]  # an error: whose code's it is
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
        self._collect_at = 0.0  # not before, on the clock

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
        slot = None
        try:
            slot = self._promised(kind if may_reuse else object())
            if slot.state is SlotState.OPENING:
                slot.kind = kind
                return slot
            if may_reuse and slot.kind == kind and self._is_usable(slot):
                return slot
            self._adapter.end(slot.raw)
            self._decide(self._slots.replace, slot, kind)
            return slot
        except BaseException:
            if slot is not None:
                self.cancel(slot)
            raise

    def fill(self, slot: Slot, open_: Callable[[], Raw]) -> None:
        """Open a link by `open_` in `slot`, which is OPENING.

        On failure the slot is freed, and what `open_` raises is raised.
        """
        try:
            self._stamp(slot)
            slot.raw = open_()
            self._decide(self._slots.opened, slot)
        except BaseException:
            self.cancel(slot)
            raise

    def borrow(self, kind: Any, open_: Callable[[], Raw]) -> Slot:
        """Return a slot with a link of this `kind`, an idle one or one opened by
        `open_`.

        Raises PoolTimeout, and what `open_` raises.
        """
        slot = None
        try:
            slot = self.reserve(kind)
            if slot.state is SlotState.OPENING:
                self.fill(slot, open_)
            return slot
        except BaseException:
            if slot is not None:
                self.cancel(slot)
            raise

    def cancel(self, slot: Slot) -> None:
        """Free a slot that `reserve` returned and that was not used, with the link in
        it. Once is enough."""
        try:
            self._cancel(slot)
        except BaseException:  # a signal's
            self._cancel(slot)
            raise

    def _cancel(self, slot: Slot) -> None:
        if slot.raw is not None:
            self._adapter.end(slot.raw)
        self._decide(self._slots.end, slot)

    # -- giving back -------------------------------------------------------------------

    def give(self, link: LentLink, is_bound: bool) -> None:
        """Take `link` back: reset it for the next borrower, or close it. Raises nothing
        but what is the program's own.

        `is_bound`: a transaction may be open on it.
        """
        slot = link.slot
        if slot is None:  # it was done before
            return
        try:
            self._resetting[slot] = (link.raw, self._context.clock())
            self._decide(self._slots.give, slot)
            if self._is_wanted(slot) and link.reset(is_bound):
                self._decide(self._rest, slot, link)
            if link.slot is not None:
                self._decide(self._slots.unfit, slot)
                self.end(link)
            self._resetting.pop(slot, None)
        except BaseException as exc:  # any failure ends the link
            self._cut_short(slot, link)
            if not isinstance(exc, Exception) or self._context.is_from_program(exc):
                raise

    def _cut_short(self, slot: Slot, link: LentLink) -> None:
        self.end(link)  # unless it was left to the pool
        self.serve()
        self._resetting.pop(slot, None)

    def end(self, link: LentLink) -> None:
        """Close a lent link, and free its slot, whatever was being done with it. Once
        is enough."""
        try:
            self._end(link)
        except BaseException:  # a signal's
            self._end(link)
            raise

    def serve(self) -> None:
        """Serve those who wait: a slot may have died with who had it."""
        self._decide(self._slots.serve)

    # -- upkeep ------------------------------------------------------------------------

    def tend(self, warm: Warm | None) -> None:
        """Close links that are idle for too long or too old; end resets that hang; with
        `warm`, open links up to `min`."""
        now = self._context.clock()
        self.serve()
        old = self._decide(self._slots.expire, now, self._is_current)
        begun = now - self._config.connect_timeout_s
        for slot, (raw, since) in list(self._resetting.items()):
            if slot.state is not SlotState.RESETTING:
                self._resetting.pop(slot, None)
            elif since < begun:
                self._adapter.interrupt(raw)
        for slot in old:
            self._cancel(slot)
        while warm is not None and self._warm(warm):
            continue

    def close(self) -> None:
        """Close idle links now, and from now on each that is given back."""
        self._is_closed = True
        self.close_idle()

    def close_idle(self) -> None:
        """Close idle links now."""
        for slot in self._decide(self._slots.expire, float("inf"), lambda _: False):
            self._cancel(slot)

    def abandon(self) -> None:
        """In a forked child: drop all links, which are the parent's."""
        idle = list(self._slots.idle)
        self._begin()
        for slot in idle:
            self._adapter.abandon(slot.raw)

    # -- inside ------------------------------------------------------------------------

    def _decide(self, step: Callable[..., T], *args: Any) -> T:
        """Do a step that finds or moves slots: whole, or it is mended by the next."""
        with self._lock:
            slots = self._slots
            if slots.is_torn:
                slots.mend()
            slots.is_torn = True
            found = step(*args)
            slots.is_torn = False
        return found

    def _promised(self, kind: Any) -> Slot:
        """Wait for a slot and return it."""
        turn = threading.Lock()
        turn.acquire()
        waiter = Waiter(kind, threading.get_ident(), partial(_release, turn))
        try:
            slot = self._decide(self._slots.ask, waiter, self._is_free)
            return self._awaited(waiter, turn) if slot is None else slot
        except BaseException:
            self._decide(self._slots.withdraw, waiter, self._context.clock())
            raise

    def _awaited(self, waiter: Waiter, turn: threading.Lock) -> Slot:
        since = self._context.clock()
        if not turn.acquire(timeout=self._limits.wait_timeout_s):
            self._collect()
        slot = self._decide(self._slots.leave, waiter)
        waiting = self._slots.waiting
        waited_s = self._context.clock() - since
        OBSERVERS.emit(PoolWaited(self._label, waited_s, timed_out=slot is None))
        if slot is None:
            raise self._timeout(waiting)
        return slot

    def _collect(self) -> None:
        """Have the garbage collector find who has a place and is gone: a connection
        that nobody closed is part of a cycle with any exception that a frame keeps.

        It takes its time, so it is not asked again at once.
        """
        now = self._context.clock()
        if now >= self._collect_at:
            self._collect_at = now + _COLLECT_EVERY_S
            gc.collect()
            self.serve()

    def _is_free(self, slot: Slot) -> bool:
        return not is_held(slot, self._adapter.references)

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
        slot.is_resettable = False  # not asked yet
        slot.server = None

    def _rest(self, slot: Slot, link: LentLink) -> None:
        """Make a link that was reset idle, or lend it to the first waiter."""
        if self._is_closed:
            return
        if slot.kind is not None:
            slot.keeper = link.raw.keeper
        # At once: from here on it is the pool's, before it was the link's.
        slot.raw, link.raw, link.slot = link.raw, None, None
        self._slots.clean(slot, self._context.clock())

    def _end(self, link: LentLink) -> None:
        slot = link.slot
        if slot is not None:
            link.close()
            self._decide(self._slots.end, slot)
            link.slot = None

    def _warm(self, warm: Warm) -> bool:
        """Open one idle link; False when there are `min`, or it cannot be opened."""
        if self._is_closed:
            return False
        slot = self._decide(self._slots.spare, warm.kind)
        if slot is None:
            return False
        try:
            self._stamp(slot)
            slot.raw, slot.keeper = warm.open()
        except Exception:  # the driver's own classes: the next borrower gets the error
            self._cancel(slot)
            return False
        self._decide(self._slots.warmed, slot, self._context.clock())
        return True


def _release(turn: threading.Lock) -> None:
    """Let who waits for its turn go on; again is no harm. Called by one thread at a
    time."""
    if turn.locked():
        turn.release()
