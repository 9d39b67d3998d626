"""What is known of the nodes: the snapshot, how news changes it, and choosing."""

from __future__ import annotations

from routedb.topology.node_selection import candidates, pick
from routedb.topology.snapshot import (
    Answer,
    GroupView,
    NodeState,
    NodeView,
    Role,
    Sample,
    Snapshot,
)
from routedb.topology.update import Event, GroupLimits, Limits, initial, update

__all__ = [
    "Answer",
    "Event",
    "GroupLimits",
    "GroupView",
    "NodeState",
    "NodeView",
    "Role",
    "Sample",
    "Limits",
    "Snapshot",
    "candidates",
    "initial",
    "pick",
    "update",
]
