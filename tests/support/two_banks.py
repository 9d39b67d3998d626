"""A bank in two databases of the same or of different kinds, and transfers between."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import routedb
from routedb import adapters
from routedb.cli.check import ask_all, hear
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.recovery import Found, Recovery
from routedb.runtime import read_config
from tests.support.servers import Cluster, Database

# Kinds of the databases `a`, the default, and `b`.
PAIRS = {
    "PostgreSQL, PostgreSQL": ("pg", "pg"),
    "PostgreSQL, MariaDB": ("pg", "my"),
    "MariaDB, PostgreSQL": ("my", "pg"),
    "MariaDB, MariaDB": ("my", "my"),
    "PostgreSQL, SQLite": ("pg", "sqlite"),
    "SQLite, MariaDB": ("sqlite", "my"),
}
FIRST = 100  # in each account
NUMBERS = range(1, 9)  # of accounts, in each database


class Banks:
    """The databases, with a table `acc_a` and `acc_b` of accounts."""

    def __init__(
        self, dsns: dict[str, str], run: dict[str, Callable[..., Any]]
    ) -> None:
        self.run = run  # a statement on one of them, without routedb
        self.source: dict[str, Any] = {
            "default": "a",
            "databases": {
                name: {"nodes": [dsn], "failover_timeout": "3s"}
                for name, dsn in dsns.items()
            },
            "tables": {f"acc_{name}": name for name in dsns},
            "decision_retention": "1h",
        }
        for name in dsns:
            self.make(name)

    def make(self, name: str) -> None:
        self.run[name](f"CREATE TABLE acc_{name} (id int PRIMARY KEY, v int NOT NULL)")
        rows = ", ".join(f"({number}, {FIRST})" for number in NUMBERS)
        self.run[name](f"INSERT INTO acc_{name} VALUES {rows}")

    def connect(self, autocommit: bool = False) -> routedb.Connection:
        return routedb.connect(self.source, autocommit=autocommit)

    def set_up(self) -> None:
        """Make the tables of decisions, as `routedb setup` does."""
        with self._core() as core:
            for group in core.groups:
                ledger_of(core).make(group.id)

    @staticmethod
    def transfer(connection: Any, amount: int = 1, account: int = 1) -> None:
        """Take from `a`, give to `b`; the commit is the caller's."""
        cursor = connection.cursor()
        cursor.execute("UPDATE acc_a SET v = v - %s WHERE id = %s", (amount, account))
        cursor.execute("UPDATE acc_b SET v = v + %s WHERE id = %s", (amount, account))

    @property
    def moved(self) -> tuple[int, int]:
        """What has left `a`, and what has come to `b`."""
        [(left,)] = self.run["a"]("SELECT sum(v) FROM acc_a")
        [(come,)] = self.run["b"]("SELECT sum(v) FROM acc_b")
        first = FIRST * len(NUMBERS)
        return first - int(left), int(come) - first

    @contextmanager
    def recovery(self) -> Iterator[Recovery]:
        """Recovery as another process would do it."""
        with self._core() as core:
            yield Recovery(ledger_of(core))

    @contextmanager
    def _core(self) -> Iterator[Core]:
        """A core that knows which nodes are writers, as commands ask for it: there is
        no monitor."""
        core = Core(read_config(self.source, {}), adapters.load)
        try:
            hear(core, ask_all(core))
            yield core
        finally:
            core.close()

    def recover(self, grace_s: float = 0.0) -> list[Found]:
        """Recover once."""
        with self.recovery() as recovery:
            found = recovery.round(grace_s)
            assert recovery.troubles == []
            return found

    @property
    def prepared(self) -> list[str]:
        """The branches that are prepared."""
        with self.recovery() as recovery:
            return [str(found.branch) for found in recovery.find()]


@contextmanager
def banks(
    kinds: tuple[str, str], clusters: dict[str, Cluster], folder: Path
) -> Iterator[Banks]:
    """Make a bank in databases of these kinds, on `clusters`, or in `folder`."""
    with ExitStack() as stack:
        dsns, run = {}, {}
        for name, kind in zip("ab", kinds, strict=True):
            if kind == "sqlite":
                path = folder / f"{name}.db"
                dsns[name], run[name] = f"sqlite:///{path}", _runs(path)
            else:
                database = stack.enter_context(clusters[kind].database())
                dsns[name], run[name] = database.writer_dsn, _executes(database)
        made = Banks(dsns, run)
        if kinds[0] not in ("pg", kinds[1]):  # whose texts are not translated
            made.source["joins"] = "refuse"
        yield made


def _executes(database: Database) -> Callable[..., Any]:
    return database.execute


def _runs(path: Path) -> Callable[..., Any]:
    def run(sql: str) -> list[Any]:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()

    return run
