"""What to say when a group has no writer."""

from __future__ import annotations

from collections.abc import Sequence

from routedb import errors
from routedb.config.model import GroupConfig, NodeConfig
from routedb.topology.snapshot import GroupView
from routedb.topology.status import trouble


def no_writer(
    group: GroupConfig, nodes: Sequence[NodeConfig], view: GroupView, unheard: str = ""
) -> errors.OperationalError:
    """Return SplitBrain or NoNodeError, with what is known of each node.

    `unheard` says why nobody tells the group's members, where they are discovered.
    """
    where = group.database
    if group.shard is not None:
        where = f"{where} shard {group.shard}"
    seen = "; ".join(
        f"{nodes[n.id].name}: {n.state.value}, {n.role.value}"
        + (f" ({why})" if (why := trouble(view, n)) else "")
        for n in view.members
    )
    if unheard:
        seen = f"{seen}. No Patroni tells who else there is: {unheard}"
    if view.is_split:
        return errors.SplitBrain(
            f"two nodes of {where} claim to be the writer and neither has provably the "
            f"newer history, so writes are refused until one of them is stopped or "
            f"made a replica: {seen}"
        )
    if view.is_refusing:
        return errors.NoNodeError(f"no node of {where} lets this user in: {seen}")
    return errors.NoNodeError(
        f"no node of {where} answers as writer within failover_timeout: {seen}"
    )
