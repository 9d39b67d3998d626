"""Ctrl-C while a server works: it is told to stop, and what it answers is what counts.

A driver waits for its server in C, where Python runs no signal handler: the statement
would go on to its end, and KeyboardInterrupt would then hide that an INSERT is
committed. So calls are made by another thread. This one waits for the call's end and
for SIGINT: at the first, the servers are asked to cancel what runs; at the second, the
lines are cut, and the call ends with what is known of it then.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

import click

from routedb import errors
from routedb.cluster import Cluster
from routedb.frontends.connection import Connection

_AGAIN_S = 1.0  # a request may come before the statement does, or not get through
_LAST_S = 3.0  # how long a call may take to notice that its line is cut
_PATIENCE = "waiting for the server's answer; Ctrl-C again ends the waiting"
_NO_ANSWER = "no answer from the server: whether the statement took effect is not known"

T = TypeVar("T")


class Interrupts:
    """In a `with` block SIGINT does not raise KeyboardInterrupt; it is noted.

    The calls in the block are made on `connection`, which is of `cluster`. SIGINT is
    left alone where it is ignored, and outside of the main thread.
    """

    def __init__(self, cluster: Cluster, connection: Connection) -> None:
        self._cluster = cluster
        self._connection = connection
        self._may_raise = False
        self._news: SimpleQueue[None] = SimpleQueue()  # may be put to in a handler
        self._before: object = None
        self._canceller: threading.Thread | None = None
        self._has_come = False

    def __enter__(self) -> Interrupts:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if callable(self._before):
            signal.signal(signal.SIGINT, self._before)

    def have_come(self) -> bool:
        """Tell whether SIGINT has come in the block."""
        return self._has_come

    @contextmanager
    def raised(self) -> Iterator[None]:
        """In this block SIGINT raises KeyboardInterrupt, as usual."""
        try:
            self._may_raise = True
            yield
        finally:
            self._may_raise = False

    def outcome_of(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, or raise what it raises, also when SIGINT comes:
        then the connection's statements are cancelled.

        Raises OutcomeUnknown when there is no answer and the user does not wait for it.
        """
        news: SimpleQueue[None] = SimpleQueue()
        self._news = news
        outcome: Future[T] = Future()
        threading.Thread(
            target=_settle, args=(outcome, call, news), name="routedb-sql", daemon=True
        ).start()
        self._await(outcome, news)
        return outcome.result()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._has_come = True
        if self._may_raise:
            raise KeyboardInterrupt
        self._news.put(None)

    def _await(self, outcome: Future[T], news: SimpleQueue[None]) -> None:
        """Wait until the call is over; act on SIGINT meanwhile."""
        news.get()
        if outcome.done():
            return
        self._cancel()
        is_told = False
        while not outcome.done():
            with suppress(Empty):
                news.get(timeout=_AGAIN_S)
                if not outcome.done():
                    self._cut(outcome)
                return
            if not is_told:
                click.echo(_PATIENCE, err=True)
                is_told = True
            self._cancel()

    def _cancel(self) -> None:
        """Ask the servers, in a thread: one that does not answer takes its time."""
        if self._canceller is None or not self._canceller.is_alive():
            self._canceller = threading.Thread(
                target=self._ask, name="routedb-sql-cancel", daemon=True
            )
            self._canceller.start()

    def _ask(self) -> None:
        with suppress(errors.Error):  # the user is told that there is no answer
            self._connection.cancel()

    def _cut(self, outcome: Future[T]) -> None:
        """Cut the lines and wait a moment for what the call makes of that."""
        self._cluster.runtime.core.open_links.interrupt_all()
        with suppress(BaseException):  # it is raised to the caller
            outcome.exception(timeout=_LAST_S)
        if not outcome.done():
            raise errors.OutcomeUnknown(_NO_ANSWER)


def _settle(outcome: Future[T], call: Callable[[], T], news: SimpleQueue[None]) -> None:
    try:
        outcome.set_result(call())
    except BaseException as exc:
        outcome.set_exception(exc)
    news.put(None)
