"""One runtime per configuration and process: wires core, monitor and connections.

Connections made from the same configuration share it: snapshot, caches, monitor.
`Cluster` holds one explicitly; `connect` finds it by the configuration.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, TypeAlias, TypeVar, overload

from routedb import adapters, errors, logs
from routedb.adapters.base import Adapter, TxMode
from routedb.adapters.fork_gate import importing
from routedb.config import NO_DEFAULTS, load, load_tables
from routedb.config.mask import config_error
from routedb.config.model import ClusterConfig
from routedb.engine.links import find_node
from routedb.engine.shared.core import Core
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.placement_watch import PlacementWatch
from routedb.engine.shared.recovery import Recoverer
from routedb.engine.shared.share_news import ShareNews
from routedb.events import NodeDrained
from routedb.frontends.base import opened
from routedb.frontends.connection import Connection
from routedb.monitor import Monitor
from routedb.numbering.lending import generator_for
from routedb.observers import OBSERVERS
from routedb.routing import database_for
from routedb.sharding import check_rules
from routedb.topology.status import NodeStatus, status

_Node: TypeAlias = str | Mapping[str, Any]
# What `connect` takes: a DSN, a list of nodes, the path of a file, or its content.
Source: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | Sequence[_Node] | None
Made = TypeVar("Made")

_PATIENCE_S = 5.0  # how long `close` waits for statements under way
_MOST_RUNTIMES = 64  # unused ones beyond this are stopped, the oldest first


class Runtime:
    """What the connections of one configuration share."""

    def __init__(self, config: ClusterConfig) -> None:
        self.core = Core(config, adapters.load)
        home = database_for(config, None).groups[0].nodes[0]  # whose errors ours are
        self.frontend: Adapter = adapters.load(home.engine)
        self._placements = PlacementWatch(self.core, lambda: self.is_used)
        self.monitor = Monitor(
            config,
            adapters.load,
            ShareNews(self.core).publish,
            lambda: self.core.topology,
            wanted=self.core.samples.refused_at,
            is_unused=self.core.is_unused,
            give_up=self.core.give_up,
            register=self.core,
            learn=self._placements.probed,
        )
        self.core.start_monitor = self._start
        if len(self.core.topology.groups) > 1:
            with importing:  # where one group has all, nothing is ever merged
                from routedb.merge.merger import Merger  # noqa: PLC0415

            self.core.merger = Merger(self.core)
        self.core.numbers.next_id = generator_for(config, self.connect).next
        self.core.wake_monitor = self.monitor.wake
        self.core.samples.tell = self.monitor.request_sample
        self.core.hold_probes = self.monitor.hold
        self.core.expire_old_links = self._age
        if self.frontend.engine == "postgresql":
            from routedb.frontends.psycopg2 import own_kind  # noqa: PLC0415

            self.core.pools.own_kind = partial(own_kind, self.core)
        self._recoverer = Recoverer(ledger_of(self.core), lambda: self.is_used)
        self.is_closed = False
        self._number = next(_numbers)
        self._ages = any(d.max_age_s is not None for d in config.databases.values())
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._lock = threading.RLock()  # a connection may be collected inside it
        _alive.add(self)

    @property
    def is_used(self) -> bool:
        """Tell whether any connection is open."""
        return bool(self._connections)

    def connect(
        self,
        autocommit: bool = False,
        connection_factory: Any = None,
        cursor_factory: Any = None,
        after: str | None = None,
    ) -> Connection:
        """Open a virtual connection, and a link to the default database with it.

        `after` is a token that its reads must include. The factories are psycopg2's
        `connection_factory` and `cursor_factory`; `autocommit` sets the mode. Raises
        OperationalError when none of that database's nodes can be reached,
        NotSupportedError for factories that the frontend does not have,
        ProgrammingError when `after` is no token.
        """
        made = None
        try:
            made = self._make(autocommit, connection_factory, cursor_factory)
            if after is not None:
                made.after(after)
            return made
        except BaseException:
            if made is not None:
                made.close()
            raise

    def _make(
        self, autocommit: bool, connection_factory: Any, cursor_factory: Any
    ) -> Connection:
        mode = TxMode(autocommit=autocommit)
        if self.frontend.engine == "postgresql":
            # Imported here: only this frontend needs psycopg2.
            with importing:
                from routedb.frontends.psycopg2 import (  # noqa: PLC0415
                    open_connection,
                )

            return open_connection(
                self.core,
                mode,
                self.leave,
                self._greet,
                connection_factory,
                cursor_factory,
            )
        if connection_factory is not None or cursor_factory is not None:
            raise self.frontend.error_class(errors.NotSupportedError)(
                "connection_factory and cursor_factory are psycopg2's: they need a "
                "default database on PostgreSQL"
            )
        if self.frontend.engine == "mysql":
            # Imported here: only this frontend needs MySQLdb.
            with importing:
                from routedb.frontends import mysqlclient  # noqa: PLC0415

            return mysqlclient.open_connection(self.core, mode, self.leave, self._greet)
        if self.frontend.engine == "sqlite":
            with importing:
                from routedb.frontends import sqlite3  # noqa: PLC0415

            return sqlite3.open_connection(self.core, mode, self.leave, self._greet)
        return opened(
            Connection(self.core, self.frontend, mode, self.leave), self._greet
        )

    def leave(self, connection: Connection) -> None:
        """Note that a connection is closed; after the last one the monitor pauses."""
        with self._lock:
            self._connections.discard(connection)
            if not self._connections:
                self.monitor.pause()

    def status(self) -> tuple[NodeStatus, ...]:
        """Return what is known of each node now, without asking any."""
        return status(self.core.config, self.core.nodes, self.core.topology)

    def drain(self, name: str, on: bool) -> None:
        """Take the node called `name` out of use (`on`), or back into it.

        Raises ConfigError for a name that no node has.
        """
        found = next((node for node in self.core.nodes if node.name == name), None)
        if found is None:
            names = ", ".join(node.name for node in self.core.nodes)
            raise config_error(f"no node is named {name!r}; there are {names}")
        self.core.publish(NodeDrained(found.id, on))
        self.core.wake_monitor()

    def replace_tables(self, tables: Mapping[str, Any]) -> None:
        """Let tables live where `tables`, of the shape of `[tables]`, says, or raise
        ConfigError."""
        config = self.core.config
        rules = load_tables(tables, config)
        check_rules(replace(config, tables=rules))
        self.core.replace_rules(rules)

    def close(self) -> None:
        """Close every connection and stop the monitor. Waits for statements of other
        threads, for at most five seconds."""
        self.is_closed = True
        impatient = threading.Timer(_PATIENCE_S, self.core.open_links.interrupt_all)
        impatient.daemon = True
        with suppress(RuntimeError):  # no thread starts at interpreter exit
            impatient.start()
        for connection in list(self._connections):
            connection.close()
        impatient.cancel()
        self.core.open_links.interrupt_all()
        self._recoverer.stop()
        self._placements.stop()
        self.core.close()
        self.monitor.stop()
        for cache in self.core.plan_caches:
            cache.hand_over_counts()

    @classmethod
    def all(cls) -> list[Runtime]:
        """Return those of this process that are not closed, the oldest first."""
        alive = (runtime for runtime in list(_alive) if not runtime.is_closed)
        return sorted(alive, key=lambda runtime: runtime._number)

    def after_fork(self) -> None:
        """In a forked child: drop the parent's links and threads, and close none."""
        self._lock = threading.RLock()
        self._recoverer.abandon()
        self._placements.abandon()
        self.core.after_fork()
        for connection in list(self._connections):
            connection.session.abandon()

    def _age(self) -> bool:
        """Replace links that are too old; tell whether more will become so."""
        if not self._ages:
            return False
        now = self.core.clock()
        for connection in list(self._connections):
            connection.session.links.expire_old(now)
        return self.is_used

    def _start(self) -> None:
        """Probe nodes, read placements and recover branches from now on."""
        self.monitor.start()
        self._placements.attend()
        self._recoverer.begin()

    def _greet(self, connection: Connection) -> None:
        """Register the connection and open its first link; close it if that fails."""
        try:
            with self._lock:
                self._connections.add(connection)
            self.core.start_monitor()
            self._open_first(connection)
        except BaseException:
            connection.close()
            raise

    def _open_first(self, connection: Connection) -> None:
        """Open the first link, and learn where tables are, before the first statement
        of this runtime."""
        session = connection.session
        try:
            link = find_node.first(session.links, session.rotation())
            if self._placements.is_first:
                self._placements.ask_first(link)
        except errors.Error as exc:
            raise session.as_frontend_error(exc) from exc.__cause__


