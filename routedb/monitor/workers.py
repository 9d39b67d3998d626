"""The monitor's threads: one for each node or discovered group, and a guard thread.

A node that hangs blocks only its own thread, and the guard ends that probe at its
deadline. All wait on one condition, so that a wake reaches every thread at once.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from enum import Enum
from math import inf
from typing import Protocol

PAUSE_AFTER_S = 5.0  # probing goes on for this long after `pause`, which often is brief
REST_CHECK_S = 0.001  # between two looks at whether all tasks have released theirs
FAST_FOR_S = 5.0  # short intervals for this long after a wake
# Batch sample requests for 1 ms; replicas are asked a little later than the writer, or
# they would be behind the sample that they are measured by. How much later is learnt
# from what they answer: a probe in vain costs more than one that is a little late.
SAMPLE_DELAY_S = 0.001
REPLICA_DELAY_S, SHORTEST_DELAY_S, LONGEST_DELAY_S = 0.01, 0.003, 0.03
SOONER, LATER = 0.98, 1.5
# Where a read waits for a sample, a node is asked up to twenty times a second on the
# average, by the generic cell rate algorithm (ITU-T I.371) with one probe to spare.
# Where only writes may soon be read, five times, counted from an answer to whoever has
# asked.
WAITING_GAP_S, SHORTEST_GAP_S, WRITING_GAP_S = 0.0513, 0.02, 0.2
OTHERS_GAP_S = 0.045  # after an answer to a connection: there will be more of them
# A probe that would come later than this after a request is put off until there is one
# to spare. Else, where there are a few more writes than probes, each would come a
# little later after its write than the one before, and most reads find none in time.
LATE_S = 0.01


class Task(Protocol):
    """What one thread does repeatedly: a NodeProbe or a MemberDiscovery."""

    name: str
    timeout_s: float
    group: int | None  # requested samples of this group are taken by this task

    @property
    def gap_s(self) -> float:
        """Between two probes at least, also after a wake."""

    @property
    def answered_at(self) -> float:
        """When what was last answered was asked for, by whomever, on the clock."""

    @property
    def is_replica(self) -> bool:
        """Whether it was a replica when it last answered."""

    @property
    def holds_until(self) -> float:
        """It holds what was written before this time on the clock, as far as known."""

    @property
    def sampled_at(self) -> float | None:
        """When the writer was asked for the newest position that is known of its group;
        None where none is told."""

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


class _Course:
    """How far the thread of a task has come; times are on the clock."""

    def __init__(self, now: float) -> None:
        self.began = self.ended = now  # its last probe
        self.due = now
        self.earned_at = now  # when all probes for reads that wait will be earned
        self.waits_since = -inf  # the first request since the last answer
        self.delay_s = REPLICA_DELAY_S  # of a replica, after a request
        self.wakes = 0  # those it has acted on
        self.is_paused = False
        self.is_first = True  # since it began, or went on after a pause

    def note_probe(
        self, began: float, ended: float, due: float, holds_until: float
    ) -> None:
        """Take note of a probe, when the next one is due, and until when the node holds
        what was written by then."""
        if holds_until < self.waits_since:
            self.delay_s = min(self.delay_s * LATER, LONGEST_DELAY_S)
        elif began - self.waits_since < self.delay_s * LATER:  # else it tells nothing
            self.delay_s = max(self.delay_s * SOONER, SHORTEST_DELAY_S)
        self.earned_at = max(self.earned_at, began) + WAITING_GAP_S
        self.began, self.ended, self.due = began, ended, due
        self.is_paused = self.is_first = False

    def sample_at(self, task: Task, requested: float, answered: float) -> float:
        """Return when `task` is to be asked for a read that waits since it `requested`
        a sample; inf: no more for that. `answered` is when it was asked last.

        A replica is compared with the writer's sample, so it is asked after that one.
        """
        if task.is_replica and (sampled_at := task.sampled_at) is not None:
            if sampled_at <= task.holds_until:
                return inf
            self.waits_since = sampled_at
            wanted_at = sampled_at + self.delay_s
        elif requested > answered:
            if self.waits_since <= answered:
                self.waits_since = requested
            wanted_at = self.waits_since + SAMPLE_DELAY_S
        else:
            return inf
        gap_s = OTHERS_GAP_S if answered > self.ended else SHORTEST_GAP_S
        free_at = max(self.earned_at - WAITING_GAP_S, answered + gap_s)
        if free_at > wanted_at + LATE_S:
            free_at = max(free_at, self.earned_at)
        return max(wanted_at, free_at)

    def note_pause(self, now: float) -> None:
        """Take note that probing has stopped; it goes on at once."""
        self.due = now
        self.is_paused = self.is_first = True


class Workers:
    """Threads that probe until `stop`. Started once; thrown away when stopped.

    `interval` returns the seconds to wait after a probe, from the task and whether a
    statement waits (a wake was less than FAST_FOR_S ago). `may_rest` tells of a task
    that is due whether nothing asks for its answer. `tasks` changes by `add` and
    `remove` only. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        interval: Callable[[Task, bool], float],
        clock: Callable[[], float],
        may_rest: Callable[[Task], bool] = lambda task: False,
    ) -> None:
        self.tasks: tuple[Task, ...] = tuple(tasks)
        self._interval = interval
        self._may_rest = may_rest
        self._clock = clock
        # Guards the fields below. It is taken by itself: a signal handler that raises
        # when a condition is entered would have it locked for ever.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._is_stopped = False
        self._pause_at: float | None = None  # when probing pauses; None: not
        self._hurry_until = clock()
        self._wakes = 0
        # By group: when a sample was requested, for a read that waits or for a write.
        self._awaited: dict[int | None, float] = {}
        self._written: dict[int | None, float] = {}
        self._held: Counter[Task] = Counter()  # those that must not probe
        self._at_rest: set[Task] = set()  # those that have released what they had open
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

    def hold(self, tasks: Collection[Task], timeout_s: float) -> None:
        """Have these `tasks` release what they have open, and wait for that, but no
        longer than `timeout_s`; they do not probe until `let_go`."""
        with self._lock:
            if self._pause_at is not None:  # nobody is there who needs them
                self._pause_at = min(self._pause_at, self._clock())
            self._held.update(tasks)
            self._changed.notify_all()
        try:
            deadline = time.monotonic() + timeout_s
            while not self._are_at_rest(tasks) and time.monotonic() < deadline:
                time.sleep(REST_CHECK_S)  # no condition: see `_lock`
        except BaseException:  # a signal handler's: nobody would let them go
            self.let_go(tasks)
            raise

    def _are_at_rest(self, tasks: Collection[Task]) -> bool:
        with self._lock:
            return self._is_stopped or self._at_rest.issuperset(tasks)

    def let_go(self, tasks: Collection[Task]) -> None:
        """Let these `tasks`, which were held, probe again; at once."""
        with self._lock:
            self._held.subtract(tasks)
            self._changed.notify_all()

    def wake(self) -> None:
        """Probe every node now, and at short intervals for FAST_FOR_S."""
        with self._lock:
            self._wakes += 1
            self._hurry_until = self._clock() + FAST_FOR_S
            self._changed.notify_all()

    def request_sample(self, group: int, waits: bool = True) -> None:
        """Probe the nodes of `group`, an id, after SAMPLE_DELAY_S, unless they have
        answered by then. `waits`: a read waits for it, else nobody does yet."""
        with self._lock:
            requests = self._awaited if waits else self._written
            requests[group] = self._clock()
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
        course = _Course(self._clock())
        while (turn := self._next_turn(task, course)) is not Turn.STOP:
            if turn is Turn.PROBE:
                began = self._clock()
                task.probe()
                ended = self._clock()
                due = ended + self._pace(task)
                course.note_probe(began, ended, due, task.holds_until)
                if task.group in self._awaited and not task.is_replica:
                    with self._lock:  # replicas are asked after that
                        self._changed.notify_all()
            else:
                task.release()
                course.note_pause(self._clock())
                with self._lock:
                    self._at_rest.add(task)
        task.release()

    def _next_turn(self, task: Task, course: _Course) -> Turn:
        """Wait until `task` is due."""
        with self._lock:
            while not self._is_stopped and task in self.tasks:
                now = self._clock()
                pause_in = None if self._pause_at is None else self._pause_at - now
                is_over = pause_in is not None and pause_in <= 0
                if is_over or self._held[task] > 0:
                    if not course.is_paused:
                        return Turn.PAUSE
                    self._changed.wait()
                    continue
                is_asked, at = self._next_probe(task, course)
                if at > now:
                    at = at if pause_in is None else min(at, now + pause_in)
                    self._changed.wait(at - now)
                elif is_asked or not self._is_put_off(task, course):
                    course.wakes = self._wakes
                    self._at_rest.discard(task)
                    return Turn.PROBE
        return Turn.STOP

    def _next_probe(self, task: Task, course: _Course) -> tuple[bool, float]:
        """Return when to probe, and whether that was asked for or is a matter of
        course."""
        answered = max(course.began, task.answered_at)
        at = inf
        if self._wakes != course.wakes:
            at = course.began + task.gap_s
        if (requested := self._awaited.get(task.group, -inf)) > task.holds_until:
            at = min(at, course.sample_at(task, requested, answered))
        if (requested := self._written.get(task.group, -inf)) > answered:
            delay_s = REPLICA_DELAY_S if task.is_replica else SAMPLE_DELAY_S
            at = min(at, max(answered + WRITING_GAP_S, requested + delay_s))
        if at < course.due:
            return True, at
        return False, course.due

    def _is_put_off(self, task: Task, course: _Course) -> bool:
        """Put off a probe that is due when the node has answered somebody else since
        the last one, or nothing asks for its answer; tell whether that is so."""
        if course.is_first:
            return False
        answered, now = task.answered_at, self._clock()
        if answered > course.began:
            course.began = answered
            course.due = max(now, answered + self._pace(task))
            return course.due > now
        if now < self._hurry_until or not self._may_rest(task):
            return False
        course.due = now + self._pace(task)
        return True

    def _pace(self, task: Task) -> float:
        return self._interval(task, self._clock() < self._hurry_until)

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
