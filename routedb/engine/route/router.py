"""Which groups a statement runs on, in which role, and with which text on each."""

from __future__ import annotations

from typing import Any, NamedTuple

from routedb import errors
from routedb.config.model import DatabaseConfig, GroupConfig, TableRule
from routedb.engine.consistency.catch_up import catch_up
from routedb.engine.links import find_node
from routedb.engine.links.link import Link
from routedb.engine.plans.plan import Plan, Text, needs_shard
from routedb.engine.route import affinity
from routedb.engine.session import Session
from routedb.routing import (
    Reason,
    Route,
    check_hint_shard,
    consistency_of,
    decide_role,
)
from routedb.session import TxState
from routedb.sharding import Target, analyse, shard_for_key_hint
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role


class Decision(NamedTuple):
    """A decision ready to be carried out. `target` is set when several shards take
    part, with what runs on each."""

    groups: tuple[int, ...]  # ids over the cluster
    role: Role
    route: Route
    is_read: bool
    target: Target | None = None
    is_early: bool = False  # a read before the first write: outside the transaction
    consistency: str = "session"  # what the read minds
    link: Link | None = None  # what it needs lives there


class Destination(NamedTuple):
    """The part of a decision that is about where, not about the role."""

    database: DatabaseConfig
    numbers: tuple[int, ...]  # of groups within the database
    shard: tuple[Reason, str] | None
    target: Target | None
    is_home: bool  # no tables: where the transaction is

    @property
    def groups(self) -> tuple[int, ...]:
        """Their ids over the cluster."""
        return tuple(self.database.groups[n].id for n in self.numbers)

    def route(self, plan: Plan, role: Role, reason: Reason) -> Route:
        """Return the route of `plan` to this place."""
        name = self.database.name
        return plan.route(self.numbers, role, reason, name, self.shard, self.is_home)


def decide(
    session: Session,
    text: Text,
    params: Any,
    may_ask_servers: bool = True,
    keeps_to_branches: bool = True,
) -> Decision:
    """Decide. Raises the refusals of routing and sharding; nothing has run then.

    `may_ask_servers`: the catalog may be asked about functions on no list.
    `keeps_to_branches`: what the transaction has a link to decides the role; else only
    what it is.
    """
    plan = text.plan
    pinned = decide_pinned(session, text, params)
    if pinned is not None:
        return pinned
    destination = find_destination(session, text, params)
    groups = destination.groups
    is_read = plan.is_read
    if plan.statement.asks and not is_read and may_ask_servers:
        is_read = _asked(session, plan, destination.database)
    branch = _branch(session, groups) if keeps_to_branches else None
    role, reason, is_early = _role(
        session, plan, is_read, destination.database, groups, branch
    )
    consistency = consistency_of(
        plan.statement, destination.database, session, session.core.config.hints
    )
    if reason is Reason.OWN_WRITES and may_ask_servers:
        # Let the session's source, or a replica, say whether a replica may answer.
        catch_up(session, session.core.topology.groups[groups[0]])
        picture = session.core.topology
        role, reason, is_early = _role(
            session, plan, is_read, destination.database, groups, branch
        )
        if reason is Reason.OWN_WRITES:
            session.tracker.require_writer(groups[0], picture)
    route = destination.route(plan, role, reason)
    return Decision(
        groups, role, route, is_read, destination.target, is_early, consistency
    )


def decide_pinned(session: Session, text: Text, params: Any) -> Decision | None:
    """Decide for a statement that needs what lives on one backend; None: it does not.

    A temporary table hides the table of its name and the rule for that, and nothing
    that chooses between nodes counts: not the role, not the consistency.
    """
    plan = text.plan
    if not (session.links.pins or plan.statement.needs):
        return None
    pinned = affinity.find(session, text, params)
    if pinned is None:
        return None
    node = pinned.link.node
    group = session.core.groups[node.group]
    view = session.core.topology.groups[node.group]
    role = Role.REPLICA if view.writer not in (None, node.id) else Role.WRITER
    if role is Role.REPLICA and plan.statement.kind is Kind.CALL:
        _check_seen(session, plan, pinned)
    reasons = ((Reason.PINNED, pinned.why),)
    route = Route(node.database, (group.shard or 0,), role, reasons)
    return Decision((node.group,), role, route, plan.is_read, link=pinned.link)


