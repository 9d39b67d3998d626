"""The nodes of a cluster by their ids: those configured, and those that joined later.

The list only grows. A node that leaves keeps its id, and gets it back with its address,
so that ids in old snapshots, links and loads never mean another node.
"""

from __future__ import annotations

from routedb.config.discovery import address_of, member_like
from routedb.config.model import ClusterConfig, NodeConfig

Address = tuple[str, int]


class NodeRegistry:
    """Finds and numbers nodes. Callers serialize the calls of `node_at`."""

    def __init__(self, config: ClusterConfig) -> None:
        self.nodes: list[NodeConfig] = list(config.nodes)
        self._groups = config.groups
        self._ids: dict[tuple[int, Address], int] = {}
        for group in config.groups:
            for node in group.nodes if group.is_discovered else ():
                if (address := address_of(node)) is not None:
                    self._ids.setdefault((group.id, address), node.id)

    def node_at(self, group: int, host: str, port: int) -> NodeConfig:
        """Return the node of a group at `host` and `port`; number it when it is new."""
        key = (group, (host, port))
        id_ = self._ids.get(key)
        if id_ is not None:
            return self.nodes[id_]
        taken = {node.name for node in self.nodes}
        first = self._groups[group].nodes[0]
        node = member_like(first, len(self.nodes), host, port, taken)
        self.nodes.append(node)
        self._ids[key] = node.id
        return node
