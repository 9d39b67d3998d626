"""The picture of the nodes: replaced as news come, and waited for.

Readers take `topology` once and use it to the end; `publish` replaces it under a lock
that no statement waits for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from routedb.config.label import label_of
from routedb.config.model import ClusterConfig, GroupConfig, NodeConfig
from routedb.engine.shared.error_texts import no_writer
from routedb.engine.shared.node_registry import NodeRegistry
from routedb.engine.shared.waiters import Waiters
from routedb.events import NodeLabel
from routedb.observers import OBSERVERS
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
from routedb.topology.news import TopologyNews

OTHERS_S = 0.25  # for nodes that are not the writer to answer, when a program begins


class TopologyStore:
    """Holds the snapshot of all groups; the monitor feeds it, statements read it.

    `clock` is monotonic, in seconds; every `deadline` is on it.
    """

    def __init__(
        self, config: ClusterConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config
        self.clock = clock
        self._node_registry = NodeRegistry(config)
        # By id; grows, never shrinks.
        self.nodes: Sequence[NodeConfig] = self._node_registry.nodes
        self.groups: tuple[GroupConfig, ...] = config.groups
        self.loads = [0] * len(self.nodes)  # statements under way, by node id
        self.topology: Snapshot = initial(config)
        # The monitor's, once there is one: see to it that it looks around now.
        self.wake_monitor: Callable[[], None] = lambda: None
        self.news = TopologyNews(self.groups, self.nodes)
        self._limits = Limits.of(config)
        # Of discovered groups that were asked for: why nobody told their members.
        self._undiscovered: dict[int, str] = {}
        self._make_conditions()

    def label(self, node: NodeConfig) -> NodeLabel:
        """Return what observers are told of a node."""
        return label_of(node, self.groups[node.group].shard)

    def generation(self, node: NodeConfig) -> int:
        """Return how often the node has failed, as the snapshot shows it."""
        return self.topology.groups[node.group].find(node.id).generation

    def publish(self, event: Event) -> None:
        """Take news of a node into the snapshot and wake whoever waits for it."""
        with self._changed.lock:
            after = update(self.topology, event, self.clock(), self._limits)
            group = self.nodes[event.node].group
            self._replace_topology(self._recall(after, group), group)
        OBSERVERS.deliver()

    def update_members(self, group: int, told: Membership) -> list[NodeConfig]:
        """Take what Patroni told of a group into the snapshot; return its members."""
        with self._changed.lock:
            weights = self._weights(group, told)
            self.loads += [0] * (len(self.nodes) - len(self.loads))
            after = self.topology
            for event in membership_events(
                after.groups[group], weights, told.is_paused
            ):
                after = update(after, event, self.clock(), self._limits)
            self._replace_topology(after, group)
            self._note_undiscovered(group, "")
        OBSERVERS.deliver()
        return [self.nodes[view.id] for view in after.groups[group].members]

    def note_undiscovered(self, group: int, why: str) -> None:
        """Note that no Patroni of a group could be asked."""
        with self._changed.lock:
            self._note_undiscovered(group, why)

    def await_members(self, group: int, deadline: float) -> None:
        """Wait until Patroni was asked once for the members of a discovered group, or
        `deadline` has come."""
        while self.groups[group].is_discovered and group not in self._undiscovered:
            left = deadline - self.clock()
            if left <= 0:
                return
            self._changed.wait(partial(self._has_members, group), left)

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
            self._settled.wait(partial(self._has_news, group, view), min(left, 0.5))

    def await_any(self, group: int, deadline: float) -> None:
        """Wait until all nodes of a group have been asked, or `deadline` has come; once
        the writer is known, for the others a moment only: so that a program's first
        read has a replica."""
        is_known = False
        while self.clock() < deadline:
            view = self.topology.groups[group]
            if all(node.state is not NodeState.UNKNOWN for node in view.members):
                return
            if view.writer is not None and not is_known:
                is_known = True
                deadline = min(deadline, self.clock() + OTHERS_S)
            # The monitor has begun, and probes all: it is not woken for that.
            self._await_change(self.topology.version, deadline)

    def await_news(self, version: int, deadline: float) -> bool:
        """Wait until the snapshot is newer than `version`; False when `deadline` comes
        first."""
        self.wake_monitor()
        return self._await_change(version, deadline)

    def _await_change(self, version: int, deadline: float) -> bool:
        while self.topology.version == version:
            left = deadline - self.clock()
            if left <= 0:
                return False
            self._changed.wait(partial(self._is_newer, version), left)
        return True

    def pause(self, pause_s: float) -> None:
        """Let some time pass; the monitor looks around meanwhile."""
        until = self.clock() + pause_s
        while self.clock() < until:
            self.await_news(self.topology.version, until)

    def _node_joined(self, node: NodeConfig) -> None:
        """Take in a node that has joined its group; a hook of the core's."""

    def _server_changed(self, node: int, server: str | None) -> None:
        """A node leads to another `server`; a hook of the core's. Before the snapshot
        says so: who sees it there must find the links looked after."""

    def _topology_replaced(self, before: GroupView, after: GroupView) -> None:
        """In a new snapshot, a group has changed; a hook of the core's. The snapshot
        is there by now: what is told reads it."""

    def _recall(self, after: Snapshot, group: int) -> Snapshot:
        """Return what the snapshot `after` some news is with what is known elsewhere of
        a group; a hook of the core's."""
        return after

    def _weights(self, group: int, told: Membership) -> dict[int, float]:
        weights = {}
        for member in told.members:
            node = self._node_registry.node_at(group, member.host, member.port)
            self._node_joined(node)
            weights[node.id] = node.weight if member.takes_reads else 0.0
        return weights

    def _note_undiscovered(self, group: int, why: str) -> None:
        is_first = group not in self._undiscovered
        self._undiscovered[group] = why
        if is_first:
            self._changed.wake()

    def _replace_topology(self, after: Snapshot, group: int) -> None:
        """Replace the snapshot, and wake those who wait for what is new of a group."""
        before = self.topology
        if after is before:
            return
        known = {view.id: view.server for view in before.groups[group].nodes}
        for view in after.groups[group].nodes:
            if view.server != known.get(view.id):
                self._server_changed(view.id, view.server)
        self.topology = after
        self._topology_replaced(before.groups[group], after.groups[group])
        OBSERVERS.post(*self.news.changes(before, after))
        self._changed.wake()
        if _writers(after.groups[group]) != _writers(before.groups[group]):
            self._settled.wake()

    def _has_members(self, group: int) -> bool:
        return not self.groups[group].is_discovered or group in self._undiscovered

    def _has_news(self, group: int, view: GroupView) -> bool:
        return self.topology.groups[group] is not view

    def _is_newer(self, version: int) -> bool:
        return self.topology.version != version

    def _make_conditions(self) -> None:
        """Those who wait for a writer may be many, and news come fast meanwhile: they
        are woken by such as may end their wait only."""
        self._changed = Waiters()
        self._settled = Waiters()


def _writers(view: GroupView) -> tuple[int | None, bool, bool]:
    """Return what those who wait for a writer wait for."""
    return view.writer, view.is_split, view.is_refusing
