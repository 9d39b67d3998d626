"""A timeout for a driver's connect that has none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

from routedb.adapters.base import Raw
from routedb.adapters.start_thread import start_thread


class BoundedConnect(threading.Thread):
    """One call of `connect` in a thread of its own, abandoned when it takes too long.

    What it opens after that is closed by `close` at once.
    """

    def __init__(
        self, connect: Callable[[], Raw], close: Callable[[Raw], None]
    ) -> None:
        super().__init__(name="routedb-opening", daemon=True)
        self._connect = connect
        self._context = copy_context()  # tracing tools may read it
        self._close = close
        self._raw: Raw = None
        self._error: BaseException | None = None
        self._is_left = False
        self._lock = threading.Lock()  # guards the fields above
        # Held until it is over. An event's own lock would be left in disorder by what a
        # signal handler raises inside `wait`.
        self._under_way = threading.Lock()
        self._under_way.acquire()

    def run(self) -> None:
        """Connect, and close again if `wait` has ended."""
        try:
            raw = self._context.run(self._connect)
        except BaseException as exc:  # of any class: `wait` raises it
            self._error = exc
        else:
            with self._lock:
                self._raw = raw
                is_left = self._is_left
            if is_left:
                self._close(raw)
        self._under_way.release()

    def wait(self, timeout_s: float) -> Raw:
        """Start, and return what was opened. Raises what `connect` raises, and
        TimeoutError after `timeout_s` seconds."""
        try:
            start_thread(self)
            self._under_way.acquire(timeout=timeout_s)
            with self._lock:
                self._is_left = self._raw is None
            if self._raw is None:
                raise self._take_error()
            return self._raw
        except BaseException:
            self._leave()
            raise

    def _take_error(self) -> BaseException:
        """Return what went wrong, and keep no reference: it will refer to this."""
        error, self._error = self._error, None
        return TimeoutError() if error is None else error

    def _leave(self) -> None:
        with self._lock:
            self._is_left = True
            raw, self._raw = self._raw, None
        if raw is not None:
            self._close(raw)
