"""The nodes as last seen: an immutable snapshot, how events change it, node choice."""

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
