"""What is known of the nodes: the snapshot, how news changes it, and choosing.

In come events: what a node answered, that it failed, who the members are; out goes a
new snapshot (`update`), by the table of `node_states` and, for the writer, of what the
nodes claim (`writer_election`). Nothing here asks anybody.
"""

from __future__ import annotations

from routedb.topology.limits import GroupLimits, Limits
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
from routedb.topology.update import Event, initial, remember, update

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
    "remember",
    "update",
]
