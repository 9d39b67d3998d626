"""Two transactions that wait for one another on two servers: one of them ends with its
server's own error of a deadlock."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import routedb
from tests.support.later import in_turn, later
from tests.support.two_banks import PAIRS, Banks, banks

pytestmark = [pytest.mark.live]

KINDS = {name: kinds for name, kinds in PAIRS.items() if "sqlite" not in kinds}
MIXED = "PostgreSQL, MariaDB"
CODES = {"pg": "40P01", "my": 1213}


@pytest.fixture
def kinds(name) -> tuple[str, str]:
    return KINDS[name]


@pytest.fixture
def bank(request, kinds, tmp_path):
    wanted = {"pg": "postgresql", "my": "mariadb"}
    clusters = {kind: request.getfixturevalue(wanted[kind]) for kind in kinds}
    with banks(kinds, clusters, tmp_path) as made:
        made.set_up()
        yield made


def add(connection: Any, name: str, amount: int) -> None:
    cursor = connection.cursor()
    cursor.execute(f"UPDATE acc_{name} SET v = v + %s WHERE id = 1", (amount,))


class Waiting(threading.Thread):
    """Updates a row that another transaction has, and commits."""

    def __init__(self, connection: Any, name: str, amount: int) -> None:
        super().__init__(daemon=True)
        self.connection, self.name_, self.amount = connection, name, amount
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            add(self.connection, self.name_, self.amount)
            self.connection.commit()
        except BaseException as exc:
            self.error = exc


def first_of(bank: Banks, name: str) -> int:
    """What is in the account that is moved to and fro."""
    [(found,)] = bank.run[name](f"SELECT v FROM acc_{name} WHERE id = 1")
    return int(found)


def code_of(error: Any) -> Any:
    return getattr(error, "pgcode", None) or error.args[0]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("name", "order"), in_turn(KINDS, ["ab", "ba"]))
def test_the_youngest_ends_with_its_servers_own_error(bank, kinds, order):
    """`order`: on which of the two the older transaction waits."""
    kind = dict(zip("ab", kinds, strict=True))
    one, other = order
    old, young = bank.connect(), bank.connect()
    # A branch on both, or MariaDB has none that can be prepared.
    for connection in (old, young):
        cursor = connection.cursor()
        for name in "ab":
            cursor.execute(f"SELECT v FROM acc_{name} WHERE id = 2")
            cursor.fetchall()
    add(old, other, 1)
    add(young, one, 10)
    threads = [Waiting(old, one, 1), Waiting(young, other, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert threads[0].error is None
    error: Any = threads[1].error
    assert isinstance(error, routedb.OperationalError)
    assert code_of(error) == CODES[kind[other]]
    assert error.retry_is_safe
    young.rollback()
    add(young, one, 100)  # it goes on
    young.commit()
    for connection in (old, young):
        connection.close()
    assert [first_of(bank, one), first_of(bank, other)] == [201, 101]
    assert bank.prepared == []


PROGRAM = """
import json, sys
import routedb

source, first, second = json.loads(sys.argv[1])
connection = routedb.connect(source)
tries = 0

def transfer(connection):
    global tries
    tries += 1
    cursor = connection.cursor()
    for name in "ab":
        cursor.execute(f"SELECT v FROM acc_{name} WHERE id = 2")
        cursor.fetchall()
    cursor.execute(f"UPDATE acc_{first} SET v = v + 1 WHERE id = 1")
    if tries == 1:
        print("there", flush=True)
        sys.stdin.readline()
    cursor.execute(f"UPDATE acc_{second} SET v = v + 1 WHERE id = 1")

routedb.run(connection, transfer)
print(tries, flush=True)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", [MIXED, *later(sorted(KINDS.keys() - {MIXED}))])
def test_it_is_found_between_processes_and_run_again(bank):
    programs = [_start(bank, *order) for order in ("ab", "ba")]
    for each in programs:
        assert each.stdout.readline() == "there\n", each.stderr.read()
    for each in programs:
        each.stdin.write("\n")
        each.stdin.flush()
    told = [each.communicate(timeout=100) for each in programs]
    assert sorted(out for out, _ in told) == ["1\n", "2\n"], told
    assert [first_of(bank, name) for name in "ab"] == [102, 102]


def _start(bank: Banks, first: str, second: str) -> Any:
    told = json.dumps([bank.source, first, second])
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(routedb.__file__).parents[1],
    )
