"""When a session queries positions itself, by a clock that only the test moves."""

from __future__ import annotations

import pytest

from routedb.session.position_queries import LONGEST_S, SHORTEST_S, PositionQueries

READ_GAP_S = 0.0017


class Busy:
    """One session that writes at a rate and reads all the time. Its replica has each
    write `lag_s` later, of which the session knows only by its queries."""

    def __init__(self, lag_s):
        self.lag_s = lag_s
        self.queries = PositionQueries()
        self.now = 100.0
        self.reads = self.on_replica = self.sent = 0

    def run(self, writes_a_second, seconds=30):
        self.reads = self.on_replica = self.sent = 0
        for _ in range(int(writes_a_second * seconds)):
            self.write(1 / writes_a_second)

    def write(self, seconds):
        wrote_at, until, holds = self.now, self.now + seconds, False
        while self.now < until:
            self.now += READ_GAP_S
            if not holds and self.queries.try_acquire(self.now, wrote_at):
                self.sent += 1
                holds = self.now - wrote_at >= self.lag_s
                if holds:
                    self.queries.succeed()
            self.reads += 1
            self.on_replica += holds

    @property
    def share(self):
        return self.on_replica / self.reads


def test_queries_in_vain_become_rarer():
    queries, now, waits = PositionQueries(), 1.0, []
    for _ in range(12):
        assert queries.try_acquire(now, 0.0)
        assert not queries.try_acquire(now + queries.wait_s * 0.99, 0.0)
        waits.append(queries.wait_s)
        now += queries.wait_s
    assert waits[:3] == [SHORTEST_S, SHORTEST_S * 2, SHORTEST_S * 4]
    assert waits[-1] == LONGEST_S


@pytest.mark.parametrize(
    ("writes_a_second", "lag_s", "at_least"),
    [
        (1, 0.001, 0.99),
        (1, 0.1, 0.8),
        (5, 0.02, 0.85),
        (20, 0.001, 0.9),
        (20, 0.005, 0.8),
        (20, 0.012, 0.65),
        (20, 0.03, 0.3),
        (100, 0.001, 0.5),
        (100, 0.003, 0.4),
    ],
)
def test_the_replica_answers_most_reads(writes_a_second, lag_s, at_least):
    busy = Busy(lag_s)
    busy.run(writes_a_second)
    assert busy.share > at_least
    assert busy.sent <= 4 * 30 * writes_a_second


@pytest.mark.parametrize("writes_a_second", [20, 100, 500])
def test_a_replica_that_never_catches_up_is_asked_once_a_second(writes_a_second):
    busy = Busy(5.0)
    began = busy.now
    busy.run(writes_a_second)
    assert (busy.now - began) * 0.9 <= busy.sent <= busy.now - began + 10


def test_what_was_learnt_of_a_replica_far_behind_is_unlearnt():
    busy = Busy(0.2)
    busy.run(20)
    assert not busy.on_replica
    busy.lag_s = 0.002
    busy.run(20, seconds=2)  # a second until the next query, at the most
    busy.run(20)
    assert busy.share > 0.9


def test_a_query_that_led_to_a_replica_ends_a_long_wait():
    queries, now = PositionQueries(), 1.0
    for _ in range(9):
        assert queries.try_acquire(now, 0.0)
        now += queries.wait_s
    assert queries.try_acquire(now, 0.0)
    queries.succeed()
    assert queries.try_acquire(now + SHORTEST_S, 0.0)
