"""Waits before the next chunk where the user's bounds say so: rates, and the load of
the source."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from routedb import adapters
from routedb.adapters.base import Adapter, Raw
from routedb.config.model import ClusterConfig, NodeConfig
from routedb.mover.ends import End
from routedb.mover.sessions import Session
from routedb.moving.pace import Pace

_PAUSE_S = 0.5
_CONNECT_S = 5.0
_ACTIVE = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = "
    "'client backend' AND state = 'active' AND pid <> pg_backend_pid() AND "
    "datname IS NOT NULL",
    "mysql": "SELECT variable_value - 1 FROM information_schema.global_status "
    "WHERE variable_name = 'Threads_running'",
    "sqlite": "SELECT 0",
}


class Throttle:
    """Holds a copy to `pace`; `source` is where it reads, in the cluster of `config`.
    `tell` is told what is waited for, and nothing once it is over."""

    def __init__(
        self,
        pace: Pace,
        config: ClusterConfig,
        source: End,
        tell: Callable[[str], None],
    ) -> None:
        self._pace = pace
        self._source = source
        self._tell = tell
        self._began = time.monotonic()
        self._rows = 0
        self._bytes = 0
        self._replicas: list[_Replica] = []
        if pace.most_lag_s is not None:
            writers = {session.node.id for session in source.sessions}
            self._replicas = [
                _Replica(node)
                for group in config.databases[source.database].groups
                for node in group.nodes
                if node.id not in writers
            ]

    def spent(self, rows: int, size: int) -> None:
        """Note that so many `rows` were copied, of `size` bytes."""
        self._rows += rows
        self._bytes += size

    @property
    def bytes(self) -> int:
        """How many were copied."""
        return self._bytes

    def wait(self, tick: Callable[[], None]) -> None:
        """Return when the next chunk may be copied; `tick` is called meanwhile."""
        why = ""
        while (said := self._over()) or self._due() > time.monotonic():
            if said != why:
                self._tell(said)
                why = said
            tick()
            left = self._due() - time.monotonic()
            time.sleep(_PAUSE_S if said else min(_PAUSE_S, max(left, 0.0)))
        if why:
            self._tell("")

    def _due(self) -> float:
        """Return when so much might have been copied."""
        taken = [
            done / most
            for done, most in (
                (self._rows, self._pace.rows_per_s),
                (self._bytes, self._pace.bytes_per_s),
            )
            if most is not None
        ]
        return self._began + max(taken, default=0.0)

    def _over(self) -> str:
        """Return what is beyond a bound, in words."""
        most = self._pace.most_sessions
        for session in self._source.sessions if most is not None else ():
            active = _active(session)
            if active > (most or 0):
                return f"{session.node.name} has {active} active sessions"
        for replica in self._replicas:
            lag = replica.lag_s()
            if lag is not None and lag > (self._pace.most_lag_s or 0):
                return f"{replica.name} is {lag:.1f} s behind"
        return ""

    def close(self) -> None:
        """Close what it has open. Never raises."""
        for replica in self._replicas:
            replica.close()


def _active(session: Session) -> int:
    ((count,),) = session.run(_ACTIVE[session.engine])
    return int(count)


class _Replica:
    """A replica of the source, asked how far it is behind. One that does not answer, or
    is no replica any more, holds nothing up."""

    def __init__(self, node: NodeConfig) -> None:
        self.name = node.name
        self._node = node
        self._adapter: Adapter = adapters.load(node.engine)
        self._raw: Raw | None = None

    def lag_s(self) -> float | None:
        """Return its lag; None where it cannot be told."""
        try:
            if self._raw is None:
                self._raw = self._adapter.connect(self._node, _CONNECT_S)
            return self._adapter.probe(self._raw).lag_s
        except Exception as exc:
            self._adapter.adopt(exc)
            self.close()
            return None

    def close(self) -> None:
        """Close. Never raises."""
        if self._raw is not None:
            with suppress(Exception):
                self._adapter.close(self._raw)
        self._raw = None
