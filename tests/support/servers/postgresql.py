"""A PostgreSQL writer with two streaming replicas."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import psycopg2

from tests.support.servers.emptied import empty
from tests.support.servers.place import CommandFailed, Place
from tests.support.servers.server import (
    PASSWORD,
    USER,
    Cluster,
    Server,
    at_once,
    wait_until,
)

# Small and careless of power cuts. `include` in postgresql.conf names this file by a
# relative path, so a copied data folder finds its new node's settings. ALTER SYSTEM
# stays free for the tests. Databases are lent again and again, and nobody but their
# user is to work in them: hence no autovacuum.
SETTINGS = """
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = ''
cluster_name = '{name}'
max_connections = 200
max_prepared_transactions = 20
max_wal_senders = 20
max_replication_slots = 20
wal_level = logical
hot_standby = on
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
fsync = off
full_page_writes = off
max_wal_size = 1GB
wal_keep_size = 512MB
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 100ms
autovacuum = off
wal_receiver_timeout = 10s
wal_sender_timeout = 10s
max_standby_streaming_delay = 2s
log_line_prefix = '%m [%p] %q%a '
jit = off
"""


class PostgreSQL(Server):
    scheme = "postgresql"

    def connect(self, dbname: str | None = None) -> Any:
        connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=dbname or "postgres",
            connect_timeout=5,
        )
        connection.autocommit = True
        return connection

    @property
    def is_writer(self) -> bool:
        return not self.execute("SELECT pg_is_in_recovery()")[0][0]

    def create(self) -> None:
        """Make the data folder of a writer."""
        self._place.run("mkdir", self._folder)
        secret = f"{self._folder}/secret"
        self._write(secret, _verifier(PASSWORD))
        self._place.run(
            *(self._place.program("initdb"), "-D", self._data, "--no-sync"),
            *("-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256"),
            *("--locale=C.UTF-8", "--encoding=UTF8", "--no-instructions"),
        )
        self._append("postgresql.conf", "include '../node.conf'")
        # Connections to the published port of a container come from elsewhere.
        self._append("pg_hba.conf", "host all all all scram-sha-256")
        self._append("pg_hba.conf", "host replication all all scram-sha-256")
        self._configure(None)

    def start(self) -> None:
        if not self.is_running:
            try:
                self._control("start", "-t", "60", "-l", self._log)
            except CommandFailed as error:
                raise CommandFailed(f"{error}\n{self.log}") from None

    def stop(self, mode: str = "fast") -> None:
        self.is_disturbed = True
        if self.is_running:
            self._control("stop", "-t", "60", "-m", mode)

    def kill(self) -> None:
        super().kill()
        # While the first process of the machine has not collected the dead one, a
        # zombie bears its number and the next start would take it for a live server.
        self._place.run("rm", "-f", self._pid_file)

    def promote(self) -> None:
        self.is_disturbed = True
        self._control("promote", "-t", "60")
        self.source = None

    def follow(self, source: Server) -> None:
        self.is_disturbed = True
        self._configure(source)
        self._control("reload")

    def copy(self, source: Server) -> None:
        self.is_disturbed = True
        self.resume()
        self.stop("immediate")
        self._place.run("rm", "-rf", self._data)
        self._place.run("mkdir", "-p", self._folder)
        self._place.run(
            *(self._place.program("pg_basebackup"), "-D", self._data, "-X", "stream"),
            *("--checkpoint=fast", "--no-sync", "-d", self._conninfo(source)),
        )
        self._write(f"{self._data}/standby.signal", "")
        self._configure(source)
        self.start()

    def _configure(self, source: Server | None) -> None:
        self.source = source
        text = SETTINGS.format(
            listen=self._place.listen, port=self.port, name=self.name
        )
        if source is not None:
            text += f"primary_conninfo = '{self._conninfo(source)}'\n"
        self._write(f"{self._folder}/node.conf", text)

    def _conninfo(self, source: Server) -> str:
        return (
            f"host={source.host} port={source.port} user={USER} password={PASSWORD} "
            f"application_name={self.name}"
        )

    def _append(self, name: str, line: str) -> None:
        script = 'printf "%s\\n" "$2" >>"$1"'
        self._place.run("sh", "-c", script, "sh", f"{self._data}/{name}", line)

    def _control(self, *arguments: str) -> None:
        self._place.run(
            self._place.program("pg_ctl"), "-D", self._data, "-s", "-w", *arguments
        )


class PostgreSQLCluster(Cluster):
    def __init__(self, place: Place, nodes: Sequence[Server]) -> None:
        super().__init__(place, nodes)
        self._since: dict[str, int] = {}  # by database; see `empty`
        self._spares: list[str] = []
        self._new: list[tuple[Any, ...]] | None = None

    def create_database(self) -> str:
        """Lend an emptied database under a new name, or a new one."""
        if self._spares:
            name = self._spares.pop()
        else:
            name = self._new_name()
            self.writer.execute(f"CREATE DATABASE {name}")
            [(since,)] = self.writer.query("SELECT pg_current_xact_id()::text")
            self._since[name] = int(since)
            if self._new is None:
                self._new = self._empty(name)
        self.wait_replayed()
        for node in self.nodes:
            self._end_sessions(node, name)
        return name

    def take_back(self, name: str) -> None:
        """Empty the database for its next user, or drop it where that cannot be.

        The new name comes first: a pool or a monitor that outlives its test looks for
        the database it knew, and finds none.
        """
        spare = self._new_name()
        try:
            self._end_prepared(name)
            for node in self.nodes:
                self._end_sessions(node, name)
            self.writer.execute(f"ALTER DATABASE {name} RENAME TO {spare}")
            self._since[spare] = self._since.pop(name)
            if self._empty(spare) == self._new:
                self._spares.append(spare)
                return
        except (psycopg2.Error, KeyError):
            self.drop_database(name)
        self.drop_database(spare)

    def restore(self) -> None:
        """As for every cluster; what lies ready is dropped.

        A promoted replica may not have heard that a database was emptied.
        """
        super().restore()
        while self._spares:
            self.drop_database(self._spares.pop())

    def wait_replayed(self, timeout: float = 30) -> None:
        goal = self._position()
        for replica in self.replicas:

            def has_replayed(replica: Server = replica) -> Any:
                return replica.query("SELECT pg_last_wal_replay_lsn() >= %s", (goal,))[
                    0
                ][0]

            wait_until(has_replayed, f"{replica} replays up to {goal}", timeout)

    def _position(self) -> str:
        """Return a flushed position behind every commit so far.

        Commits with `synchronous_commit = off` may still lie in memory, and nothing
        but a later, synchronous one hurries them to the replicas: hence the message.
        """
        self.writer.query(
            "SET synchronous_commit = local;"
            "SELECT pg_logical_emit_message(true, 'tests', '')"
        )
        return str(self.writer.query("SELECT pg_current_wal_flush_lsn()")[0][0])

    def drop_database(self, name: str) -> None:
        self._end_prepared(name)
        self.writer.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _end_prepared(self, name: str) -> None:
        for xact in self.writer.query(
            "SELECT gid FROM pg_prepared_xacts WHERE database = %s", (name,)
        ):
            self.writer.execute("ROLLBACK PREPARED %s", xact, name)

    def _end_sessions(self, node: Server, name: str) -> None:
        """End whoever is connected to the database; a replica may still know it so."""
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=%s"
        wait_until(lambda: not node.query(end, (name,)), f"nobody is in {name}")

    def _empty(self, name: str) -> list[tuple[Any, ...]]:
        connection = self.writer.connect(name)
        try:
            return empty(connection, self._since[name])
        finally:
            connection.close()

    def _restore_writer(self) -> bool:
        self.writer.start()
        if is_replica := not self.writer.is_writer:
            self.writer.promote()
        self.writer.execute("ALTER SYSTEM RESET ALL")
        self.writer.execute("SELECT pg_reload_conf()")
        return is_replica

    def _mend(self, replica: Server) -> bool:
        """Start the replica, and see whether new records reach it.

        One that was promoted, or followed another server, has perhaps gone on to a
        timeline of its own and would only wait there.
        """
        if replica.source is not self.writer:
            return False
        with contextlib.suppress(CommandFailed, psycopg2.Error, TimeoutError):
            replica.start()
            replica.execute("ALTER SYSTEM RESET ALL")
            replica.execute("SELECT pg_reload_conf()")
            replica.execute("SELECT pg_wal_replay_resume()")
            reached = (replica.name, self._position())
            wait_until(lambda: self._has(*reached), f"{replica} follows", timeout=5)
            return True
        return False

    def _copy(self, replicas: Sequence[Server]) -> None:
        at_once(replicas, lambda replica: replica.copy(self.writer))

    def _has(self, name: str, position: str) -> bool:
        [(count,)] = self.writer.execute(
            "SELECT count(*) FROM pg_stat_replication WHERE application_name = %s "
            "AND state = 'streaming' AND flush_lsn >= %s",
            (name, position),
        )
        return bool(count)


def start_postgresql(place: Place) -> PostgreSQLCluster:
    """Start a writer and two replicas, all of them new."""
    writer, *replicas = [
        PostgreSQL(name, place, port)
        for name, port in zip(
            ("writer", "replica1", "replica2"), place.ports(3), strict=True
        )
    ]
    writer.create()
    writer.start()
    cluster = PostgreSQLCluster(place, [writer, *replicas])
    cluster.restore()  # which finds that they are no replicas
    return cluster


def _verifier(password: str) -> str:
    """Return what the server keeps of a password (RFC 5803), after one round.

    The 4,096 rounds that the server would take are as many for each connection's
    client, and most of what connecting costs it.
    """
    salt = b"routedb tests"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    client, server = (
        hmac.digest(salted, label, "sha256") for label in (b"Client Key", b"Server Key")
    )
    parts = (salt, hashlib.sha256(client).digest(), server)
    return "SCRAM-SHA-256$1:{}${}:{}".format(
        *(base64.b64encode(part).decode() for part in parts)
    )
