"""A PostgreSQL writer that is killed and succeeded by its synchronous replica, again
and again; the old one comes back as a copy of the new."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg2

from tests.support.servers import PostgreSQLCluster, Server, wait_until


class Rotation:
    """Three servers that take turns as writer."""

    def __init__(self, cluster: PostgreSQLCluster, dbname: str) -> None:
        self.lead: Server = cluster.writer
        self.others = list(cluster.replicas)
        self.dbname = dbname
        self._keep_synchronous()

    def execute(self, sql: str, params: object = None) -> list[tuple[object, ...]]:
        """Run a statement on the present writer."""
        return self.lead.execute(sql, params, self.dbname)  # type: ignore[arg-type]

    def succeed(self) -> float:
        """Kill the writer, promote its synchronous replica; return when a raw probe
        first saw a writer again (monotonic seconds)."""
        old, (new, other) = self.lead, self.others
        old.kill()
        # It was not waited for, and yet may have been sent more than the other.
        is_ahead = _end(other) > _end(new)
        seen: list[float] = []
        probe = threading.Thread(target=_watch, args=(new, seen.append))
        probe.start()
        new.promote()
        probe.join()
        self.lead, self.others = new, [other, old]
        # Its copy of the settings may name a replica that it does not have.
        new.execute("ALTER SYSTEM RESET synchronous_standby_names")
        new.execute("SELECT pg_reload_conf()")
        if is_ahead:
            other.copy(new)
        else:
            other.follow(new)
        return seen[0]

    def mend(self) -> None:
        """Bring the old writer back, and make a replica synchronous again."""
        other, old = self.others
        old.copy(self.lead)
        wait_until(lambda: self._streams(other), f"{other} follows the new writer")
        self._keep_synchronous()

    def _keep_synchronous(self) -> None:
        """Have the first of the others confirm every commit."""
        name = self.others[0].name
        self.lead.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.lead.execute("SELECT pg_reload_conf()")
        wait_until(self._is_synchronous, f"{name} is synchronous")

    def _is_synchronous(self) -> bool:
        return self.lead.execute(
            "SELECT sync_state FROM pg_stat_replication WHERE application_name = %s",
            (self.others[0].name,),
        ) == [("sync",)]

    def _streams(self, replica: Server) -> bool:
        return self.lead.execute(
            "SELECT state FROM pg_stat_replication WHERE application_name = %s",
            (replica.name,),
        ) == [("streaming",)]


def _end(replica: Server) -> float:
    """Return how far a replica has come that has lost its writer."""
    ask = """
        SELECT (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'),
            pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::float8"""
    before = -1.0
    while True:
        [(streams, end)] = replica.execute(ask)
        if not streams and end == before:
            return float(end)
        before = end
        time.sleep(0.05)


def _watch(server: Server, tell: Callable[[float], None]) -> None:
    """Ask a server over one connection until it is a writer, and tell when it was."""
    connection = psycopg2.connect(server.dsn("postgres"))
    connection.autocommit = True
    cursor = connection.cursor()
    while True:
        cursor.execute("SELECT pg_is_in_recovery()")
        row = cursor.fetchone()
        if row is not None and not row[0]:
            tell(time.monotonic())
            break
        time.sleep(0.002)
    connection.close()
