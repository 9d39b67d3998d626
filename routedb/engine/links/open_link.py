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

    def configure_raw(self, raw: Raw, node: NodeConfig) -> None:
        """Set on `raw`, a connection to `node`, what was set on the virtual one."""

    def borrow_from(
        self, pool: Pool, node: NodeConfig, open_: Callable[[], Raw]
    ) -> Slot:
        """Return a slot of `pool`, the pool of `node`, with a link in it: an idle one,
        or one opened by `open_`. Raises PoolTimeout, and what `open_` raises."""


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
    link = slot = None
    try:
        if pool is None:
            link = _opened(core, node, database, adapter, open_)
        elif host is None:
            slot = pool.borrow(None, open_)
        else:
            slot = host.borrow_from(pool, node, open_)
        if slot is not None:
            link = borrowed(core, node, slot)
            slot.raw = slot.keeper = None  # only the link references it now
        if host is not None and link is not None:
            host.configure_raw(link.raw, link.node)
        assert link is not None  # opened or borrowed
        link.joins_begin = adapter.joins_begin and database.begin == "with-statement"
        core.open_links.add(link)
        return link
    except BaseException:
        if link is not None:
            end(core, link)
        elif slot is not None and pool is not None:
            pool.cancel(slot)
        raise


def borrowed(core: Core, node: NodeConfig, slot: Slot) -> Link:
    """Return the link to `node` that is made of a pool's `slot` and what is in it."""
    adapter, generation = core.adapter(node), slot.generation
    link = Link(node, adapter, slot.raw, generation, slot.expires_at, slot)
    link.server = slot.server
    return link


def end(core: Core, link: Link) -> None:
    """Close a link, and free its place in a pool of those in `core`. Once is enough."""
    if link.slot is None:
        link.close()
    else:
        pool_of(core, link).end(link)


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
    raw = None
    try:
        raw = open_()
        link = Link(node, adapter, raw, generation, expires_at)
        link.opened_at = core.clock()
        return link
    except BaseException:
        if raw is not None:
            adapter.close(raw)
        raise
