"""A database of the fixtures as a routedb cluster, with hands on its links."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import routedb
from routedb.adapters.sockets import wait
from routedb.engine.links.link import Link
from routedb.topology import GroupView
from tests.support.proxy import Proxy
from tests.support.servers import Database, Server, wait_until

# How somebody outside ends one session, and sees that it is gone.
ENDING = {
    "postgresql": ("SELECT pg_terminate_backend(%s, 10000)", None),
    "mysql": ("KILL %s", "SELECT id FROM information_schema.processlist WHERE id = %s"),
}
PATIENCE_S = 30.0
FAREWELL_S = 1.0


class Rig:
    """One database on its servers, and the virtual connections that a test makes.

    Nodes are named as the servers are: "writer", "replica1", … In the configuration
    the writer stands last, so nothing works by its position.
    """

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self.database = database
        self.servers: dict[str, Server] = {s.name: s for s in database.cluster.nodes}
        self.replicas = [s.name for s in database.cluster.replicas]
        self.engine = database.cluster.writer.scheme
        self.proxies: dict[str, Proxy] = {}
        self._stack = stack
        self._dsns = dict(zip(self.servers, database.dsns, strict=True))

    def proxy(self, name: str) -> Proxy:
        """Have the clusters made from now on reach this server through a proxy."""
        server = self.servers[name]
        proxy = self._stack.enter_context(Proxy(server.host, server.port))
        self._dsns[name] = proxy.through(self._dsns[name])
        self.proxies[name] = proxy
        return proxy

    def cluster(
        self,
        only: list[str] | None = None,
        weights: dict[str, float] | None = None,
        settled: bool = True,
        **options: Any,
    ) -> routedb.Cluster:
        """Make a cluster of all servers, or only of some; wait until all are known."""
        names = list(reversed(self.servers if only is None else only))
        shares = weights or {}
        nodes = [
            {"dsn": self._dsns[name], "name": name, "weight": shares.get(name, 1)}
            for name in names
        ]
        main = {"nodes": nodes, **options}
        source = {"default": "main", "databases": {"main": main}}
        cluster = self._stack.enter_context(routedb.Cluster(source))
        if settled and len(names) > 1:
            cluster.connect().close()
            self.settle(cluster)
        return cluster

    def connect(self, autocommit: bool = True, **options: Any) -> routedb.Connection:
        """Open a connection to a cluster of its own."""
        return self.cluster(**options).connect(autocommit=autocommit)

    def settle(self, cluster: routedb.Cluster, without: str | None = None) -> None:
        """Wait until the picture shows every server in its role, `without` one."""
        settle(cluster, {n for n in self.replicas if n != without})

    def kill(self, name: str) -> None:
        """Kill a server, having seen to it that its next start has little to replay."""
        server, writer = self.servers[name], self.database.cluster.writer
        if self.engine == "postgresql":
            if writer.is_running and server is not writer:
                writer.execute("CHECKPOINT")
                [(position,)] = writer.execute("SELECT pg_current_wal_lsn()")
                ask = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
                wait_until(lambda: server.execute(ask) == [(True,)], "it is replayed")
            server.execute("CHECKPOINT")
        server.kill()

    def end(self, link: Link) -> None:
        """End the session behind a link, as an operator does."""
        raw, server = link.raw, self.servers[link.node.name]
        is_pg = self.engine == "postgresql"
        number = raw.get_backend_pid() if is_pg else raw.thread_id()
        kill, look = ENDING[self.engine]
        server.execute(kill, (number,))
        if look is not None:
            wait_until(lambda: not server.execute(look, (number,)), "the session ends")
        # A proxy passes the end of the line on a moment later, unless it is to hang.
        wait(raw.fileno() if is_pg else raw.descriptor, False, FAREWELL_S)

    def rows(self, where: str = "true") -> int:
        """Count the rows of the table on the writer, past routedb."""
        return int(self.database.execute(f"SELECT count(*) FROM t WHERE {where}")[0][0])


def settle(cluster: routedb.Cluster, replicas: set[str]) -> None:
    """Wait until a writer is known, and reads go to these replicas."""
    names = [node.name for node in cluster.config.nodes]

    def is_settled() -> bool:
        [group] = cluster.runtime.core.topology.groups
        readable = {names[i] for i in group.read_ring}
        return group.writer is not None and readable == replicas & set(names)

    wait_until(is_settled, f"{replicas} are read from", PATIENCE_S)


def settle_all(cluster: routedb.Cluster) -> None:
    """Wait until each group has a writer, and reads go to all of its other nodes."""

    def is_settled(group: GroupView) -> bool:
        others = {node.id for node in group.nodes} - {group.writer}
        return group.writer is not None and set(group.read_ring) >= others

    core = cluster.runtime.core
    wait_until(
        lambda: all(map(is_settled, core.topology.groups)),
        "replicas are read from",
        PATIENCE_S,
    )


def link_to(connection: routedb.Connection, name: str) -> Link:
    """Return the open link to this node."""
    return next(at for at in connection.session.links if at.node.name == name)


def read(connection: routedb.Connection, sql: str = "SELECT count(*) FROM t") -> str:
    """Run a plain read that must answer, and return the name of the node that did."""
    cursor = connection.cursor()
    cursor.execute(sql)
    assert cursor.fetchone() is not None
    return name_of(cursor)


def name_of(cursor: routedb.Cursor) -> str:
    """Return the name of the node that answered last."""
    assert cursor.node is not None
    return cursor.node.name


def insert(connection: routedb.Connection, key: int) -> str:
    """Write one row, and return the name of the node that took it."""
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (%s, 0)", (key,))
    assert cursor.rowcount == 1
    return name_of(cursor)
