"""Threads that write and read through sessions of their own, and record it all.

Keys 1 to 4 belong to one client each, who writes growing numbers; key 5 is a counter
that all increment in transactions. What may go wrong with a statement is part of the
record: a write whose answer was lost may have happened or not.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import routedb
from tests.support.history import History

COUNTER = 5
Connect = Callable[[], routedb.Connection]


@dataclass
class Record:
    """What came of a run."""

    history: History = field(default_factory=History)
    counted: int = 0  # increments of the counter that were acknowledged
    uncertain: int = 0  # … whose commit's answer was lost
    errors: list[BaseException] = field(default_factory=list)
    tokens: list[tuple[str, int, int]] = field(
        default_factory=list
    )  # token, key, value


class Client(threading.Thread):
    """One session with a key of its own. `writes` False: it only reads."""

    def __init__(
        self,
        number: int,
        connect: Connect,
        record: Record,
        until: float,
        writes: bool,
        seed: int,
    ) -> None:
        super().__init__(name=f"client{number}", daemon=True)
        self.key = number
        self.value = 0
        self._connect = connect
        self._record = record
        self._history = record.history
        self._until = until
        self._rng = random.Random(seed)
        self._acts = [self.read, self.read, self.read, self.read_in_transaction]
        if writes:
            self._acts += [self.write, self.write, self.write_in_transaction]
            self._acts += [self.count, self.take_token]

    def run(self) -> None:
        try:
            with closing(self._connect()) as self.connection:
                self.cursor = self.connection.cursor()
                while time.monotonic() < self._until:
                    self._rng.choice(self._acts)()
                    if self._rng.random() < 0.2:
                        time.sleep(self._rng.uniform(0, 0.02))
        except BaseException as error:
            self._record.errors.append(error)

    def write(self) -> None:
        self.value += 1
        self._write(self._update)

    def write_in_transaction(self) -> None:
        self.value += 1

        def act() -> None:
            self.cursor.execute("BEGIN")
            self._update()
            self.connection.commit()

        self._write(act)

    def read(self) -> None:
        key = self._rng.randint(1, 4)
        try:
            self.cursor.execute("SELECT v FROM t WHERE id = %s", (key,))
            [(value,)] = self.cursor.fetchall()
        except (routedb.OperationalError, routedb.InterfaceError):
            return
        self._history.add(self.name, "read", key, value, self._node())

    def read_in_transaction(self) -> None:
        key = self._rng.randint(1, 4)
        try:
            self.cursor.execute("START TRANSACTION READ ONLY")
            self.cursor.execute("SELECT v FROM t WHERE id = %s", (key,))
            [(value,)] = self.cursor.fetchall()
            node = self._node()
            self.connection.commit()
        except (routedb.OperationalError, routedb.InterfaceError):
            self.connection.rollback()
            return
        self._history.add(self.name, "read", key, value, node)

    def count(self) -> None:
        try:
            self.cursor.execute("BEGIN")
            self.cursor.execute("UPDATE t SET v = v + 1 WHERE id = %s", (COUNTER,))
            self.connection.commit()
        except routedb.OutcomeUnknown:
            self._record.uncertain += 1
        except (routedb.OperationalError, routedb.InterfaceError):
            self.connection.rollback()
            return
        else:
            self._record.counted += 1

    def take_token(self) -> None:
        """See what another session had seen, as a user's next request would."""
        tokens = self._record.tokens
        if tokens:
            token, key, value = self._rng.choice(tokens[-8:])
            self.connection.after(token)
            self._history.add(self.name, "token", key, value)

    def _write(self, act: Callable[[], None]) -> None:
        try:
            act()
        except routedb.OutcomeUnknown:
            self._history.add(self.name, "unknown", self.key, self.value)
            self.connection.rollback()
        except (routedb.OperationalError, routedb.InterfaceError):
            self._history.add(self.name, "unknown", self.key, self.value)
            self.connection.rollback()
        else:
            self._history.add(self.name, "write", self.key, self.value, self._node())
            self._give_token()

    def _update(self) -> None:
        # An earlier one whose answer was lost may come late: never go down.
        self.cursor.execute(
            "UPDATE t SET v = %s WHERE id = %s AND v < %s",
            (self.value, self.key, self.value),
        )

    def _give_token(self) -> None:
        if self._rng.random() < 0.2:
            try:
                token = self.connection.token()
            except routedb.OperationalError:
                return
            self._record.tokens.append((token, self.key, self.value))

    def _node(self) -> str:
        node = self.cursor.node
        return "" if node is None else node.name


def work(connect: Connect, seconds: float, readers: int = 1, seed: int = 0) -> Record:
    """Have four clients write and read, and some others read, for so long."""
    record = Record()
    until = time.monotonic() + seconds
    clients = [
        Client(number, connect, record, until, number <= 4, seed + number)
        for number in range(1, 5 + readers)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join(seconds + 90)
    assert not any(client.is_alive() for client in clients), "a client hangs"
    return record
