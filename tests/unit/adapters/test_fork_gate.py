"""A fork waits for those inside, for a bounded time, and its child is not shut out."""

from __future__ import annotations

import os
import threading
import time

import pytest

from routedb.adapters.fork_gate import ForkGate, Locks


def in_child(is_right):
    """Fork; tell whether `is_right()` in the child, which has some seconds."""
    pid = os.fork()
    if pid == 0:
        threading.Timer(10, os._exit, [2]).start()
        os._exit(0 if is_right() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.fixture
def inside():
    """Have a thread go into a gate and stay there until an event, or for a while."""
    threads, over = [], threading.Event()

    def enter(gate, leave, notes):
        is_inside = threading.Event()

        def stay():
            with gate:
                is_inside.set()
                leave()
                notes.append("left")

        threads.append(threading.Thread(target=stay))
        threads[-1].start()
        is_inside.wait()

    yield enter, over
    over.set()
    for thread in threads:
        thread.join()


def entered(gate):
    with gate:
        return True


def test_a_fork_waits_for_those_inside(inside):
    enter, _ = inside
    gate = ForkGate(bound_s=10)
    notes: list[str] = []
    enter(gate, lambda: time.sleep(0.2), notes)
    assert in_child(lambda: notes == ["left"] and entered(gate))


def test_a_fork_does_not_wait_for_ever_where_that_is_bounded(inside):
    enter, over = inside
    gate = ForkGate(bound_s=0.1)
    notes: list[str] = []
    enter(gate, over.wait, notes)
    assert in_child(lambda: notes == [] and entered(gate) and in_child(lambda: True))
    assert entered(gate)


def test_a_fork_from_inside_leaves_nobody_inside_in_the_child():
    gate = ForkGate(bound_s=0.1)
    with gate:
        assert in_child(lambda: entered(gate) and in_child(lambda: entered(gate)))
    assert in_child(lambda: entered(gate))


def test_a_block_that_was_cut_short_does_not_keep_its_threads_forks():
    gate = ForkGate(bound_s=60)
    gate.__enter__()  # a signal came before the block
    assert in_child(lambda: entered(gate))
    assert entered(gate)


def test_blocks_nest(inside):
    enter, _ = inside
    gate = ForkGate(bound_s=10)
    notes: list[str] = []

    def close_and_stay():
        with gate:  # in a finalizer, while the thread is inside
            pass
        time.sleep(0.2)

    enter(gate, close_and_stay, notes)
    assert in_child(lambda: notes == ["left"])


def test_who_comes_while_a_fork_waits_is_let_in_after_it(inside):
    enter, _ = inside
    gate = ForkGate(bound_s=10)
    notes: list[str] = []

    def come():
        with gate:
            notes.append("late")

    def stay():
        shutting = threading.Thread(target=gate.shut)
        shutting.start()
        while not gate._lock.locked():
            time.sleep(0.001)
        late = threading.Thread(target=come)
        late.start()
        late.join(0.1)
        notes.append("waits" if late.is_alive() else "is in")

    enter(gate, stay, notes)
    while "left" not in notes:
        time.sleep(0.001)
    gate.open()
    while len(notes) < 3:
        time.sleep(0.001)
    assert notes == ["waits", "left", "late"]


def test_a_fork_takes_the_locks_and_gives_them_back(inside):
    enter, _ = inside
    locks, lock, own, spare = Locks(), *(threading.RLock() for _ in range(3))
    gate = ForkGate(bound_s=10, locks=locks)
    for each in (lock, own, spare):
        locks.add(each)
    del spare, each
    notes: list[str] = []

    def use():
        with lock:
            time.sleep(0.2)
            notes.append("used")

    enter(gate, use, notes)
    while not notes and lock.acquire(blocking=False):
        lock.release()
    with own:
        assert in_child(lambda: "used" in notes and lock.acquire(timeout=5))
    assert lock.acquire(timeout=5)
    with pytest.raises(RuntimeError):
        own.release()  # it was not taken a second time


def test_a_lock_that_is_not_given_up_is_waited_for_in_vain():
    locks, lock = Locks(), threading.RLock()
    locks.add(lock)
    ready, over = threading.Event(), threading.Event()

    def keep():
        with lock:
            ready.set()
            over.wait()

    keeper = threading.Thread(target=keep)
    keeper.start()
    ready.wait()
    locks.hold()
    locks.release()
    over.set()
    keeper.join()
    assert lock.acquire(timeout=5)
