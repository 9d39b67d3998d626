"""Who is told what happens in this process: `observe`, and how the engine tells it.

Two kinds of events. Statements are told by the thread that ran them, and only while
somebody asks for them: `core.observers` is None otherwise, which is all that the hot
path looks at. Everything else is rare, is always told, and goes through a queue: it is
put in where it happens, maybe under a lock of ours, and told when no lock is held.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Protocol
from weakref import WeakSet

from routedb import errors
from routedb.config.mask import mask
from routedb.events import (
    Observed,
    ObserverFailed,
    OutcomeUnknownSeen,
    StatementRan,
    TransactionLostSeen,
)

Callback = Callable[[Observed], object]


class Observable(Protocol):
    """What knows, for the statements it runs, whether anybody asks for them."""

    observers: Observers | None


class Subscription:
    """A callback that is told of events, until `close`; a `with` block closes it.

    `owner` tells it; `statements` and `texts` are those of `observe`.
    """

    def __init__(
        self, owner: Observers, callback: Callback, statements: bool, texts: bool
    ) -> None:
        self.callback = callback
        self.statements = statements
        self.texts = texts
        self._owner = owner
        self._has_failed = False

    def close(self) -> None:
        """Tell it nothing more. Closing twice does nothing."""
        self._owner.unsubscribe(self)

    def tell(self, event: Observed) -> None:
        """Call back. What the callback raises goes no further: the first time the
        others are told, for it must not break a statement, nor fill a log."""
        try:
            self.callback(event)
        except Exception as exc:
            if not self._has_failed:
                self._has_failed = True
                name = getattr(self.callback, "__qualname__", repr(self.callback))
                why = f"{type(exc).__name__}: {explain(exc)}"
                self._owner.post(ObserverFailed(name, why))

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Observers:
    """The callbacks of this process, and the events that wait to be told."""

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self._observables: WeakSet[Observable] = WeakSet()
        self._waiting: deque[Observed] = deque()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """In a forked child, too: no thread that is not here may hold a lock."""
        self._lock = threading.RLock()  # guards subscriptions and observables
        self._telling = threading.Lock()
        self._waiting.clear()

    @property
    def wants_texts(self) -> bool:
        """Tell whether anybody asks for the texts of statements."""
        return any(each.texts for each in self._subscriptions)

    def subscribe(
        self, callback: Callback, statements: bool = False, texts: bool = False
    ) -> Subscription:
        """Tell `callback` of events from now on; `statements`: of each statement, too,
        and with `texts` what it is."""
        made = Subscription(self, callback, statements or texts, texts)
        with self._lock:
            self._subscriptions += (made,)
            self._inform()
        return made

    def subscribe_once(self, callback: Callback) -> None:
        """Tell `callback` of events from now on, unless it is told already: a module
        whose import was interrupted is run again."""
        with self._lock:
            if all(each.callback is not callback for each in self._subscriptions):
                self.subscribe(callback)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Tell a callback nothing more."""
        with self._lock:
            left = (each for each in self._subscriptions if each is not subscription)
            self._subscriptions = tuple(left)
            self._inform()

    def join(self, observable: Observable) -> None:
        """Keep `observable.observers` up to date, as long as it lives."""
        with self._lock:
            self._observables.add(observable)
            observable.observers = self._for_statements

    def emit(self, *events: Observed) -> None:
        """Tell of events. Not under a lock that a callback might need."""
        self.post(*events)
        self.deliver()

    def post(self, *events: Observed) -> None:
        """Keep events until `deliver`, which whoever posts them under a lock calls
        after it."""
        self._waiting.extend(events)

    def deliver(self) -> None:
        """Tell what waits, in its order; when another thread does so already, it tells
        this too. A callback that causes events ends up here again: they come next."""
        while self._waiting:
            telling = self._telling  # a callback may fork, and the child has another
            if not telling.acquire(blocking=False):
                if _is_delivering():
                    return
                # What came out of a signal handler has left it held.
                self._telling = threading.Lock()
                continue
            try:
                while self._waiting:
                    event = self._waiting.popleft()
                    for each in self._subscriptions:
                        each.tell(event)
            finally:
                telling.release()

    def tell_statement(self, event: StatementRan) -> None:
        """Tell those who ask for statements of one, in the thread that ran it."""
        silent = event if event.text is None else event._replace(text=None)
        for each in self._subscriptions:
            if each.statements:
                each.tell(event if each.texts else silent)
        self.deliver()

    @property
    def _for_statements(self) -> Observers | None:
        return self if any(each.statements for each in self._subscriptions) else None

    def _inform(self) -> None:
        for observable in list(self._observables):
            observable.observers = self._for_statements


def _is_delivering() -> bool:
    """Tell whether any thread is in `deliver` now: this one, before it came here."""
    mine = threading.get_ident()
    for thread, top in sys._current_frames().items():
        frame: FrameType | None = top
        if thread == mine:  # without this function, and the call that asks
            frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code is Observers.deliver.__code__:
                return True
            frame = frame.f_back
    return False


OBSERVERS = Observers()  # of this process

_QUOTING = re.compile(
    r"\n(?:LINE \d+|DETAIL|CONTEXT|QUERY|STATEMENT):[^\n]*(?:\n *\^(?=\n|$))?"
)


def tell_outcome(error: errors.Error) -> None:
    """Tell that a program is about to be told that a transaction was lost, or that an
    outcome is unknown. Not when it is told so again."""
    told = _OUTCOMES.get(type(error))
    if told is not None and not error.is_repeated:
        OBSERVERS.emit(told(explain(error)))


def explain(error: BaseException) -> str:
    """Return an error's text as observers may see it: without passwords, and without
    the lines in which PostgreSQL quotes a statement or its values."""
    return " ".join(_QUOTING.sub("", mask(str(error))).split())


_OUTCOMES: dict[type, Callable[[str], Observed]] = {
    errors.TransactionLost: TransactionLostSeen,
    errors.OutcomeUnknown: OutcomeUnknownSeen,
}


def observe(
    callback: Callback, statements: bool = False, texts: bool = False
) -> Subscription:
    """Have `callback` told what happens in this process: nodes that fail and return,
    other writers, links that are lost, outcomes, waiting (`routedb.events`).

    `statements`: of each statement that ends as well, a `StatementRan`; `texts`: with
    its text. Parameters are never told. The callback is called with one event, by
    whichever thread has met it, so it is to be quick; what it raises is logged once and
    breaks nothing. Returns what ends it: by `close()`, or at the end of a `with`.
    """
    return OBSERVERS.subscribe(callback, statements, texts)