class Registry:
    """The runtimes of this process, by their configuration."""

    def __init__(self) -> None:
        self._runtimes: list[Runtime] = []
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._after_fork)

    def find(self, config: ClusterConfig) -> Runtime:
        """Return the runtime of an equal configuration; make it when there is none."""
        with self._lock:
            for runtime in self._runtimes:
                if runtime.core.config == config:
                    return runtime
            self._make_room()
            runtime = Runtime(config)
            self._runtimes.append(runtime)
            return runtime

    def _make_room(self) -> None:
        if len(self._runtimes) < _MOST_RUNTIMES:
            return
        for runtime in self._runtimes:
            if not runtime.is_used:
                self._runtimes.remove(runtime)
                runtime.close()
                return

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        for runtime in list(_alive):
            runtime.after_fork()


_alive: weakref.WeakSet[Runtime] = weakref.WeakSet()  # also those of a Cluster
_numbers = count()
_registry = Registry()
OBSERVERS.subscribe_once(logs.write)


@overload
def connect(
    source: Source = None,
    /,
    connection_factory: None = None,
    cursor_factory: type[Any] | None = None,
    *,
    autocommit: bool = False,
    after: str | None = None,
    **kw: Any,
) -> Connection: ...
@overload
def connect(
    source: Source = None,
    /,
    *,
    connection_factory: type[Made],
    cursor_factory: type[Any] | None = None,
    autocommit: bool = False,
    after: str | None = None,
    **kw: Any,
) -> Made: ...
@overload
def connect(
    source: Source,
    /,
    connection_factory: type[Made],
    cursor_factory: type[Any] | None = None,
    *,
    autocommit: bool = False,
    after: str | None = None,
    **kw: Any,
) -> Made: ...
def connect(
    source: Source = None,
    /,
    connection_factory: Any = None,
    cursor_factory: Any = None,
    *,
    autocommit: bool = False,
    after: str | None = None,
    **kw: Any,
) -> Any:
    """Open a virtual connection to a cluster.

    `source` is a DSN or libpq keyword string, a list of DSNs, the path of a TOML file,
    or a mapping of its shape; without it, libpq keywords, or the environment variable
    ROUTEDB_CONFIG. Of the keywords in `kw`, options of a database (`reads`,
    `consistency`, …) and of the cluster are ours; the others go to the driver. `after`
    is what `connection.token()` returned elsewhere: this connection sees all that the
    other one had seen. `autocommit` makes every statement a transaction of its own.
    `connection_factory` and `cursor_factory` are psycopg2's, and are for a default
    database on PostgreSQL.

    Raises ConfigError for a configuration that is wrong, OperationalError when no node
    answers (PEP 249, Constructors), ProgrammingError for what is no token.
    """
    runtime = runtime_for(source, kw)
    return runtime.connect(autocommit, connection_factory, cursor_factory, after)


