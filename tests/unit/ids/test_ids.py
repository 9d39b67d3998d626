"""Keys: what is in one, that none comes twice, and clocks that are wrong."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timezone

import pytest

import routedb
from routedb.ids import MOST_NODES, Generator, parts
from routedb.numbering.generator import Borrowed
from routedb.numbering.layout import EPOCH_MS, MOST_A_MS, put_together


class Clock:
    """Seconds of Unix time, which move on by `step_s` whenever they are read."""

    def __init__(self, step_s=0.0):
        self.now_s = EPOCH_MS / 1000 + 1000
        self.step_s = step_s

    def __call__(self):
        self.now_s += self.step_s
        return self.now_s


def test_a_key_says_when_where_and_how_many():
    ids = Generator(7, clock=Clock())
    first, second = ids.take(2)
    made_at = datetime(2026, 1, 1, 0, 16, 40, tzinfo=timezone.utc)
    assert parts(first) == (made_at, 7, 0)
    assert parts(second) == (made_at, 7, 1)
    assert 0 < first < second < 1 << 63


@pytest.mark.parametrize("step_s", [0.00001, 0.0005, 0.1])
def test_keys_grow_and_none_comes_twice(step_s):
    ids = Generator(MOST_NODES - 1, clock=Clock(step_s))
    keys = ids.take(20_000)
    assert keys == sorted(set(keys))


def test_a_millisecond_that_is_used_up_is_waited_for():
    clock, reads = Clock(), iter(range(MOST_A_MS + 10))

    def stands_for_a_while():
        if next(reads, None) is None:
            clock.now_s += 0.001
        return clock()

    keys = Generator(0, clock=stands_for_a_while).take(MOST_A_MS + 1)
    assert parts(keys[-2]).number == MOST_A_MS - 1
    assert parts(keys[-1]).number == 0
    assert parts(keys[-1]).made_at > parts(keys[0]).made_at


def test_a_clock_that_was_set_back_a_little_is_not_waited_for():
    clock = Clock()
    ids = Generator(0, clock=clock)
    before = ids.next()
    clock.now_s -= 4
    keys = ids.take(2 * MOST_A_MS)
    assert [before, *keys] == sorted({before, *keys})


def test_a_clock_that_was_set_back_far_makes_no_keys():
    clock = Clock()
    ids = Generator(3, clock=clock)
    before = ids.next()
    clock.now_s -= 6
    with pytest.raises(routedb.OperationalError, match=r"6\.0 s behind the last key"):
        ids.next()
    clock.now_s += 6
    assert ids.next() > before


def test_threads_share_one():
    ids = Generator(1)
    found: list[list[int]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda kept=kept: kept.extend(ids.take(3000)))
        for kept in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(kept == sorted(kept) for kept in found)
    assert len({key for kept in found for key in kept}) == 4 * 3000


def test_a_forked_child_does_not_make_its_parents_keys():
    ids = Generator(1)
    ids.next()
    child = os.fork()
    if child == 0:
        try:
            ids.next()
        except routedb.InterfaceError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("node", [-1, MOST_NODES])
def test_a_node_that_a_key_has_no_room_for(node):
    with pytest.raises(ValueError, match="is not between 0 and 1023"):
        Generator(node)


def test_times_and_numbers_that_are_none():
    with pytest.raises(ValueError, match="is not between 2026 and 2095"):
        put_together(EPOCH_MS - 1, 0, 0)
    with pytest.raises(ValueError, match="is not between 2026 and 2095"):
        put_together(EPOCH_MS + (1 << 41), 0, 0)
    with pytest.raises(ValueError, match="is no key"):
        parts(-1)
    with pytest.raises(ValueError, match="is no key"):
        parts(1 << 63)


class Lender:
    """Lends for 100 ms, each time another number, whose clock is further behind."""

    def __init__(self, renews):
        self.now_ms = EPOCH_MS + 10_000
        self.renews = renews
        self.lent = []

    def borrow(self, before):
        until = self.now_ms + 100
        node = before.node if before and self.renews else len(self.lent)
        late = 0 if self.renews else 20 * len(self.lent)
        self.lent.append(
            Borrowed(node, self.now_ms - late, until, lambda: self._tick() - late)
        )
        return self.lent[-1]

    def _tick(self):
        self.now_ms += 1
        return self.now_ms


@pytest.mark.parametrize("renews", [True, False])
def test_a_number_is_used_in_its_time_only_and_keys_grow_over_numbers(renews):
    lender = Lender(renews)
    ids = Generator(lender)
    keys = ids.take(1000)
    assert keys == sorted(set(keys))
    assert len(lender.lent) > 5
    for key in keys:
        ms = (key >> 22) + EPOCH_MS
        mine = [each for each in lender.lent if each.node == parts(key).node]
        assert any(each.from_ms <= ms < each.until_ms for each in mine)
