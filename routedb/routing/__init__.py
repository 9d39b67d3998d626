"""Where a statement goes and why: rules, placement, role. No I/O.

In come a statement, its parameters, and a view of the session that nothing is written
to; out go the database, the groups and the role with their reasons, or a refusal. The
engine carries that out.
"""

from __future__ import annotations

from routedb.routing.decide import (
    CONSISTENCIES,
    Situation,
    check_hint_shard,
    consistency_of,
    decide_role,
    route_for,
)
from routedb.routing.placement import (
    Placement,
    database_for,
    dialect_for,
    find_placement,
    is_catalog,
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
    "is_catalog",
    "find_placement",
    "route_for",
]
