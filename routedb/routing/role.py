"""From a placed statement and the session's situation to a role, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from routedb import errors
from routedb.config.model import DatabaseConfig
from routedb.routing.placement import Placement
from routedb.routing.route import Reason, Route
from routedb.sql.statement import Hints, Kind, Statement
from routedb.topology.snapshot import Role


class Situation(Protocol):
    """What the choice of a role needs to know of the session. Read, never written."""

    @property
    def in_transaction(self) -> bool:
        """Statements belong to a transaction now."""

    @property
    def is_read_only(self) -> bool:
        """That transaction is declared read-only."""

    @property
    def role(self) -> Role | None:
        """What `conn.using(role=…)` asks for."""

    @property
    def consistency(self) -> str | None:
        """What `conn.using(consistency=…)` puts over the database's."""


# A text of one of these kinds may run on a sharded database without a shard key.
SHARDLESS = frozenset({Kind.TRANSACTION, Kind.SESSION})
_SHOWS_NOTHING = frozenset({*SHARDLESS, Kind.EMPTY})

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
    is_single: bool  # the group has one node
    situation: Situation
    reads_early: bool  # `transaction_reads = "replica"`, and nothing written yet
    hint: Hints | None  # None also when the configuration ignores hints
    consistency: str


# Which role answers, and why: the first line whose test holds decides. The order is the
# precedence: what keeps answers exact stands above what was asked for, and what was
# asked for above what is configured. Where that comes to a replica, and none can be
# used now, or none is known to hold what the session has seen, the writer answers.
PRECEDENCE: tuple[tuple[Reason, Callable[[Case], bool]], ...] = (
    (Reason.NOT_A_READ, lambda c: not c.is_read),
    (Reason.SINGLE_NODE, lambda c: c.is_single),
    (Reason.STRONG, lambda c: c.consistency == "strong"),
    (Reason.HINT_ROLE, lambda c: c.hint is not None and c.hint.role is not None),
    (Reason.USING_ROLE, lambda c: c.situation.role is not None),
    (
        Reason.ONE_SERVER,
        lambda c: (
            c.statement.reads_server_views
            # A transaction that is declared read-only has named the role.
            or (c.statement.asks_server and not c.situation.is_read_only)
        ),
    ),
    (
        Reason.WRITER_TRANSACTION,
        lambda c: (
            c.situation.in_transaction
            and not c.situation.is_read_only
            and not c.reads_early
        ),
    ),
    (Reason.READS_WRITER, lambda c: c.database.reads == "writer"),
    (Reason.DECLARED_READ_ONLY, lambda c: c.situation.is_read_only),
    (Reason.PLAIN_READ, lambda _: True),
)

_TO_REPLICA = frozenset({Reason.DECLARED_READ_ONLY, Reason.PLAIN_READ})
_ASKED_FOR = frozenset({Reason.HINT_ROLE, Reason.USING_ROLE})


def shows_data(statement: Statement) -> bool:
    """Tell whether running this may show the session what is in the database: not what
    is only about the session, nor a query without tables, such as SELECT @@version."""
    if statement.kind in _SHOWS_NOTHING:
        return False
    is_query = statement.read_only and statement.verb in ("SELECT", "VALUES")
    return not is_query or bool(statement.tables or statement.asks)


def neutral_reason(
    statement: Statement, is_read: bool, database: DatabaseConfig, has_replicas: bool
) -> Reason:
    """Return the reason for `statement` in a session that asks for nothing special:
    outside a transaction, without `using()`, and no hint about the role.

    `is_read`: certainly a plain read. `has_replicas`: the group of `database` that it
    runs on has more than one node.
    The table above, for what is known of a plan once and for all; a test compares.
    """
    if not is_read:
        return Reason.NOT_A_READ
    if not has_replicas:
        return Reason.SINGLE_NODE
    if database.consistency == "strong":
        return Reason.STRONG
    if statement.reads_server_views or statement.asks_server:
        return Reason.ONE_SERVER
    if database.reads == "writer":
        return Reason.READS_WRITER
    return Reason.PLAIN_READ


def decide_role(
    statement: Statement,
    is_read: bool,
    database: DatabaseConfig,
    is_single: bool,
    situation: Situation,
    hints: bool,
    reads_early: bool = False,
) -> tuple[Role, Reason]:
    """Return the role that is to answer `statement`, and the one reason that decided.

    `database` is where it runs, `situation` the session that sends it.
    `is_read`: certainly a plain read, the catalog's word on its functions included.
    `is_single`: the group has one node. `hints`: the configuration follows hints.
    `reads_early`: a read may leave its transaction for a replica now.

    Raises HintError when a hint or `using()` asks a replica for what is no plain read.
    """
    hint = statement.hints if hints else None
    asked = _asked_role(hint, situation)
    if not is_read and asked is Role.REPLICA:
        _refuse_replica(statement)
    consistency = consistency_of(statement, database, situation.consistency, hints)
    case = Case(
        statement,
        is_read,
        database,
        is_single,
        situation,
        reads_early,
        hint,
        consistency,
    )
    reason = next(reason for reason, holds in PRECEDENCE if holds(case))
    to_replica = reason in _TO_REPLICA or (
        reason in _ASKED_FOR and asked is Role.REPLICA
    )
    return (Role.REPLICA if to_replica else Role.WRITER), reason


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

    `placement` says why this database, `shard` why these of its `groups`, `reason` why
    this `role`. `is_home`: the statement names no table and goes where the transaction
    is.
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
    elif role is Role.WRITER and reason in _ASKED_FOR:
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
    statement: Statement,
    database: DatabaseConfig,
    using: str | None,
    hints: bool,
) -> str:
    """Return the consistency of a read: the hint's in `statement`, else using()'s, else
    the database's.

    `using` is what `conn.using(consistency=…)` asks for; `hints`: the configuration
    follows hints. Raises HintError for a word that is none.
    """
    hint = statement.hints if hints else None
    if hint is not None and hint.consistency is not None:
        if hint.consistency not in CONSISTENCIES:
            raise errors.HintError(
                f"hint consistency={hint.consistency}: allowed are "
                f"{', '.join(CONSISTENCIES)}"
            )
        return hint.consistency
    return using or database.consistency
