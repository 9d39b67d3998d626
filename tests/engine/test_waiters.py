"""Waiting for news: woken, in time, and in order after a signal handler has raised."""

from __future__ import annotations

import threading
import time

import pytest

from routedb.engine.shared.waiters import Waiters
from routedb.errors import Fault
from routedb.events import NodeFailed
from tests.support.fake_rig import farm
from tests.support.inject import KINDS, Injection


def test_who_waits_is_woken():
    waiters, is_due = Waiters(), threading.Event()

    def waken():
        while not waiters._turns:
            time.sleep(0.001)
        is_due.set()
        waiters.wake()

    thread = threading.Thread(target=waken)
    thread.start()
    waiters.wait(is_due.is_set, 60)
    thread.join()
    assert is_due.is_set()
    assert not waiters._turns


def test_what_is_due_is_not_waited_for():
    waiters = Waiters()
    waiters.wait(lambda: True, 60)
    waiters.wake()
    assert not waiters._turns


def test_it_ends_in_time():
    waiters = Waiters()
    waiters.wait(lambda: False, 0.001)
    assert not waiters._turns


def waits(rig, store):
    """Each way to wait, for no time."""
    now = store.clock()
    return [
        lambda: store.await_news(store.topology.version, now + 0.3),
        lambda: store.await_any(0, now + 0.3),
        lambda: store.await_members(0, now + 0.3),
        lambda: store.await_writer(0, now + 0.3),
        lambda: store.publish(NodeFailed(1, 0, "gone", Fault.REFUSED)),
        lambda: store.note_undiscovered(0, "nobody"),
        lambda: store.pause(0.2),
    ]


def is_free(lock):
    """Tell whether another thread can have a lock."""
    found = []

    def take():
        if lock.acquire(timeout=5):
            found.append(True)
            lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return bool(found)


@pytest.mark.parametrize("number", range(7))
def test_a_signal_leaves_no_lock_behind(number):
    with farm() as rig:
        store = rig.core
        store.wake_monitor = lambda: None
        at = 1
        while True:
            injection = Injection(at, KINDS[at % 2])
            injection.run(waits(rig, store)[number])
            if not injection.has_fired:
                break
            assert is_free(store._changed.lock), injection.place
            at += 1
        assert at > 1
        rig.look()
        for waiters in (store._changed, store._settled):
            waiters.wake()  # what was cut short goes with the next news
            assert not waiters._turns
        assert store.await_writer(0, store.clock() + 5) == 0
