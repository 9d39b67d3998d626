"""Transfers while writers are killed and their synchronous replicas promoted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

import routedb
from tests.support.bank import TELLERS, Bank
from tests.support.rotation import Rotation
from tests.support.servers import (
    PostgreSQLCluster,
    Reaper,
    open_place,
    start_postgresql,
    wait_until,
)

pytestmark = [pytest.mark.live, pytest.mark.chaos]


@pytest.fixture
def succession(reaper: Reaper) -> Iterator[PostgreSQLCluster]:
    """Servers of one's own, which end in other roles than they began in."""
    with closing(start_postgresql(open_place("postgres", reaper))) as cluster:
        yield cluster


@pytest.mark.timeout(300)
@pytest.mark.long
def test_two_writers_die_and_nothing_is_lost(succession):
    transfer_through(succession, rounds=2)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_writers_die_and_nothing_is_lost(succession):
    transfer_through(succession, rounds=20)


def transfer_through(servers: PostgreSQLCluster, rounds: int) -> None:
    name = servers.create_database()
    rotation = Rotation(servers, name)
    bank = Bank(rotation.execute)
    cluster = routedb.Cluster(
        [server.dsn(name) for server in servers.nodes], failover_timeout="60s"
    )
    stop = threading.Event()
    tellers = [
        threading.Thread(target=bank.teller, args=(n, cluster.connect(), stop))
        for n in range(TELLERS)
    ]
    waits = []
    for teller in tellers:
        teller.start()
    try:
        for _ in range(rounds):
            waits.append(one_round(rotation, bank))
    finally:
        stop.set()
        for teller in tellers:
            teller.join(90)
        cluster.close()
    assert not any(teller.is_alive() for teller in tellers)
    bank.check()
    shown = ", ".join(f"{wait * 1000:.0f}" for wait in sorted(waits))
    print(f"{rounds} rounds, first commit after a probe saw the writer: {shown} ms")


def one_round(rotation: Rotation, bank: Bank) -> float:
    """Kill and promote; return how long after the raw probe the first commit came."""
    begun = len(bank.words)
    wait_until(lambda: _have_all_done(bank, begun), "all tellers work")
    killed = time.monotonic()
    seen = rotation.succeed()
    wait_until(lambda: _have_all_done(bank, 0, seen), "all tellers go on", 60)
    with bank.lock:
        words = [word for word in bank.words if word.at >= killed]
    errors = Counter(word.teller for word in words if word.word != "done")
    assert max(errors.values(), default=0) <= 1, errors
    first = min(word.at for word in words if word.word == "done" and word.at >= seen)
    rotation.mend()
    return first - seen


def _have_all_done(bank: Bank, begin: int, since: float = 0.0) -> bool:
    with bank.lock:
        words = bank.words[begin:]
    done = {word.teller for word in words if word.word == "done" and word.at >= since}
    return len(done) == TELLERS
