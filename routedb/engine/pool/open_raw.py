"""How a raw connection to a node is opened."""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters.base import Adapter, Raw
from routedb.config.model import DatabaseConfig, NodeConfig

Opener = Callable[[NodeConfig, float], Raw]


def open_raw(
    node: NodeConfig, database: DatabaseConfig, adapter: Adapter, connect: Opener
) -> Raw:
    """Open a raw connection to `node` by `connect`, with TCP keep-alive.

    `database` is the node's, with the timeouts; `adapter` sets the keep-alive. Raises
    what `connect` raises.
    """
    raw = connect(node, database.connect_timeout_s)
    if database.keepalive_s is not None:
        adapter.keep_alive(raw, node, database.keepalive_s)
    return raw
