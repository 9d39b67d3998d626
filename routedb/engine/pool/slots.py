"""Which borrower gets which slot of a pool. Decisions only: no lock, clock or I/O.

The caller holds the pool's lock around every call and does, outside it, what the state
of the slot it got requires: OPENING, open a link; CLOSING, close it; LENT, check that
it can be used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from routedb.config.model import PoolConfig
from routedb.engine.pool.states import SlotEvent, SlotState, advance


class Slot:
    """The right to one open link, and while that link is not lent, the link.

    `kind` is what the link can serve: None for any connection, else a class of
    connections that are links themselves; `keeper` is then the object to lend. `state`
    is one of the table in states.py.
    """

    __slots__ = (
        "expires_at",
        "generation",
        "idle_since",
        "keeper",
        "kind",
        "mode",
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
        self.mode: Any = None  # the link's transaction mode
        self.generation = -1  # of the node, when the link was opened
        self.server: str | None = None  # that the link leads to, once it was asked
        self.expires_at = float("inf")
        self.idle_since = 0.0
        self.thread = 0  # of the last user

    def advance(self, event: SlotEvent) -> None:
        """Go to the next state. Raises KeyError for an event that cannot happen."""
        self.state = advance(self.state, event)


class Waiter:
    """A borrower that waits for a slot. It accepts one once, and none after `leave`.

    `kind` is what the link must serve, `thread` the borrower's id, to prefer the link
    it used last; `wake` is called when a slot was accepted.
    """

    __slots__ = ("_is_gone", "_wake", "kind", "place", "thread")

    def __init__(self, kind: Any, thread: int, wake: Callable[[], None]) -> None:
        self.kind = kind
        self.thread = thread
        self.place: Slot | None = None
        self._is_gone = False
        self._wake = wake

    def accept(self, slot: Slot) -> bool:
        """Take the slot and return True; False after `leave`: it is for the next."""
        if self._is_gone:
            return False
        self.place = slot
        self._wake()
        return True

    def leave(self) -> Slot | None:
        """Stop waiting; return the slot that was accepted meanwhile, if any."""
        self._is_gone = True
        return self.place


class Slots:
    """The slots of one pool. Idle ones are kept by kind, the last used one last."""

    def __init__(self, limits: PoolConfig) -> None:
        self.limits = limits
        self.open = 0  # slots that are not GONE
        self._closing = 0  # of them
        self._idle: dict[Any, dict[Slot, None]] = {}
        self._last: dict[tuple[Any, int], Slot] = {}  # idle, by kind and last user
        self._waiters: deque[Waiter] = deque()

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

    def ask(
        self, kind: Any, thread: int, is_free: Callable[[Slot], bool]
    ) -> Slot | None:
        """Return a slot for a borrower: an idle one, LENT, or a new one, OPENING.

        None: it must wait. `kind` is what the link must serve, `thread` the borrower's
        id, whose last link is preferred. `is_free` tells of an idle slot whether only
        the pool references its link.
        """
        if self._waiters:  # first come, first served
            return None
        return self._find(kind, thread, is_free)

    def wait(self, waiter: Waiter) -> None:
        """Add `waiter` to the queue."""
        self._waiters.append(waiter)

    def leave(self, waiter: Waiter) -> Slot | None:
        """Remove `waiter` from the queue; return the slot it has accepted, if any."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        return waiter.leave()

    def opened(self, slot: Slot) -> None:
        """Note that a borrower has opened a link in `slot`."""
        slot.advance(SlotEvent.OPENED)

    def replace(self, slot: Slot, kind: Any) -> None:
        """Note that a borrower has closed the link of `slot` and will open another in
        it, of this `kind`."""
        slot.advance(SlotEvent.REPLACED)
        slot.kind = kind
        slot.raw = slot.keeper = None

    def failed(self, slot: Slot) -> None:
        """Note that a link could not be opened in `slot`, and free it."""
        slot.advance(SlotEvent.FAILED)
        self._free()

    def lost(self, slot: Slot) -> None:
        """Note that a borrower has closed the link of `slot`, and free it."""
        slot.advance(SlotEvent.LOST)
        self._free()

    def decline(self, slot: Slot, now: float) -> None:
        """Take back `slot`, which a waiter has accepted and not used; `now` is when."""
        if slot.state is SlotState.OPENING:
            self.failed(slot)
        else:
            slot.advance(SlotEvent.DECLINED)
            self._rest(slot, now)

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
        self._closing += 1
        slot.raw = slot.keeper = None

    def closed(self, slot: Slot) -> None:
        """Note that the link of `slot` is closed, and free it."""
        slot.advance(SlotEvent.CLOSED)
        self._closing -= 1
        slot.raw = slot.keeper = None
        self._free()

    # -- upkeep ------------------------------------------------------------------------

    def expire(self, now: float, is_current: Callable[[Slot], bool]) -> list[Slot]:
        """Take out the slots whose links must be closed at `now`, and return them.

        Those that are idle for too long while there are more than `min`; and all that
        are too old, or for which `is_current` is False: the node has failed since.
        """
        spare = self.open - self._closing - self.limits.min
        unused_since = now - self.limits.max_idle_s
        taken: list[Slot] = []
        for slot in sorted(self.idle, key=lambda slot: slot.idle_since):
            is_unused = slot.idle_since <= unused_since and len(taken) < spare
            if is_unused or slot.expires_at <= now or not is_current(slot):
                self._remove_idle(slot)
                slot.advance(SlotEvent.EXPIRED)
                self._closing += 1
                taken.append(slot)
        return taken

    def spare(self, kind: Any) -> Slot | None:
        """Return a new slot to open an idle link in; None when there are `min`."""
        is_enough = self.open - self._closing >= self.limits.min
        if is_enough or self.open >= self.limits.max:
            return None
        self.open += 1
        return Slot(kind)

    def warmed(self, slot: Slot, now: float) -> None:
        """Note that a link was opened in `slot`, from `spare`: idle since `now`."""
        slot.advance(SlotEvent.WARMED)
        self._rest(slot, now)

    # -- inside ------------------------------------------------------------------------

    def _find(
        self, kind: Any, thread: int, is_free: Callable[[Slot], bool]
    ) -> Slot | None:
        """Return the slot this thread used last, any of this kind, a new one, or else
        one of another kind or one whose link is still referenced, to be replaced."""
        last = self._last.get((kind, thread))
        if last is not None and is_free(last):
            return self._promise(last, thread)
        slots = self._idle.get(kind, {})
        found = next((slot for slot in reversed(slots) if is_free(slot)), None)
        if found is not None:
            return self._promise(found, thread)
        if self.open < self.limits.max:
            self.open += 1
            slot = Slot(kind)
            slot.thread = thread
            return slot
        other = next(self.idle, None)
        return None if other is None else self._promise(other, thread)

    def _promise(self, slot: Slot, thread: int) -> Slot:
        self._remove_idle(slot)
        slot.advance(SlotEvent.PROMISED)
        slot.thread = thread
        return slot

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
        self._serve()

    def _free(self) -> None:
        self.open -= 1
        self._serve()

    def _serve(self) -> None:
        """Lend idle and new slots to the waiters, in their order."""
        while self._waiters:
            first = self._waiters[0]
            slot = self._find(first.kind, first.thread, lambda _: True)
            if slot is None:
                return
            self._waiters.popleft()
            if not first.accept(slot):
                self._undo(slot)

    def _undo(self, slot: Slot) -> None:
        """Put back a slot that no waiter has accepted."""
        if slot.state is SlotState.OPENING:
            slot.advance(SlotEvent.FAILED)
            self.open -= 1
        else:
            slot.advance(SlotEvent.DECLINED)
            self._idle.setdefault(slot.kind, {})[slot] = None
