"""Links of our own, on which there may be tables while a statement is worked out.

They are outside of the user's transaction, which may be read-only, or be prepared later
(PostgreSQL refuses that after temporary tables). Each node has a few for a whole
runtime, opened when they are first needed. One that has been used is reset, and is
closed after any error: nobody asks what state that has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from routedb import errors
from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.links.open_link import borrowed
from routedb.engine.pool.pools import SCRATCH
from routedb.engine.session import Session


@contextmanager
def scratch_link(session: Session, node: NodeConfig) -> Iterator[Link]:
    """Lend a link to `node` to `session` for the length of a block.

    It is cancelled with the links of the session. Raises PoolTimeout when none becomes
    free, and what the driver raises.
    """
    core = session.core
    core.start_monitor()  # which tells of nodes that hang
    pool = core.pools.scratch(node)
    open_ = partial(core.open_raw, node, core.adapter(node).connect)
    link = slot = None
    try:
        try:
            slot = pool.borrow(None, open_)
        except errors.PoolTimeout:
            raise errors.PoolTimeout(
                f"no link to {node.name} became free for temporary tables within "
                f"{SCRATCH.wait_timeout_s:g} s: all {SCRATCH.max} are in use by other "
                "statements over several groups"
            ) from None
        link = borrowed(core, node, slot)
        slot.raw = slot.keeper = None  # only the link references it now
        slot = None
        host = session.links.frontend_hooks.get(node.engine)
        if host is not None:
            host.configure_raw(link.raw, node)
        core.open_links.add(link)
        session.links.aside.add(link)
        yield link
    except BaseException:
        if link is not None:
            session.links.aside.discard(link)
            pool.end(link)
        elif slot is not None:
            pool.cancel(slot)
        raise
    session.links.aside.discard(link)
    pool.give(link, True)
