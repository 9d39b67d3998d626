"""From a placed statement and the session's situation to a role, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from routedb import errors
from routedb.config.model import ClusterConfig, DatabaseConfig
from routedb.routing.placement import Placement
from routedb.routing.route import Reason, Route
from routedb.sql.statement import Hints, Kind, Statement
from routedb.topology.snapshot import GroupView, Role


class Situation(Protocol):
    """What a decision needs to know of the session. Read, never written."""

    @property
    def in_transaction(self) -> bool:
        """Statements belong to a transaction now."""

    @property
    def is_read_only(self) -> bool:
        """That transaction is declared read-only."""

    @property
    def reads_early(self) -> bool:
        """`transaction_reads = "replica"`, and nothing has been written yet."""

    @property
    def role(self) -> Role | None:
        """What `conn.using(role=…)` asks for."""

    @property
    def consistency(self) -> str | None:
        """What `conn.using(consistency=…)` puts over the database's."""

    def is_ahead(self, view: GroupView, consistency: str) -> bool:
        """No replica is known to hold what this session has written or seen."""


CONSISTENCIES = ("session", "process", "eventual", "strong")

WHY = {
    Reason.IN_TRANSACTION: "stays on the transaction's link",
    Reason.HINT_ROLE: "hint asks for a replica",
    Reason.USING_ROLE: "using() asks for a replica",
    Reason.ONE_SERVER: "it asks a server about itself",
    Reason.DECLARED_READ_ONLY: "transaction is declared read-only",
    Reason.WRITER_TRANSACTION: "a read-write transaction goes whole to the writer",
    Reason.STRONG: "consistency is strong",
    Reason.OWN_WRITES: "no replica is known to hold what this session has seen",
    Reason.READS_WRITER: 'reads = "writer"',
    Reason.SINGLE_NODE: "the group has one node",
    Reason.NO_REPLICA: "no replica can be used now",
    Reason.PLAIN_READ: "plain read",
    Reason.SERIALIZABLE: "the isolation level is SERIALIZABLE",
    Reason.SHADOW: "shadow = true: everything runs on the writer",
}


class Case(NamedTuple):
    """One decision's facts, as the table below asks for them."""

    statement: Statement
    is_read: bool  # certainly a plain read, the catalog's word on functions included
    database: DatabaseConfig
    group: GroupView
    situation: Situation
    hint: Hints | None  # None also when the configuration ignores hints
    consistency: str


# Which role answers, and why: the first line whose test holds decides. The order is the
# precedence: what keeps answers exact stands above what was asked for, and what was
# asked for above what is configured. Where that comes to a replica, and none can be
# used now, or none is known to hold what the session has seen, the writer answers.
PRECEDENCE: tuple[tuple[Reason, Callable[[Case], bool]], ...] = (
    (Reason.NOT_A_READ, lambda c: not c.is_read),
    (Reason.SINGLE_NODE, lambda c: c.group.is_single),
    (Reason.STRONG, lambda c: c.consistency == "strong"),
    (Reason.HINT_ROLE, lambda c: c.hint is not None and c.hint.role is not None),
    (Reason.USING_ROLE, lambda c: c.situation.role is not None),
    (Reason.ONE_SERVER, lambda c: c.statement.reads_server_views),
    (
        Reason.WRITER_TRANSACTION,
        lambda c: (
            c.situation.in_transaction
            and not c.situation.is_read_only
            and not c.situation.reads_early
        ),
    ),
    (Reason.READS_WRITER, lambda c: c.database.reads == "writer"),
    (Reason.DECLARED_READ_ONLY, lambda c: c.situation.is_read_only),
    (Reason.PLAIN_READ, lambda _: True),
)

_TO_REPLICA = frozenset({Reason.DECLARED_READ_ONLY, Reason.PLAIN_READ})


