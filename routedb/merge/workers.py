"""A few threads that run what is asked of several groups at once.

They begin when there is work, and end when there was none for a moment, so that there
is nothing to stop. A forked child has none of its parent's, and begins its own.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

from routedb.adapters.start_thread import start_thread

_MOST = 16
_PATIENCE_S = 1.0

Job = Callable[[], None]  # raises nothing


class Workers:
    """The threads of one runtime."""

    def __init__(self) -> None:
        self._begin()

    def submit(self, job: Job) -> None:
        """Have `job` run by a thread: at once, unless all are busy."""
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            self._jobs.put(job)
            self._waiting += 1
            is_short = self._waiting > self._idle and self._threads < _MOST
            self._threads += is_short
        if is_short:
            self._start()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = self._waiting = 0

    def _start(self) -> None:
        work = threading.Thread(target=self._work, name="routedb-merge", daemon=True)
        try:
            start_thread(work)
        except BaseException:
            with self._lock:
                self._threads -= 1
                has_one = self._threads > 0
            if not has_one:  # nobody else would run it: no thread can be had
                self._run_all()
                return
            raise

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                job = self._jobs.get(timeout=_PATIENCE_S)
            except queue.Empty:
                with self._lock:
                    self._idle -= 1
                    if self._waiting:  # it has come this moment
                        continue
                    self._threads -= 1
                    return
            with self._lock:
                self._idle -= 1
                self._waiting -= 1
            job()

    def _run_all(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            with self._lock:
                self._waiting -= 1
            job()
