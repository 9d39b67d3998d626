"""Money moved by many threads while links die at random: nothing is lost or made."""

from __future__ import annotations

import random
import threading
import time

import pytest

from tests.support.bank import TELLERS, Bank
from tests.support.breakers import breakers
from tests.support.server_rig import Rig

pytestmark = [pytest.mark.live, pytest.mark.chaos, pytest.mark.engine_in_turn]


def chaos(rig: Rig, seconds: float) -> None:
    proxies = [rig.proxy(name) for name in rig.servers]
    bank = Bank(rig.database.execute)
    rig.database.wait_replayed()
    cluster = rig.cluster(failover_timeout="30s")
    stop = threading.Event()
    threads = [
        threading.Thread(target=bank.teller, args=(n, cluster.connect(), stop))
        for n in range(TELLERS)
    ]
    reader = cluster.connect(autocommit=True)
    threads.append(threading.Thread(target=bank.auditor, args=(reader, stop)))
    for thread in threads:
        thread.start()
    rng = random.Random(7)
    ways = breakers(rig, proxies)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rng.choice(ways)()
        stop.wait(rng.uniform(0.01, 0.1))
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    bank.check()
    assert any(word.word == "lost" for word in bank.words)
    assert sum(cluster.runtime.core.loads) == 0


def test_transfers_survive_five_seconds_of_dying_links(rig):
    chaos(rig, 5)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_transfers_survive_minutes_of_dying_links(rig):
    chaos(rig, 240)