def decide_role(
    statement: Statement,
    is_read: bool,
    database: DatabaseConfig,
    group: GroupView,
    situation: Situation,
    hints: bool,
) -> tuple[Role, Reason]:
    """Return the role that must answer, and the one reason that decided.

    `is_read`: certainly a plain read, the catalog's word on its functions included.
    Raises HintError when a hint or `using()` asks a replica for what is no plain read.
    """
    hint = statement.hints if hints else None
    asked = _asked_role(hint, situation)
    if not is_read and asked is Role.REPLICA:
        _refuse_replica(statement)
    consistency = consistency_of(statement, database, situation, hints)
    case = Case(statement, is_read, database, group, situation, hint, consistency)
    reason = next(reason for reason, holds in PRECEDENCE if holds(case))
    if reason in _TO_REPLICA or (
        reason in (Reason.HINT_ROLE, Reason.USING_ROLE) and asked is Role.REPLICA
    ):
        if not group.read_ring:
            return Role.WRITER, Reason.NO_REPLICA
        if situation.is_ahead(group, consistency):
            return Role.WRITER, Reason.OWN_WRITES
        return Role.REPLICA, reason
    return Role.WRITER, reason


def route_for(
    placement: Placement,
    database: str,
    groups: tuple[int, ...],
    role: Role,
    reason: Reason,
    statement: Statement,
    shard: tuple[Reason, str] | None = None,
    is_home: bool = False,
) -> Route:
    """Build the route with its reasons in order of precedence.

    `is_home`: the statement names no table and goes where the transaction is.
    """
    reasons = [(placement.reason, placement.why)]
    if is_home:
        why = f"no tables, the transaction is in {database}"
        reasons = [(Reason.TRANSACTION_HOME, why)]
    elif placement.database is None:
        reasons = [(placement.reason, f"no tables, default database {database}")]
    if shard is not None:
        reasons.append(shard)
    if reason is Reason.NOT_A_READ:
        reasons.append((reason, _not_a_read(statement)))
    elif role is Role.WRITER and reason in (Reason.HINT_ROLE, Reason.USING_ROLE):
        source = "hint" if reason is Reason.HINT_ROLE else "using()"
        reasons.append((reason, f"{source} asks for the writer"))
    else:
        reasons.append((reason, WHY[reason]))
    return Route(database, groups, role, tuple(reasons))


def _not_a_read(statement: Statement) -> str:
    if statement.kind in (Kind.WRITE, Kind.DDL):
        return f"{statement.verb or 'it'} writes"
    return statement.reason or f"{statement.verb or 'it'} is not certainly a plain read"


def _asked_role(hint: Hints | None, situation: Situation) -> Role | None:
    if hint is not None and hint.role is not None:
        if hint.role not in (Role.WRITER.value, Role.REPLICA.value):
            raise errors.HintError(
                f"hint role={hint.role}: allowed are writer and replica"
            )
        return Role(hint.role)
    return situation.role


def _refuse_replica(statement: Statement) -> None:
    """A replica asked for by name must not quietly become the writer, or worse."""
    if statement.kind in (Kind.TRANSACTION, Kind.SESSION, Kind.EMPTY):
        return
    raise errors.HintError(
        f"role=replica was asked for, but {_not_a_read(statement)}; "
        'drop the hint or the using(role="replica") for this statement'
    )


def consistency_of(
    statement: Statement, database: DatabaseConfig, situation: Situation, hints: bool
) -> str:
    """Return what a read minds: the hint's word, else using()'s, else the database's.

    Raises HintError for a word that is none.
    """
    hint = statement.hints if hints else None
    if hint is not None and hint.consistency is not None:
        if hint.consistency not in CONSISTENCIES:
            raise errors.HintError(
                f"hint consistency={hint.consistency}: allowed are "
                f"{', '.join(CONSISTENCIES)}"
            )
        return hint.consistency
    return situation.consistency or database.consistency


def check_hint_shard(
    config: ClusterConfig, database: DatabaseConfig, shard: int
) -> int:
    """Return the shard a hint names, when the database has it."""
    if not database.is_sharded:
        raise errors.HintError(
            f"hint shard={shard}: database {database.name} is not sharded"
        )
    if not 0 <= shard < len(database.groups):
        raise errors.HintError(
            f"hint shard={shard}: database {database.name} of {config.source} has "
            f"shards 0 to {len(database.groups) - 1}"
        )
    return shard
