"""A fork waits until no thread of ours is inside SQLite."""

from __future__ import annotations

import os
import threading


class _ForkGate:
    """Lets a fork wait until no thread of ours is inside SQLite.

    It opens and closes files, and counts its memory, under mutexes of the process. A
    fork while another thread (a monitor) holds one would leave it locked in the child.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0

    def __enter__(self) -> None:
        with self._changed:
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def shut(self) -> None:
        """Wait until no thread is inside, and let none in until `open`."""
        self._changed.acquire()
        while self._inside:
            self._changed.wait()

    def open(self) -> None:
        """Let threads in again."""
        self._changed.release()


fork_gate = _ForkGate()
os.register_at_fork(
    before=fork_gate.shut, after_in_parent=fork_gate.open, after_in_child=fork_gate.open
)
