"""Accounts between which tellers move money, and what they were told of each move."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import routedb

ACCOUNTS = 20
TELLERS = 4
TOTAL = ACCOUNTS * 100

Execute = Callable[..., list[tuple[Any, ...]]]


class Word(NamedTuple):
    """What a teller was told of a transfer, and when."""

    teller: int
    word: str  # "done" | "lost" | "unknown"
    at: float


class Bank:
    """Accounts in the database, and what the tellers were told of each transfer."""

    def __init__(self, execute: Execute) -> None:
        self.execute = execute  # runs a statement on the writer, past routedb
        execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)")
        execute("CREATE TABLE transfers (id varchar(40) PRIMARY KEY)")
        for number in range(ACCOUNTS):
            execute("INSERT INTO accounts VALUES (%s, 100)", (number,))
        self.lock = threading.Lock()
        self.told: dict[str, str] = {}
        self.words: list[Word] = []
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
                self.words.append(Word(number, word, time.monotonic()))
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
                total = int(next(cursor)[0])
            except routedb.NoNodeError:
                continue
            if total != TOTAL:
                self.surprises.append(f"{total} on {cursor.node}")

    def check(self) -> None:
        [(total,)] = self.execute("SELECT sum(balance) FROM accounts")
        rows = self.execute("SELECT id FROM transfers")
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
