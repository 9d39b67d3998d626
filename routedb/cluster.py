"""`Cluster`: a runtime of one's own, its connections, and operations on its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

from routedb.config.model import ClusterConfig
from routedb.engine.plans.tally import replica_shares
from routedb.engine.shared.share_news import roles_of
from routedb.frontends.connection import Connection
from routedb.runtime import Made, Runtime, Source, read_config
from routedb.topology.status import ClusterStatus


class Cluster:
    """A runtime of one's own, closed by hand or by a `with` block.

    `source` and keywords are those of `routedb.connect`. Raises ConfigError.
    """

    def __init__(self, source: Source = None, /, **keywords: Any) -> None:
        self._runtime = Runtime(read_config(source, keywords))

    @property
    def config(self) -> ClusterConfig:
        """The configuration, as it was read."""
        return self._runtime.core.config

    @property
    def runtime(self) -> Runtime:
        """The runtime that its connections share."""
        return self._runtime

    @overload
    def connect(
        self,
        *,
        autocommit: bool = False,
        connection_factory: None = None,
        cursor_factory: type[Any] | None = None,
        after: str | None = None,
    ) -> Connection: ...
    @overload
    def connect(
        self,
        *,
        autocommit: bool = False,
        connection_factory: type[Made],
        cursor_factory: type[Any] | None = None,
        after: str | None = None,
    ) -> Made: ...
    def connect(
        self,
        *,
        autocommit: bool = False,
        connection_factory: Any = None,
        cursor_factory: Any = None,
        after: str | None = None,
    ) -> Any:
        """Open a virtual connection; raises OperationalError when no node answers.

        `autocommit`, `connection_factory`, `cursor_factory` and `after`, a token, are
        those of `routedb.connect`.
        """
        return self._runtime.connect(
            autocommit, connection_factory, cursor_factory, after
        )

    def status(self) -> ClusterStatus:
        """Return what this process knows of each node now, without a probe. Its
        `replica_shares` tell, by database, which part of this cluster's statements went
        to replicas since it was made or its table rules were replaced; its
        `shape_hit_rate` how well the shapes of texts are known.

        Nodes are probed while there is a connection; those of a group of one never are.
        """
        core = self._runtime.core
        shares = replica_shares(roles_of(core))
        counts = core.ruleset.count_shapes()
        return ClusterStatus(self._runtime.status(), shares, counts)

    def drain(self, name: str) -> None:
        """Give the node `name` no new work, until `resume`.

        Transactions that have begun there end there. A writer that is drained is not
        replaced by routedb: new writes wait up to `failover_timeout` for another node
        to be promoted. Other processes are not affected. Raises ConfigError for a name
        that no node has.
        """
        self._runtime.drain(name, on=True)

    def resume(self, name: str) -> None:
        """Give the node `name` work again, as soon as it has answered."""
        self._runtime.drain(name, on=False)

    def replace_tables(self, tables: Mapping[str, Any]) -> None:
        """Let tables live elsewhere while connections are open.

        `tables` has the shape of the section `[tables]` and takes its place as a whole:
        the next statement of every connection of this cluster goes by it. A statement
        that runs meanwhile goes on by the old rules, and a transaction that is bound to
        one database refuses the others as ever. Nothing is moved: the rows must be
        there. Other processes are not told.

        Raises ConfigError for rules that cannot be; the old ones hold then.
        """
        self._runtime.replace_tables(tables)

    def close(self) -> None:
        """Close all connections and stop the monitor. Statements of other threads have
        five seconds to end, then their links are closed."""
        self._runtime.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
