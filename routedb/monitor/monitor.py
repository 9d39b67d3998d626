"""The monitor of a runtime: probes the nodes and publishes the results as events.

    Monitor          when there are workers: start, pause, stop, fork
    Workers          its threads, one for each task
    NodeProbe        one node: one probe over its own link
    MemberDiscovery  one discovered group: its members
    ProbeInterval    the time to the next probe

It decides nothing about a node: routedb.topology turns events into node states.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Collection, Sequence

from routedb.adapters.base import Adapter
from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    Discovery,
    NodeConfig,
)
from routedb.monitor.discovery import MemberDiscovery, MemberRegistry
from routedb.monitor.intervals import (
    CALM_S,
    IDLE_S,
    JITTER,
    ProbeInterval,
    is_well,
)
from routedb.monitor.node_probe import GiveUp, Learn, NodeProbe, Publish
from routedb.monitor.patroni_client import PatroniClient
from routedb.monitor.workers import Task, Workers
from routedb.topology.snapshot import GroupView, Snapshot

HOLD_S = 1.0  # `hold` waits no longer than this for a probe under way
STOP_S = 2.0  # `stop` waits no longer than this for threads that hang in a driver
# Silence is noticed when the next probe is due, and a node that is silent for
# failover_timeout, but for no shorter time than this, counts as dead.
NOTICE_S = CALM_S * (1 + JITTER)
SHORTEST_SILENCE_S = 1.0


class Monitor:
    """Probe every node of each group that has more than one, or may get more.

    `config` names the nodes and `adapter_for` returns the adapter of an engine. `view`
    returns the runtime's snapshot, `publish` applies events to it, `register` takes the
    members of discovered groups. `give_up` is called with the id of a node that has
    been silent for failover_timeout, and since when; `wanted` returns when a read of
    a group last waited for a sample; `is_unused` tells whether no statement has run
    there since a time. `learn` is called with each node of the home group that has just
    answered as the writer, its adapter and the link. Times are seconds of `clock`;
    `rng` spreads probes.
    There is no thread before `start`, and the threads keep neither the interpreter from
    exiting nor a link across `fork()`: a child has no monitor until its own `start`.
    """

    def __init__(
        self,
        config: ClusterConfig,
        adapter_for: Callable[[str], Adapter],
        publish: Publish,
        view: Callable[[], Snapshot],
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        wanted: Callable[[int], float] = lambda group: 0.0,
        give_up: GiveUp = lambda node, since: None,
        register: MemberRegistry | None = None,
        is_unused: Callable[[int, float], bool] = lambda group, since: False,
        learn: Learn = lambda node, adapter, raw: None,
    ) -> None:
        self._learn = learn
        self._config = config
        self._register = register
        self._adapter_for = adapter_for
        self._publish = publish
        self._view = view
        self._give_up = give_up
        self._clock = clock
        self._wanted = wanted
        self._is_unused = is_unused
        self._rng = rng or random.Random()
        self._lock = threading.Lock()  # guards the workers and the nodes
        self._workers: Workers | None = None
        self._pid = os.getpid()  # the process that the threads are in
        self._nodes: dict[int, tuple[NodeConfig, ...]] = {  # to probe, by group
            group.id: group.nodes for group in config.groups if not group.is_single
        }
        self._intervals: weakref.WeakKeyDictionary[Task, Callable[[bool], float]]
        self._intervals = weakref.WeakKeyDictionary()
        _ALIVE.add(self)

    def start(self) -> None:
        """Begin to probe, or go on after a pause. Does nothing when under way."""
        if not self._nodes:
            return
        self.forget()  # another hook of a fork may come here before ours has run
        with self._lock:
            if self._workers is None:
                self._workers = self._make_workers()
                self._workers.start()
            else:
                self._workers.resume()

    def pause(self) -> None:
        """No connection is open: links close soon, threads sleep until `start`."""
        with self._lock:
            if self._workers is not None:
                self._workers.pause()

    def wake(self) -> None:
        """Probe every node now, and at short intervals for some seconds: a statement
        waits for a node."""
        with self._lock:
            if self._workers is not None:
                self._workers.wake()

    def request_sample(self, group: int, waits: bool = True) -> None:
        """Take a sample of `group`, an id, soon. `waits`: a read waits for it; else it
        may take longer."""
        with self._lock:
            if self._workers is not None:
                self._workers.request_sample(group, waits)

    def hold(self, nodes: Collection[int], on: bool) -> None:
        """Close the links to `nodes`, which are ids, and probe none of them; or (not
        `on`) go on with that."""
        with self._lock:
            workers = self._workers
        if workers is None:
            return
        tasks = [
            task
            for task in workers.tasks
            if isinstance(task, NodeProbe) and task.node.id in nodes
        ]
        workers.hold(tasks, HOLD_S) if on else workers.let_go(tasks)

    def stop(self) -> None:
        """End the threads and close the links, within `STOP_S`."""
        with self._lock:
            workers, self._workers = self._workers, None
        if workers is not None:
            workers.stop(STOP_S)

    def forget(self) -> None:
        """In a forked child: give up the parent's links, whose threads are not here.

        Does nothing in the process that started them, nor a second time.
        """
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        workers, self._workers = self._workers, None
        self._lock = threading.Lock()  # a thread that is not here may have held it
        self._rng.seed()  # or parent and children would probe in step
        for task in workers.tasks if workers is not None else ():
            task.abandon()

    def _make_workers(self) -> Workers:
        node_probes = [
            self._node_probe(n) for nodes in self._nodes.values() for n in nodes
        ]
        discoveries = [
            self._member_discovery(database, database.discovery, self._register)
            for database in self._config.databases.values()
            if database.discovery is not None and self._register is not None
        ]
        tasks: list[Task] = [*node_probes, *discoveries]
        return Workers(tasks, self._interval, self._clock, self._may_rest)

    def _interval(self, task: Task, hurry: bool) -> float:
        return self._intervals[task](hurry)

    def _may_rest(self, task: Task) -> bool:
        """Tell whether no statement needs what a node would answer now."""
        if task.group is None:
            return False
        group, answered_at = self._view().groups[task.group], task.answered_at
        is_recent = self._clock() - answered_at < IDLE_S
        return is_recent and is_well(group) and self._is_unused(group.id, answered_at)

    def _node_probe(self, node: NodeConfig) -> NodeProbe:
        probe_interval = ProbeInterval(self._rng)

        def group_view() -> GroupView:
            return self._view().groups[node.group]

        def interval(hurry: bool) -> float:
            group = group_view()
            wanted_at = self._wanted(group.id)
            return probe_interval.interval(
                node.id, group, self._clock(), hurry, wanted_at
            )

        database = self._config.databases[node.database]
        adapter = self._adapter_for(node.engine)
        node_probe = NodeProbe(
            node,
            adapter,
            database.connect_timeout_s,
            self._publish,
            group_view,
            self._clock,
            max(SHORTEST_SILENCE_S, database.failover_timeout_s - NOTICE_S),
            self._give_up,
            self._learn if self._is_home(node) else None,
        )
        self._intervals[node_probe] = interval
        return node_probe

    def _is_home(self, node: NodeConfig) -> bool:
        home = self._config.home
        return home is not None and home.id == node.group

    def _member_discovery(
        self, database: DatabaseConfig, discovery: Discovery, register: MemberRegistry
    ) -> MemberDiscovery:
        client = PatroniClient(discovery, database.connect_timeout_s)
        member_discovery = MemberDiscovery(
            database, client, register, self._found, self._rng
        )
        self._intervals[member_discovery] = member_discovery.interval
        return member_discovery

    def _found(self, group: int, nodes: Sequence[NodeConfig], is_moved: bool) -> None:
        """Probe those nodes of a group, and no others."""
        with self._lock:
            before = {node.id for node in self._nodes[group]}
            self._nodes[group] = tuple(nodes)
            workers = self._workers
            if workers is None:
                return
            for node in nodes:
                if node.id not in before:
                    workers.add(self._node_probe(node))
            after = {node.id for node in nodes}
            for task in workers.tasks:
                if isinstance(task, NodeProbe) and task.node.id in before - after:
                    workers.remove(task)
        if is_moved:
            workers.wake()


def _forget_all() -> None:
    for monitor in list(_ALIVE):
        monitor.forget()


# One hook for all: what is registered for forks stays, whoever it is of.
_ALIVE: weakref.WeakSet[Monitor] = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_all)
