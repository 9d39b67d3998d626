"""Which borrower gets which slot of a pool. Decisions only: no lock, clock or I/O.

The caller holds the pool's lock around every call and does, outside it, what the state
of the slot it got requires: OPENING, open a link; CLOSING, close it; LENT, check that
it can be used.

An exception out of a signal handler may cut any of these short. So one thing is true at
any moment, the state of each slot, and what is found by it is made again by `mend`. A
slot counts for as long as somebody has it: one that was dropped on the way is GONE.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

from routedb.config.model import PoolConfig
from routedb.engine.pool.states import ENDS, SlotEvent, SlotState, advance


class Slot:
    """The right to one open link, and while that link is not lent, the link.

    `kind` is what the link can serve: None for any connection, else a class of
    connections that are links themselves; `keeper` is then the object to lend. `state`
    is one of the table in states.py.
    """

    __slots__ = (
        "__weakref__",
        "expires_at",
        "generation",
        "idle_since",
        "is_resettable",
        "keeper",
        "kind",
        "raw",
        "server",
        "state",
        "thread",
    )

    def __init__(self, kind: Any, state: SlotState = SlotState.OPENING) -> None:
        self.kind = kind
        self.state = state
        self.raw: Any = None
        self.keeper: Any = None
        # Nothing of its session is out of the reach of a reset: see Adapter.resets_all.
        self.is_resettable = False
        self.generation = -1  # of the node, when the link was opened
        self.server: str | None = None  # that the link leads to, once it was asked
        self.expires_at = float("inf")
        self.idle_since = 0.0
        self.thread = 0  # of the last user

    def advance(self, event: SlotEvent) -> None:
        """Go to the next state. Raises KeyError for an event that cannot happen."""
        self.state = advance(self.state, event)


class Waiter:
    """A borrower that asks for a slot, and may have to wait for it.

    `kind` is what the link must serve, `thread` the borrower's id, to prefer the link
    it used last; `wake` is called when a slot is in `place`, maybe more than once.
    """

    __slots__ = ("kind", "place", "thread", "wake")

    def __init__(self, kind: Any, thread: int, wake: Callable[[], None]) -> None:
        self.kind = kind
        self.thread = thread
        self.wake = wake
        self.place: Slot | None = (
            None  # before that is LENT or OPENING: it has an owner
        )


class Slots:
    """The slots of one pool. Idle ones are kept by kind, the last used one last."""

    def __init__(self, limits: PoolConfig) -> None:
        self.limits = limits
        self.is_torn = False  # a call was cut short: `mend` comes first
        self._living: set[ref[Slot]] = set()  # those that are not GONE
        self._dead: deque[ref[Slot]] = (
            deque()
        )  # of these, whoever had them dropped them
        self._idle: dict[Any, dict[Slot, None]] = {}
        self._last: dict[tuple[Any, int], Slot] = {}  # idle, by kind and last user
        self._waiters: deque[Waiter] = deque()

    @property
    def open(self) -> int:
        """How many slots are not GONE."""
        return len(self._living) - len(self._dead)

    @property
    def waiting(self) -> int:
        """How many borrowers wait."""
        return len(self._waiters)

    @property
    def has_room(self) -> bool:
        """Tell whether the next borrower need not wait."""
        return not self._waiters and (bool(self._idle) or self.open < self.limits.max)

    @property
    def idle(self) -> Iterator[Slot]:
        """The idle slots, the longest unused of each kind first."""
        return (slot for slots in list(self._idle.values()) for slot in list(slots))

    # -- borrowing -------------------------------------------------------------------

    def ask(self, waiter: Waiter, is_free: Callable[[Slot], bool]) -> Slot | None:
        """Return a slot for `waiter`, its `place` then: an idle one, LENT, or a new
        one, OPENING.

        None: it must wait, and is in the queue. `is_free` tells of an idle slot whether
        only the pool references its link.
        """
        if not self._waiters:  # first come, first served
            slot = self._find(waiter, is_free)
            if slot is not None:
                return slot
        self._waiters.append(waiter)
        return None

    def leave(self, waiter: Waiter) -> Slot | None:
        """Remove `waiter` from the queue; return the slot it has got, if any."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        return waiter.place

    def withdraw(self, waiter: Waiter, now: float) -> None:
        """Remove `waiter` from the queue, and take back what it has got; `now` is
        when."""
        slot = self.leave(waiter)
        if slot is not None and slot.state is SlotState.LENT:
            slot.advance(SlotEvent.DECLINED)
            self._rest(slot, now)
        elif slot is not None and slot.state is SlotState.OPENING:
            self.end(slot)

    def opened(self, slot: Slot) -> None:
        """Note that a borrower has opened a link in `slot`."""
        slot.advance(SlotEvent.OPENED)

    def replace(self, slot: Slot, kind: Any) -> None:
        """Note that a borrower has closed the link of `slot` and will open another in
        it, of this `kind`."""
        slot.raw = slot.keeper = None
        slot.kind = kind
        slot.advance(SlotEvent.REPLACED)

    def end(self, slot: Slot) -> None:
        """Note that the link of `slot` is closed, or was never opened, and free the
        slot, whatever was being done with it. Once is enough."""
        if slot.state is not SlotState.GONE:
            slot.advance(ENDS[slot.state])
        slot.raw = slot.keeper = None
        self._living.discard(ref(slot))
        self.serve()

    # -- giving back -------------------------------------------------------------------

    def give(self, slot: Slot) -> None:
        """Note that the link of `slot` is given back and will be reset."""
        slot.advance(SlotEvent.GIVEN)

    def clean(self, slot: Slot, now: float) -> None:
        """Make `slot`, whose link was reset, idle since `now`, or lend it to a
        waiter."""
        slot.advance(SlotEvent.CLEAN)
        self._rest(slot, now)

    def unfit(self, slot: Slot) -> None:
        """Note that the link of `slot` could not be reset and will be closed."""
        slot.advance(SlotEvent.UNFIT)

    # -- upkeep ------------------------------------------------------------------------

    def expire(self, now: float, is_current: Callable[[Slot], bool]) -> list[Slot]:
        """Take out the slots whose links must be closed at `now`, and return them.

        Those that are idle for too long while there are more than `min`; and all that
        are too old, or for which `is_current` is False: the node has failed since.
        """
        spare = self._lasting - self.limits.min
        unused_since = now - self.limits.max_idle_s
        taken: list[Slot] = []
        for slot in sorted(self.idle, key=lambda slot: slot.idle_since):
            is_unused = slot.idle_since <= unused_since and len(taken) < spare
            if is_unused or slot.expires_at <= now or not is_current(slot):
                taken.append(slot)
                slot.advance(SlotEvent.EXPIRED)
                self._remove_idle(slot)
        return taken

    def spare(self, kind: Any) -> Slot | None:
        """Return a new slot to open an idle link in; None when there are `min`."""
        if self._lasting >= self.limits.min or self.open >= self.limits.max:
            return None
        slot = Slot(kind)
        self._enter(slot)
        return slot

    def warmed(self, slot: Slot, now: float) -> None:
        """Note that a link was opened in `slot`, from `spare`: idle since `now`."""
        slot.advance(SlotEvent.WARMED)
        self._rest(slot, now)

    def mend(self) -> None:
        """Make what finds slots again from their states: a call was cut short."""
        idle: dict[Any, dict[Slot, None]] = {}
        last: dict[tuple[Any, int], Slot] = {}
        for slot in sorted(self._all, key=lambda slot: slot.idle_since):
            if slot.state is SlotState.RESETTING and slot.raw is not None:
                slot.advance(SlotEvent.CLEAN)  # it had been left to the pool
            if slot.state is SlotState.IDLE:
                idle.setdefault(slot.kind, {})[slot] = None
                last[slot.kind, slot.thread] = slot
            elif slot.state is SlotState.GONE:
                self._living.discard(ref(slot))
        self._idle, self._last = idle, last  # at once: nothing else holds idle slots
        for waiter in list(self._waiters):
            place = waiter.place
            if place is not None and place.state is SlotState.IDLE:
                waiter.place = None
            elif place is not None and ref(place) not in self._living:
                self._enter(place)
            self._wake_if_served(waiter)
        self.serve()

    def serve(self) -> None:
        """Lend idle and new slots to the waiters, in their order."""
        self._bury()
        while self._waiters:
            first = self._waiters[0]
            if self._find(first, lambda _: True) is None:
                return
            self._wake_if_served(first)

    # -- inside ------------------------------------------------------------------------

    @property
    def _all(self) -> list[Slot]:
        return [slot for known in list(self._living) if (slot := known())]

    @property
    def _lasting(self) -> int:
        """How many slots there are that are not being closed."""
        return sum(slot.state is not SlotState.CLOSING for slot in self._all)

    def _find(self, waiter: Waiter, is_free: Callable[[Slot], bool]) -> Slot | None:
        """Return the slot its thread used last, any of this kind, a new one, or else
        one of another kind or one whose link is still referenced, to be replaced."""
        kind, thread = waiter.kind, waiter.thread
        last = self._last.get((kind, thread))
        if last is not None and is_free(last):
            return self._promise(last, waiter)
        slots = self._idle.get(kind, {})
        found = next((slot for slot in reversed(slots) if is_free(slot)), None)
        if found is not None:
            return self._promise(found, waiter)
        if self.open < self.limits.max:
            waiter.place = slot = Slot(kind)
            slot.thread = thread
            self._enter(slot)
            return slot
        other = next(self.idle, None)
        return None if other is None else self._promise(other, waiter)

    def _promise(self, slot: Slot, waiter: Waiter) -> Slot:
        waiter.place = slot
        slot.advance(SlotEvent.PROMISED)
        self._remove_idle(slot)
        slot.thread = waiter.thread
        return slot

    def _wake_if_served(self, waiter: Waiter) -> None:
        if waiter.place is not None:
            waiter.wake()
            self._waiters.remove(waiter)

    def _enter(self, slot: Slot) -> None:
        """Count a slot while it lives. That it has died may be told at any moment,
        whichever locks are held, and by what no signal handler can cut short."""
        self._bury()
        self._living.add(ref(slot, self._dead.append))

    def _bury(self) -> None:
        while self._dead:
            self._living.discard(self._dead[0])
            self._dead.popleft()

    def _remove_idle(self, slot: Slot) -> None:
        slots = self._idle[slot.kind]
        del slots[slot]
        if not slots:
            del self._idle[slot.kind]
        if self._last.get((slot.kind, slot.thread)) is slot:
            del self._last[slot.kind, slot.thread]

    def _rest(self, slot: Slot, now: float) -> None:
        slot.idle_since = now
        self._idle.setdefault(slot.kind, {})[slot] = None
        self._last[slot.kind, slot.thread] = slot
        self.serve()
