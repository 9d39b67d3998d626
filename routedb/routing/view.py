"""What a decision may look at: one session, and what it shares with others.

Protocols, so that deciding needs no session: the engine's `Session` is one of these,
and a test's plain object is another. Nothing here is written, and nothing asks anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from routedb.config.model import ClusterConfig, GroupConfig, NodeConfig
from routedb.routing.role import Situation
from routedb.routing.rules import Rules
from routedb.session import TxState
from routedb.session.backends import Backends
from routedb.session.pins import Pins
from routedb.session.read_state import ReadState
from routedb.sql.statement import TxMode
from routedb.topology.snapshot import Role, Snapshot


class LinkView(Protocol):
    """An open link."""

    @property
    def node(self) -> NodeConfig:
        """The node it leads to."""

    @property
    def used_at(self) -> float:
        """When it last answered, in monotonic seconds."""


class TransactionView(Protocol):
    """The transaction of a session."""

    @property
    def state(self) -> TxState:
        """Its state (`routedb.session.tx_state`)."""

    @property
    def mode(self) -> TxMode:
        """What was declared for it."""

    @property
    def home(self) -> int:
        """The id of the group it writes to, -1 while there is none."""

    @property
    def branches(self) -> Mapping[int, LinkView]:
        """Its links, by the id of their group."""

    @property
    def roles(self) -> Mapping[int, Role]:
        """The role of each branch's node."""

    @property
    def wrote(self) -> set[int]:
        """The ids of the groups to which a write has been sent."""


class CatalogView(Protocol):
    """What the catalogs have said."""

    @property
    def version(self) -> int:
        """What goes up with each definition."""


class SharedView(Protocol):
    """What the sessions of one configuration share."""

    @property
    def config(self) -> ClusterConfig:
        """The configuration."""

    @property
    def groups(self) -> Sequence[GroupConfig]:
        """Its groups, by id."""

    @property
    def topology(self) -> Snapshot:
        """The picture of its nodes now."""

    @property
    def rules(self) -> Rules:
        """Where tables live now."""

    @property
    def nodes(self) -> Sequence[NodeConfig]:
        """All nodes, by id."""

    @property
    def catalog(self) -> CatalogView:
        """What the catalogs have said."""

    @property
    def backends(self) -> Backends:
        """Whose number was told to the program."""

    @property
    def process_wrote_at(self) -> Mapping[int, float]:
        """When this process last wrote to each group, in monotonic seconds."""


class SessionView(Situation, Protocol):
    """A session: what was chosen, begun, seen and made in it."""

    @property
    def core(self) -> SharedView:
        """What it shares with others."""

    @property
    def transaction(self) -> TransactionView:
        """Its transaction."""

    @property
    def pins(self) -> Pins:
        """What lives on one of its links only."""

    @property
    def open(self) -> Mapping[int, LinkView]:
        """Its links, by the id of their node."""

    @property
    def read_states(self) -> Mapping[int, ReadState]:
        """What it has seen, by the id of the group."""

    @property
    def last_answered_at(self) -> Mapping[int, float]:
        """When a link that is lost last answered, by the id of its node."""

    @property
    def database(self) -> str | None:
        """What `conn.using(database)` chose."""

    @property
    def result_node(self) -> int:
        """The id of the node that ran the last statement, -1 where nobody knows."""

    @property
    def is_unconstrained(self) -> bool:
        """Nothing asks for more than "pick a node": no transaction, no `using(role=)`
        or `using(consistency=)`, nothing that lives on one node, not SERIALIZABLE."""

    @property
    def is_serializable(self) -> bool:
        """The transaction, or each statement, is to be serializable."""

    @property
    def has_default_isolation(self) -> bool:
        """Nothing has changed the isolation level that transactions begin with."""

    def rotation(self) -> int:
        """Return a number that differs from session to session and goes up with its
        reads: what spreads them over nodes."""
