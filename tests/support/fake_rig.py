"""The engine over fake servers, without the monitor's threads.

Whoever waits for news wakes the monitor; here that asks every node once, at once. So
each test sees the same news in the same order, and nothing takes time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from routedb import adapters
from routedb.adapters import fake
from routedb.adapters.base import TxMode
from routedb.config import load
from routedb.engine.shared.core import Core
from routedb.engine.shared.process_writes import PROCESS_WRITES
from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed
from routedb.frontends.connection import Connection
from routedb.frontends.cursor import Cursor
from routedb.routing import Reason
from routedb.session import TxState


class Rig:
    """A writer `w` and replicas `r1`, `r2`, and connections to them."""

    def __init__(self, servers: dict[str, fake.Server], **options: Any) -> None:
        self.servers = servers
        nodes = [{"dsn": f"fake://{name}", "name": name} for name in servers]
        source = {"databases": {"main": {"nodes": nodes, **options}}}
        config = load(source, {}, environ={}, read_file=str)
        self.now = 0.0
        self.core = Core(config, adapters.load, self.clock)
        self.core.wake_monitor = self.look
        self.look()

    def __getattr__(self, name: str) -> fake.Server:
        """Give a server by its name."""
        try:
            return self.servers[name]
        except KeyError:
            raise AttributeError(name) from None

    def clock(self) -> float:
        """Every look at the clock takes a tenth of a second."""
        self.now += 0.1
        return self.now

    def look(self) -> None:
        """Ask every node once and publish what it says."""
        for node in self.core.nodes:
            [group] = self.core.topology.groups
            generation = next(n.generation for n in group.nodes if n.id == node.id)
            adapter = self.core.adapter(node)
            asked_at = self.clock()
            try:
                raw = adapter.connect(node, 1.0)
                answer = adapter.probe(raw)
                adapter.close(raw)
            except fake.Error as exc:
                fault = Fault.REFUSED
                self.core.publish(NodeFailed(node.id, generation, str(exc), fault))
            else:
                event = NodeAnswered(node.id, generation, answer, asked_at)
                self.core.publish(event)

    def connect(self, autocommit: bool = True) -> Connection:
        frontend = self.core.adapter(self.core.nodes[0])
        return Connection(
            self.core, frontend, TxMode(autocommit), lambda connection: None
        )

    def at(self, **positions: int) -> None:
        """Set where servers are in their history, `at(w=9, r1=9)`."""
        for name, position in positions.items():
            self.servers[name].position = f"0/{position:X}"

    def forget(self) -> None:
        """Empty the logs."""
        for server in self.servers.values():
            server.log.clear()

    def logs(self) -> dict[str, list[str]]:
        """What reached each node since the last `forget`; silent ones are left out."""
        return {n: server.texts for n, server in self.servers.items() if server.log}

    def count(self, text: str) -> dict[str, int]:
        """How often a text reached each node."""
        logs = self.logs()
        return {n: logs[n].count(text) for n in logs if text in logs[n]}

    def everywhere(self, moment: str, fault: Fault, **how: Any) -> None:
        """Have every node fail once."""
        for server in self.servers.values():
            server.fail(moment, fault, **how)

    def recover(self) -> None:
        """Forget the failures that did not come about."""
        for server in self.servers.values():
            server._failures.clear()


@contextmanager
def farm(replicas: int = 2, **options: Any) -> Iterator[Rig]:
    """Start a writer and some replicas, and know all of them."""
    servers = {"w": fake.Server("w")}
    for number in range(1, replicas + 1):
        servers[f"r{number}"] = fake.Server(f"r{number}", role="replica")
    for server in servers.values():
        server.answer("SELECT", rows=[(1,)], columns=["a"])
        server.answer("INSERT", rowcount=1)
    PROCESS_WRITES.forget()  # of other servers that were called so
    rig = Rig(servers, **options)
    try:
        yield rig
    finally:
        rig.core.close()
        for server in servers.values():
            server.close()


def reason_of(cursor: Cursor) -> Reason:
    """Return the reason that decided which role answered last."""
    assert cursor.route is not None
    return cursor.route.reasons[-1][0]


def node_of(cursor: Cursor) -> str:
    """The name of the node that answered last."""
    assert cursor.node is not None
    return cursor.node.name


def state(connection: Connection) -> TxState:
    return connection.session.transaction.state


def check_sound(rig: Rig, connection: Connection, cursor: Cursor) -> None:
    """After whatever happened: nothing hangs over, and the same cursor works."""
    rig.recover()
    connection.rollback()
    transaction = connection.session.transaction
    rest = TxState.AUTOCOMMIT if connection.autocommit else TxState.OPEN
    assert transaction.state is rest
    assert not transaction.branches
    assert not transaction.wrote
    assert transaction.home == -1
    assert rig.core.loads == [0] * len(rig.core.nodes)
    assert all(not link.raw.in_transaction for link in connection.session.links)
    rig.forget()
    cursor.execute("INSERT INTO after_all VALUES (1)")
    assert node_of(cursor) == writer_of(rig)
    assert cursor.rowcount == 1
    cursor.execute("SELECT * FROM after_all")
    assert cursor.fetchall() == [(1,)]
    connection.commit()
    assert rig.count("INSERT INTO after_all VALUES (1)") == {writer_of(rig): 1}


def writer_of(rig: Rig) -> str:
    return next(n for n, server in rig.servers.items() if server.role.value == "writer")
