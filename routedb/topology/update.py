"""(old snapshot, event) -> new snapshot: the only place where it changes.

    event    the news that it is              node_states.TABLE
    node     its new state, role, answer
    group    writer and split                 writer_election.elect_writer
             readable replicas, in order      read_ring.build_ring
             what each is known to hold       samples.prove

An event that changes nothing returns the snapshot itself, and what did not change in a
new snapshot is the old object, so a reader may compare by identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from routedb.config.model import ClusterConfig, GroupConfig, NodeConfig
from routedb.errors import Fault
from routedb.events import (
    NodeAnswered,
    NodeDrained,
    NodeFailed,
    NodeJoined,
    NodeLeft,
    NodeRefusedWrite,
    ServerSeen,
)
from routedb.topology.history_order import HISTORY_ORDERS
from routedb.topology.limits import GroupLimits, Limits
from routedb.topology.node_states import TABLE, News, news_of_fault
from routedb.topology.positions import read_position
from routedb.topology.read_ring import (
    WARM_UP_S,
    build_ring,
    coldness,
    is_readable,
    share,
    slowness,
    smooth,
)
from routedb.topology.samples import prove
from routedb.topology.servers import led_to
from routedb.topology.snapshot import (
    Answer,
    GroupView,
    NodeState,
    NodeView,
    Role,
    Snapshot,
)
from routedb.topology.writer_election import Election, elect_writer

Event = (
    NodeAnswered
    | NodeFailed
    | NodeRefusedWrite
    | ServerSeen
    | NodeDrained
    | NodeJoined
    | NodeLeft
)

MAX_RETRY_S = 30.0  # a dead node is tried again at least this often
# A replica that lagged must be clearly inside max_lag to be read from again: at the
# border it would come and go with every probe.
CAUGHT_UP = 0.8


def initial(config: ClusterConfig) -> Snapshot:
    """Return the snapshot before any event."""
    return Snapshot(
        tuple(_first_view(group) for group in config.groups),
        group_by_node=tuple(node.group for node in config.nodes),
    )


def _first_view(group: GroupConfig) -> GroupView:
    nodes = tuple(_first_node(node) for node in group.nodes)
    # No node has answered yet, so it does not matter how histories are compared.
    single = group.is_single
    writer = elect_writer(nodes, Election(), HISTORY_ORDERS["sqlite"], single).writer
    read_ring = build_ring(_weights(nodes, (), single))
    return GroupView(group.id, nodes, writer, read_ring, is_single=single)


def _first_node(node: NodeConfig) -> NodeView:
    role = Role.REPLICA if node.is_read_only else Role.UNKNOWN
    return NodeView(
        node.id,
        node.weight,
        role=role,
        is_read_only=node.is_read_only,
        is_balanced=node.is_balanced,
    )


def update(snapshot: Snapshot, event: Event, now: float, limits: Limits) -> Snapshot:
    """Return `snapshot` after `event`; the same object if it changed nothing.

    `now` is monotonic seconds, `limits` what is configured for each group. News of a
    link or a probe older than the node's last failure is dropped: it is about a node
    that has gone through a failure since; and so is all news of a node that has left.
    Pure, so callers serialize the calls and replace their reference.
    """
    group_by_node = snapshot.group_by_node
    if isinstance(event, NodeJoined) and event.node == len(group_by_node):
        group_by_node += (event.group,)
        group = snapshot.groups[event.group]
        changed = NodeView(event.node, event.weight)
        nodes = (*group.nodes, changed)
    else:
        group = snapshot.groups[group_by_node[event.node]]
        node = group.find(event.node)
        if _is_stale(node, event):
            return snapshot
        changed = _HANDLERS[type(event)](node, event, now, limits.groups[group.id])
        if changed == node:
            return snapshot
        nodes = tuple(changed if n is node else n for n in group.nodes)
    groups = list(snapshot.groups)
    groups[group.id] = _regroup(group, nodes, changed, limits.groups[group.id])
    return Snapshot(tuple(groups), snapshot.version + 1, group_by_node)


def remember(
    snapshot: Snapshot, group: int, histories: Sequence[str], limits: Limits
) -> Snapshot:
    """Return `snapshot` with the newest of these `histories` of a `group`, an id, which
    others have seen; the same object when its writer may go on from all of them.
    `limits` say in which order histories are."""
    view, limited = snapshot.groups[group], limits.groups[group]
    writer = None if view.writer is None else view.find(view.writer)
    if writer is None or writer.answer is None:
        return snapshot
    order = limited.history_order
    newer = [h for h in histories if not order.may_continue(writer.answer, h)]
    if not newer:
        return snapshot
    newest = max(newer, key=lambda history: (len(history), history))  # as numbers do
    before = replace(view, history=newest, history_node=None)
    groups = list(snapshot.groups)
    groups[group] = _regroup(before, view.nodes, writer, limited)
    return replace(snapshot, groups=tuple(groups))


def _is_stale(node: NodeView, event: Event) -> bool:
    if isinstance(event, NodeDrained | NodeJoined | NodeLeft):
        return False  # from an operator or from discovery, not from a link
    if isinstance(event, NodeAnswered) and event.asked_at < node.asked_at:
        return True  # another has asked since, and was answered first
    return node.state is NodeState.GONE or event.generation < node.generation


def _regroup(
    group: GroupView,
    nodes: Sequence[NodeView],
    changed: NodeView,
    limits: GroupLimits,
) -> GroupView:
    nodes, single = _rated(nodes), group.is_single
    before = Election(*(getattr(group, field) for field in Election._fields))
    election = elect_writer(nodes, before, limits.history_order, single)
    if election.history_node != before.history_node:
        nodes = tuple(_superseded(node, election.history_node) for node in nodes)
        election = elect_writer(nodes, election, limits.history_order, single)
    read_ring, weights = (
        group.read_ring,
        _weights(nodes, election.barred, single),
    )
    if weights != _weights(group.nodes, group.barred, single):
        read_ring = build_ring(weights)
    proven = prove(group, nodes, changed, election.writer)
    return GroupView(
        *(group.id, proven.nodes),
        read_ring=read_ring,
        sample=proven.sample,
        earlier=proven.earlier,
        is_single=single,
        **election._asdict(),
    )


def _rated(nodes: Sequence[NodeView]) -> tuple[NodeView, ...]:
    """Compare the latencies of the replicas that are read from."""
    known = {n.id: n.latency_s for n in nodes if is_readable(n) and n.latency_s}
    best_s = min(known.values(), default=0.0)
    levels = {
        node.id: slowness(known[node.id], best_s, node.slowness)
        if node.id in known
        else 0
        for node in nodes
    }
    return tuple(
        node
        if node.slowness == levels[node.id]
        else replace(node, slowness=levels[node.id])
        for node in nodes
    )


def _superseded(node: NodeView, history_node: int | None) -> NodeView:
    """Forget the promotion of a node that is not the one of the newest history."""
    return replace(node, is_promoted=node.is_promoted and node.id == history_node)


def _weights(
    nodes: Sequence[NodeView], barred: Sequence[int], is_single: bool
) -> list[tuple[int, float]]:
    if is_single:  # used as it is: see writer_election.py
        node = nodes[0]
        is_used = node.role is Role.REPLICA and node.state is not NodeState.DRAINING
        return [(node.id, 1.0)] if is_used else []
    return [
        (node.id, share(node))
        for node in nodes
        if is_readable(node) and node.id not in barred
    ]


def _answered(
    node: NodeView, event: NodeAnswered, now: float, limits: GroupLimits
) -> NodeView:
    answer = cast(Answer, event.answer)  # events.py is in a layer below Answer
    node = _settled(node, answer, event.asked_at, limits)
    state = TABLE[node.state, _freshness(answer, node.state, limits)]
    is_trusted = state in (NodeState.UP, NodeState.LAGGING)
    warm_at = node.warm_at
    if is_trusted and warm_at == math.inf:
        warm_at = now + WARM_UP_S
    return replace(
        node,
        state=state,
        role=Role.REPLICA if node.is_read_only else answer.role,
        answer=answer,
        position=None
        if node.is_unsure
        else read_position(limits.dialect, answer.position, answer.history),
        asked_at=event.asked_at,
        retry_at=0.0,
        failure="" if is_trusted else node.failure,
        failures=0 if is_trusted else node.failures,
        is_refusing=False,
        is_promoted=_was_promoted(node, answer),
        latency_s=smooth(node.latency_s, answer.latency_s),
        warm_at=warm_at,
        coldness=coldness(warm_at, now),
    )


def _settled(
    node: NodeView, answer: Answer, asked_at: float, limits: GroupLimits
) -> NodeView:
    """Note which server has answered the monitor. (A file is replaced by another, and
    its inode used again, which is no sign of several.)"""
    server = answer.server
    if server is None or node.is_balanced or limits.dialect == "sqlite":
        return node
    node = led_to(node, server, asked_at)
    if node.leads_to_several:
        return replace(node, server=server, is_in_doubt=False)
    is_open = node.server != server  # it was asked before a link told of another one
    return node if node.is_in_doubt == is_open else replace(node, is_in_doubt=is_open)


def _server_seen(
    node: NodeView, event: ServerSeen, now: float, limits: GroupLimits
) -> NodeView:
    """A link tells of its server; the monitor has yet to find it there."""
    if node.is_balanced or node.leads_to_several:
        return node
    changed = led_to(node, event.server, event.asked_at)
    if changed is node or node.server is None:
        return changed
    return replace(changed, position=None, is_in_doubt=not changed.leads_to_several)


def _was_promoted(node: NodeView, answer: Answer) -> bool:
    is_seen = node.is_promoted or node.role is Role.REPLICA
    return answer.role is Role.WRITER and is_seen and not node.is_read_only


def _freshness(answer: Answer, state: NodeState, limits: GroupLimits) -> News:
    """Tell whether a replica is inside max_lag.

    A replica of unknown lag counts as too far behind when `max_lag` was set, and as
    fresh enough when the bound is only the default.
    """
    if answer.role is not Role.REPLICA or limits.max_lag_s is None:
        return News.FRESH
    bound = limits.max_lag_s * (CAUGHT_UP if state is NodeState.LAGGING else 1.0)
    if answer.lag_s is None:  # MySQL shows it only to users with the privilege
        is_fresh = not limits.must_know_lag
    else:
        is_fresh = answer.lag_s <= bound
    return News.FRESH if is_fresh else News.BEHIND


def _failed(
    node: NodeView, event: NodeFailed, now: float, limits: GroupLimits
) -> NodeView:
    news = news_of_fault(event.fault)
    if news is News.BUSY:
        return replace(node, failure=event.reason)
    state = TABLE[node.state, news]
    wait_s = min(limits.retry_after_s * 2.0 ** min(node.failures, 10), MAX_RETRY_S)
    is_down = state is NodeState.DOWN
    return replace(
        node,
        state=state,
        role=node.role if state is NodeState.SUSPECT else _configured_role(node),
        is_promoted=node.is_promoted and state is NodeState.SUSPECT,
        generation=node.generation + 1,
        retry_at=now + wait_s if is_down else node.retry_at,
        warm_at=math.inf if is_down else node.warm_at,
        latency_s=None if is_down else node.latency_s,
        failure=event.reason,
        failures=node.failures + 1,
        is_refusing=event.fault in (Fault.STATEMENT, Fault.MISSING),
    )


def _refused_write(
    node: NodeView, event: NodeRefusedWrite, now: float, limits: GroupLimits
) -> NodeView:
    """The next probe finds its role. A probe under way may have been sent before the
    change, so the generation goes up and its answer is dropped."""
    if node.role is not Role.WRITER:
        return node
    return replace(
        node, role=Role.UNKNOWN, is_promoted=False, generation=node.generation + 1
    )


def _drained(
    node: NodeView, event: NodeDrained, now: float, limits: GroupLimits
) -> NodeView:
    if event.on:
        return replace(node, state=TABLE[node.state, News.DRAIN])
    return replace(
        node,
        state=TABLE[node.state, News.RESUME],
        server=None,
        former_servers=(),
        is_in_doubt=False,
        leads_to_several=False,
    )


def _joined(
    node: NodeView, event: NodeJoined, now: float, limits: GroupLimits
) -> NodeView:
    return replace(node, state=TABLE[node.state, News.JOIN], weight=event.weight)


def _left(node: NodeView, event: NodeLeft, now: float, limits: GroupLimits) -> NodeView:
    """Forget what was known of it; the generation goes up, so open links and probes
    under way are stale."""
    if node.state is NodeState.GONE:
        return node
    return NodeView(
        node.id,
        node.weight,
        state=TABLE[node.state, News.LEAVE],
        role=_configured_role(node),
        generation=node.generation + 1,
        is_read_only=node.is_read_only,
        is_balanced=node.is_balanced,
    )


def _configured_role(node: NodeView) -> Role:
    return Role.REPLICA if node.is_read_only else Role.UNKNOWN


_HANDLERS: dict[type, Callable[..., NodeView]] = {
    NodeAnswered: _answered,
    NodeFailed: _failed,
    NodeRefusedWrite: _refused_write,
    ServerSeen: _server_seen,
    NodeDrained: _drained,
    NodeJoined: _joined,
    NodeLeft: _left,
}
