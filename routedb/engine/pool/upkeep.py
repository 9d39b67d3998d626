"""The thread of a runtime that closes, replaces and opens idle links.

There is none before the first link that needs upkeep, and none when nothing is left to
do. It keeps neither the interpreter from exiting, nor anything across `fork()`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from routedb.adapters.start_thread import start_thread

STOP_S = 2.0  # `stop` waits no longer than this for a round that hangs in a driver

Job = Callable[[], None]


class Upkeep:
    """Calls `tend` every `interval_s` seconds, until it returns False.

    Jobs that are posted are done at once. `post` may be called from a finalizer,
    whichever locks its thread holds: SimpleQueue allows for that.
    """

    def __init__(self, tend: Callable[[], bool], interval_s: float) -> None:
        self._tend = tend
        self._interval_s = interval_s
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()  # guards the fields below
        self._thread: threading.Thread | None = None
        self._is_asked = False  # `attend` was called since the last round
        self._is_stopped = False
        self._jobs: SimpleQueue[Job] = SimpleQueue()

    def attend(self) -> None:
        """Start the thread, or have it do another round."""
        with self._lock:
            self._is_asked = True
            if self._thread is not None or self._is_stopped:
                return
            thread = threading.Thread(
                target=self._run, name="routedb-upkeep", daemon=True
            )
            try:
                start_thread(thread)
            except RuntimeError:  # the interpreter exits: nothing needs upkeep now
                return
            self._thread = thread

    def post(self, job: Job) -> None:
        """Have the thread run `job` soon; without a thread no job is needed."""
        self._jobs.put(job)

    def stop(self) -> None:
        """End the thread, within `STOP_S`, and start no other."""
        with self._lock:
            self._is_stopped = True
            thread = self._thread
        self._jobs.put(lambda: None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_S)

    def abandon(self) -> None:
        """In a forked child: the thread is the parent's."""
        self._begin()

    def _run(self) -> None:
        while True:
            self._work()
            with self._lock:
                if self._is_stopped:
                    return
                self._is_asked = False
            if self._tend():
                continue
            with self._lock:
                if not self._is_asked and self._jobs.empty():
                    self._thread = None
                    return

    def _work(self) -> None:
        """Run the jobs that are posted; wait for one when there is none."""
        try:
            self._jobs.get(timeout=self._interval_s)()
            while True:
                self._jobs.get_nowait()()
        except Empty:
            return