def runtime_for(
    source: Source,
    keywords: Mapping[str, Any],
    defaults: Mapping[str, Any] = NO_DEFAULTS,
) -> Runtime:
    """Return the runtime for `source`, `keywords` and `defaults`: see `read_config`.
    Raises ConfigError, and NotSupportedError for asynchronous connections."""
    if keywords.get("async_") or keywords.get("async"):
        raise errors.NotSupportedError(
            "async_=1: a virtual connection runs its statements on several real ones "
            "and is synchronous; use threads, or psycopg2.connect for this connection "
            "(routedb.patch() leaves asynchronous connections to the driver)"
        )
    given = {k: v for k, v in keywords.items() if k not in ("async_", "async")}
    return _registry.find(read_config(source, given, defaults))


def read_config(
    source: Source,
    keywords: Mapping[str, Any],
    defaults: Mapping[str, Any] = NO_DEFAULTS,
) -> ClusterConfig:
    """Build the configuration from `source` and `keywords`, those of `connect`;
    `defaults` are options of a database where neither sets them. Raises ConfigError."""
    if source is None and "dsn" in keywords:
        source = keywords["dsn"]
        keywords = {key: value for key, value in keywords.items() if key != "dsn"}
    config = load(source, keywords, os.environ, _read, defaults)
    check_rules(config)
    return config


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
