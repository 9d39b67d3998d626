"""The pool of one node: the book under a lock, and what must be done outside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from routedb import errors
from routedb.adapters.base import Adapter, Raw
from routedb.config.model import DatabaseConfig, NodeConfig, PoolConfig
from routedb.engine.links.link import AUTOCOMMIT, Link
from routedb.engine.pool.refcount import is_held
from routedb.engine.pool.slots import Book, Place, Waiter
from routedb.engine.pool.states import PlaceState

ONCE = "once"  # the kind of a link that cannot be handed out again


class World(NamedTuple):
    """What a pool asks of its runtime."""

    clock: Callable[[], float]
    generation: Callable[[NodeConfig], int]  # the node's, as the snapshot shows it
    expiry: Callable[[DatabaseConfig], float]  # of a link that is opened now
    attend: Callable[[], None]  # see to it that there is upkeep


class Warm(NamedTuple):
    """How to open a link that nobody has asked for yet."""

    kind: Any
    open: Callable[[], tuple[Raw, Any]]  # the raw connection, and what keeps it


class Pool:
    """Lends the links of one node, at most `max` at a time, in the order of asking.

    The lock is held to decide, never while a link is opened, reset, looked at or
    closed. The pool holds nothing of what it has lent.
    """

    def __init__(
        self,
        node: NodeConfig,
        config: DatabaseConfig,
        limits: PoolConfig,
        adapter: Adapter,
        world: World,
    ) -> None:
        self.node = node
        self._config = config
        self._limits = limits
        self._adapter = adapter
        self._world = world
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()  # guards the fields below
        self._book = Book(self._limits)
        self._resetting: dict[Place, tuple[Raw, float]] = {}

    @property
    def open(self) -> int:
        """How many links are open, or on the way."""
        return self._book.open

    @property
    def has_room(self) -> bool:
        """Tell whether a link could be lent at once; soon it may be otherwise."""
        return self._book.has_room

    # -- borrowing -------------------------------------------------------------------

    def reserve(self, kind: Any, may_reuse: bool = True) -> Place:
        """Return a place for the caller: LENT, with a link in it that can be used, or
        OPENING, for `fill`.

        `may_reuse` False: only a new link will do. Raises PoolTimeout when none comes
        within `wait_timeout`.
        """
        self._world.attend()
        place = self._promised(kind if may_reuse else object())
        if place.state is PlaceState.OPENING:
            place.kind = kind
            return place
        try:
            if may_reuse and place.kind == kind and self._is_usable(place):
                return place
            self._adapter.end(place.raw)
        except BaseException:
            self.cancel(place)
            raise
        with self._lock:
            self._book.replace(place, kind)
        return place

    def fill(self, place: Place, open_: Callable[[], Raw]) -> Raw:
        """Open a link in a place that is OPENING; the place is given up on failure."""
        self._stamp(place)
        try:
            raw = open_()
        except BaseException:
            with self._lock:
                self._book.failed(place)
            raise
        with self._lock:
            self._book.opened(place)
        return raw

    def borrow(self, kind: Any, open_: Callable[[], Raw]) -> tuple[Place, Raw]:
        """Return a place and its link, an idle one or a new one."""
        place = self.reserve(kind)
        if place.state is PlaceState.OPENING:
            return place, self.fill(place, open_)
        return place, take(place)

    def cancel(self, place: Place) -> None:
        """Give up a place that `reserve` returned and nothing was done with."""
        if place.raw is not None:
            self._adapter.end(place.raw)
            place.raw = place.keeper = None
        with self._lock:
            if place.state is PlaceState.OPENING:
                self._book.failed(place)
            else:
                self._book.lost(place)

    # -- giving back -------------------------------------------------------------------

    def give(self, link: Link, is_bound: bool) -> None:
        """Take a link back: reset it and lend it again, or close it. Never raises.

        `is_bound`: a transaction may be open on it.
        """
        place = link.place
        assert place is not None  # it was borrowed here
        with self._lock:
            self._book.give(place)
            self._resetting[place] = (link.raw, self._world.clock())
        is_clean = False
        try:
            is_clean = self._is_wanted(place) and link.reset(is_bound)
        except Exception:  # the driver's own classes: any failure ends the link
            return
        finally:
            with self._lock:
                del self._resetting[place]
            if not is_clean:
                self._end(place, link)
        if is_clean:
            self._rest(place, link)

    def lost(self, place: Place) -> None:
        """Take note that a link which was lent has been closed."""
        with self._lock:
            self._book.lost(place)

    # -- upkeep ------------------------------------------------------------------------

    def tend(self, warm: Warm | None) -> None:
        """Close what has been idle for too long or is too old; end resets that hang;
        with `warm`, open links up to `min`."""
        now = self._world.clock()
        with self._lock:
            old = self._book.expire(now, self._is_current)
            begun = now - self._config.connect_timeout_s
            hung = [raw for raw, since in self._resetting.values() if since < begun]
        for raw in hung:
            self._adapter.interrupt(raw)
        for place in old:
            self._shut(place)
        while warm is not None and self._warm(warm):
            continue

    def close(self) -> None:
        """Close what is idle, and from now on what is given back."""
        with self._lock:
            self._is_closed = True
            idle = self._book.expire(float("inf"), lambda _: False)
        for place in idle:
            self._shut(place)

    def abandon(self) -> None:
        """In a forked child: all links are the parent's; begin with none."""
        idle = list(self._book.idle)
        self._begin()
        for place in idle:
            self._adapter.abandon(place.raw)

    # -- inside ------------------------------------------------------------------------

    def _promised(self, kind: Any) -> Place:
        """Return the place that the book promises, waiting for one."""
        thread = threading.get_ident()
        with self._lock:
            spare = self._adapter.references
            place = self._book.ask(kind, thread, lambda p: not is_held(p, spare))
            if place is not None:
                return place
            turn = threading.Lock()
            turn.acquire()
            waiter = Waiter(kind, thread, turn.release)
            self._book.wait(waiter)
        try:
            turn.acquire(timeout=self._limits.wait_timeout_s)
        except BaseException:
            with self._lock:
                place = self._book.leave(waiter)
                if place is not None:
                    self._book.decline(place, self._world.clock())
            raise
        with self._lock:
            place = self._book.leave(waiter)
            waiting = self._book.waiting
        if place is None:
            raise self._timeout(waiting)
        return place

    def _timeout(self, waiting: int) -> errors.PoolTimeout:
        limits = self._limits
        return errors.PoolTimeout(
            f"no link to {self.node.name} became free within wait_timeout, which is "
            f"{limits.wait_timeout_s:g} s: all {limits.max} are in use (pool.max) and "
            f"{waiting} more wait. Close connections sooner, or raise pool.max"
        )

    def _is_usable(self, place: Place) -> bool:
        """Look, without a round trip, at a link that was promised."""
        return (
            place.expires_at > self._world.clock()
            and self._is_current(place)
            and not is_held(place, self._adapter.references)
            and self._adapter.is_alive(place.raw)
        )

    def _is_current(self, place: Place) -> bool:
        """Tell whether the node has not failed since the link was opened."""
        return place.generation == self._world.generation(self.node)

    def _is_wanted(self, place: Place) -> bool:
        return (
            not self._is_closed
            and place.kind is not ONCE
            and place.expires_at > self._world.clock()
            and self._is_current(place)
        )

    def _stamp(self, place: Place) -> None:
        place.generation = self._world.generation(self.node)
        place.expires_at = self._world.expiry(self._config)
        place.mode = AUTOCOMMIT  # what Adapter.connect leaves behind

    def _rest(self, place: Place, link: Link) -> None:
        """Keep a link that is clean, or hand it to whoever waits."""
        if place.kind is not None:
            place.keeper = link.raw.keeper
        place.mode = link.mode
        place.raw = link.part()
        with self._lock:
            if not self._is_closed:
                self._book.clean(place, self._world.clock())
                return
        link.raw = take(place)
        self._end(place, link)

    def _end(self, place: Place, link: Link) -> None:
        with self._lock:
            self._book.unfit(place)
        link.close()
        with self._lock:
            self._book.closed(place)

    def _shut(self, place: Place) -> None:
        self._adapter.end(place.raw)
        with self._lock:
            self._book.closed(place)

    def _warm(self, warm: Warm) -> bool:
        """Open one link for nobody; False when there are enough, or it cannot be."""
        with self._lock:
            place = None if self._is_closed else self._book.spare(warm.kind)
        if place is None:
            return False
        self._stamp(place)
        try:
            place.raw, place.keeper = warm.open()
        except Exception:  # the driver's own classes: the next borrower will be told
            with self._lock:
                self._book.failed(place)
            return False
        with self._lock:
            self._book.warmed(place, self._world.clock())
        return True


def take(place: Place) -> Raw:
    """Take the link out of a place that is lent: the borrower alone holds it."""
    raw, place.raw, place.keeper = place.raw, None, None
    return raw
