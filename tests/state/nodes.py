"""Ask every node what a session has there, and take its links away."""

from __future__ import annotations

from typing import Any

import routedb
from tests.failover.rig import Rig, link_to, name_of

_MOST_READS = 20


def everywhere(connection: routedb.Connection, rig: Rig, sql: str) -> dict[str, Any]:
    """Return each node's answer to a plain read through the connection."""
    found: dict[str, Any] = {}
    cursor = connection.cursor()
    for role in ("writer", "replica"):
        with connection.using(role=role, consistency="eventual"):
            for _ in range(_MOST_READS):
                cursor.execute(sql)
                found[name_of(cursor)] = next(cursor)[0]
                if connection.in_transaction:
                    connection.rollback()
                if len(found) == (1 if role == "writer" else len(rig.servers)):
                    break
    return found


def on_all(rig: Rig, value: Any) -> dict[str, Any]:
    """What `everywhere` returns when all nodes say the same."""
    return dict.fromkeys(rig.servers, value)


def cut(connection: routedb.Connection, rig: Rig) -> None:
    """End the sessions behind all links: the next statements open new ones."""
    for node in connection.nodes:
        rig.end(link_to(connection, node.name))
