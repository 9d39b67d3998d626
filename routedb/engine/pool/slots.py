"""Who gets which place in a pool. Decisions only: no lock, no clock, no I/O.

The caller holds the pool's lock around every call and does, outside it, what the state
of the place it was given asks for: OPENING, open a link; CLOSING, close it; LENT, look
whether it can be used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from routedb.config.model import PoolConfig
from routedb.engine.pool.states import Move, PlaceState, advance


class Place:
    """The right to one open link, and while nobody uses that link, the link.

    `kind` is what the link can serve: None for everybody, else a class of connections
    that are links themselves; `keeper` is then the object to hand out.
    """

    __slots__ = (
        "expires_at",
        "generation",
        "idle_since",
        "keeper",
        "kind",
        "mode",
        "raw",
        "state",
        "thread",
    )

    def __init__(self, kind: Any, state: PlaceState = PlaceState.OPENING) -> None:
        self.kind = kind
        self.state = state
        self.raw: Any = None
        self.keeper: Any = None
        self.mode: Any = None  # the link's transaction mode
        self.generation = -1  # of the node, when the link was opened
        self.expires_at = float("inf")
        self.idle_since = 0.0
        self.thread = 0  # who used it last

    def move(self, move: Move) -> None:
        """Go to the next state."""
        self.state = advance(self.state, move)


class Waiter:
    """Somebody who waits for a place. It accepts one once, and none after `leave`."""

    __slots__ = ("_is_gone", "_wake", "kind", "place", "thread")

    def __init__(self, kind: Any, thread: int, wake: Callable[[], None]) -> None:
        self.kind = kind
        self.thread = thread
        self.place: Place | None = None
        self._is_gone = False
        self._wake = wake

    def accept(self, place: Place) -> bool:
        """Take the place, unless its time is over; then it is for the next."""
        if self._is_gone:
            return False
        self.place = place
        self._wake()
        return True

    def leave(self) -> Place | None:
        """Wait no more; return the place that came all the same."""
        self._is_gone = True
        return self.place


class Book:
    """The places of one pool. Idle ones are kept by kind, the last used one last."""

    def __init__(self, limits: PoolConfig) -> None:
        self.limits = limits
        self.open = 0  # places that are not GONE
        self._closing = 0  # of them
        self._idle: dict[Any, dict[Place, None]] = {}
        self._last: dict[tuple[Any, int], Place] = {}  # idle, by kind and last user
        self._waiters: deque[Waiter] = deque()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    @property
    def has_room(self) -> bool:
        """Tell whether the next who asks need not wait."""
        return not self._waiters and (bool(self._idle) or self.open < self.limits.max)

    @property
    def idle(self) -> Iterator[Place]:
        """The idle places, the longest unused of each kind first."""
        return (place for places in list(self._idle.values()) for place in list(places))

    # -- borrowing -------------------------------------------------------------------

    def ask(
        self, kind: Any, thread: int, is_free: Callable[[Place], bool]
    ) -> Place | None:
        """Return a place for a borrower: an idle one, LENT, or a new one, OPENING.

        None: it must wait. `is_free` says of an idle place whether nobody else holds
        its link any more.
        """
        if self._waiters:  # they were here before
            return None
        return self._find(kind, thread, is_free)

    def wait(self, waiter: Waiter) -> None:
        """Stand in the queue."""
        self._waiters.append(waiter)

    def leave(self, waiter: Waiter) -> Place | None:
        """Leave the queue; return the place that has come all the same."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        return waiter.leave()

    def opened(self, place: Place) -> None:
        """A borrower has opened a link in its place."""
        place.move(Move.OPENED)

    def replace(self, place: Place, kind: Any) -> None:
        """A borrower will open another link in its place, having closed this one."""
        place.move(Move.REPLACED)
        place.kind = kind
        place.raw = place.keeper = None

    def failed(self, place: Place) -> None:
        """A link could not be opened: the place is free for another."""
        place.move(Move.FAILED)
        self._free()

    def lost(self, place: Place) -> None:
        """A borrower has closed its link."""
        place.move(Move.LOST)
        self._free()

    def decline(self, place: Place, now: float) -> None:
        """Take back a place that was promised and is not wanted."""
        if place.state is PlaceState.OPENING:
            self.failed(place)
        else:
            place.move(Move.DECLINED)
            self._rest(place, now)

    # -- giving back -------------------------------------------------------------------

    def give(self, place: Place) -> None:
        """Its link is given back and will be reset."""
        place.move(Move.GIVEN)

    def clean(self, place: Place, now: float) -> None:
        """It was reset: let it rest, or whoever waits have it."""
        place.move(Move.CLEAN)
        self._rest(place, now)

    def unfit(self, place: Place) -> None:
        """It could not be reset, and will be closed."""
        place.move(Move.UNFIT)
        self._closing += 1
        place.raw = place.keeper = None

    def closed(self, place: Place) -> None:
        """It is closed: the place is free for another."""
        place.move(Move.CLOSED)
        self._closing -= 1
        place.raw = place.keeper = None
        self._free()

    # -- upkeep ------------------------------------------------------------------------

    def expire(self, now: float, is_current: Callable[[Place], bool]) -> list[Place]:
        """Take out, to be closed, what has been idle for too long, above `min`, and
        what is too old, or not `is_current`, whatever the number."""
        spare = self.open - self._closing - self.limits.min
        unused_since = now - self.limits.max_idle_s
        taken: list[Place] = []
        for place in sorted(self.idle, key=lambda place: place.idle_since):
            is_unused = place.idle_since <= unused_since and len(taken) < spare
            if is_unused or place.expires_at <= now or not is_current(place):
                self._take(place)
                place.move(Move.EXPIRED)
                self._closing += 1
                taken.append(place)
        return taken

    def spare(self, kind: Any) -> Place | None:
        """Return a place to open a link in that nobody has asked for, up to `min`."""
        is_enough = self.open - self._closing >= self.limits.min
        if is_enough or self.open >= self.limits.max:
            return None
        self.open += 1
        return Place(kind)

    def warmed(self, place: Place, now: float) -> None:
        """Such a link is open."""
        place.move(Move.WARMED)
        self._rest(place, now)

    # -- inside ------------------------------------------------------------------------

    def _find(
        self, kind: Any, thread: int, is_free: Callable[[Place], bool]
    ) -> Place | None:
        """The one this thread used last, any of this kind, a new one, or else one of
        another kind or one that is still held, to be replaced."""
        last = self._last.get((kind, thread))
        if last is not None and is_free(last):
            return self._promise(last, thread)
        places = self._idle.get(kind, {})
        found = next((place for place in reversed(places) if is_free(place)), None)
        if found is not None:
            return self._promise(found, thread)
        if self.open < self.limits.max:
            self.open += 1
            place = Place(kind)
            place.thread = thread
            return place
        other = next(self.idle, None)
        return None if other is None else self._promise(other, thread)

    def _promise(self, place: Place, thread: int) -> Place:
        self._take(place)
        place.move(Move.PROMISED)
        place.thread = thread
        return place

    def _take(self, place: Place) -> None:
        places = self._idle[place.kind]
        del places[place]
        if not places:
            del self._idle[place.kind]
        if self._last.get((place.kind, place.thread)) is place:
            del self._last[place.kind, place.thread]

    def _rest(self, place: Place, now: float) -> None:
        place.idle_since = now
        self._idle.setdefault(place.kind, {})[place] = None
        self._last[place.kind, place.thread] = place
        self._serve()

    def _free(self) -> None:
        self.open -= 1
        self._serve()

    def _serve(self) -> None:
        """Let those who wait have what there is, in their order."""
        while self._waiters:
            first = self._waiters[0]
            place = self._find(first.kind, first.thread, lambda _: True)
            if place is None:
                return
            self._waiters.popleft()
            if not first.accept(place):
                self._undo(place)

    def _undo(self, place: Place) -> None:
        """Put back what nobody has accepted."""
        if place.state is PlaceState.OPENING:
            place.move(Move.FAILED)
            self.open -= 1
        else:
            place.move(Move.DECLINED)
            self._idle.setdefault(place.kind, {})[place] = None
