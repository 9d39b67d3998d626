"""Find a node of a group to run on, and open a link to it, or wait for one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from routedb import errors
from routedb.adapters.base import Fault
from routedb.config.mask import mask
from routedb.config.model import NodeConfig
from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.links.which_server import settle
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import not_the_writer
from routedb.events import NodeFailed
from routedb.session import Action, Moment, action_for
from routedb.topology import GroupView, candidates, pick

# What says that the node itself could not be had, not only this link.
_NODE_FAULTS = frozenset({Fault.REFUSED, Fault.NODE_STARTING, Fault.LINK_LOST})

_MOST_TRIES = 8  # of links that lead to another server than the writer

Among = Callable[[GroupView], Sequence[int] | None]


def writer(links: Links, group: int, must_live: bool = False) -> Link:
    """Return a link to the group's writer, waiting for one up to failover_timeout.

    A group of one node is tried once: there is nobody to fail over to. `must_live`: as
    `Links.get` has it.
    """
    core = links.core
    database = core.config.databases[core.groups[group].database]
    deadline = core.clock() + database.failover_timeout_s
    tries = 0
    while True:
        node = core.await_writer(group, deadline)
        version = core.topology.version
        try:
            link = links.get(node, must_live)
        except Exception as exc:
            if not _may_come(links, group, node, exc, version, deadline):
                raise
            continue
        if _is_it(links, link, deadline):
            return link
        tries = _next_try(links, link, tries)


def reader(
    links: Links,
    group: int,
    turn: int,
    avoid: Collection[int] = (),
    among: Among = lambda view: None,
    must_live: bool = False,
) -> Link:
    """Return a link to a replica that may be read from, else to the writer; while there
    is neither, to whichever comes first within failover_timeout.

    `turn`: whose turn it is in the ring. `avoid`: nodes that have been tried in vain.
    `among`: tells the part of the ring that will do; None: all of it, and in need any
    node. `must_live`: as `Links.get` has it.
    """
    core = links.core
    database = core.config.databases[core.groups[group].database]
    deadline = core.clock() + database.failover_timeout_s
    tried, tries = set(avoid), 0
    while True:
        topology = core.topology
        view = topology.groups[group]
        replica = _choose(links, view, turn, tried, among(view))
        node = view.writer if replica is None else replica
        if node is None:
            _await_any(links, group, topology.version, deadline)
            tried.clear()  # who failed may be back
            continue
        try:
            link = links.get(node, must_live)
        except Exception as exc:
            if replica is not None:
                action = cannot_open(links, node, exc, Moment.FINDING_REPLICA)
                if action is not Action.RETRY_ELSEWHERE and not _refuses(links, node):
                    raise
                tried.add(node)
            elif not _may_come(links, group, node, exc, topology.version, deadline):
                raise
            continue
        if replica is not None:
            if core.topology is topology:
                return link
            if _may_answer(core.topology.groups[group], node, among):
                return link
            tried.add(node)
        elif _is_it(links, link, deadline):
            return link
        else:
            tries = _next_try(links, link, tries)


def first(links: Links, turn: int) -> Link | None:
    """Open the first link of a connection, so that a wrong address or password raises
    now; without a default database none. A replica is enough while the writer is away.
    `turn`: whose turn it is among the replicas."""
    core = links.core
    config = core.config
    if config.default is None:
        return None
    database = config.default_database
    group = database.groups[0]
    try:
        if not group.is_single:
            deadline = core.clock() + database.connect_timeout_s
            core.await_members(group.id, deadline)
            core.await_any(group.id, deadline)
        if core.topology.groups[group.id].writer is None:
            return reader(links, group.id, turn)
        return writer(links, group.id)
    except errors.Error:
        if all(node.is_refusing for node in core.topology.groups[group.id].nodes):
            refuse_as_driver(links, group.nodes[0])
        raise


def _may_answer(view: GroupView, node: int, among: Among) -> bool:
    """Tell whether a replica may answer still, once a link to it is there: that may
    have told of another server than the one whose position was known."""
    if not view.find(node).is_unsure:
        return True
    replicas = among(view)
    return replicas is None or node in replicas


def _is_it(links: Links, link: Link, deadline: float) -> bool:
    """Tell whether a link to the writer's node leads to the writer."""
    core, group = links.core, link.node.group
    if not core.topology.groups[group].find(link.id).is_unsure:
        return True
    if link.node.is_balanced:
        return True  # as it was said to be: whichever server it is
    return settle(core, link, deadline) and (
        core.topology.groups[group].writer == link.id
    )


