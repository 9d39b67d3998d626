"""How a raw connection to a node is opened, whoever will use it."""

from __future__ import annotations

from collections.abc import Callable

from routedb.adapters.base import Adapter, Raw
from routedb.config.model import DatabaseConfig, NodeConfig

Opener = Callable[[NodeConfig, float], Raw]


def open_raw(
    node: NodeConfig, database: DatabaseConfig, adapter: Adapter, connect: Opener
) -> Raw:
    """Open a raw connection by `connect`, on a line that is kept alive."""
    raw = connect(node, database.connect_timeout_s)
    if database.keepalive_s is not None:
        adapter.keep_alive(raw, node, database.keepalive_s)
    return raw
