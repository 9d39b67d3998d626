"""Choose a node from a group's view. Called for every read: nothing is allocated."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from routedb.topology.snapshot import GroupView, NodeState, NodeView


def pick(read_ring: tuple[int, ...], loads: Sequence[int], turn: int) -> int | None:
    """Return the id of the replica to read from, None when the ring is empty.

    `loads` are the outstanding statements by node id, `turn` counts up with every call.
    Of two neighbours in the read ring the less loaded takes the read ("power of two
    choices"): nearly as even as comparing all of them, and it needs no order among
    nodes that would have to be kept. Loads are compared per entry in the ring; entries
    follow from weight, latency and warmth (read_ring.py).
    """
    length = len(read_ring)
    if not length:
        return None
    at = turn % length
    first = read_ring[at]
    load = loads[first]
    if not load:
        return first
    second = read_ring[at - 1]
    if second == first:
        second = _other_neighbour(read_ring, at)
    if loads[second] * read_ring.count(first) < load * read_ring.count(second):
        return second
    return first


def _other_neighbour(read_ring: tuple[int, ...], at: int) -> int:
    """Return the nearest entry before `at` that is another node, if there is one."""
    node = read_ring[at]
    for i in range(at - 1, at - len(read_ring), -1):
        if read_ring[i] != node:
            return read_ring[i]
    return node


def candidates(group: GroupView, avoid: Collection[int], now: float) -> tuple[int, ...]:
    """Return the nodes worth trying for a read, best first, without those in `avoid`.

    `avoid` holds node ids, `now` is monotonic seconds. First the replicas
    that may be read from, in ring order. The writer is not among them: when they are
    used up, the caller tries the writer before any node that has not answered well.
    Only while there is no writer either, those nodes follow whose `retry_at` has come;
    their lag is not known. Never replicas that lag, nor nodes that drain, old writers,
    nodes of another cluster, or second names of a server.
    """
    order = list(group.read_ring)
    if group.writer is None:
        barred = group.fenced + group.barred
        order += [n.id for n in group.nodes if n.id not in barred and _is_due(n, now)]
    return tuple(node for node in dict.fromkeys(order) if node not in avoid)


_UNPROVEN = (NodeState.UNKNOWN, NodeState.SUSPECT, NodeState.DOWN)


def _is_due(node: NodeView, now: float) -> bool:
    return node.state in _UNPROVEN and node.retry_at <= now and node.weight > 0
