"""One discovered group: who its members are, asked again and again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from routedb.config.model import DatabaseConfig, NodeConfig
from routedb.monitor.patroni_client import PatroniClient, PatroniUnreachableError
from routedb.topology.membership import Membership

CALM_S = 5.0
FAST_S = 0.5  # somebody waits for a writer: the new one may be a new member
JITTER = 0.2


class MemberRegistry(Protocol):
    """Who keeps the members of the groups."""

    def update_members(
        self, group: int, membership: Membership
    ) -> Sequence[NodeConfig]:
        """Take what was told of a group, and return its members."""

    def note_undiscovered(self, group: int, why: str) -> None:
        """Note that nobody could be asked."""


class MemberDiscovery:
    """Ask the Patroni of one group for its members, in the turns of its thread.

    `found` is called with the members after each answer, and whether another node
    leads them than before: that is a reason to ask the nodes now.
    """

    gap_s = FAST_S
    due = None  # the client keeps its own time
    group: int | None = None  # samples of positions are none of its business

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
        """Ask once, and pass on what was told."""
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
        """Return the seconds to wait after a question."""
        base = FAST_S if hurry else CALM_S
        return base * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def release(self) -> None:
        """Nothing is kept open between two questions."""

    def expire(self) -> None:
        """The client bounds itself."""

    def check_silence(self) -> None:
        """That Patroni is silent says nothing of the nodes."""

    def interrupt(self) -> None:
        """End the question under way."""
        self._client.interrupt()

    def abandon(self) -> None:
        """In a forked child: what a thread of the parent has open is its own."""
