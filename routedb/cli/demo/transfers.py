"""Money moves between two databases, in a process that is killed; then it is recovered.

On servers, or a server and one SQLite file: two files cannot be committed together.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing, suppress
from typing import Any

import click

from routedb import adapters, errors
from routedb.cluster import Cluster
from routedb.config.load import load
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.recovery import Found, Recovery

_FIRST = 1_000_000
_KILLS = 20  # at most, until one leaves a branch prepared
_TRANSFERS = 5  # acknowledged before each
_TABLE = "routedb_demo_{name}"

# Reads the configuration, transfers, and prints a line for each commit.
_PROGRAM = """
import json, sys
import routedb

connection = routedb.connect(json.loads(sys.stdin.readline()))
cursor = connection.cursor()
while True:
    cursor.execute("UPDATE routedb_demo_a SET balance = balance - 1")
    cursor.execute("UPDATE routedb_demo_b SET balance = balance + 1")
    connection.commit()
    print("committed", flush=True)
"""


class Transfers:
    """The demo over two databases, called a and b, of these DSNs. A SQLite file is the
    first, which decides: it cannot prepare."""

    def __init__(self, dsns: tuple[str, str]) -> None:
        one, other = sorted(dsns, key=lambda dsn: not dsn.startswith("sqlite"))
        self._source: dict[str, Any] = {
            "default": "a",
            "name": "routedb_demo",
            "joins": "refuse",  # texts go as they are, whichever the server
            "databases": {"a": {"nodes": [one]}, "b": {"nodes": [other]}},
            "tables": {_TABLE.format(name=name): name for name in "ab"},
        }

    def run(self) -> bool:
        """Transfer, kill and recover, and print what is there; tell whether nothing was
        lost and nothing invented."""
        with Cluster(self._source) as cluster:
            self._make(cluster)
            try:
                return self._kill(cluster)
            finally:
                self._drop(cluster)

    def _kill(self, cluster: Cluster) -> bool:
        acknowledged = kills = 0
        left: list[Found] = []
        while not left and kills < _KILLS:
            acknowledged += self._transfer()
            kills += 1
            left = self._recover(0.0, finishes=False)
        click.echo(
            f"{kills} times the program was killed; {acknowledged} commits done."
        )
        click.echo(f"a and b have {self._balances(cluster)}.")
        for found in left:
            click.echo(f"prepared on {found.node}: {found.branch}")
        for found in self._recover(0.0):
            click.echo(f"routedb recover: {found.finished or found.why}")
        a, b = balances = self._balances(cluster)
        click.echo(f"a and b have {balances}, together {a + b}.")
        moved = b - _FIRST
        return a + b == 2 * _FIRST and acknowledged <= moved <= acknowledged + kills

    def _transfer(self) -> int:
        """Run the program, kill it in the middle; return how many commits it had an
        answer to."""
        program = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with program:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(f"{json.dumps(self._source)}\n")
            program.stdin.flush()
            for _ in range(_TRANSFERS):
                if not program.stdout.readline():
                    raise errors.OperationalError("the program has failed, see above")
            program.kill()
            return _TRANSFERS + len(program.stdout.readlines())

    def _recover(self, grace_s: float, finishes: bool = True) -> list[Found]:
        core = Core(load(self._source, {}, {}, str), adapters.load)
        try:
            recovery = Recovery(ledger_of(core))
            return recovery.round(grace_s) if finishes else list(recovery.find())
        finally:
            core.close()

    def _make(self, cluster: Cluster) -> None:
        self._drop(cluster)
        for name in "ab":
            table = _TABLE.format(name=name)
            self._execute(cluster, name, f"CREATE TABLE {table} (balance int)")
            self._execute(cluster, name, f"INSERT INTO {table} VALUES ({_FIRST})")

    def _drop(self, cluster: Cluster) -> None:
        for name in "ab":
            with suppress(errors.Error):
                table = _TABLE.format(name=name)
                self._execute(cluster, name, f"DROP TABLE IF EXISTS {table}")

    def _balances(self, cluster: Cluster) -> tuple[int, int]:
        text = f"SELECT balance FROM {_TABLE}"
        rows = [self._execute(cluster, n, text.format(name=n)) for n in "ab"]
        return int(rows[0][0][0]), int(rows[1][0][0])

    @staticmethod
    def _execute(cluster: Cluster, name: str, sql: str) -> list[Any]:
        with (
            closing(cluster.connect(autocommit=True)) as connection,
            connection.using(name, role="writer"),
        ):
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
