"""A new link to a node: opened, or borrowed from the node's pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Protocol

from routedb.adapters.base import Adapter, Raw
from routedb.config.model import DatabaseConfig, NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.pool.pool import Pool
from routedb.engine.pool.slots import Slot
from routedb.engine.shared.core import Core


class FrontendHooks(Protocol):
    """What links need of a connection's frontend, for the servers of one engine."""

    def open_link(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a raw connection to `node` within about `timeout_s` seconds."""

    def configure_raw(self, raw: Raw, node: NodeConfig) -> bool:
        """Set on `raw`, a connection to `node`, what was set on the virtual one; tell
        whether a pool must undo it."""

    def borrow_from(
        self, pool: Pool, node: NodeConfig, open_: Callable[[], Raw]
    ) -> tuple[Slot, Raw]:
        """Return a slot of `pool`, the pool of `node`, and its link: an idle one, or
        one opened by `open_`. Raises PoolTimeout, and what `open_` raises."""


def connect(core: Core, node: NodeConfig, hosts: Mapping[str, FrontendHooks]) -> Link:
    """Return a link to `node`, opened, or borrowed from its pool in `core`.

    `hosts` are the frontend's hooks by engine: they open and configure it. Raises what
    the driver raises, and PoolTimeout.
    """
    core.start_monitor()  # in a forked child nothing else starts the monitor
    adapter = core.adapter(node)
    database = core.config.databases[node.database]
    host = hosts.get(node.engine)
    opener = adapter.connect if host is None else host.open_link
    open_ = partial(core.open_raw, node, opener)
    pool = core.pools.of(node.id) if core.pools.pooled else None
    if pool is None:
        link = _opened(core, node, database, adapter, open_)
    elif host is None:
        link = borrowed(core, node, *pool.borrow(None, open_))
    else:
        link = borrowed(core, node, *host.borrow_from(pool, node, open_))
    if host is not None:
        _configure_raw(core, host, link)
    core.open_links.add(link)
    return link


def borrowed(core: Core, node: NodeConfig, slot: Slot, raw: Raw) -> Link:
    """Return the link to `node` that is made of a pool's `slot` and its `raw`."""
    adapter, generation = core.adapter(node), slot.generation
    link = Link(node, adapter, raw, generation, slot.expires_at, slot)
    link.mode = slot.mode
    link.server = slot.server
    return link


def pool_of(core: Core, link: Link) -> Pool:
    """Return the pool, of those in `core`, that a borrowed link comes from."""
    pool = core.pools.of(link.id)
    assert pool is not None  # it came from there
    return pool


def _opened(
    core: Core,
    node: NodeConfig,
    database: DatabaseConfig,
    adapter: Adapter,
    open_: Callable[[], Raw],
) -> Link:
    generation, expires_at = 0, inf
    for view in core.topology.groups[node.group].nodes:
        if view.id == node.id:
            generation = view.generation
    if database.max_age_s is not None:
        expires_at = core.expiry(database)
        core.upkeep.attend()
    link = Link(node, adapter, open_(), generation, expires_at)
    link.opened_at = core.clock()
    return link


def _configure_raw(core: Core, host: FrontendHooks, link: Link) -> None:
    try:
        link.needs_reset = host.configure_raw(link.raw, link.node)
    except BaseException:
        link.close()
        if link.slot is not None:
            pool_of(core, link).lost(link.slot)
        raise
