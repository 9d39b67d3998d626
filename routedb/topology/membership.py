"""A Patroni's answer about its cluster, and how a group's members change by it.

Only membership is taken from it. Roles and lag come from probes of the nodes
themselves: Patroni's view is some seconds old, and that of one that is cut off from its
store may be older (Patroni manual, REST API, GET /cluster).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from routedb.events import NodeJoined, NodeLeft
from routedb.topology.snapshot import GroupView, NodeState

_LEADERS = frozenset({"leader", "standby_leader", "master"})
_DEFAULT_PORT = 5432
_HIGHEST_PORT = 65535
_TRUE = frozenset({"true", "yes", "on", "1"})


class Member(NamedTuple):
    """One server that has an address. Role and state are Patroni's own words."""

    name: str
    host: str
    port: int
    role: str = ""
    state: str = ""
    takes_reads: bool = True  # no tag excludes it from load balancing


class Membership(NamedTuple):
    """All members, and which of them is the leader."""

    members: tuple[Member, ...]
    leader: str | None = None
    is_paused: bool = False  # maintenance: members may seem to be away


class UnexpectedAnswerError(Exception):
    """A document that is not a Patroni answer; the text says what is wrong with it."""


def read_membership(document: object) -> Membership:
    """Read the answer to GET /cluster. Raises UnexpectedAnswerError.

    A member that is being made has no address yet and is left out. An answer without
    any member is no answer: its Patroni has not read its store, or the store is empty.
    """
    entries = document.get("members") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(entries, list):
        raise UnexpectedAnswerError("its answer to /cluster is not Patroni's")
    read = [_member(entry) for entry in entries if isinstance(entry, dict)]
    members = tuple(member for member in read if member is not None)
    if not members:
        raise UnexpectedAnswerError("it names no member that has an address")
    leaders = [member.name for member in members if member.role in _LEADERS]
    leader = leaders[0] if len(leaders) == 1 else None
    return Membership(members, leader, _is_true(document.get("pause")))


def membership_events(
    group: GroupView, weights: Mapping[int, float], is_paused: bool
) -> list[NodeJoined | NodeLeft]:
    """Return the events that make the nodes in `weights` the members of `group`.

    `weights` are read weights by node id. While Patroni is paused (`is_paused`) no node
    leaves: Patroni may be stopped then, and its server goes on. Joins come first, so
    that a group is never empty between two events.
    """
    known = {node.id: node for node in group.nodes}
    joined = [
        NodeJoined(id_, group.id, weight)
        for id_, weight in weights.items()
        if id_ not in known
        or known[id_].state is NodeState.GONE
        or known[id_].weight != weight
    ]
    if is_paused:
        return [*joined]
    left = [NodeLeft(node.id) for node in group.members if node.id not in weights]
    return [*joined, *left]


def _member(entry: dict[Any, Any]) -> Member | None:
    name, host, port = entry.get("name"), entry.get("host"), entry.get("port")
    if not isinstance(name, str) or not isinstance(host, str) or not host:
        return None
    number = _port(port)
    if number is None:
        return None
    tags = entry.get("tags")
    is_left_out = isinstance(tags, dict) and _is_true(tags.get("noloadbalance"))
    role, state = entry.get("role"), entry.get("state")
    return Member(
        name, host, number, str(role or ""), str(state or ""), not is_left_out
    )


def _port(value: object) -> int | None:
    if value is None:
        return _DEFAULT_PORT
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= _HIGHEST_PORT else None


def _is_true(value: object) -> bool:
    """Tell whether a setting is on: tags are YAML, and may be words."""
    return str(value).lower() in _TRUE
