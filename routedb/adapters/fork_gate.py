"""A fork waits until no thread of ours is inside a library that it would break.

A forked child has the memory of all threads and none but its own: what another one was
changing stays half changed, and a mutex that it held stays locked.
"""

from __future__ import annotations

import os
import threading
import time

_PAUSE_S = 0.001  # between two looks


class ForkGate:
    """Lets a fork wait until no other thread of ours is within the `with` of this.

    It waits for `bound_s` seconds at most. Blocks do not nest. A signal handler may
    raise between any two steps: what a block that was cut short leaves behind is
    forgotten with the next one of its thread, and cannot keep a fork for longer.
    """

    def __init__(self, bound_s: float) -> None:
        self._bound_s = bound_s
        self._inside: set[int] = set()  # threads, by number
        self._lock = threading.Lock()
        os.register_at_fork(
            before=self.shut, after_in_parent=self.open, after_in_child=self._begin
        )

    def __enter__(self) -> None:
        with self._lock:  # held while a fork is under way
            self._inside.add(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._inside.discard(threading.get_ident())

    def shut(self) -> None:
        """Wait until no other thread is inside, and let none in until `open`."""
        until = time.monotonic() + self._bound_s
        own = {threading.get_ident()}
        self._lock.acquire()
        while self._inside - own and time.monotonic() < until:
            self._lock.release()
            time.sleep(_PAUSE_S)
            self._lock.acquire()

    def open(self) -> None:
        """Let threads in again."""
        if self._lock.locked():  # else `shut` was cut short
            self._lock.release()

    def _begin(self) -> None:
        self._inside.clear()  # the others' threads are not here
        self._lock = threading.Lock()


# A client library that connects holds locks of the resolver and of TLS, and the socket
# that it waits on is in nobody's hands yet: the child could not shut it. An address
# that does not answer is not waited for.
connecting = ForkGate(bound_s=1.0)
