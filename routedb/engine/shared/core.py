"""What all connections of one runtime share: snapshot, adapters, caches, loads.

Readers take `core.topology` once and use it to the end; `publish` replaces it under a
lock that no statement waits for.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from math import inf

from routedb.adapters.base import Adapter
from routedb.config.mask import mask
from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    NodeConfig,
)
from routedb.engine.links.link import Link
from routedb.engine.plans.plan_cache import PlanCache
from routedb.engine.pool.pool import PoolContext
from routedb.engine.pool.pools import Pools
from routedb.engine.pool.upkeep import Upkeep
from routedb.engine.route.shadow.plans import ShadowPlanCache
from routedb.engine.shared.absence import no_writer
from routedb.engine.shared.link_registry import LinkRegistry
from routedb.engine.shared.node_registry import NodeRegistry
from routedb.errors import Fault
from routedb.events import NodeFailed
from routedb.routing import Rules, database_for
from routedb.sql.statement import Table
from routedb.topology import (
    Event,
    GroupView,
    Limits,
    NodeState,
    Snapshot,
    initial,
    update,
)
from routedb.topology.membership import Membership, membership_events

# What a statement meets that its node is to blame for, and not the statement.
_NODE_FAULTS = frozenset({Fault.LINK_LOST, Fault.NODE_STARTING})
_JITTER = 0.1  # of max_age, so that links do not all grow old at the same time

OTHERS_S = 0.25  # for nodes that are not the writer to answer, when a program begins


class Core:
    """The shared heart of a runtime; the monitor feeds it, dispatchers read it."""

    def __init__(
        self,
        config: ClusterConfig,
        adapter_for: Callable[[str], Adapter],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.clock = clock
        self._node_registry = NodeRegistry(config)
        self.nodes: Sequence[NodeConfig] = (
            self._node_registry.nodes
        )  # grows, never shrinks
        self.groups: tuple[GroupConfig, ...] = config.groups
        self.loads = [0] * len(self.nodes)  # statements under way, by node id
        self.topology: Snapshot = initial(config)
        self.open_links = LinkRegistry()
        self._limits = Limits.of(config)
        self.rules = Rules(config)
        self.wrote_at: dict[int, float] = {}  # group -> the process's last write there
        self._volatile: dict[tuple[str, Table], bool] = {}
        # The monitor's, once there is one: see to it that it runs; make it hurry.
        self.start_monitor: Callable[[], None] = lambda: None
        self.wake_monitor: Callable[[], None] = lambda: None
        self.hurry_monitor: Callable[[int], None] = lambda group: None
        self.sample_requested_at: dict[
            int, float
        ] = {}  # group -> when a sample was last wanted
        self._hurried: set[int] = set()
        self._starts = count()
        self._adapter_for = adapter_for
        self._plan_caches: dict[str | None, PlanCache] = {}
        self._make_plan_cache = ShadowPlanCache if config.shadow else PlanCache
        self._make_conditions()
        self._rng = random.Random()
        context = PoolContext(clock, self.generation, self.expiry, self._start_upkeep)
        self.pools = Pools(config, adapter_for, context, lambda: self.topology)
        # The runtime's: age the links of its connections; tell whether there are any.
        self.expire_old_links: Callable[[], bool] = lambda: False
        self.upkeep = Upkeep(self._tend, self.pools.round_s)
        # Of discovered groups that were asked for: why nobody told their members.
        self._undiscovered: dict[int, str] = {}

    def adapter(self, node: NodeConfig) -> Adapter:
        """Return the adapter that opens `node`."""
        return self._adapter_for(node.engine)

    def generation(self, node: NodeConfig) -> int:
        """Return how often the node has failed, as the snapshot shows it."""
        return self.topology.groups[node.group].find(node.id).generation

    def expiry(self, database: DatabaseConfig) -> float:
        """Return when a link that is opened now will be too old."""
        if database.max_age_s is None:
            return inf
        return self.clock() + database.max_age_s * self._rng.uniform(1 - _JITTER, 1)

    def next_rotation(self) -> int:
        """Return where in the ring a new connection begins: each at another place, or
        connections of one statement would all meet at one replica."""
        return next(self._starts)

    def plan_cache(self, using: str | None) -> PlanCache:
        """Return the cache of known texts for `conn.using(using)`, None for plain."""
        known = self._plan_caches.get(using)
        if known is None:
            made = self._make_plan_cache(self.config, self.rules, using)
            known = self._plan_caches.setdefault(using, made)
        return known

    def default_group(self, database: str | None) -> int:
        """Return the id of the group for statements that name no table."""
        return database_for(self.config, database).groups[0].id

    def is_volatile(
        self, database: str, function: Table, link: Callable[[], Link]
    ) -> bool | None:
        """Ask the catalog, once, whether `function` may write; None: there is none."""
        key = (database, function)
        known = self._volatile.get(key)
        if known is None:
            at = link()
            with at.exclusive:
                known = at.adapter.volatility(at.raw, function.name, function.schema)
            if known is not None:
                self._volatile[key] = known
        return known

    def note_write(self, group: int) -> None:
        """Take note that this process has just written to a group."""
        with self._noting:
            self.wrote_at[group] = self.clock()
        self.request_sample(group)

    def request_sample(self, group: int) -> None:
        """Say that a new sample would let a replica of the group answer again."""
        self.sample_requested_at[group] = self.clock()
        if group not in self._hurried:  # the monitor is told once between two samples
            self._hurried.add(group)
            self.hurry_monitor(group)

    def last_sample_request(self, group: int) -> float:
        """Return when a sample of the group was last wanted; the next wish is told to
        the monitor again."""
        self._hurried.discard(group)
        return self.sample_requested_at.get(group, 0.0)

    def publish(self, event: Event) -> None:
        """Take news of a node into the snapshot and wake whoever waits for it."""
        with self._changed:
            after = update(self.topology, event, self.clock(), self._limits)
            self._replace_topology(after, self.nodes[event.node].group)

    def report_fault(self, link: Link, exc: Exception, fault: Fault) -> None:
        """Take a failed statement as evidence of its node, and see to more of it.

        The link's generation goes with it: what an old link meets says nothing of a
        node that has come back since. A lost link alone takes nobody away for good
        (see topology/node_states.py), for it may be one session that somebody ended.
        """
        if fault in _NODE_FAULTS:
            reason = mask(str(exc)).strip()
            self.publish(NodeFailed(link.id, link.generation, reason, fault))
            self.wake_monitor()

    def give_up(self, node: int, since: float) -> None:
        """Take note that a node has answered nothing `since` then: end the links it had
        at that time. A file has no line that could hang: a lock may be held on it."""
        if self.adapter(self.nodes[node]).is_remote:
            self.open_links.give_up(node, since, self.clock() - since)

    def update_members(self, group: int, told: Membership) -> list[NodeConfig]:
        """Take what Patroni told of a group into the snapshot; return its members."""
        with self._changed:
            weights = self._weights(group, told)
            self.loads += [0] * (len(self.nodes) - len(self.loads))
            after = self.topology
            for event in membership_events(
                after.groups[group], weights, told.is_paused
            ):
                after = update(after, event, self.clock(), self._limits)
            self._replace_topology(after, group)
            self._note_undiscovered(group, "")
            return [self.nodes[view.id] for view in after.groups[group].members]

    def note_undiscovered(self, group: int, why: str) -> None:
        """Note that no Patroni of a group could be asked."""
        with self._changed:
            self._note_undiscovered(group, why)

    def await_members(self, group: int, deadline: float) -> None:
        """Wait until Patroni was asked once for the members of a discovered group."""
        with self._changed:
            while self.groups[group].is_discovered and group not in self._undiscovered:
                left = deadline - self.clock()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _weights(self, group: int, told: Membership) -> dict[int, float]:
        weights = {}
        for member in told.members:
            node = self._node_registry.node_at(group, member.host, member.port)
            self.pools.join(node)
            weights[node.id] = node.weight if member.takes_reads else 0.0
        return weights

    def _note_undiscovered(self, group: int, why: str) -> None:
        is_first = group not in self._undiscovered
        self._undiscovered[group] = why
        if is_first:
            self._changed.notify_all()

    def _replace_topology(self, after: Snapshot, group: int) -> None:
        """Replace the snapshot, and wake those who wait for what is new of a group."""
        before = self.topology
        if after is before:
            return
        self.topology = after
        self._changed.notify_all()
        if _writers(after.groups[group]) != _writers(before.groups[group]):
            self._settled.notify_all()

    def await_writer(self, group: int, deadline: float) -> int:
        """Return the id of the group's writer, waiting for one until `deadline`.

        Raises SplitBrain when two nodes claim to be it, NoNodeError when the time is
        over or every node refuses this user. `deadline` is on this core's clock.
        """
        while True:
            view = self.topology.groups[group]
            if view.writer is not None:
                return view.writer
            left = deadline - self.clock()
            if left <= 0 or view.is_refusing:
                why = self._undiscovered.get(group, "")
                raise no_writer(self.groups[group], self.nodes, view, why)
            self.wake_monitor()
            with self._settled:
                if self.topology.groups[group] is view:
                    self._settled.wait(min(left, 0.5))

    def await_any(self, group: int, deadline: float) -> None:
        """Wait until all nodes of a group have been asked; once the writer is known,
        for the others a moment only: so that a program's first read has a replica."""
        is_known = False
        while self.clock() < deadline:
            view = self.topology.groups[group]
            if all(node.state is not NodeState.UNKNOWN for node in view.members):
                return
            if view.writer is not None and not is_known:
                is_known = True
                deadline = min(deadline, self.clock() + OTHERS_S)
            self.await_news(self.topology.version, deadline)

    def await_news(self, version: int, deadline: float) -> bool:
        """Wait until the snapshot is newer than `version`; False when time is over."""
        self.wake_monitor()
        with self._changed:
            while self.topology.version == version:
                left = deadline - self.clock()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def pause(self, pause_s: float) -> None:
        """Let some time pass; the monitor looks around meanwhile."""
        until = self.clock() + pause_s
        while self.clock() < until:
            self.await_news(self.topology.version, until)

    def after_fork(self) -> None:
        """In a forked child: no lock may still be held by a thread that is not here."""
        self._make_conditions()
        self.open_links = LinkRegistry()
        self.loads[:] = [0] * len(self.nodes)
        self._rng.seed()
        self.pools.abandon()
        self.upkeep.abandon()

    def close(self) -> None:
        """Close the links that nobody uses, and later those that are given back."""
        self.pools.close()
        self.upkeep.stop()

    def _start_upkeep(self) -> None:
        self.upkeep.attend()

    def _tend(self) -> bool:
        has_links = self.pools.tend()
        return self.expire_old_links() or has_links

    def _make_conditions(self) -> None:
        """Those who wait for a writer may be many, and news come fast meanwhile: they
        are woken by such as may end their wait only."""
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._settled = threading.Condition(lock)
        self._noting = threading.Lock()  # or an older time might come last


def _writers(view: GroupView) -> tuple[int | None, bool, bool]:
    """Return what those who wait for a writer wait for."""
    return view.writer, view.is_split, view.is_refusing
