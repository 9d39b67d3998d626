"""The monitor's threads: one for each node, and a guard over all.

A node that hangs holds up only its own thread, and the guard frees that one when its
time is over. All wait on one condition, so that a wake reaches everybody at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum

from routedb.monitor.watch import Watch

LINGER_S = 5.0  # probing goes on for so long after a pause: connections come and go
HURRY_S = 5.0  # and is fast for so long after a wake
HASTE_S = 0.01  # a sample that is wanted waits so long for others to want it too
MIN_GAP_S = 0.02  # between two probes of one node, however many wakes there are


class Turn(Enum):
    """What the thread of a node does next."""

    PROBE = "probe"
    REST = "rest"
    STOP = "stop"


class Crew:
    """Threads that probe until `stop`. Started once; a stopped crew is thrown away.

    `interval` says how long to wait after a probe: it is told the watch and whether
    somebody is in a hurry.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        interval: Callable[[Watch, bool], float],
        clock: Callable[[], float],
    ) -> None:
        self.watches = watches
        self._interval = interval
        self._clock = clock
        self._changed = threading.Condition()  # guards the fields below
        self._is_stopped = False
        self._rest_at: float | None = None  # when probing pauses; None: not
        self._hurry_until = clock()
        self._wakes = 0
        self._hastened: dict[int, float] = {}  # group -> when a sample was wanted
        self._threads = [
            threading.Thread(
                target=self._follow,
                args=[watch],
                name=f"routedb-monitor-{watch.node.name}",
                daemon=True,
            )
            for watch in watches
        ]
        self._threads.append(
            threading.Thread(
                target=self._guard, name="routedb-monitor-guard", daemon=True
            )
        )

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Let probing end after a while, unless `resume` comes first."""
        with self._changed:
            self._rest_at = self._clock() + LINGER_S
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on probing; at once, where it had ended."""
        with self._changed:
            self._rest_at = None
            self._changed.notify_all()

    def wake(self) -> None:
        """Probe every node now, and fast for a while."""
        with self._changed:
            self._wakes += 1
            self._hurry_until = self._clock() + HURRY_S
            self._changed.notify_all()

    def hasten(self, group: int) -> None:
        """Probe the nodes of a group soon."""
        with self._changed:
            self._hastened[group] = self._clock()
            self._changed.notify_all()

    def stop(self, timeout_s: float) -> None:
        """End the threads; wait for them, but no longer than `timeout_s` in all."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        for watch in self.watches:
            watch.interrupt()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _follow(self, watch: Watch) -> None:
        """Probe one node whenever it is due."""
        due, wakes, is_resting = self._clock(), 0, False
        began = due  # the last probe
        while True:
            turn, wakes = self._next_turn(watch, began, due, wakes, is_resting)
            if turn is Turn.PROBE:
                began = self._clock()
                watch.probe()
                hurry = self._clock() < self._hurry_until
                due = self._clock() + self._interval(watch, hurry)
            else:
                watch.rest()
                due = self._clock()
            is_resting = turn is Turn.REST
            if turn is Turn.STOP:
                return

    def _next_turn(
        self, watch: Watch, began: float, due: float, wakes: int, is_resting: bool
    ) -> tuple[Turn, int]:
        """Wait for something to do. `began` is when this node was last probed, `wakes`
        the last wake it has followed."""
        soonest = self._clock() + MIN_GAP_S
        with self._changed:
            while not self._is_stopped:
                now = self._clock()
                rest_in = None if self._rest_at is None else self._rest_at - now
                if rest_in is not None and rest_in <= 0:
                    if not is_resting:
                        return Turn.REST, self._wakes
                    self._changed.wait()
                    continue
                wait = (min(due, soonest) if self._wakes != wakes else due) - now
                hastened = self._hastened.get(watch.node.group, began)
                if hastened > began:
                    wait = min(wait, max(soonest, hastened + HASTE_S) - now)
                if wait <= 0:
                    return Turn.PROBE, self._wakes
                self._changed.wait(wait if rest_in is None else min(wait, rest_in))
        return Turn.STOP, wakes

    def _guard(self) -> None:
        """Expire probes, and give up on nodes that stay silent."""
        shortest = min(watch.timeout_s for watch in self.watches)
        while self._wait_for_guard(shortest):
            for watch in self.watches:
                watch.expire()
                watch.judge()

    def _wait_for_guard(self, shortest: float) -> bool:
        """Wait for the next deadline; False when stopped.

        A probe that begins during the wait cannot expire within it, as the wait is no
        longer than the shortest timeout; and while all rest, none begins.
        """
        with self._changed:
            now = self._clock()
            deadlines = [d for w in self.watches if (d := w.due) is not None]
            is_resting = self._rest_at is not None and self._rest_at <= now
            wait = max(
                0.0, min([shortest, *(deadline - now for deadline in deadlines)])
            )
            if not self._is_stopped:
                self._changed.wait(None if is_resting and not deadlines else wait)
            return not self._is_stopped
