"""A fork waits until no thread of ours is inside a library that it would break.

A forked child has the memory of all threads and none but its own: what another one was
changing stays half changed, and a mutex that it held stays locked.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Any

from routedb.adapters.weak_registry import WeakRegistry

_PAUSE_S = 0.001  # between two looks
_LOCKS_S = 1.0  # to wait for statements that run


class Locks(WeakRegistry[Any]):
    """Re-entrant locks under which threads use a library, for a fork to hold as well.

    So what is done under a lock anyway, as a statement is, needs no gate. They are
    known weakly. A statement that takes longer than a second is not waited for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Any] = []

    def hold(self) -> None:
        """Take all that this thread does not have."""
        until = time.monotonic() + _LOCKS_S
        for lock in self.alive():
            if not lock._is_owned():
                self._held.append(lock)  # before: a signal may come
                lock.acquire(timeout=max(0.0, until - time.monotonic()))

    def release(self) -> None:
        """Give back what was taken."""
        while self._held:
            with suppress(RuntimeError):  # it could not be had
                self._held[-1].release()
            self._held.pop()


# Of links to what is in this process.
local_locks = Locks()


class ForkGate:
    """Lets a fork wait until no other thread of ours is within the `with` of this.

    It waits for `bound_s` seconds at most, after it has taken the `locks`: whoever has
    one of them may come in until then. Blocks nest: a finalizer may close something
    while its thread connects. A signal handler may raise between any two steps; what a
    block that was cut short leaves behind has forks of other threads wait in vain.
    """

    def __init__(self, bound_s: float, locks: Locks | None = None) -> None:
        self._bound_s = bound_s
        self._locks = Locks() if locks is None else locks
        self._inside: dict[int, int] = {}  # by thread: how often
        self._lock = threading.Lock()
        os.register_at_fork(
            before=self.shut, after_in_parent=self.open, after_in_child=self._begin
        )

    def __enter__(self) -> None:
        thread = threading.get_ident()
        if thread in self._inside:
            self._inside[thread] += 1
            return
        with self._lock:  # held from when a fork waits: or others would come for ever
            self._inside[thread] = 1

    def __exit__(self, *_: object) -> None:
        thread = threading.get_ident()
        depth = self._inside.get(thread, 1) - 1  # in a child there is none
        if depth:
            self._inside[thread] = depth
        else:
            self._inside.pop(thread, None)

    def shut(self) -> None:
        """Wait until no other thread is inside, and let none in until `open`."""
        self._locks.hold()
        until = time.monotonic() + self._bound_s
        own = {threading.get_ident()}
        self._lock.acquire()
        while self._inside.keys() - own and time.monotonic() < until:
            time.sleep(_PAUSE_S)

    def open(self) -> None:
        """Let threads in again."""
        if self._lock.locked():  # else `shut` was cut short
            self._lock.release()
        self._locks.release()

    def _begin(self) -> None:
        self._inside.clear()  # the others' threads are not here
        self._lock = threading.Lock()
        self._locks.release()


# A module that another thread imports is locked for ever in the child.
importing = ForkGate(bound_s=5.0)

# A client library that connects holds locks of the resolver and of TLS, and the socket
# that it waits on is in nobody's hands yet: the child could not shut it. An address
# that does not answer is not waited for.
connecting = ForkGate(bound_s=1.0)
