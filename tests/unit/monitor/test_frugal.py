"""How many probes are sent: counted on a clock that only waiting moves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from routedb.engine.shared.sample_requests import BATCH_S, SampleRequests
from routedb.events import NodeAnswered
from routedb.monitor.intervals import ProbeInterval, is_well
from routedb.monitor.workers import Turn, Workers, _Course
from routedb.topology import Answer, Limits, Role, initial, update
from tests.support.configs import cluster

CONFIG = cluster(["w", "r"])


class Probe:
    """A task of which only the times count: a probe takes a millisecond."""

    def __init__(self, line, node):
        self.line = line
        self.node = node
        self.group = 0
        self.name = node.name
        self.gap_s = 0.05
        self.timeout_s = 5.0
        self.due = None
        self.is_replica = node.id > 0

    @property
    def answered_at(self):
        return self.line.group.find(self.node.id).asked_at

    @property
    def sampled_at(self):
        sample = self.line.group.sample
        return None if sample is None else sample.asked_at

    @property
    def holds_until(self):
        return self.line.group.find(self.node.id).holds_until


class Line:
    """One node's thread, its clock, and what the process does meanwhile: at each time
    of `happens` something. Waiting goes on to whatever is next."""

    def __init__(self, seed=1):
        self.now = 100.0
        self.snapshot = initial(CONFIG)
        self.limits = Limits.of(CONFIG)
        self.position = 0x1000
        self.used_at = 0.0
        self.requests = SampleRequests(lambda: self.now, self.sampled_at)
        self.counts: Counter[str] = Counter()
        self.happens: list[tuple[float, Callable[[], object]]] = []
        tasks: list[Any] = [Probe(self, node) for node in CONFIG.nodes]
        self.paces = {task: ProbeInterval(random.Random(seed)) for task in tasks}
        self.workers = Workers(tasks, self.interval, lambda: self.now, self.may_rest)
        self.requests.tell = self.workers.request_sample
        self.courses: dict[Any, _Course] = {task: _Course(self.now) for task in tasks}

    def sampled_at(self, group):
        sample = self.snapshot.groups[group].sample
        return -inf if sample is None else sample.asked_at

    @property
    def group(self):
        return self.snapshot.groups[0]

    def interval(self, task, hurry):
        wanted = self.requests.refused_at(0)
        pace = self.paces[task]
        return pace.interval(task.node.id, self.group, self.now, hurry, wanted)

    def may_rest(self, task):
        is_recent = self.now - task.answered_at < 3.0
        return is_recent and is_well(self.group) and self.used_at < task.answered_at

    def answer(self, node, asked_at):
        role = Role.REPLICA if node.id else Role.WRITER
        told = Answer(role, "", f"0/{self.position:X}", "1", 0.0)
        event = NodeAnswered(node.id, 0, told, asked_at)
        self.snapshot = update(self.snapshot, event, self.now, self.limits)

    def write(self):
        self.position += 100
        self.used_at = self.now
        self.requests.note_write(0)

    def refuse(self):
        self.used_at = self.now
        self.requests.request(0)

    def every(self, gap_s, act, seconds):
        number = 0
        while number * gap_s < seconds:
            self.happens.append((self.now + number * gap_s, act))
            number += 1

    def run(self, seconds):
        """Let time pass; return how often the node that was probed most was."""
        over = self.now + seconds
        self.counts.clear()
        self.happens.sort(key=lambda each: each[0])
        while True:
            next_up = self.happens[0][0] if self.happens else inf
            task, at = min(
                ((task, self.due(task)) for task in self.courses),
                key=lambda each: each[1],
            )
            if min(at, next_up) >= over:
                self.now = over
                return max(self.counts.values(), default=0)
            if next_up <= at:
                self.now = max(self.now, next_up)
                self.happens.pop(0)[1]()
                continue
            self.now = max(self.now, at)
            if self.due(task) <= self.now:
                self.take(task)

    def due(self, task):
        course = self.courses[task]
        while True:
            is_asked, at = self.workers._next_probe(task, course)
            if at > self.now or is_asked:
                return at
            if not self.workers._is_put_off(task, course):
                return at

    def take(self, task):
        course = self.courses[task]
        course.wakes = self.workers._wakes
        began = self.now
        self.counts[task.name] += 1
        self.now += 0.001
        self.answer(task.node, began)
        due = self.now + self.workers._pace(task)
        course.note_probe(began, self.now, due, task.holds_until)


@pytest.fixture(params=range(3))
def line(request):
    return Line(request.param)


def test_a_process_that_does_nothing(line):
    assert line.run(5.0) <= 3
    assert line.run(60.0) <= 24


@pytest.mark.parametrize("rate", [1, 5, 20, 100, 500])
def test_writes_alone_make_nobody_hurry(line, rate):
    line.run(5.0)
    line.every(1 / rate, line.write, 10.0)
    assert 5 <= line.run(10.0) <= 13  # once a second


@pytest.mark.parametrize("rate", [1, 5, 20, 100, 500])
def test_reads_that_wait_get_twenty_a_second_at_the_most(line, rate):
    line.run(5.0)
    line.every(1 / rate, line.write, 10.0)
    line.every(0.003, line.refuse, 10.0)
    assert 10 * min(rate, 8) <= line.run(10.0) <= 200


def test_a_read_that_was_refused_once_gets_its_sample(line):
    line.run(5.0)
    line.write()
    line.refuse()
    refused_at = line.now
    line.run(0.1)
    assert line.group.sample.asked_at > refused_at
    assert line.group.find(1).holds_until > refused_at


@pytest.mark.parametrize("rate", [1, 5, 20, 100, 500])
def test_after_a_read_that_waited_writes_get_five_a_second_at_the_most(line, rate):
    line.run(5.0)
    line.refuse()
    line.run(0.5)
    line.every(1 / rate, line.write, 4.0)
    assert min(rate, 4) * 3 <= line.run(4.0) <= 20


def test_writes_and_reads_that_look_for_them_get_twenty(line):
    """As under `consistency = "process"`, though no read is refused."""
    line.run(5.0)
    line.every(0.01, line.write, 10.0)
    line.every(0.01, lambda: line.requests.note_look(0), 10.0)
    assert 100 <= line.run(10.0) <= 200


class LaggingLine(Line):
    """A replica that has each write `lag_s` later, and reads that want them all."""

    def __init__(self, lag_s, seed=1):
        super().__init__(seed)
        self.lag_s = lag_s
        self.written = [(0.0, self.position)]
        self.reads = self.on_replica = 0

    def write(self):
        super().write()
        self.written.append((self.now, self.position))

    def answer(self, node, asked_at):
        if not node.id:
            super().answer(node, asked_at)
            return
        newest, self.position = self.position, self.replayed(asked_at)
        super().answer(node, asked_at)
        self.position = newest

    def replayed(self, at):
        return next(p for t, p in reversed(self.written) if t + self.lag_s <= at)

    def read(self):
        self.requests.note_look(0)
        self.reads += 1
        self.on_replica += self.group.find(1).holds_until >= self.written[-1][0]

    def share(self, writes_a_second):
        self.run(5.0)
        self.every(1 / writes_a_second, self.write, 30.0)
        self.every(0.0017, self.read, 30.0)
        assert self.run(30.0) <= 30 * 20
        return self.on_replica / self.reads


@pytest.mark.parametrize(
    ("writes_a_second", "lag_s", "at_least"),
    [
        (1, 0.001, 0.98),
        (1, 0.02, 0.93),
        (5, 0.001, 0.95),
        (5, 0.012, 0.85),
        (5, 0.02, 0.8),
        (20, 0.001, 0.75),
        (20, 0.005, 0.7),
        (20, 0.012, 0.55),
    ],
)
def test_replicas_answer_most_reads_between_writes(writes_a_second, lag_s, at_least):
    """Under `consistency = "process"`: each write bars them until they have it."""
    assert LaggingLine(lag_s).share(writes_a_second) > at_least


def test_a_request_behind_the_sample_of_one_before_is_told():
    now, sampled_at, told = 0.0, -inf, []
    requests = SampleRequests(lambda: now, lambda group: sampled_at)
    requests.tell = lambda group, waits: told.append(now)
    requests.request(0)
    now = BATCH_S / 4
    requests.request(0)
    assert told == [0.0]
    now = sampled_at = BATCH_S / 2
    requests.request(0)
    assert told == [0.0, now]


def test_and_later_none(line):
    line.refuse()
    line.run(6.0)
    line.every(0.05, line.write, 10.0)
    assert line.run(10.0) <= 13


def test_what_connections_ask_need_not_be_asked_again(line):
    line.run(5.0)
    for node in CONFIG.nodes:
        line.every(0.04, lambda node=node: line.answer(node, line.now), 10.0)
    line.every(0.01, line.write, 10.0)
    line.every(0.05, line.refuse, 10.0)
    assert line.run(10.0) <= 3


def test_many_wakes_of_a_group_that_is_well(line):
    line.run(5.0)
    line.every(0.001, line.workers.wake, 2.0)
    assert line.run(2.0) <= 41


def test_a_statement_that_begins_is_noticed_at_the_usual_interval(line):
    line.run(20.0)

    def use():
        line.used_at = line.now

    line.every(0.5, use, 10.0)
    assert 8 <= line.run(10.0) <= 13


@pytest.mark.parametrize("state", ["held", "stopped", "removed"])
def test_who_is_held_or_gone_takes_no_turn(state):
    line = Line()
    [task, _] = line.courses
    if state == "held":
        line.workers._held[task] += 1
    elif state == "stopped":
        line.workers._is_stopped = True
    else:
        line.workers.tasks = ()
    turn = line.workers._next_turn(task, line.courses[task])
    assert turn is (Turn.PAUSE if state == "held" else Turn.STOP)
