"""Money moved by many threads while links die at random: nothing is lost or made."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import routedb
from tests.failover.rig import Rig
from tests.proxy import Proxy

pytestmark = [pytest.mark.live, pytest.mark.chaos]

ACCOUNTS = 20
TELLERS = 4
TOTAL = ACCOUNTS * 100

ENDINGS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
    "mysql": "SELECT id FROM information_schema.processlist "
    "WHERE db = %s AND id <> connection_id() ORDER BY rand() LIMIT 1",
}


class Bank:
    """Accounts in the database, and what the tellers were told of each transfer."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        execute = rig.database.execute
        execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)")
        execute("CREATE TABLE transfers (id varchar(40) PRIMARY KEY)")
        for number in range(ACCOUNTS):
            execute("INSERT INTO accounts VALUES (%s, 100)", (number,))
        rig.database.wait_replayed()
        self.lock = threading.Lock()
        self.told: dict[str, str] = {}
        self.surprises: list[str] = []

    def teller(self, number: int, connection: routedb.Connection, stop: Any) -> None:
        """Transfer until `stop`; every transfer ends in exactly one word."""
        rng = random.Random(number)
        cursor = connection.cursor()
        step = 0
        while not stop.is_set():
            step += 1
            name = f"{number}-{step}"
            word = self.transfer(connection, cursor, name, rng)
            with self.lock:
                self.told[name] = word
            with contextlib.suppress(routedb.Error):
                connection.rollback()

    def transfer(
        self, connection: routedb.Connection, cursor: Any, name: str, rng: random.Random
    ) -> str:
        one, other = sorted(rng.sample(range(ACCOUNTS), 2))
        amount = rng.randrange(-5, 6)
        move = "UPDATE accounts SET balance = balance + %s WHERE id = %s"
        try:
            cursor.execute("INSERT INTO transfers VALUES (%s)", (name,))
            cursor.execute(move, (amount, one))
            cursor.execute(move, (-amount, other))
            connection.commit()
        except routedb.OutcomeUnknown:
            return "unknown"
        except routedb.DatabaseError:
            return "lost"
        return "done"

    def auditor(self, connection: routedb.Connection, stop: Any) -> None:
        """Read the sum wherever a read goes: it is the same at every moment."""
        cursor = connection.cursor()
        while not stop.is_set():
            try:
                cursor.execute("SELECT sum(balance) FROM accounts")
                total = int(cursor.fetchone()[0])
            except routedb.NoNodeError:
                continue
            if total != TOTAL:
                self.surprises.append(f"{total} on {cursor.node}")

    def check(self) -> None:
        [(total,)] = self.rig.database.execute("SELECT sum(balance) FROM accounts")
        rows = self.rig.database.execute("SELECT id FROM transfers")
        there = {row[0] for row in rows}
        by_word: dict[str, set[str]] = {"done": set(), "lost": set(), "unknown": set()}
        for name, word in self.told.items():
            by_word[word].add(name)
        assert self.surprises == []
        assert int(total) == TOTAL
        assert by_word["done"] <= there
        assert by_word["lost"] & there == set()
        assert there <= set(self.told)
        assert by_word["done"]
        assert by_word["lost"]


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
    bank = Bank(rig)
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
    assert sum(cluster.runtime.core.loads) == 0


def test_transfers_survive_ten_seconds_of_dying_links(rig):
    chaos(rig, 10)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_transfers_survive_minutes_of_dying_links(rig):
    chaos(rig, 240)
