"""Tellers who move money over routedb connections, and keep account of what they were
told of each transfer."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import routedb
from tests.support.servers import Server, wait_until

ACCOUNTS = 20
TOTAL = ACCOUNTS * 100


class Tellers:
    """Some threads, each with a connection of its own, from `with` to its end.

    Every attempt at a transfer has a name of its own and ends in one word: "done",
    "lost" (certainly not done: it is tried again) or "unknown".
    """

    def __init__(self, connect: Callable[[], routedb.Connection], count: int) -> None:
        self.told: dict[str, str] = {}
        self.errors: Counter[int] = Counter()  # by teller
        self.done: Counter[int] = Counter()
        self.surprises: list[str] = []
        self.read_at: set[str] = set()  # names of nodes
        self._stop = threading.Event()
        self._connect = connect
        self._connections = [connect() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._run, args=[self._work, number])
            for number in range(count)
        ]
        self._threads.append(threading.Thread(target=self._run, args=[self._audit]))

    def __enter__(self) -> Tellers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)
        assert not any(thread.is_alive() for thread in self._threads)
        for connection in self._connections:
            connection.close()

    def wait_progress(self) -> None:
        """Wait until every teller has done some more, on its old connection."""
        before = self.done.copy()
        tellers = range(len(self._connections))
        wait_until(
            lambda: all(self.done[n] >= before[n] + 3 for n in tellers),
            f"every teller goes on ({self.surprises})",
            90,
        )

    def check(self, server: Server, failovers: int) -> None:
        """Hold what the tellers were told against the tables at the writer."""
        by_word: dict[str, set[str]] = {"done": set(), "lost": set(), "unknown": set()}
        for name, word in self.told.items():
            by_word[word].add(name)
        rows = [row[0] for row in server.execute("SELECT id FROM transfers")]
        assert self.surprises == []
        assert len(rows) == len(set(rows)), "a transfer was done twice"
        assert by_word["done"] - set(rows) == set(), "acknowledged and lost"
        assert by_word["lost"] & set(rows) == set(), "told lost, and done"
        assert set(rows) <= set(self.told)
        [(total,)] = server.execute("SELECT sum(balance) FROM accounts")
        assert total == TOTAL
        assert max(self.errors.values(), default=0) <= failovers, self.errors

    def _run(self, work: Callable[..., None], *args: int) -> None:
        try:
            work(*args)
        except Exception as exc:  # nobody else would see it
            self.surprises.append(repr(exc))

    def _work(self, number: int) -> None:
        rng = random.Random(number)
        connection = self._connections[number]
        cursor = connection.cursor()
        step = 0
        while not self._stop.is_set():
            step += 1
            name = f"{number}-{step}"
            try:
                self._transfer(connection, cursor, name, rng)
            except routedb.OutcomeUnknown:
                word = "unknown"
            except routedb.TransactionLost:
                word = "lost"
            else:
                word = "done"
                self.done[number] += 1
            self.told[name] = word
            if word != "done":
                self.errors[number] += 1
                connection.rollback()

    def _transfer(
        self, connection: Any, cursor: Any, name: str, rng: random.Random
    ) -> None:
        one, other = sorted(rng.sample(range(ACCOUNTS), 2))
        amount = rng.randrange(1, 6)
        move = "UPDATE accounts SET balance = balance + %s WHERE id = %s"
        cursor.execute("INSERT INTO transfers VALUES (%s)", (name,))
        cursor.execute(move, (amount, one))
        cursor.execute(move, (-amount, other))
        connection.commit()

    def _audit(self) -> None:
        """Read the sum wherever reads go: it is the same at every moment. A connection
        stays with its replica, so there is a new one now and then."""
        while not self._stop.is_set():
            connection: Any = self._connect()
            connection.autocommit = True
            cursor = connection.cursor()
            for _ in range(10):
                cursor.execute("SELECT sum(balance) FROM accounts")
                total = cursor.fetchone()[0]
                self.read_at.add(cursor.node.name)
                if total != TOTAL:
                    self.surprises.append(f"{total} on {cursor.node}")
                self._stop.wait(0.005)
            connection.close()


def open_bank(server: Server) -> None:
    """Make the tables anew, at the writer."""
    server.execute("DROP TABLE IF EXISTS accounts, transfers")
    server.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)")
    server.execute("CREATE TABLE transfers (id text NOT NULL)")
    server.execute(
        "INSERT INTO accounts SELECT i, 100 FROM generate_series(0, %s) AS i",
        (ACCOUNTS - 1,),
    )
