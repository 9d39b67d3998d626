"""Four threads transfer between two databases while steps of theirs are cut, links are
killed and two recoverers go round: what was acknowledged is there, on both sides."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from typing import Any

import MySQLdb
import pytest

import routedb
from routedb.engine.transactions import several
from tests.support.inject import Interrupt
from tests.support.later import later
from tests.support.two_banks import PAIRS, Banks, banks

pytestmark = [pytest.mark.live, pytest.mark.chaos]

THREADS = 4
STEP_FAILS = 0.03  # of each step of a commit


class Teller(threading.Thread):
    """Transfers from an account of its own, and counts what it was told."""

    def __init__(self, bank: Banks, number: int, transfers: int) -> None:
        super().__init__(daemon=True)
        self.bank, self.number, self.transfers = bank, number, transfers
        self.acknowledged = self.unknown = self.lost = 0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            connection: Any = self.bank.connect()
            for _ in range(self.transfers):
                self.transfer(connection)
            connection.close()
        except BaseException as exc:
            self.trouble = exc

    def transfer(self, connection: Any) -> None:
        try:
            self.bank.transfer(connection, 1, self.number)
            connection.commit()
        except (Interrupt, routedb.OutcomeUnknown):
            self.unknown += 1
        except routedb.Error:  # lost, or locked by what is not recovered yet
            self.lost += 1
        else:
            self.acknowledged += 1
            return
        connection.rollback()


@contextmanager
def failing_steps(rng: random.Random) -> Iterator[None]:
    """Cut commits off at any step, before or after it."""
    before = dict(several._DO)

    def cut(do: Any) -> Any:
        def done(*args: Any) -> None:
            if rng.random() < STEP_FAILS:
                raise Interrupt
            do(*args)
            if rng.random() < STEP_FAILS:
                raise Interrupt

        return done

    several._DO.update({step: cut(do) for step, do in before.items()})
    try:
        yield
    finally:
        several._DO.update(before)


def kill_links(bank: Banks, kinds: tuple[str, str]) -> None:
    """End the sessions of everybody in both databases."""
    for name, kind in zip("ab", kinds, strict=True):
        if kind == "pg":
            bank.run[name](
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        elif kind == "my":
            for (number,) in bank.run[name](
                "SELECT id FROM information_schema.processlist WHERE db = database() "
                "AND id <> connection_id()"
            ):
                with suppress(MySQLdb.OperationalError):  # gone by itself
                    bank.run[name](f"KILL {number}")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "transfers"),
    [*product([*PAIRS][:2], [8]), *later(product(PAIRS, [150]))],
)
def test_what_was_acknowledged_is_there_on_both_sides(
    request, tmp_path, name, transfers
):
    kinds, rng = PAIRS[name], random.Random(transfers)
    wanted = {"pg": "postgresql", "my": "mariadb"}
    clusters = {k: request.getfixturevalue(wanted[k]) for k in kinds if k in wanted}
    with banks(kinds, clusters, tmp_path) as bank:
        bank.set_up()
        tellers = [Teller(bank, number + 1, transfers) for number in range(THREADS)]
        done = threading.Event()

        def recover() -> None:
            while not done.wait(0.05):
                with bank.recovery() as recovery:
                    recovery.round(0.0)  # also what is under way

        recoverers = [threading.Thread(target=recover, daemon=True) for _ in range(2)]
        with failing_steps(rng):
            for thread in (*tellers, *recoverers):
                thread.start()
            while any(teller.is_alive() for teller in tellers):
                tellers[0].join(0.3)
                if rng.random() < 0.3:
                    kill_links(bank, kinds)
            done.set()
            for thread in recoverers:
                thread.join()
        assert [teller.trouble for teller in tellers] == [None] * THREADS
        for _ in range(100):
            if all(each.finished for each in bank.recover()):
                break
            threading.Event().wait(0.05)
        assert bank.prepared == []
        left, come = bank.moved
        least = sum(teller.acknowledged for teller in tellers)
        most = least + sum(teller.unknown for teller in tellers)
        assert left == come
        assert least <= left <= most
        assert least > 0
