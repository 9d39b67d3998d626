"""Signal handlers that raise, at random moments of writes, on real servers.

A task's time limit (or Ctrl-C) may come anywhere. Whatever it hits: what was reported
as committed is there, what was rolled back is not and does not come back, and no
backend is left inside a transaction.
"""

from __future__ import annotations

import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import pytest

import routedb
from tests.live.conftest import FIXTURES
from tests.support.inject import TimeLimit

pytestmark = [
    pytest.mark.live,
    pytest.mark.chaos,
    # What a handler raises inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LONGEST_S, SHORTEST_S = 0.004, 0.0001
ROUNDS = 150


class Farm(NamedTuple):
    """`connect(autocommit)` opens a connection; `ids()` are on the writer, as seen past
    routedb."""

    connect: Callable[[bool], Any]
    ids: Callable[[], set[int]]


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def servers(request, tmp_path):
    if request.param == "sqlite":
        yield _sqlite(str(tmp_path / "signals.db"))
        return
    database = request.getfixturevalue(FIXTURES[request.param])
    database.execute("CREATE TABLE mark (id int PRIMARY KEY)")
    database.wait_replayed()

    def ids() -> set[int]:
        return {row[0] for row in database.execute("SELECT id FROM mark")}

    with routedb.Cluster(list(database.dsns)) as cluster:
        yield Farm(lambda autocommit: cluster.connect(autocommit=autocommit), ids)


def _sqlite(path: str) -> Farm:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE mark (id INTEGER PRIMARY KEY)")

    def connect(autocommit: bool) -> Any:
        return routedb.connect(
            [f"sqlite:///{path}", f"sqlite:///{path}?mode=ro"], autocommit=autocommit
        )

    def ids() -> set[int]:
        with closing(sqlite3.connect(path)) as raw:
            return {row[0] for row in raw.execute("SELECT id FROM mark")}

    return Farm(connect, ids)


class Rounds:
    """Interrupts one act a round, and keeps account of what must be there."""

    def __init__(self, servers: Farm, rng: random.Random) -> None:
        self.servers = servers
        self.rng = rng
        self.there: set[int] = set()  # certainly committed
        self.not_there: set[int] = set()  # certainly not
        self.interrupted = 0
        self._within_s = LONGEST_S  # of the beginning: some acts are over at once

    def interrupt(self, act: Callable[[], object]) -> BaseException | None:
        """Return what came out of the act, None when it was done in time."""
        try:
            signal.setitimer(signal.ITIMER_REAL, self.rng.uniform(1e-6, self._within_s))
            try:
                act()
            except routedb.Error as exc:
                signal.setitimer(signal.ITIMER_REAL, 0)
                return exc
            signal.setitimer(signal.ITIMER_REAL, 0)
        except TimeLimit as exc:
            self.interrupted += 1
            self._within_s = min(self._within_s * 1.2, LONGEST_S)
            return exc
        self._within_s = max(self._within_s * 0.9, SHORTEST_S)
        return None

    def check(self) -> None:
        seen = self.servers.ids()
        assert self.there <= seen, "lost"
        assert not self.not_there & seen, "it came back"


def commits(rounds: Rounds, connection: Any, number: int) -> None:
    """A commit is interrupted, and rolled back or tried again."""
    cursor = connection.cursor()
    cursor.execute("INSERT INTO mark VALUES (%s)", (number,))
    came = rounds.interrupt(connection.commit)
    if came is None:
        rounds.there.add(number)
    elif rounds.rng.random() < 0.5:
        connection.rollback()
        is_there = number in rounds.servers.ids()
        (rounds.there if is_there else rounds.not_there).add(number)
    else:
        _commit_again(rounds, connection, number)
    connection.rollback()


def _commit_again(rounds: Rounds, connection: Any, number: int) -> None:
    try:
        connection.commit()
    except routedb.TransactionLost:
        rounds.not_there.add(number)
    except routedb.OutcomeUnknown:
        pass
    else:
        rounds.there.add(number)


def texts(rounds: Rounds, connection: Any, number: int) -> None:
    """COMMIT is a text. After it the next write is a transaction of its own; unless it
    was interrupted before it began, and then the connection says so."""
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO mark VALUES (%s)", (number,))
    came = rounds.interrupt(lambda: cursor.execute("COMMIT"))
    if came is None:
        rounds.there.add(number)
    is_open = connection.in_transaction
    try:
        connection.cursor().execute("INSERT INTO mark VALUES (%s)", (-number,))
    except routedb.Error:
        is_open = True
    if is_open:
        connection.rollback()
        rounds.not_there.add(-number)
    else:
        rounds.there.add(-number)
    assert not connection.in_transaction


def writes(rounds: Rounds, connection: Any, number: int) -> None:
    """An autocommit write is interrupted; the session reads what it has written."""
    cursor = connection.cursor()
    came = rounds.interrupt(
        lambda: cursor.execute("INSERT INTO mark VALUES (%s)", (number,))
    )
    if came is None:
        rounds.there.add(number)
    is_there = number in rounds.servers.ids()
    (rounds.there if is_there else rounds.not_there).add(number)
    reader = connection.cursor()
    reader.execute("SELECT count(*) FROM mark WHERE id = %s", (number,))
    assert reader.fetchone() == (int(is_there),)


def inside(rounds: Rounds, connection: Any, number: int) -> None:
    """A write inside a transaction is interrupted, and the whole is rolled back."""
    cursor = connection.cursor()
    cursor.execute("INSERT INTO mark VALUES (%s)", (number,))
    rounds.interrupt(lambda: cursor.execute("INSERT INTO mark VALUES (%s)", (-number,)))
    connection.rollback()
    rounds.not_there |= {number, -number}


ACTS = {
    "commits": (commits, False),
    "texts": (texts, True),
    "writes": (writes, True),
    "inside": (inside, False),
}


def play(servers: Farm, name: str, count: int, seed: int) -> Rounds:
    act, autocommit = ACTS[name]
    rounds = Rounds(servers, random.Random(seed))
    connection = servers.connect(autocommit)
    with closing(connection):
        for number in range(1, count + 1):
            act(rounds, connection, number)
            if connection.closed:
                connection = servers.connect(autocommit)
    rounds.check()
    return rounds


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("name", ACTS)
def test_nothing_is_lost_and_nothing_comes_back(servers, name):
    rounds = play(servers, name, ROUNDS, seed=random.randrange(1 << 32))
    assert rounds.there or rounds.not_there


@pytest.mark.long
@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("name", ACTS)
def test_two_thousand_times(servers, name):
    rounds = play(servers, name, 2000, seed=random.randrange(1 << 32))
    assert rounds.interrupted > 100
