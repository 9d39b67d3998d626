"""Replicas that stop and go on at random: nothing is stale, and they do read."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.live.conftest import FIXTURES
from tests.support.breakers import breakers
from tests.support.history import lost_updates, violations
from tests.support.later import in_turn
from tests.support.replay import go_on, resume_all, stop
from tests.support.server_rig import Rig
from tests.support.workload import COUNTER, work


@contextmanager
def meanwhile(
    act: Callable[[], object], rng: random.Random, most_s: float
) -> Iterator[None]:
    """Act again and again in a thread, at random moments, during a block."""
    over = threading.Event()

    def disturb() -> None:
        while not over.wait(rng.uniform(0.01, most_s)):
            act()

    thread = threading.Thread(target=disturb, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def restless(rig: Rig, seed: int) -> Iterator[None]:
    """Stop and resume the replay of each replica at random."""
    rng = random.Random(seed)

    def act() -> None:
        rng.choice([stop, go_on])(rig, rng.choice(rig.replicas))

    try:
        with meanwhile(act, rng, 0.3):
            yield
    finally:
        resume_all(rig)


@contextmanager
def broken(rig: Rig, seed: int) -> Iterator[None]:
    """Have links die at random: sessions that are ended, lines cut at any moment."""
    rng = random.Random(seed)
    ways = breakers(rig, list(rig.proxies.values()))

    def act() -> None:
        rng.choice(ways)()

    with meanwhile(act, rng, 0.15):
        yield


def check(rig: Rig, seconds: float, consistency: str, seed: int) -> None:
    cluster = rig.cluster(consistency=consistency, max_lag="off")
    with restless(rig, seed):
        record = work(lambda: cluster.connect(autocommit=True), seconds, seed=seed)
    assert record.errors == []
    assert violations(record.history.ops) == []
    [(last,)] = rig.database.execute(f"SELECT v FROM t WHERE id = {COUNTER}")
    assert lost_updates(last, record.counted, record.uncertain) == []
    share = readers_share(rig, record)
    print(f"{rig.engine}: {len(record.history.ops)} operations, readers {share:.1%}")
    assert record.history.reads_of(rig.replicas) > 0
    if consistency == "session":
        assert share >= 0.95


def readers_share(rig: Rig, record) -> float:
    """The part of a pure reader's reads that replicas answered."""
    reads = [op for op in record.history.ops if op.session == "client5"]
    return sum(op.node in rig.replicas for op in reads) / max(len(reads), 1)


@pytest.mark.parametrize(
    ("rig", "consistency"),
    in_turn(sorted(FIXTURES), ["session", "process"]),
    indirect=["rig"],
)
def test_nothing_is_stale_while_replicas_stop_and_go_on(rig, consistency):
    check(rig, 4.0, consistency, seed=7)


@pytest.mark.engine_in_turn
def test_nothing_is_stale_while_links_die_as_well(rig):
    for name in rig.servers:
        rig.proxy(name)
    cluster = rig.cluster(max_lag="off")
    with restless(rig, 3), broken(rig, 4):
        record = work(lambda: cluster.connect(autocommit=True), 6.0, seed=5)
    assert record.errors == []
    assert violations(record.history.ops) == []
    [(last,)] = rig.database.execute(f"SELECT v FROM t WHERE id = {COUNTER}")
    assert lost_updates(last, record.counted, record.uncertain) == []
    assert record.counted > 0
    assert record.history.count("unknown") > 0
    assert record.history.reads_of(rig.replicas) > 0


@pytest.mark.long
@pytest.mark.parametrize("consistency", ["session", "process"])
def test_nothing_is_stale_for_a_minute(rig, consistency):
    check(rig, 60.0, consistency, seed=11)
