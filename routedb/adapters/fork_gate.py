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

    It waits for `bound_s` seconds at most. Blocks nest: a finalizer may close something
    while its thread connects. A signal handler may raise between any two steps; what a
    block that was cut short leaves behind has forks of other threads wait in vain.
    """

    def __init__(self, bound_s: float) -> None:
        self._bound_s = bound_s
        self._inside: dict[int, int] = {}  # by thread: how often
        self._lock = threading.Lock()
        os.register_at_fork(
            before=self.shut, after_in_parent=self.open, after_in_child=self._begin
        )

    def __enter__(self) -> None:
        with self._lock:  # held while a fork is under way
            thread = threading.get_ident()
            self._inside[thread] = self._inside.get(thread, 0) + 1

    def __exit__(self, *_: object) -> None:
        thread = threading.get_ident()
        depth = self._inside.get(thread, 1) - 1  # in a child there is none
        if depth:
            self._inside[thread] = depth
        else:
            self._inside.pop(thread, None)

    def shut(self) -> None:
        """Wait until no other thread is inside, and let none in until `open`."""
        until = time.monotonic() + self._bound_s
        own = {threading.get_ident()}
        self._lock.acquire()
        while self._inside.keys() - own and time.monotonic() < until:
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
