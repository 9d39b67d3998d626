"""A fork waits until no thread of ours is inside a library that it would break.

A forked child has the memory of all threads and none but its own: what another one was
changing stays half changed, and a mutex that it held stays locked.
"""

from __future__ import annotations

import os
import threading
import time


class ForkGate:
    """Lets a fork wait until no thread of ours is within the `with` block of this.

    It waits for `bound_s` seconds at most; None: for as long as it takes.
    """

    def __init__(self, bound_s: float | None = None) -> None:
        self._bound_s = bound_s
        self._changed = threading.Condition()
        self._inside = 0
        os.register_at_fork(
            before=self.shut, after_in_parent=self.open, after_in_child=self._begin
        )

    def __enter__(self) -> None:
        with self._changed:
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            # In a child that was forked from within a block nobody is inside.
            self._inside = max(0, self._inside - 1)
            self._changed.notify_all()

    def shut(self) -> None:
        """Wait until no thread is inside, and let none in until `open`."""
        self._changed.acquire()
        until = None if self._bound_s is None else time.monotonic() + self._bound_s
        while self._inside:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            self._changed.wait(left)

    def open(self) -> None:
        """Let threads in again."""
        self._changed.release()

    def _begin(self) -> None:
        self._inside = 0  # the others' threads are not here
        self._changed.release()


# A client library that connects holds locks of the resolver and of TLS, and the socket
# that it waits on is in nobody's hands yet: the child could not shut it. An address
# that does not answer is not waited for.
connecting = ForkGate(bound_s=1.0)
