"""The immutable snapshot of the cluster that every statement is routed by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NamedTuple

from routedb.topology.positions import Position


class Role(Enum):
    """What a node is in its group, as observed."""

    WRITER = "writer"
    REPLICA = "replica"
    UNKNOWN = "unknown"


class NodeState(Enum):
    """How far a node can be used. Table: topology/node_states.py."""

    UNKNOWN = "unknown"  # never probed
    UP = "up"
    LAGGING = "lagging"  # answers, but is behind by more than max_lag
    SUSPECT = "suspect"  # failed, or returned once: needs another good answer
    DOWN = "down"
    DRAINING = "draining"  # takes no new work, by an operator's command
    GONE = "gone"  # no member of its group any more


class Answer(NamedTuple):
    """The result of a probe: what a node reports of itself. Times are seconds."""

    role: Role
    version: str = ""
    position: str | None = (
        None  # WAL position or GTID set, text as the server prints it
    )
    history: str | None = (
        None  # PostgreSQL timeline, GTID domain: what makes positions comparable
    )
    lag_s: float | None = None  # replicas: how far behind; None when it cannot be told
    latency_s: float | None = None
    extent: str | None = None  # all GTIDs it has, as the server prints them
    origin: str | None = None  # of its own GTIDs: server id, server uuid
    system: str | None = None  # PostgreSQL's system identifier: names the cluster
    server: str | None = None  # what no other server tells: see topology/servers.py
    namespace: str | None = None  # the database of the server that its links show


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as last seen. `id` is NodeConfig.id."""

    id: int
    weight: float = 1.0
    state: NodeState = NodeState.UNKNOWN
    role: Role = Role.UNKNOWN
    answer: Answer | None = None
    position: Position | None = None  # the answer's, where it can be compared
    asked_at: float = 0.0  # monotonic seconds: when that probe was sent
    generation: int = 0  # goes up with every failure: older news than this is dropped
    retry_at: float = 0.0  # monotonic seconds; a DOWN node is not tried before
    failure: str = ""  # text of the last failure, without secrets
    failures: int = 0  # in a row: the back-off grows with them
    is_read_only: bool = False  # configured so: never a writer
    is_balanced: bool = False  # configured so: it has several servers, and may
    # It answers and rejects this user: waiting does not help.
    is_refusing: bool = False
    # It reports to be a writer, and was a replica at the probe before. False for an old
    # writer that returns.
    is_promoted: bool = False
    latency_s: float | None = None  # of its answers, smoothed
    slowness: int = 0  # its share of reads is halved so often: others answer faster
    coldness: int = 0  # and so often: it was away, and its caches are cold
    warm_at: float = 0.0  # monotonic seconds: when they are not any more
    # Monotonic seconds: what the writer had acknowledged before, it certainly has.
    holds_until: float = -inf
    # The server that it was last found to lead to, since when; and those before, until
    # when (topology/servers.py).
    server: str | None = None
    server_since: float = 0.0
    former_servers: tuple[tuple[str, float], ...] = ()
    is_in_doubt: bool = False  # a link has told of another server than the last answer
    leads_to_several: bool = False

    @property
    def is_unsure(self) -> bool:
        """Tell whether a link may lead to another server than the one that answered: so
        what that one told says nothing of the link."""
        return self.is_in_doubt or self.leads_to_several or self.is_balanced


class Double(NamedTuple):
    """Node `node` is the same server as node `first`, under another name."""

    node: int
    first: int


class Sample(NamedTuple):
    """A position of a group's writer, and when it was probed: every write that was
    acknowledged before that time is at or before that position."""

    position: Position
    asked_at: float
    node: int = -1  # the writer's id


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group as last seen.

    `writer` is the id of the node to write to, None when none is known. `read_ring`
    holds the ids of replicas that may be read from, each as often as its weight says,
    in an order that spreads them evenly: what `node_selection.pick` walks.
    """

    id: int
    nodes: tuple[NodeView, ...]
    writer: int | None = None
    read_ring: tuple[int, ...] = ()
    is_split: bool = False  # two nodes claim to be writer and neither is provably newer
    history: str | None = None  # the newest of any writer; an older one is fenced
    sample: Sample | None = None  # the last of its writer, also when that is away
    history_node: int | None = None  # the node that has reported it
    system: str | None = None  # the cluster that this history is of
    fenced: tuple[int, ...] = ()  # last answered as writers, of an older history
    foreign_nodes: tuple[int, ...] = ()  # nodes of another cluster: not used at all
    doubles: tuple[Double, ...] = ()  # second names of a server: not used either
    # One node, and no other will join: it is not probed, and used as it is.
    is_single: bool = False
    earlier: tuple[Sample, ...] = ()  # before `sample`, the newest first: samples.py

    def find(self, id_: int) -> NodeView:
        """Return the view of a node of this group, which may have left it."""
        for node in self.nodes:
            if node.id == id_:
                return node
        raise LookupError(id_)

    @property
    def barred(self) -> tuple[int, ...]:
        """The nodes that are not used whatever they answer."""
        return self.foreign_nodes + tuple(double.node for double in self.doubles)

    @property
    def members(self) -> tuple[NodeView, ...]:
        """The nodes that have not left."""
        return tuple(n for n in self.nodes if n.state is not NodeState.GONE)

    @property
    def is_refusing(self) -> bool:
        """Tell whether every member refuses this user: waiting does not help."""
        return all(node.is_refusing for node in self.members)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All groups, indexed by GroupConfig.id. Replaced whole, never changed.

    `group_by_node` is the id of each node's group, by node id.
    """

    groups: tuple[GroupView, ...]
    version: int = 0
    group_by_node: tuple[int, ...] = ()