def _check_seen(session: Session, plan: Plan, pinned: affinity.Pinned) -> None:
    """A replica on which something was prepared may be behind this session by now."""
    node = pinned.link.node
    if session.transaction.branches.get(node.group) is pinned.link:
        return
    database = session.core.config.databases[node.database]
    consistency = consistency_of(
        plan.statement, database, session, session.core.config.hints
    )
    if consistency == "eventual":
        return
    look = session.tracker.view(node.group, consistency)
    among = session.tracker.allowed_replicas(
        session.core.topology.groups[node.group], look
    )
    if consistency == "strong" or (among is not None and node.id not in among):
        raise errors.OperationalError(
            f"{pinned.why}, a replica that is not known to hold what this session has "
            "seen: prepare it again, which does so on the writer"
        )


def find_destination(session: Session, text: Text, params: Any) -> Destination:
    """Find the database and the shards. Raises what `aim` raises."""
    plan = text.plan
    if plan.refusal is not None:
        raise type(plan.refusal)(*plan.refusal.args)
    database, is_home = _database(session, plan)
    return Destination(database, *_shards(session, text, params, database), is_home)


def _database(session: Session, plan: Plan) -> tuple[DatabaseConfig, bool]:
    """A statement without tables goes where the transaction is, else to the default."""
    home = session.transaction.home
    if plan.placement.database is None and home >= 0:
        name = session.core.groups[home].database
        return session.core.config.databases[name], True
    return plan.database, False


def _branch(session: Session, groups: tuple[int, ...]) -> Link | None:
    return session.transaction.branches.get(groups[0]) if len(groups) == 1 else None


def _role(
    session: Session,
    plan: Plan,
    is_read: bool,
    database: DatabaseConfig,
    groups: tuple[int, ...],
    branch: Link | None,
) -> tuple[Role, Reason, bool]:
    view = session.core.topology.groups[groups[0]]
    if branch is not None:
        role = session.transaction.roles[groups[0]]
        if role is Role.REPLICA and not is_read:
            _check_declared(session, plan)
        return role, Reason.IN_TRANSACTION, False
    early = is_read and reads_early(session, database)
    situation = _Early(session) if early else session
    hints = session.core.config.hints
    role, reason = decide_role(
        plan.statement, is_read, database, view, situation, hints
    )
    if (
        role is Role.REPLICA
        and session.is_serializable
        and database.dialect == "postgresql"
    ):
        return Role.WRITER, Reason.SERIALIZABLE, False
    return role, reason, early and role is Role.REPLICA


def _check_declared(session: Session, plan: Plan) -> None:
    """A transaction that using() or a hint put on a replica cannot write. One that was
    declared read-only hears so from its server, in the server's own words."""
    harmless = plan.statement.kind in (Kind.TRANSACTION, Kind.SESSION)
    if not harmless and not session.is_read_only:
        raise errors.ReadOnlyError(
            f"{plan.statement.verb} in a transaction that reads from a replica: "
            "commit or roll back first, then write"
        )


class _Early:
    """The situation of a read that `transaction_reads = "replica"` lets out early."""

    def __init__(self, session: Session) -> None:
        self.reads_early = True
        self.in_transaction = session.in_transaction
        self.is_read_only = session.is_read_only
        self.role = session.role
        self.consistency = session.consistency
        self.is_ahead = session.is_ahead


def reads_early(session: Session, database: DatabaseConfig) -> bool:
    """Tell whether a plain read may leave the transaction for a replica now.

    Only before the first write and only under READ COMMITTED, where each statement has
    a snapshot of its own anyway (PostgreSQL manual, 13.2.1). MySQL's default is
    REPEATABLE READ, so there the level must have been asked for by name.
    """
    if database.transaction_reads != "replica":
        return False
    if session.transaction.state not in (TxState.OPEN, TxState.READING):
        return False
    level = session.transaction.mode.isolation
    if level is None:
        is_default = not session.links.settings.touches("default_transaction_isolation")
        return database.dialect == "postgresql" and is_default
    return level.upper() == "READ COMMITTED"


