"""The monitor's threads: one for each node or discovered group, and a guard thread.

A node that hangs blocks only its own thread, and the guard ends that probe at its
deadline. All wait on one condition, so that a wake reaches every thread at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

PAUSE_AFTER_S = 5.0  # probing goes on for this long after `pause`, which often is brief
FAST_FOR_S = 5.0  # short intervals for this long after a wake
SAMPLE_DELAY_S = 0.01  # batch sample requests for 10 ms


class Task(Protocol):
    """What one thread does repeatedly: a NodeProbe or a MemberDiscovery."""

    name: str
    timeout_s: float
    gap_s: float  # between two probes at least, also after a wake
    group: int | None  # requested samples of this group are taken by this task

    def probe(self) -> None:
        """Send one probe and publish the result."""

    def release(self) -> None:
        """Close what is only needed while probing goes on."""

    @property
    def due(self) -> float | None:
        """When `expire` or `check_silence` is due next; None: not at all."""

    def expire(self) -> None:
        """Give up the probe under way if its deadline is over."""

    def check_silence(self) -> None:
        """Report a node that has not answered for too long."""

    def interrupt(self) -> None:
        """End the probe under way without publishing."""

    def abandon(self) -> None:
        """In a forked child: drop what the parent goes on using, without closing it."""


class Turn(Enum):
    """What the thread of a node does next."""

    PROBE = "probe"
    PAUSE = "pause"
    STOP = "stop"


class Workers:
    """Threads that probe until `stop`. Started once; thrown away when stopped.

    `interval` returns the seconds to wait after a probe, from the task and whether a
    statement waits (a wake was less than FAST_FOR_S ago). `tasks` changes by `add` and
    `remove` only. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        interval: Callable[[Task, bool], float],
        clock: Callable[[], float],
    ) -> None:
        self.tasks: tuple[Task, ...] = tuple(tasks)
        self._interval = interval
        self._clock = clock
        # Guards the fields below. It is taken by itself: a signal handler that raises
        # when a condition is entered would have it locked for ever.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._is_stopped = False
        self._pause_at: float | None = None  # when probing pauses; None: not
        self._hurry_until = clock()
        self._wakes = 0
        self._requested: dict[
            int | None, float
        ] = {}  # group -> when a sample was requested
        self._threads = [self._thread(task) for task in tasks]
        self._threads.append(
            threading.Thread(
                target=self._guard, name="routedb-monitor-guard", daemon=True
            )
        )

    def start(self) -> None:
        """Start the threads."""
        for thread in list(self._threads):  # the first may add others
            thread.start()

    def add(self, task: Task) -> None:
        """Add a task and start its thread, unless stopped."""
        thread = self._thread(task)
        with self._lock:
            if self._is_stopped:
                return
            self.tasks += (task,)
            self._threads = [t for t in self._threads if t.is_alive() or not t.ident]
            self._threads.append(thread)
            thread.start()

    def remove(self, task: Task) -> None:
        """Remove a task and end its thread."""
        with self._lock:
            self.tasks = tuple(d for d in self.tasks if d is not task)
            self._changed.notify_all()
        task.interrupt()

    def pause(self) -> None:
        """Stop probing after a few seconds, unless `resume` comes first."""
        with self._lock:
            self._pause_at = self._clock() + PAUSE_AFTER_S
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on probing; at once where it had stopped."""
        with self._lock:
            self._pause_at = None
            self._changed.notify_all()

    def wake(self) -> None:
        """Probe every node now, and at short intervals for FAST_FOR_S."""
        with self._lock:
            self._wakes += 1
            self._hurry_until = self._clock() + FAST_FOR_S
            self._changed.notify_all()

    def request_sample(self, group: int) -> None:
        """Probe the nodes of a group after SAMPLE_DELAY_S."""
        with self._lock:
            self._requested[group] = self._clock()
            self._changed.notify_all()

    def stop(self, timeout_s: float) -> None:
        """End the threads; wait for them, but no longer than `timeout_s` in all."""
        with self._lock:
            self._is_stopped = True
            self._changed.notify_all()
            threads = list(self._threads)
        for task in self.tasks:
            task.interrupt()
        deadline = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _thread(self, task: Task) -> threading.Thread:
        name = f"routedb-monitor-{task.name}"
        return threading.Thread(target=self._run, args=[task], name=name, daemon=True)

    def _run(self, task: Task) -> None:
        """Probe whenever it is due."""
        due, wakes, is_paused = self._clock(), 0, False
        began = due  # the last probe
        while True:
            turn, wakes = self._next_turn(task, began, due, wakes, is_paused)
            if turn is Turn.PROBE:
                began = self._clock()
                task.probe()
                hurry = self._clock() < self._hurry_until
                due = self._clock() + self._interval(task, hurry)
            else:
                task.release()
                due = self._clock()
            is_paused = turn is Turn.PAUSE
            if turn is Turn.STOP:
                return

    def _next_turn(
        self, task: Task, began: float, due: float, wakes: int, is_paused: bool
    ) -> tuple[Turn, int]:
        """Wait until `task` is due. `began` is when its last probe began, `wakes` the
        number of wakes that it has acted on."""
        soonest = self._clock() + task.gap_s
        with self._lock:
            while not self._is_stopped and task in self.tasks:
                now = self._clock()
                pause_in = None if self._pause_at is None else self._pause_at - now
                if pause_in is not None and pause_in <= 0:
                    if not is_paused:
                        return Turn.PAUSE, self._wakes
                    self._changed.wait()
                    continue
                wait = (min(due, soonest) if self._wakes != wakes else due) - now
                requested = self._requested.get(task.group, began)
                if requested > began:
                    wait = min(wait, max(soonest, requested + SAMPLE_DELAY_S) - now)
                if wait <= 0:
                    return Turn.PROBE, self._wakes
                self._changed.wait(wait if pause_in is None else min(wait, pause_in))
        return Turn.STOP, wakes

    def _guard(self) -> None:
        """Expire probes, and give up on nodes that stay silent."""
        while self._wait_for_guard():
            for task in self.tasks:
                task.expire()
                task.check_silence()

    def _wait_for_guard(self) -> bool:
        """Wait for the next deadline; False when stopped.

        A probe that begins during the wait cannot expire within it, as the wait is no
        longer than the shortest timeout; and while all are paused, none begins.
        """
        with self._lock:
            now = self._clock()
            shortest = min(task.timeout_s for task in self.tasks)
            deadlines = [d for task in self.tasks if (d := task.due) is not None]
            is_paused = self._pause_at is not None and self._pause_at <= now
            wait = max(
                0.0, min([shortest, *(deadline - now for deadline in deadlines)])
            )
            if not self._is_stopped:
                self._changed.wait(None if is_paused and not deadlines else wait)
            return not self._is_stopped
