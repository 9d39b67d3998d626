"""A few threads of a runtime that run what is asked of several groups at once.

They begin when there is work, and end when there was none for a moment, so that there
is nothing to stop. A forked child has none of its parent's, and begins its own.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from routedb.adapters.start_thread import start_thread
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.second_signals import whatever_comes

if TYPE_CHECKING:
    from routedb.engine.shared.core import Core

_MOST = 16
_PATIENCE_S = 1.0
_PENDING = object()  # a call that has not ended

Job = Callable[[], None]  # raises nothing
Call = Callable[[], object]


class Workers:
    """The threads of one runtime."""

    def __init__(self) -> None:
        self._begin()

    def submit(self, job: Job) -> None:
        """Have `job` run by a thread: at once, unless all are busy."""
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            self._waiting += 1  # first: a signal between may cost a thread, and no job
            self._jobs.put(job)
            work = self._reserve() if self._waiting > self._idle else None
        if work is not None:
            self._start(work)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._idle = self._waiting = 0

    def _reserve(self) -> threading.Thread | None:
        """Return another thread, which is to be started; None when there are enough."""
        if len(self._threads) >= _MOST:  # a signal may have come before its start
            self._threads = {each for each in self._threads if each.is_alive()}
        if len(self._threads) >= _MOST:
            return None
        work = threading.Thread(target=self._work, name="routedb-merge", daemon=True)
        self._threads.add(work)
        return work

    def _start(self, work: threading.Thread) -> None:
        try:
            start_thread(work)
        except BaseException:
            with self._lock:
                self._threads.discard(work)
                has_one = any(each.is_alive() for each in self._threads)
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
                    if not self._jobs.empty():  # it has come this moment
                        continue
                    self._threads.discard(threading.current_thread())
                    return
            with self._lock:
                self._idle -= 1
                self._waiting -= 1
            job()
            del job  # not when there is another: it refers to links

    @lets_go
    def call_all(self, calls: Sequence[Call]) -> list[BaseException | None]:
        """Make all of the `calls` at once, the first one in this thread; return what
        each has raised, once all have ended. What is raised between them, as by a
        signal handler, is raised again then."""
        came: list[Any] = [None] * len(calls)
        wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

        def run(number: int) -> None:
            came[number] = _raised_by(calls[number])
            wakes.put(None)

        def wait() -> None:
            while _PENDING in came[1 : submitted + 1]:
                wakes.get()

        submitted = 0
        try:
            for number in range(1, len(calls)):
                came[number] = _PENDING
                self.submit(partial(run, number))
                submitted = number
            came[0] = _raised_by(calls[0])
            wait()
            return list(came)
        except BaseException:
            whatever_comes(wait)  # no link may be left in another thread's hands
            raise
        finally:
            came.clear()  # an exception's frames keep those that have called them

    def _run_all(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            with self._lock:
                self._waiting -= 1
            job()
            del job  # not when there is another: it refers to links


def _raised_by(call: Call) -> BaseException | None:
    """Return what `call` raises."""
    try:
        call()
    except BaseException as exc:
        return exc
    return None


_workers: WeakKeyDictionary[Core, Workers] = WeakKeyDictionary()
_lock = threading.Lock()


def workers_of(core: Core) -> Workers:
    """Return the threads of the runtime of `core`."""
    with _lock:
        workers = _workers.get(core)
        if workers is None:
            workers = _workers[core] = Workers()
        return workers
