"""Where a statement goes and why. No I/O: what must be asked, the executor asks.

`plan` holds what is known of one shape of text: its place (`placement`, by the table
rules in `rules`) and, where nothing about the session matters, its role (`role`).
`decider` decides about one statement of one session, which it sees through the
protocols of `view`: the groups (`destination`), or the node that has what the statement
needs (`affinity`), the role, and who may answer a read. Texts and parameters come in; a
`Decision`, a question, or a refusal goes out, with a `Route` that says why.
"""

from __future__ import annotations

from routedb.routing.destination import check_hint_shard
from routedb.routing.placement import (
    Placement,
    database_for,
    dialect_for,
    find_placement,
)
from routedb.routing.role import (
    CONSISTENCIES,
    Situation,
    consistency_of,
    decide_role,
    route_for,
)
from routedb.routing.route import Reason, Route
from routedb.routing.rules import Rules

__all__ = [
    "CONSISTENCIES",
    "Placement",
    "Reason",
    "Route",
    "Rules",
    "Situation",
    "check_hint_shard",
    "consistency_of",
    "database_for",
    "decide_role",
    "dialect_for",
    "find_placement",
    "route_for",
]
