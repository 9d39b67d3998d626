"""Where a statement ran, for people to read: the route, and the nodes."""

from __future__ import annotations

from routedb.cluster import Cluster
from routedb.frontends.cursor import Cursor


def answering_nodes(cluster: Cluster, cursor: Cursor) -> str:
    """Return the names of the nodes that ran the last statement of `cursor`, a cursor
    on `cluster`; "" when none did.

    A cursor names one node. What runs on several shards runs on their writers.
    """
    route = cursor.route
    if route is None or cursor.node is None:
        return ""
    if len(route.groups) == 1:
        return cursor.node.name
    core = cluster.runtime.core
    groups = core.config.databases[route.database].groups
    writers = [core.topology.groups[groups[n].id].writer for n in route.groups]
    return ", ".join(core.nodes[id_].name for id_ in writers if id_ is not None)
