"""Typed, validated values that describe a cluster. Built by `routedb.config.load`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_SHAPES = 25_000  # of texts, whose plans are kept
DECISION_RETENTION_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One server of a group.

    `id` numbers the nodes of the whole cluster from 0, `name` is unique in it and
    never holds a password: it is what errors, logs and explanations print.
    """

    id: int
    name: str
    engine: str  # "postgresql" | "mysql" | "sqlite" | "fake": the adapter that opens it
    dsn: str = field(repr=False)  # as written, ${VAR} expanded: may hold a password
    database: str  # the name of the database it belongs to
    group: int  # id of its group
    weight: float = 1.0
    options: Mapping[str, Any] = field(
        default_factory=dict, repr=False
    )  # driver keywords
    is_read_only: bool = False  # SQLite `mode=ro`: known never to be a writer
    is_balanced: bool = False  # its address leads to several servers, and may
    # MySQL under programs that speak another dialect: "x" is a name, || joins texts.
    is_standard_sql: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """One writer and its replicas. `id` numbers groups over the cluster, from 0."""

    id: int
    database: str
    shard: int | None  # its number among the database's shards; None when unsharded
    nodes: tuple[NodeConfig, ...]
    is_discovered: bool = False  # others may join these nodes, and these may leave
    # It is one node, and always will be.
    is_single: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_single = len(self.nodes) == 1 and not self.is_discovered
        object.__setattr__(self, "is_single", is_single)


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where the members of a group come from: Patroni's URLs. The configured nodes are
    the first members; later ones are reached as the first of them is."""

    urls: tuple[str, ...] = field(repr=False)  # may hold passwords
    ca: str | None = None  # path of the certificates to trust for https URLs


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """The pool of links of each node of a database. Counts are per process and node."""

    min: int = 0  # kept open while unused
    max: int = 10  # open at the same time, at most
    max_idle_s: float = 300.0  # above `min`, a link is closed when unused for so long
    wait_timeout_s: float = 30.0  # for a link, while all are in use


@dataclass(frozen=True, slots=True)
class MergeConfig:
    """What a statement over several groups may take (`routedb.merge.limits`)."""

    max_bytes: int | None = 256 * 2**20  # of rows that come to be merged
    max_rows: int | None = None
    timeout_s: float | None = None  # of the whole statement
    work_node: str | None = None  # where the rest is worked out; None: a group it reads
    tables_above: int | None = None  # rows, for which there are temporary tables


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """One logical database. Durations are seconds."""

    name: str
    groups: tuple[GroupConfig, ...]
    dialect: str  # "postgresql" | "mysql" | "sqlite"
    reads: str = "replica"  # "replica" | "writer"
    consistency: str = "session"  # "session" | "process" | "eventual" | "strong"
    read_only: bool = False
    transaction_reads: str = "writer"  # "writer" | "replica"
    begin: str = "driver"  # "driver" | "with-statement"
    max_lag_s: float | None = 10.0
    must_know_lag: bool = False  # max_lag was written: a replica must report its lag
    connect_timeout_s: float = 5.0
    failover_timeout_s: float = 30.0
    retry_after_s: float = 1.0  # a dead node is tried again after this
    commit_check: bool = False  # ask for the outcome of a commit without answer
    keepalive_s: float | None = 30.0  # a silent line is probed after this; None: not
    max_age_s: float | None = None  # an older link is replaced when it is idle
    pool: PoolConfig | None = None  # None: each connection opens links of its own
    merge: MergeConfig = MergeConfig()
    discovery: Discovery | None = None  # None: the members are the nodes, for good
    # Its rows are spread over several groups; some group may have replicas.
    is_sharded: bool = field(init=False, repr=False, compare=False)
    has_replicas: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_sharded = self.groups[0].shard is not None
        has_replicas = not all(group.is_single for group in self.groups)
        object.__setattr__(self, "is_sharded", is_sharded)
        object.__setattr__(self, "has_replicas", has_replicas)


@dataclass(frozen=True, slots=True)
class ShardFunction:
    """How a key's value chooses a shard.

    hash: a stable hash is the number of a bucket, and `buckets` says which shard has it
    (routedb/config/buckets.py). modulo: integer modulo.
    range: `bounds` b0 < b1 < …, shard i holds b(i-1) <= key < b(i), one bound fewer
    than shards. list: `values[i]` are the keys of shard i. directory: the same, and the
    others are found as `otherwise` says: "hash", or "refuse".
    """

    name: str = "hash"  # "hash" | "modulo" | "range" | "list" | "directory"
    type: str | None = (
        None  # "integer" | "text" | "uuid" | "date" | …; None: see sharding
    )
    bounds: tuple[Any, ...] = ()
    values: tuple[tuple[Any, ...], ...] = ()
    buckets: str = ""  # "": the even map
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class RowsMoving:
    """What a sharded table's rule says while rows of it move between its shards.

    A shard may have rows that belong to another one by the rule: their primary keys,
    of the columns `key`, are in its table `hidden`, as k0, k1 and so on; "": it has
    none. Sessions that write have to show that they know of the placements' version
    `guard`; 0: they have not.
    """

    hidden: str = ""
    key: tuple[str, ...] = ()
    guard: int = 0


@dataclass(frozen=True, slots=True)
class TableRule:
    """One line of `[tables]`. `schema` and `name` are glob patterns (fnmatch), folded.

    `schema` None matches any schema and none.
    """

    pattern: str  # as written
    schema: str | None
    name: str
    database: str
    shard_key: str | None = None  # column
    function: ShardFunction | None = None
    is_reference: bool = False
    moving: RowsMoving | None = None
    # Of a placement (routedb/config/placements.py): its name for reasons, and why it
    # cannot be followed here, in which case `database` is "".
    placed_by: str = field(default="", compare=False)
    refusal: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class KeyColumns:
    """Columns of a table, each name as it is written in SQL."""

    table: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.table}({', '.join(self.columns)})"


@dataclass(frozen=True, slots=True)
class Reference:
    """One line of `[references]`: a row of the child needs one of the parent."""

    child: KeyColumns
    parent: KeyColumns

    def __str__(self) -> str:
        return f"{self.child} -> {self.parent}"


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """A whole configuration."""

    databases: Mapping[str, DatabaseConfig]
    default: str | None = None
    tables: tuple[TableRule, ...] = ()
    references: tuple[Reference, ...] = ()
    hints: bool = True
    shadow: bool = False  # all runs on writers; where it would run is counted
    max_shapes: int = MAX_SHAPES
    dialect: str | None = None  # overrides the dialect texts are read in
    transactions: str = "two-phase"  # "two-phase" | "single"
    is_two_phase_asked: bool = False  # `transactions` was written
    # "no" | "asked" | "always": reads never show half of a transaction over several
    # groups; under both of the latter whoever writes one leaves rows for them.
    atomic_reads: str = "no"
    name: str = ""  # in the names of prepared branches; "": none is ever prepared
    decision_retention_s: float = DECISION_RETENTION_S
    joins: str = "merge"  # "merge" | "refuse": statements over several groups
    # "refuse" | "record": foreign keys to tables in other databases
    foreign_keys: str = "refuse"
    functions: Mapping[str, str] = field(
        default_factory=dict
    )  # name -> "read" | "write"
    # Tokens are signed by the first; all of them are accepted.
    token_keys: tuple[str, ...] = field(default=(), repr=False)
    state: str | None = None  # the database with the state tables; None: the default
    source: str = "arguments"  # "routedb.toml", "ROUTEDB_CONFIG=…", "mapping", "DSN"

    @property
    def default_database(self) -> DatabaseConfig:
        """The default database; the first one where none is named."""
        if self.default is None:
            return next(iter(self.databases.values()))
        return self.databases[self.default]

    @property
    def text_dialect(self) -> str:
        """The dialect that names in the rules are folded by."""
        return self.dialect or self.default_database.dialect

    @property
    def home(self) -> GroupConfig | None:
        """The group with the placements of tables; None where there can be none: there
        is one place only, or no database was named for them."""
        name = self.state or self.default
        if name is None or len(self.groups) == 1:
            return None
        return self.databases[name].groups[0]

    @property
    def groups(self) -> tuple[GroupConfig, ...]:
        """All groups, in the order of their ids."""
        return tuple(g for d in self.databases.values() for g in d.groups)

    @property
    def nodes(self) -> tuple[NodeConfig, ...]:
        """All nodes, in the order of their ids."""
        return tuple(n for g in self.groups for n in g.nodes)