def _next_try(links: Links, link: Link, tries: int) -> int:
    """Drop a link that leads to another server than the writer; the next may lead
    there. Raises NoNodeError after the last try."""
    links.drop(link)
    if tries == _MOST_TRIES:
        raise not_the_writer(link.node.name)
    return tries + 1


def cannot_open(links: Links, node: int, exc: Exception, moment: Moment) -> Action:
    """Report a node that could not be had, for `exc`; return what to do about it, by
    the `moment` at which it was wanted."""
    if is_from_program(exc):
        return Action.RAISE
    core = links.core
    config = core.nodes[node]
    adapter = core.adapter(config)
    fault = adapter.fault(exc, None)
    if isinstance(exc, errors.Error) and exc.__class__.__module__ == errors.__name__:
        return Action.RAISE
    adapter.adopt(exc)
    if fault in _NODE_FAULTS or fault is Fault.OVERLOAD:
        exc.retry_is_safe = True  # type: ignore[attr-defined]  # nothing was sent
    if fault in _NODE_FAULTS:
        generation = core.generation(config)
        reason = mask(str(exc)).strip()
        fault = Fault.REFUSED if fault is Fault.LINK_LOST else fault
        core.publish(NodeFailed(node, generation, reason, fault))
    return action_for(fault, moment)


def _may_come(
    links: Links,
    group: int,
    node: int,
    exc: Exception,
    version: int,
    deadline: float,
) -> bool:
    """Tell whether there is news, or will be in time, of a writer that could not be
    reached in the picture `version`."""
    core = links.core
    action = cannot_open(links, node, exc, Moment.FINDING_WRITER)
    if action is not Action.AWAIT_WRITER or core.groups[group].is_single:
        return False
    return core.topology.version != version or core.await_news(version, deadline)


def _await_any(links: Links, group: int, version: int, deadline: float) -> None:
    """Wait for news of a group where nobody can be read from. Raises what
    `Core.await_writer` raises."""
    core = links.core
    # News may come faster than time passes.
    is_over = core.clock() >= deadline or not core.await_news(version, deadline)
    if is_over or core.topology.groups[group].is_refusing:
        core.await_writer(group, deadline)


def _choose(
    links: Links,
    view: GroupView,
    turn: int,
    tried: Collection[int],
    among: Sequence[int] | None,
) -> int | None:
    loads = links.core.loads
    if not tried:
        ring = view.read_ring if among is None else tuple(among)
        if not ring:
            return None
        if links.core.pools.pooled:
            free = _with_room(links, ring)
            if not free and _with_room(links, (view.writer,)):
                return None  # the writer may answer at once
            ring = free or ring
        first = ring[turn % len(ring)]
        return pick(ring, loads, turn) if loads[first] else first
    order = candidates(view, tried, links.core.clock())
    if among is not None:
        order = tuple(node for node in order if node in among)
    return order[0] if order else None


def _with_room(links: Links, nodes: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return those where no other connection's link must be waited for."""
    pools, held = links.core.pools, links.open
    return tuple(n for n in nodes if n is not None and pools.has_room(n, held))


def _refuses(links: Links, node: int) -> bool:
    """Tell whether a node answers but refuses a setting: it may not have a role, or a
    schema, that the writer has had for a moment."""
    link = links.open.get(node)
    is_behind = link is not None and link.synced_version != links.version.settings
    return link is not None and is_behind and link.is_alive()


def refuse_as_driver(links: Links, node: NodeConfig) -> None:
    """Raise the driver's own error when all nodes, and so `node`, refuse because of the
    arguments that the program passes: it is no OperationalError, and the same for each.
    `links` are the connection's."""
    try:
        links.get(node.id)
    except Exception as exc:
        adopted = links.core.adapter(node).adopt(exc)
        if not isinstance(adopted, errors.OperationalError):
            raise
