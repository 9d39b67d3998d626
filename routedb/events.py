"""News of nodes, which the topology takes in, and what observers are told.

Plain values; nothing here calls anything. Observers get the names of nodes, never a
DSN, and texts of drivers without passwords.
"""

from __future__ import annotations

from typing import NamedTuple

from routedb.errors import Fault


class NodeAnswered(NamedTuple):
    """A probe of node `node` succeeded. `answer` is a topology.snapshot.Answer.

    `asked_at` is when the probe was sent, in monotonic seconds: the position in the
    answer includes everything that was acknowledged before.
    """

    node: int
    generation: int
    answer: object
    asked_at: float = 0.0


class NodeFailed(NamedTuple):
    """Node `node` could not be reached, or lost a link of generation `generation`.

    `fault` tells which: a lost link may be one session that an operator ended, a
    refusal concerns the node.
    """

    node: int
    generation: int
    reason: str
    fault: Fault = Fault.LINK_LOST


class NodeRefusedWrite(NamedTuple):
    """Node `node` answered a write with "read-only": it is no writer."""

    node: int
    generation: int


class ServerSeen(NamedTuple):
    """A link to node `node`, of generation `generation`, has told that `server` is
    there; it was asked at `asked_at`, in monotonic seconds."""

    node: int
    generation: int
    server: str
    asked_at: float


class NodeDrained(NamedTuple):
    """An operator asked node `node` to take no new work (`on` false: to take it)."""

    node: int
    on: bool


class NodeJoined(NamedTuple):
    """Node `node` is a member of its group, and takes reads by this weight.

    A node that is new to the group comes after all that are known, by number.
    """

    node: int
    group: int
    weight: float


class NodeLeft(NamedTuple):
    """Node `node` is no member of its group any more."""

    node: int


# -- what observers are told -----------------------------------------------------------


class NodeLabel(NamedTuple):
    """A node as observers know it; `str()` gives its name.

    `database` and `shard` are the configuration's; `namespace` is the name of the
    database on the server. What a DSN does not say is None.
    """

    name: str
    database: str
    shard: int | None = None
    system: str = ""  # "postgresql", "mysql", "sqlite"
    host: str | None = None
    port: int | None = None
    namespace: str | None = None

    def __str__(self) -> str:
        return self.name


class StatementRan(NamedTuple):
    """A statement has ended, well or not. Told to those who ask for statements only.

    `node` is the last one that it was sent to, None when it was sent to none; `role`
    and `reason` are the route's. `error` is the exception that the program sees. `text`
    is there for those who ask for texts; parameters are not.
    """

    node: NodeLabel | None
    role: str  # "writer" | "replica"; "" when it was refused
    reason: str
    verb: str
    tables: tuple[str, ...]
    started_at: float  # seconds since the epoch
    duration_s: float
    retries: int
    rows: int  # as rowcount
    error: BaseException | None = None
    batch: int | None = None  # of executemany: how many sets of parameters
    text: str | None = None


class NodeStateChanged(NamedTuple):
    """A node can be used more, or less, than before (topology/node_states.py)."""

    node: NodeLabel
    before: str
    after: str
    why: str


class WriterChanged(NamedTuple):
    """A group has another writer, or none now (`after` None), or one again.

    `before` is the last that was known; None at first.
    """

    database: str
    shard: int | None
    before: NodeLabel | None
    after: NodeLabel | None

    @property
    def is_failover(self) -> bool:
        """Tell whether another node has taken the writer's place."""
        return self.after is not None and self.before not in (None, self.after)


class NodeFenced(NamedTuple):
    """A node is an old writer: nothing is committed on it any more."""

    node: NodeLabel
    why: str


class SeveralServersSeen(NamedTuple):
    """Connections to a node lead to several servers, and nobody has said they may."""

    node: NodeLabel
    why: str


class SameServerSeen(NamedTuple):
    """A node is the same server as another one of its group."""

    node: NodeLabel
    why: str


class SplitBrainBegan(NamedTuple):
    """Two nodes claim to be the writer and neither is provably newer."""

    database: str
    shard: int | None
    nodes: tuple[NodeLabel, ...]


class SplitBrainEnded(NamedTuple):
    """At most one node of the group claims to be the writer again."""

    database: str
    shard: int | None


class LinkLost(NamedTuple):
    """A link to a node ended under a statement or a commit."""

    node: NodeLabel
    why: str


class LinkReplaced(NamedTuple):
    """An idle link to a node was dead or too old; another is opened in its place."""

    node: NodeLabel
    why: str


class StatementRetried(NamedTuple):
    """A statement that did not run on a node is run again, there or elsewhere."""

    node: NodeLabel
    verb: str
    is_read: bool
    why: str


class TransactionLostSeen(NamedTuple):
    """A program was told TransactionLost: nothing of it was committed."""

    why: str


class OutcomeUnknownSeen(NamedTuple):
    """A program was told OutcomeUnknown: what it did may or may not have happened."""

    why: str


class BranchLeft(NamedTuple):
    """A part of a transaction over several groups stays prepared on a node, with its
    locks, until recovery finishes it: the node could not be told. `outcome` is that of
    the transaction: "committed", "aborted" or "in doubt"."""

    node: NodeLabel
    branch: str
    outcome: str


class BranchRecovered(NamedTuple):
    """Recovery has finished a prepared part; `outcome` is "committed" or "aborted"."""

    node: NodeLabel
    branch: str
    outcome: str


class PoolWaited(NamedTuple):
    """Somebody has waited for a link of a node's pool, and got one or (`timed_out`)
    none."""

    node: NodeLabel
    waited_s: float
    timed_out: bool


class ReplicaShare(NamedTuple):
    """Where a database's statements have run in the last `seconds`, in this process;
    with `shadow = true`, where they would have. Told every few minutes of databases
    that have replicas, while there are statements."""

    database: str
    on_replicas: int
    on_writers: int
    seconds: float


class MergeProgress(NamedTuple):
    """How far a statement over several groups has come: told to the callback of
    `conn.using(progress=…)`, and to nobody else.

    `asked` are the groups that it asks, `answered` those of them that have answered.
    Where some are asked with what others have answered, `asked` grows. `rows`, of about
    `bytes` bytes, have come of their fragments in the `seconds` since it began.
    """

    asked: int
    answered: int
    rows: int
    bytes: int
    seconds: float


class ObserverFailed(NamedTuple):
    """A callback has raised, for the first time; later ones are not told."""

    callback: str
    why: str


Observed = (
    StatementRan
    | NodeStateChanged
    | WriterChanged
    | NodeFenced
    | SeveralServersSeen
    | SameServerSeen
    | SplitBrainBegan
    | SplitBrainEnded
    | LinkLost
    | LinkReplaced
    | StatementRetried
    | TransactionLostSeen
    | OutcomeUnknownSeen
    | BranchLeft
    | BranchRecovered
    | PoolWaited
    | ReplicaShare
    | ObserverFailed
)
