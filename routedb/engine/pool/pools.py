"""All pools of a runtime, and one round of their upkeep."""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import partial

from routedb.adapters.base import Adapter
from routedb.config.model import ClusterConfig, NodeConfig, PoolConfig
from routedb.engine.pool.pool import Pool, PoolContext, Warm
from routedb.topology import NodeState, Snapshot

_LONGEST_ROUND_S = 1.0
_SHORTEST_ROUND_S = 0.05
# Links of our own, for work on rows of several groups. A statement has one at a time,
# and holds it for no longer than itself.
SCRATCH = PoolConfig(max=2, max_idle_s=60.0, wait_timeout_s=30.0)
_NOT_WARMED = (NodeState.DOWN, NodeState.DRAINING, NodeState.GONE)


class Pools:
    """The pools of those nodes whose database has one; each is made at its first use,
    which imports the driver.

    `adapter_for` returns the adapter of an engine, `view` the current snapshot,
    `context` is what each pool needs of the runtime, `config` has the databases.
    """

    def __init__(
        self,
        config: ClusterConfig,
        adapter_for: Callable[[str], Adapter],
        context: PoolContext,
        view: Callable[[], Snapshot],
    ) -> None:
        self._config = config
        self._adapter_for = adapter_for
        self._context = context
        self._view = view
        self._pools: dict[int, Pool] = {}
        self._scratch: dict[int, Pool] = {}
        self._vacant: list[frozenset[int]] = []  # nodes with no idle links now
        # How links are opened that serve one class of connections only.
        self.own_kind: Callable[[NodeConfig], Warm | None] = lambda node: None
        self.pooled: dict[int, NodeConfig] = {}  # the nodes that have a pool
        for node in config.nodes:
            self.join(node)

    def join(self, node: NodeConfig) -> None:
        """Add a node that has joined its group."""
        if self._config.databases[node.database].pool is not None:
            self.pooled.setdefault(node.id, node)

    def of(self, node: int) -> Pool | None:
        """Return the pool of a node, None when it has none."""
        found = self._pools.get(node)
        if found is None and node in self.pooled:
            limits = self._config.databases[self.pooled[node].database].pool
            assert limits is not None  # or it would not be among the pooled
            made = self._make(self.pooled[node], limits)
            found = self._pools.setdefault(node, made)
        return found

    def scratch(self, node: NodeConfig) -> Pool:
        """Return the pool of scratch links to `node`: with a bound of its own, or a
        connection that has the last link of a pool would wait for itself."""
        found = self._scratch.get(node.id)
        if found is None:
            found = self._scratch.setdefault(node.id, self._make(node, SCRATCH))
        return found

    def has_room(self, node: int, held: Container[int]) -> bool:
        """Tell whether the caller can have a link to `node`, an id, without waiting.

        `held` are the ids of the nodes that it has a link to. Another thread may take
        the last one.
        """
        if not self.pooled or node in held:
            return True
        pool = self.of(node)
        return pool is None or pool.has_room

    def tend(self) -> bool:
        """Do one round of upkeep of every pool; tell whether any link is open."""
        if self._pools:
            for node in list(self.pooled.values()):
                if self._is_warm(node):
                    self.of(node.id)
        for pool in list(self._pools.values()):
            pool.tend(self._warm(pool.node))
        for pool in list(self._scratch.values()):
            pool.tend(None)
        return any(pool.open for pool in self._all())

    def vacate(self, nodes: frozenset[int]) -> None:
        """Close the idle links to `nodes`, by id, and open none until `return_to`."""
        self._vacant.append(nodes)
        for pool in self._all():
            if pool.node.id in nodes:
                pool.close_idle()

    def return_to(self, nodes: frozenset[int]) -> None:
        """Keep idle links to `nodes`, which were vacated, again."""
        self._vacant.remove(nodes)

    def close(self) -> None:
        """Close idle links now, and later each that is given back."""
        for pool in self._all():
            pool.close()

    def abandon(self) -> None:
        """In a forked child: drop all links, which are the parent's."""
        for pool in self._all():
            pool.abandon()

    @property
    def round_s(self) -> float:
        """The seconds between two rounds of upkeep that keep every limit."""
        spans = [_LONGEST_ROUND_S * 2]
        for database in self._config.databases.values():
            spans += [] if database.pool is None else [database.pool.max_idle_s]
            spans += [] if database.max_age_s is None else [database.max_age_s]
        return max(_SHORTEST_ROUND_S, min(spans) / 2)

    def _all(self) -> list[Pool]:
        return [*self._pools.values(), *self._scratch.values()]

    def _make(self, node: NodeConfig, limits: PoolConfig) -> Pool:
        database = self._config.databases[node.database]
        adapter = self._adapter_for(node.engine)
        return Pool(node, database, limits, adapter, self._context)

    def _is_warm(self, node: NodeConfig) -> bool:
        pool = self._config.databases[node.database].pool
        return pool is not None and pool.min > 0

    def _warm(self, node: NodeConfig) -> Warm | None:
        """Return how to open links up to `min`; None: not now."""
        if not self._is_warm(node):
            return None
        if any(node.id in nodes for nodes in list(self._vacant)):
            return None
        group = self._view().groups[node.group]
        if group.find(node.id).state in _NOT_WARMED:
            return None
        own = self.own_kind(node)
        if own is not None:
            return own
        adapter = self._adapter_for(node.engine)
        opened = partial(self._context.open_raw, node, adapter.connect)
        return Warm(None, lambda: (opened(), None))
