"""Two databases on fake servers, and connections that write to both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from routedb import adapters
from routedb.adapters import fake
from routedb.adapters.base import TxMode
from routedb.config import load
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.process_writes import PROCESS_WRITES
from routedb.engine.shared.recovery import Recovery
from routedb.frontends.connection import Connection


class Pair:
    """Databases `a`, the default, and `b`, with a table `t_a` and `t_b`; `c` too."""

    def __init__(self, servers: dict[str, fake.Server], **options: Any) -> None:
        self.servers = servers
        databases = {
            name: {"nodes": [f"fake://{name}"], "failover_timeout": "300ms"}
            for name in servers
        }
        tables = {f"t_{name}": name for name in servers}
        source = {"default": "a", "databases": databases, "tables": tables, **options}
        self.config = load(source, {}, environ={}, read_file=str)
        self.core = Core(self.config, adapters.load)
        self.ledger = ledger_of(self.core)

    def connect(self, autocommit: bool = False) -> Connection:
        frontend = self.core.adapter(self.core.nodes[0])
        return Connection(self.core, frontend, TxMode(autocommit), lambda _: None)

    def transfer(self, connection: Connection, *names: str) -> None:
        """Write to databases; the commit is the caller's."""
        cursor = connection.cursor()
        for name in names:
            cursor.execute(f"UPDATE t_{name} SET v = 1")

    def forget(self) -> None:
        """Empty the logs."""
        for server in self.servers.values():
            server.log.clear()

    def texts(self, name: str) -> list[str]:
        """What reached a server, with names of branches and transactions left out."""
        return [_short(text) for text in self.servers[name].texts]

    def recover(self, grace_s: float = 0.0) -> list[str]:
        """Recover as another process would; return what was done."""
        core = Core(self.config, adapters.load)
        try:
            found = Recovery(ledger_of(core)).round(grace_s)
            return [each.finished or each.why for each in found]
        finally:
            core.close()

    @property
    def prepared(self) -> dict[str, int]:
        """How many branches are prepared, by server; none are left out."""
        found = {name: len(server.prepared) for name, server in self.servers.items()}
        return {name: count for name, count in found.items() if count}

    def committed(self, name: str) -> bool:
        """Whether the last transaction on a server was committed there."""
        ends = [
            text.split()[0]
            for text in self.servers[name].texts
            if text.startswith(("COMMIT", "ROLLBACK"))
        ]
        return bool(ends) and ends[-1] == "COMMIT"

    @property
    def rows(self) -> list[str]:
        """What was decided, everywhere."""
        return [
            outcome
            for server in self.servers.values()
            for key, outcome in server.decisions.items()
            if key != "token"
        ]


@contextmanager
def pair(*names: str, **options: Any) -> Iterator[Pair]:
    """Start servers of these names, by default `a` and `b`."""
    servers = {name: fake.Server(name) for name in names or ("a", "b")}
    for server in servers.values():
        server.answer("SELECT", rows=[(1,)], columns=["v"])
        server.answer("UPDATE", rowcount=1)
    PROCESS_WRITES.forget()
    made = Pair(servers, **options)
    try:
        yield made
    finally:
        made.core.close()
        for server in servers.values():
            server.close()


def _short(text: str) -> str:
    if text.startswith(("PREPARE", "COMMIT PREPARED", "ROLLBACK PREPARED")):
        return text.partition(" '")[0]
    return " ".join(text.split()[:3]) if "routedb_decisions" in text else text
