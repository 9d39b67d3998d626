"""Which server a link leads to, compared with what the node's monitor has reached.

What is known of a node is known of one server. Where its address is a balancer's, or a
name's with several addresses, a link may lead to another one, and the monitor's
positions say nothing of what it answers (routedb/topology/servers.py). So a link is
asked once, before its first statement, in a group where another node could answer.
"""

from __future__ import annotations

from routedb.adapters.base import AUTOCOMMIT
from routedb.engine.links.link import Link
from routedb.engine.shared.core import Core
from routedb.events import ServerSeen
from routedb.topology import NodeView


def identify(core: Core, link: Link) -> None:
    """Ask `link`, once and outside a transaction, which server it leads to, and tell
    `core`. Raises what the driver raises."""
    is_alone = core.groups[link.node.group].is_single
    if is_alone or link.node.is_balanced:
        return
    asked_at = core.clock()
    link.set_mode(AUTOCOMMIT)
    link.server = link.ask(link.adapter.server)
    if link.server is None:
        return
    if link.slot is not None:
        link.slot.server = link.server
    if _view(core, link).server != link.server:
        core.publish(ServerSeen(link.id, link.generation, link.server, asked_at))
        core.wake_monitor()


def leads_elsewhere(core: Core, link: Link) -> bool:
    """Tell whether `link` leads to another server than its node does now."""
    if link.server is None:
        return False
    view = _view(core, link)
    if view.leads_to_several or view.server is None:
        return False
    return link.server != view.server


def settle(core: Core, link: Link, deadline: float) -> bool:
    """Tell whether `link` leads to the server that has answered as its node, after
    waiting until that is known, or `deadline` has come."""
    while True:
        version, view = core.topology.version, _view(core, link)
        if view.leads_to_several:
            return link.server == view.server
        if link.server is None or not view.is_in_doubt:
            return not leads_elsewhere(core, link)
        if core.clock() >= deadline or not core.await_news(version, deadline):
            return False


def _view(core: Core, link: Link) -> NodeView:
    return core.topology.groups[link.node.group].find(link.id)
