"""The monitor's threads: one for each node or discovered group, and a guard over all.

A node that hangs holds up only its own thread, and the guard frees that one when its
time is over. All wait on one condition, so that a wake reaches everybody at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

LINGER_S = 5.0  # probing goes on for so long after a pause: connections come and go
HURRY_S = 5.0  # and is fast for so long after a wake
HASTE_S = 0.01  # a sample that is wanted waits so long for others to want it too


class Duty(Protocol):
    """What one thread does in its turns: a Watch or a Scout."""

    name: str
    timeout_s: float
    gap_s: float  # between two probes at least, however many wakes there are
    group: int | None  # whose haste it follows

    def probe(self) -> None:
        """Ask once, and publish what came of it."""

    def rest(self) -> None:
        """Let go of what is only needed while probing goes on."""

    @property
    def due(self) -> float | None:
        """When `expire` or `judge` is to look next; None: not at all."""

    def expire(self) -> None:
        """Give up the probe under way if its time is over."""

    def judge(self) -> None:
        """Say so when there has been no sign of life for too long."""

    def interrupt(self) -> None:
        """End the probe under way without a word."""

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""


class Turn(Enum):
    """What the thread of a node does next."""

    PROBE = "probe"
    REST = "rest"
    STOP = "stop"


class Crew:
    """Threads that probe until `stop`. Started once; a stopped crew is thrown away.

    `interval` says how long to wait after a probe: it is told the duty and whether
    somebody is in a hurry. `duties` changes by `add` and `dismiss` only.
    """

    def __init__(
        self,
        duties: Sequence[Duty],
        interval: Callable[[Duty, bool], float],
        clock: Callable[[], float],
    ) -> None:
        self.duties: tuple[Duty, ...] = tuple(duties)
        self._interval = interval
        self._clock = clock
        self._changed = threading.Condition()  # guards the fields below
        self._is_stopped = False
        self._rest_at: float | None = None  # when probing pauses; None: not
        self._hurry_until = clock()
        self._wakes = 0
        self._hastened: dict[
            int | None, float
        ] = {}  # group -> when a sample was wanted
        self._threads = [self._thread(duty) for duty in duties]
        self._threads.append(
            threading.Thread(
                target=self._guard, name="routedb-monitor-guard", daemon=True
            )
        )

    def start(self) -> None:
        """Start the threads."""
        for thread in list(self._threads):  # the first may find others
            thread.start()

    def add(self, duty: Duty) -> None:
        """Begin with one more, unless stopped."""
        thread = self._thread(duty)
        with self._changed:
            if self._is_stopped:
                return
            self.duties += (duty,)
            self._threads = [t for t in self._threads if t.is_alive() or not t.ident]
            self._threads.append(thread)
            thread.start()

    def dismiss(self, duty: Duty) -> None:
        """End with one of them."""
        with self._changed:
            self.duties = tuple(d for d in self.duties if d is not duty)
            self._changed.notify_all()
        duty.interrupt()

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
            threads = list(self._threads)
        for duty in self.duties:
            duty.interrupt()
        deadline = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _thread(self, duty: Duty) -> threading.Thread:
        name = f"routedb-monitor-{duty.name}"
        return threading.Thread(
            target=self._follow, args=[duty], name=name, daemon=True
        )

    def _follow(self, duty: Duty) -> None:
        """Probe whenever it is due."""
        due, wakes, is_resting = self._clock(), 0, False
        began = due  # the last probe
        while True:
            turn, wakes = self._next_turn(duty, began, due, wakes, is_resting)
            if turn is Turn.PROBE:
                began = self._clock()
                duty.probe()
                hurry = self._clock() < self._hurry_until
                due = self._clock() + self._interval(duty, hurry)
            else:
                duty.rest()
                due = self._clock()
            is_resting = turn is Turn.REST
            if turn is Turn.STOP:
                return

    def _next_turn(
        self, duty: Duty, began: float, due: float, wakes: int, is_resting: bool
    ) -> tuple[Turn, int]:
        """Wait for something to do. `began` is when it was last done, `wakes` the last
        wake that was followed."""
        soonest = self._clock() + duty.gap_s
        with self._changed:
            while not self._is_stopped and duty in self.duties:
                now = self._clock()
                rest_in = None if self._rest_at is None else self._rest_at - now
                if rest_in is not None and rest_in <= 0:
                    if not is_resting:
                        return Turn.REST, self._wakes
                    self._changed.wait()
                    continue
                wait = (min(due, soonest) if self._wakes != wakes else due) - now
                hastened = self._hastened.get(duty.group, began)
                if hastened > began:
                    wait = min(wait, max(soonest, hastened + HASTE_S) - now)
                if wait <= 0:
                    return Turn.PROBE, self._wakes
                self._changed.wait(wait if rest_in is None else min(wait, rest_in))
        return Turn.STOP, wakes

    def _guard(self) -> None:
        """Expire probes, and give up on nodes that stay silent."""
        while self._wait_for_guard():
            for duty in self.duties:
                duty.expire()
                duty.judge()

    def _wait_for_guard(self) -> bool:
        """Wait for the next deadline; False when stopped.

        A probe that begins during the wait cannot expire within it, as the wait is no
        longer than the shortest timeout; and while all rest, none begins.
        """
        with self._changed:
            now = self._clock()
            shortest = min(duty.timeout_s for duty in self.duties)
            deadlines = [d for duty in self.duties if (d := duty.due) is not None]
            is_resting = self._rest_at is not None and self._rest_at <= now
            wait = max(
                0.0, min([shortest, *(deadline - now for deadline in deadlines)])
            )
            if not self._is_stopped:
                self._changed.wait(None if is_resting and not deadlines else wait)
            return not self._is_stopped
