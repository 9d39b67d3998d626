"""When the mover asks for its lock, and what it does until then."""

from __future__ import annotations

from typing import Any

import pytest

from routedb import errors
from routedb.mover import locking
from routedb.moving.pairs import Pair

PAIR = Pair("t", "postgresql", "postgresql", (), (), "m_0")


class Refused(errors.OperationalError):
    """What psycopg2 raises."""

    pgcode = "55P03"


class Scripted:
    """A session of PostgreSQL's that sees `transactions`, one set after the other, is
    refused so many locks, and notes in `log` what is asked."""

    engine = "postgresql"

    def __init__(self, log: list[str], *transactions: set[str], refused: int = 0):
        self.log = log
        self.transactions = list(transactions)
        self.refused = refused

    def run(self, text: str) -> list[tuple[Any, ...]]:
        if "pg_locks" in text:
            self.log.append("look")
            seen = self.transactions.pop(0) if self.transactions else set()
            return [(each,) for each in seen]
        if text.startswith("LOCK"):
            self.log.append("lock")
            if self.refused:
                self.refused -= 1
                raise Refused("canceling statement due to lock timeout")
        return []


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(locking, "_LOOK_S", 0.0)
    monkeypatch.setattr(locking, "_PAUSE_S", 0.0)


def locked(*sessions: Scripted) -> None:
    log = sessions[0].log
    sessions_: Any = sessions
    locking.lock(sessions_, [PAIR], (), lambda: log.append("apply"))


def test_what_is_written_is_applied_until_just_before_the_lock():
    log: list[str] = []
    locked(Scripted(log, {"a"}, {"a", "b"}, {"b"}, {"c"}))
    assert log == ["apply", "look", *["apply", "look"] * 3, "lock"]


def test_a_moment_without_an_old_transaction_is_one_at_all_shards():
    log: list[str] = []
    locked(Scripted(log, {"a"}, set()), Scripted(log, {"a"}, {"a"}, set()))
    looks = ["look", "look"]
    assert log == ["apply", *looks, "apply", *looks, "apply", *looks, "lock", "lock"]


def test_each_try_for_a_lock_begins_with_what_was_written_meanwhile():
    log: list[str] = []
    locked(Scripted(log, refused=2))
    assert log == ["apply", "look", "lock"] * 3


def test_looking_for_a_moment_comes_to_an_end(monkeypatch):
    monkeypatch.setattr(locking, "_LOOKING_S", 0.0)
    log: list[str] = []
    locked(Scripted(log, {"a"}, {"a"}))
    assert log == ["apply", "look", "lock"]


def test_a_lock_that_is_never_had_is_an_error(monkeypatch):
    monkeypatch.setattr(locking, "_TRIES", 3)
    log: list[str] = []
    with pytest.raises(errors.OperationalError, match="no lock on the tables"):
        locked(Scripted(log, refused=100))
    assert log.count("lock") == 3
