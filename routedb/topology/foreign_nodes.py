"""Nodes of another cluster among those of a group: a mistake in the configuration.

All nodes of one PostgreSQL cluster have one system identifier, made by `initdb` and
kept by every copy. A node with another one holds other data: it is no writer and no
replica of this group, whatever role it reports. Which nodes are foreign follows from
the last answer of each, so the order of the answers does not matter.

A cluster may change its identifier (pg_upgrade, a restored dump): the new writer is
accepted once no live replica outnumbers it and no other node has answered as a writer
of the old one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from routedb.topology.snapshot import NodeState, NodeView, Role


def foreign_nodes(nodes: Sequence[NodeView]) -> tuple[int, ...]:
    """Return the ids of the nodes of another cluster; all that are known when it is
    not provable which one the group is meant to be."""
    systems = {
        node.id: node.answer.system
        for node in nodes
        if node.answer is not None and node.answer.system is not None
    }
    if len(set(systems.values())) < 2:
        return ()
    home = _home([node for node in nodes if node.id in systems], systems)
    return tuple(id for id, system in systems.items() if system != home)


def _home(nodes: Sequence[NodeView], systems: dict[int, str]) -> str | None:
    claimed = {systems[node.id] for node in nodes if _claims(node)}
    if len(claimed) == 1:
        (system,) = claimed
        alive = [systems[n.id] for n in nodes if n.state is not NodeState.DOWN]
        if alive.count(system) * 2 >= len(alive):
            return system
    [(system, count)] = Counter(systems.values()).most_common(1)
    return system if count * 2 > len(nodes) else None


def _claims(node: NodeView) -> bool:
    said = node.answer
    return said is not None and said.role is Role.WRITER and not node.is_read_only
