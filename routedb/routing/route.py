"""The decision about one statement: where it runs, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

from routedb.config.model import NodeConfig
from routedb.topology.snapshot import Role


class Reason(IntEnum):
    """Why a route is what it is. The lower number wins over the higher.

    Below 10 they say which database, from 10 which shard, from 19 which role.
    """

    HINT_DATABASE = 1  # /* routedb: database=… */
    USING_DATABASE = 2  # conn.using("…")
    TABLE = 3  # a table of the statement has its home there
    TRANSACTION_HOME = 4  # no tables: where the transaction is
    DEFAULT = 5  # no tables, or no rule: the default database
    HINT_SHARD = 10
    SHARD_KEY = 11
    ANY_SHARD = 12  # reference tables only, or no table
    EVERY_SHARD = 13  # a write to a reference table
    SEVERAL_GROUPS = 14  # a part of a read whose rows are on several groups
    PINNED = 19  # what it needs lives on that node only: a temporary table, a lock
    IN_TRANSACTION = 20  # the transaction has a link to that group
    NOT_A_READ = 21  # not certainly a plain read
    SINGLE_NODE = 22  # the group has one node
    STRONG = 23  # consistency = "strong"
    HINT_ROLE = 24
    USING_ROLE = 25
    ONE_SERVER = 26  # it asks a server about itself
    WRITER_TRANSACTION = 27  # a transaction goes whole to the writer
    READS_WRITER = 28  # reads = "writer"
    DECLARED_READ_ONLY = 29  # the transaction is: a replica may serve it
    PLAIN_READ = 30
    # One of the above asks for a replica, and:
    NO_REPLICA = 31  # none can be used now
    OWN_WRITES = 32  # none is known to hold what the session has written or seen
    SERIALIZABLE = 33  # a replica of PostgreSQL runs nothing serializable
    SHADOW = 34  # shadow = true: whatever the others say
    NOT_REPLAYED = 35  # a replica did not have what the statement names


_SHARD_REASONS = frozenset(
    reason for reason in Reason if 10 <= reason < Reason.SEVERAL_GROUPS
)


class FragmentRun(NamedTuple):
    """What one group did for a statement over several groups.

    `sql` is what was sent, with placeholders: no value of a parameter is in it.
    `bytes` is an estimate (`routedb.merge.measures`), of the values as text. `seconds`
    is from the sending of the text to the last of its rows.
    """

    number: int  # of the fragment in its plan
    database: str
    group: int  # its number within the database
    node: str
    role: Role
    sql: str
    rows: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """Where a statement runs, and why.

    `groups` are numbers within the database: its shards, (0,) when it is unsharded.
    `reasons` holds the decisive reason of each step, in order of precedence. `hits`
    holds the number of statements that went this way, as counted by their plan.
    `fragments` tells what each group did, where rows of several were merged; `origin`
    is the node that all of them came from, where it was one.
    """

    database: str
    groups: tuple[int, ...]
    role: Role
    reasons: tuple[tuple[Reason, str], ...] = ()
    hits: list[int] = field(
        default_factory=[0].copy, init=False, compare=False, repr=False
    )
    fragments: tuple[FragmentRun, ...] = field(default=(), compare=False, repr=False)
    origin: NodeConfig | None = field(default=None, compare=False, repr=False)

    def to_writer(self, reason: Reason, why: str) -> Route:
        """Return the route to the writer instead, for one more `reason`, which `why`
        says in words."""
        return replace(self, role=Role.WRITER, reasons=(*self.reasons, (reason, why)))

    def count_with(self, other: Route) -> None:
        """Count hits of this new route as those of `other`."""
        object.__setattr__(self, "hits", other.hits)

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(text for _, text in self.reasons)

    def __str__(self) -> str:
        is_sharded = any(reason in _SHARD_REASONS for reason, _ in self.reasons)
        is_sharded |= self.groups not in ((0,), ())
        shards = ",".join(map(str, self.groups))
        where = f"{self.database}[{shards}]" if is_sharded else self.database
        return f"{where} {self.role.value}"
