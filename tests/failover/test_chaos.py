"""Money moved by many threads while links die at random: nothing is lost or made."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

import pytest

from tests.failover.bank import TELLERS, Bank
from tests.failover.rig import Rig
from tests.proxy import Proxy

pytestmark = [pytest.mark.live, pytest.mark.chaos]

ENDINGS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
    "mysql": "SELECT id FROM information_schema.processlist "
    "WHERE db = %s AND id <> connection_id() ORDER BY rand() LIMIT 1",
}


def breakers(rig: Rig, proxies: list[Proxy]) -> list[Callable[[], object]]:
    """The ways in which links are made to die."""
    end = ENDINGS[rig.engine]

    def end_one() -> None:
        for (number,) in rig.database.execute(end, (rig.database.name,)):
            if rig.engine == "mysql":
                with contextlib.suppress(Exception):  # gone by itself
                    rig.database.execute(f"KILL {number}")

    ways: list[Callable[[], object]] = [end_one, end_one]
    for proxy in proxies:
        ways += [
            proxy.cut,
            lambda proxy=proxy: proxy.lose_answer(b"COMMIT"),  # type: ignore[misc]
            lambda proxy=proxy: proxy.lose_request(b"COMMIT"),  # type: ignore[misc]
            lambda proxy=proxy: proxy.lose_answer(b"UPDATE"),  # type: ignore[misc]
            lambda proxy=proxy: proxy.lose_answer(b"SELECT sum"),  # type: ignore[misc]
        ]
    return ways


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


def test_transfers_survive_ten_seconds_of_dying_links(rig):
    chaos(rig, 10)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_transfers_survive_minutes_of_dying_links(rig):
    chaos(rig, 240)
