"""Ask every node what a session has there, and take its links away."""

from __future__ import annotations

import time
from typing import Any

import routedb
from tests.support.server_rig import Rig, link_to, name_of

_PATIENCE_S = 10.0  # a replica whose session was ended has to answer first


def everywhere(
    connection: routedb.Connection, rig: Rig, sql: str, cursor: Any = None
) -> dict[str, Any]:
    """Return each node's answer to a plain read through the connection, by a new cursor
    unless one is given."""
    found: dict[str, Any] = {}
    cursor = cursor or connection.cursor()
    deadline = time.monotonic() + _PATIENCE_S
    for role, wanted in (("writer", 1), ("replica", len(rig.servers))):
        with connection.using(role=role, consistency="eventual"):
            while len(found) < wanted and time.monotonic() < deadline:
                cursor.execute(sql)
                found[name_of(cursor)] = next(cursor)[0]
                if connection.in_transaction:
                    connection.rollback()
    return found


def on_all(rig: Rig, value: Any) -> dict[str, Any]:
    """What `everywhere` returns when all nodes say the same."""
    return dict.fromkeys(rig.servers, value)


def cut(connection: routedb.Connection, rig: Rig) -> None:
    """End the sessions behind all links: the next statements open new ones."""
    for node in connection.nodes:
        rig.end(link_to(connection, node.name))
