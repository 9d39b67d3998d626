"""Signal handlers that raise, at random moments of writes, on real servers.

A task's time limit (or Ctrl-C) may come anywhere. Whatever it hits: what was reported
as committed is there, what was rolled back is not and does not come back, and no
backend is left inside a transaction.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from typing import Any, NamedTuple

import pytest

import routedb
from tests.live.conftest import FIXTURES
from tests.support.delays import Delays
from tests.support.inject import TimeLimit
from tests.support.later import later

pytestmark = [
    pytest.mark.live,
    pytest.mark.chaos,
    # What a handler raises inside a finalizer is dropped by the interpreter.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

INTERRUPTED = 30


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
        self.delays = Delays(rng)

    def is_done(self, act: Callable[[], object]) -> bool:
        """Tell whether the act was done in time, and succeeded."""
        try:
            return self.delays.is_done("act", act, TimeLimit)
        except routedb.Error:
            return False

    def check(self) -> None:
        seen = self.servers.ids()
        assert self.there <= seen, "lost"
        assert not self.not_there & seen, "it came back"


def commits(rounds: Rounds, connection: Any, number: int) -> None:
    """A commit is interrupted, and rolled back or tried again."""
    cursor = connection.cursor()
    cursor.execute("INSERT INTO mark VALUES (%s)", (number,))
    is_done = rounds.is_done(connection.commit)
    if is_done:
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
    is_done = rounds.is_done(lambda: cursor.execute("COMMIT"))
    if is_done:
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
    is_done = rounds.is_done(
        lambda: cursor.execute("INSERT INTO mark VALUES (%s)", (number,))
    )
    if is_done:
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
    rounds.is_done(lambda: cursor.execute("INSERT INTO mark VALUES (%s)", (-number,)))
    connection.rollback()
    rounds.not_there |= {number, -number}


ACTS = {
    "commits": (commits, False),
    "texts": (texts, True),
    "writes": (writes, True),
    "inside": (inside, False),
}


def play(servers: Farm, name: str, interrupted: int) -> None:
    """Go on until so many were interrupted."""
    act, autocommit = ACTS[name]
    rounds = Rounds(servers, random.Random())
    connection, numbers = servers.connect(autocommit), count(1)
    while rounds.delays.interrupted < interrupted:
        act(rounds, connection, next(numbers))
        if connection.closed:
            connection = servers.connect(autocommit)
    connection.close()
    rounds.check()
    assert rounds.there or rounds.not_there


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("interrupted", [INTERRUPTED, *later([2000])])
@pytest.mark.parametrize("name", ACTS)
def test_nothing_is_lost_and_nothing_comes_back(servers, name, interrupted):
    play(servers, name, interrupted)