def _shards(
    session: Session, text: Text, params: Any, database: DatabaseConfig
) -> tuple[tuple[int, ...], tuple[Reason, str] | None, Target | None]:
    """Return the numbers of the shards, the reason, and the target when several."""
    plan = text.plan
    hinted = _hinted_shard(session, plan, database)
    if not database.is_sharded:
        return (0,), None, None
    if hinted is not None:
        return (hinted,), (Reason.HINT_SHARD, f"hint names shard {hinted}"), None
    _check_ruled(plan, database)
    if not needs_shard(plan) or not plan.placement.sharded:
        return _shardless(session, plan, database)
    target = _resolve(session, text, params, database)
    if target.is_any:
        number = _number_at_hand(session, database)
        return (number,), (Reason.ANY_SHARD, "reference tables: any shard"), None
    numbers = tuple(sorted(target.shards))
    if len(numbers) == 1:
        return (
            numbers,
            (Reason.SHARD_KEY, f"shard key is on shard {numbers[0]}"),
            (target if target.parts else None),
        )
    reason = Reason.EVERY_SHARD if target.is_every else Reason.SHARD_KEY
    why = (
        "reference table: written on every shard"
        if target.is_every
        else f"rows are on shards {', '.join(map(str, numbers))}"
    )
    return numbers, (reason, why), target


def _resolve(
    session: Session, text: Text, params: Any, database: DatabaseConfig
) -> Target:
    plan = text.plan
    shards = plan.shards(
        lambda: analyse(text.source, text.scan, plan.dialect, plan.placement.sharded)
    )
    return shards.resolve(text.source, text.scan, params, len(database.groups))


def _check_ruled(plan: Plan, database: DatabaseConfig) -> None:
    if plan.placement.unruled:
        named = ", ".join(map(str, plan.placement.unruled))
        raise errors.ShardError(
            f"table {named} has no shard_key and is no reference table of database "
            f"{database.name}: add a rule under [tables], or name the shard with "
            "/* routedb: shard=… */"
        )


def _shardless(
    session: Session, plan: Plan, database: DatabaseConfig
) -> tuple[tuple[int, ...], tuple[Reason, str] | None, Target | None]:
    """A statement that touches no table: any shard may answer, if it only reads."""
    statement = plan.statement
    if not plan.is_read and statement.kind not in (Kind.TRANSACTION, Kind.SESSION):
        raise errors.ShardError(
            f"{statement.verb or 'the statement'} names no table with a shard key, so "
            f"nothing says which shard of {database.name} it is for: name it with "
            "/* routedb: shard=… */ or /* routedb: key=… */"
        )
    why = (Reason.ANY_SHARD, "no table: any shard")
    return (_number_at_hand(session, database),), why, None


def _number_at_hand(session: Session, database: DatabaseConfig) -> int:
    """Return the number of a shard that this transaction, or this connection, already
    has a link to, so that "any shard" does not open another; else spread."""
    by_id = {group.id: number for number, group in enumerate(database.groups)}
    if session.transaction.home in by_id:
        return by_id[session.transaction.home]
    for group in session.transaction.branches:
        if group in by_id:
            return by_id[group]
    return session.rotation() % len(database.groups)


def _hinted_shard(session: Session, plan: Plan, database: DatabaseConfig) -> int | None:
    hints = plan.statement.hints
    if hints is None or not session.core.config.hints:
        return None
    if hints.shard is not None:
        return check_hint_shard(session.core.config, database, hints.shard)
    if hints.key is None:
        return None
    if not database.is_sharded:
        raise errors.HintError(f"hint key=: database {database.name} is not sharded")
    rule = _rule_for_key(session, plan, database)
    shard: int = shard_for_key_hint(rule, hints.key, len(database.groups))
    return shard


def _rule_for_key(session: Session, plan: Plan, database: DatabaseConfig) -> TableRule:
    """Return the rule whose function a `key=` hint goes through: the statement's own
    sharded table, else the only function the database uses."""
    own = [r for r in plan.placement.sharded.values() if r.shard_key is not None]
    rules = own or [
        r
        for r in session.core.config.tables
        if r.database == database.name and r.shard_key is not None
    ]
    if not rules or any(r.function != rules[0].function for r in rules):
        raise errors.HintError(
            f"hint key=: the tables of {database.name} do not share one shard "
            "function, so the key alone does not name a shard; use shard="
        )
    return rules[0]


def _asked(session: Session, plan: Plan, database: DatabaseConfig) -> bool:
    """Ask the catalog about functions on no list: True when all of them only read.

    Not asked where the answer would change nothing: a group without replicas, or a
    transaction that goes to the writer anyway.
    """
    if all(group.is_single for group in database.groups):
        return False
    if session.transaction.is_open and not session.is_read_only:
        return False
    group: GroupConfig = database.groups[0]
    for function in plan.statement.asks:
        volatile = session.core.is_volatile(
            database.name, function, lambda: find_node.writer(session.links, group.id)
        )
        if volatile is not False:  # or there is none of that name
            return False
    plan.set_read(True)
    return True
