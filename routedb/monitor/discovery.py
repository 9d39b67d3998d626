"""One discovered group: its members, polled from Patroni."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from routedb.config.model import DatabaseConfig, NodeConfig
from routedb.monitor.patroni_client import PatroniClient, PatroniUnreachableError
from routedb.topology.membership import Membership

CALM_S = 5.0
FAST_S = 0.5  # a statement waits for a writer, which may be a new member
JITTER = 0.2


class MemberRegistry(Protocol):
    """The part of the runtime that keeps the members of the groups."""

    def update_members(
        self, group: int, membership: Membership
    ) -> Sequence[NodeConfig]:
        """Make `membership`, an answer of Patroni, the members of `group`, an id;
        return the nodes they are."""

    def note_undiscovered(self, group: int, why: str) -> None:
        """Note that no Patroni of `group`, an id, has answered; `why` says what
        failed."""


class MemberDiscovery:
    """Poll the Patroni of one group for its members, in a worker thread.

    `database` is the one that the group is of, `client` sends the requests, `register`
    takes the answers, `rng` spreads the intervals. `found` is called after each answer
    with the group's id, its nodes, and whether the leader has changed: then the nodes
    are probed at once.
    """

    gap_s = FAST_S
    answered_at = 0.0  # nobody else asks
    is_replica = False
    holds_until = 0.0
    sampled_at = None
    due = None  # the client has a timeout of its own
    group: int | None = None  # it takes no samples of positions

    def __init__(
        self,
        database: DatabaseConfig,
        client: PatroniClient,
        register: MemberRegistry,
        found: Callable[[int, Sequence[NodeConfig], bool], None],
        rng: random.Random,
    ) -> None:
        self._group_id = database.groups[0].id
        self.name = f"members-of-{database.name}"
        self.timeout_s = database.connect_timeout_s
        self._client = client
        self._register = register
        self._found = found
        self._rng = rng
        self._leader: str | None = None

    def probe(self) -> None:
        """Send one request and pass on its answer."""
        try:
            membership = self._client.ask()
        except PatroniUnreachableError as exc:
            self._register.note_undiscovered(self._group_id, str(exc))
            return
        nodes = self._register.update_members(self._group_id, membership)
        is_moved = self._leader is not None and membership.leader != self._leader
        self._leader = membership.leader or self._leader
        self._found(self._group_id, nodes, is_moved)

    def interval(self, hurry: bool) -> float:
        """Return the seconds to wait before the next request; fewer with `hurry`."""
        base = FAST_S if hurry else CALM_S
        return base * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def release(self) -> None:
        """Nothing is kept open between two requests."""

    def expire(self) -> None:
        """Do nothing: the client has a timeout of its own."""

    def check_silence(self) -> None:
        """Do nothing: a silent Patroni does not mean a silent node."""

    def interrupt(self) -> None:
        """End the request under way."""
        self._client.interrupt()

    def abandon(self) -> None:
        """In a forked child: do nothing, no socket is kept."""
