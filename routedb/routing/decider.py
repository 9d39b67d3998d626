"""The decision about one statement: which groups, in which role, and why. No I/O.

`decide` looks at what is known and returns a `Decision`, or says what must be asked
first: the catalog, about functions on no list (`AskCatalog`), or a server, about how
far a replica is (`AskPosition`). The executor asks, and decides again. The fast path
(`routedb.engine.fast_path`) is a short cut to the same answers for what is simple; a
property test holds it to them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from routedb import errors
from routedb.config.model import DatabaseConfig
from routedb.routing.affinity import Pinned, find_pinned
from routedb.routing.destination import Destination, find_destination
from routedb.routing.plan import ParsedText, Plan
from routedb.routing.questions import (
    NOTHING_ASKED,
    AskCatalog,
    AskColumns,
    Asked,
    AskPosition,
    Question,
)
from routedb.routing.role import consistency_of, decide_role
from routedb.routing.route import Reason, Route
from routedb.routing.view import SessionView
from routedb.session import TxState
from routedb.session.read_state import NOTHING_SEEN, View, allowed_replicas
from routedb.sharding import ColumnsWanted, Target
from routedb.sql.statement import Kind
from routedb.topology.snapshot import GroupView, Role, Snapshot

# A replica that had not reached a sample so long before the last one is not asked: it
# is behind. This is more than the usual interval of probes: less would leave out those
# that were probed a moment before they had reached it.
FAR_BEHIND_S = 2.5


class Decision(NamedTuple):
    """A decision ready to be carried out.

    `target` is set when several shards take part, with what runs on each. `topology` is
    the picture it was made by. `seen` and `replicas` are for reads: what the session
    had seen, and who is known to hold that (None: any replica).
    """

    groups: tuple[int, ...]  # ids over the cluster
    role: Role
    route: Route
    is_read: bool
    topology: Snapshot
    target: Target | None = None
    is_early: bool = False  # a read before the first write: outside the transaction
    consistency: str = "session"  # what the read keeps to
    node: int | None = None  # what it needs lives there
    seen: View | None = None
    replicas: tuple[int, ...] | None = None

    @property
    def reason(self) -> Reason:
        """The reason for the role."""
        return self.route.reasons[-1][0]


def decide(
    text: ParsedText,
    params: Any,
    view: SessionView,
    asked: Asked = NOTHING_ASKED,
    keeps_to_branches: bool = True,
) -> Decision | Question:
    """Decide where `text` with the parameters `params` runs in the session `view`.

    `asked`: what was asked before, so that it is not asked again.
    `keeps_to_branches`: a link that the transaction has decides the role; else only
    what the transaction is. Raises the refusals of routing and sharding.
    """
    plan = text.plan
    if view.pins.version or plan.statement.needs:
        pinned = decide_pinned(text, params, view)
        if pinned is not None:
            return pinned
    if plan.is_simple and view.is_unconstrained:
        return _decide_simple(plan, view, asked)
    try:
        destination = find_destination(text, params, view)
    except ColumnsWanted as wanted:
        if asked.columns:
            raise errors.ShardError(*wanted.args) from None
        return AskColumns(plan.database.name, wanted.table)
    if plan.statement.asks and not plan.is_read and not asked.catalog:
        question = _question(plan, destination.database, view)
        if question is not None:
            return question
    branch = destination.groups[0] if len(destination.numbers) == 1 else -1
    if keeps_to_branches and branch in view.transaction.branches:
        return _decide_branch(plan, view, destination, branch)
    return _decide_placed(plan, view, destination, asked)


def _decide_simple(plan: Plan, view: SessionView, asked: Asked) -> Decision | Question:
    """Decide for a session that asks for nothing special: the plan knows all but who
    may answer a read."""
    topology = view.core.topology
    groups, consistency = (plan.group_id,), plan.database.consistency
    readers: Readers = _ANY
    if plan.may_replica:
        found = _find_readers(view, topology, plan.group_id, consistency, asked)
        if not isinstance(found, Readers):
            return found
        readers = found
        if readers.refusal is None:
            role, route = Role.REPLICA, plan.replica_route or plan.to_replica()
        elif readers.refusal is Reason.OWN_WRITES:
            role, route = Role.WRITER, plan.own_writes_route or plan.to_own_writes()
        else:
            role, route = Role.WRITER, plan.writer_route or plan.to_writer()
    else:
        role, route = Role.WRITER, plan.writer_route or plan.to_writer()
    return Decision(
        groups,
        role,
        route,
        plan.is_read,
        topology,
        None,
        False,
        consistency,
        None,
        readers.seen,
        readers.replicas,
    )


def _decide_branch(
    plan: Plan, view: SessionView, destination: Destination, group: int
) -> Decision:
    """A transaction stays on the link that it has to a group."""
    hints = view.core.config.hints
    role = view.transaction.roles[group]
    if role is Role.REPLICA and not plan.is_read:
        _check_declared(plan, view)
    return Decision(
        destination.groups,
        role,
        destination.route(plan, role, Reason.IN_TRANSACTION),
        plan.is_read,
        view.core.topology,
        destination.target,
        consistency=consistency_of(
            plan.statement, destination.database, view.consistency, hints
        ),
    )


def decide_part(
    plan: Plan, view: SessionView, destination: Destination, asked: Asked
) -> Decision | Question:
    """Decide who reads a part of a statement of this `plan` at its `destination`, one
    group, in the session `view`; `asked` is what was asked before."""
    (group,) = destination.groups
    if group in view.transaction.branches:
        return _decide_branch(plan, view, destination, group)
    return _decide_placed(plan, view, destination, asked)


def _decide_placed(
    plan: Plan, view: SessionView, destination: Destination, asked: Asked
) -> Decision | Question:
    """Decide the role of `plan` at its `destination` by the order of precedence, and
    who may answer a read, in the session `view`; `asked` is what was asked before."""
    topology, hints = view.core.topology, view.core.config.hints
    database, groups = destination.database, destination.groups
    is_early = plan.is_read and reads_early(view, database)
    role, reason = decide_role(
        plan.statement,
        plan.is_read,
        database,
        topology.groups[groups[0]].is_single,
        view,
        hints,
        is_early,
    )
    consistency = consistency_of(plan.statement, database, view.consistency, hints)
    readers: Readers = _ANY
    if role is Role.REPLICA:
        found = _find_readers(view, topology, groups[0], consistency, asked)
        if not isinstance(found, Readers):
            return found
        readers = found
        if readers.refusal is not None:
            role, reason = Role.WRITER, readers.refusal
        elif view.is_serializable and database.dialect == "postgresql":
            role, reason = Role.WRITER, Reason.SERIALIZABLE
        elif database.is_sharded and plan.rules.moving(plan.statement.tables):
            role, reason = Role.WRITER, Reason.NO_REPLICA
    return Decision(
        groups,
        role,
        destination.route(plan, role, reason),
        plan.is_read,
        topology,
        destination.target,
        is_early and role is Role.REPLICA,
        consistency,
        None,
        readers.seen,
        readers.replicas,
    )


class Readers(NamedTuple):
    """Who may answer a plain read: `replicas` of the ring, None for all of them, by
    what the session has `seen`; or the reason why none may."""

    refusal: Reason | None = None
    seen: View | None = None
    replicas: tuple[int, ...] | None = None


_ANY = Readers()
_NONE_THERE = Readers(Reason.NO_REPLICA)


def _find_readers(
    view: SessionView,
    topology: Snapshot,
    group_id: int,
    consistency: str,
    asked: Asked,
) -> Readers | AskPosition:
    group = topology.groups[group_id]
    if not group.read_ring:
        return _NONE_THERE
    if consistency == "eventual":
        return _ANY
    seen = view_of(view, group_id, consistency)
    replicas = allowed_replicas(group, seen)
    if replicas is None or replicas:
        return Readers(None, seen, replicas)
    if not asked.position and _may_lead(group, seen):
        nearest = _nearest(view, group)
        if nearest is not None:
            return AskPosition(group_id, nearest)
    return Readers(Reason.OWN_WRITES, seen, replicas)


def _may_lead(group: GroupView, seen: View) -> bool:
    """Tell whether asking the session's last node may lead to a replica by what it has
    `seen`. Where a replica is to hold what the process has written since, only the
    writer's position tells that, or a sample."""
    if group.sample is None:
        return False
    wrote_at, state = seen.process_wrote_at, seen.read_state
    return (
        wrote_at <= state.process_wrote_at
        or state.last_node == group.writer
        or any(node.holds_until >= wrote_at for node in group.nodes)
    )


def _nearest(view: SessionView, group: GroupView) -> int | None:
    """Return the replica, one with a link if possible, that has come the furthest, not
    long before the writer's last sample. Another would not cover what the session's
    last node says either, so that asking would be in vain."""
    sample = group.sample
    if sample is None:
        return None
    nearest, best = None, (False, sample.asked_at - FAR_BEHIND_S)
    for node in group.nodes:
        position = node.position
        if node.id not in group.read_ring or position is None:
            continue
        until = node.holds_until
        if position.covers(sample.position):
            until = sample.asked_at
        rank = (node.id in view.open, until)
        if until > sample.asked_at - FAR_BEHIND_S and rank > best:
            nearest, best = node.id, rank
    return nearest


def view_of(view: SessionView, group_id: int, consistency: str) -> View:
    """Return what a read of `group_id` under `consistency` must not fall behind of, in
    the session `view`."""
    state = view.read_states.get(group_id, NOTHING_SEEN)
    wrote_at = 0.0
    if consistency == "process":
        wrote_at = view.core.process_wrote_at.get(group_id, 0.0)
    seen_at = state.since
    if state.last_node >= 0:
        link = view.open.get(state.last_node)
        used_at = (
            view.last_answered_at.get(state.last_node, 0.0)
            if link is None
            else link.used_at
        )
        seen_at = max(seen_at, used_at)
    return View(state, seen_at, wrote_at)


def decide_pinned(text: ParsedText, params: Any, view: SessionView) -> Decision | None:
    """Decide for a `text` that needs, with `params`, what lives on one node in the
    session `view`; None: it does not.

    A temporary table hides the table of its name and the rule for that, and nothing
    that chooses between nodes counts: not the role, not the consistency. Raises what
    `find_pinned` raises, and OperationalError for what was prepared on a replica that
    may be behind the session by now.
    """
    plan = text.plan
    pinned = find_pinned(text, params, view)
    if pinned is None:
        return None
    node, topology = pinned.node, view.core.topology
    group = view.core.groups[node.group]
    writer = topology.groups[node.group].writer
    role = Role.REPLICA if writer not in (None, node.id) else Role.WRITER
    if role is Role.REPLICA and plan.statement.kind is Kind.CALL:
        _check_seen(plan, view, pinned)
    route = Route(
        node.database, (group.shard or 0,), role, ((Reason.PINNED, pinned.why),)
    )
    route = plan.counted(route)
    return Decision((node.group,), role, route, plan.is_read, topology, node=node.id)


def _check_seen(plan: Plan, view: SessionView, pinned: Pinned) -> None:
    """A replica on which something was prepared may be behind this session by now."""
    node, core = pinned.node, view.core
    branch = view.transaction.branches.get(node.group)
    if branch is not None and branch.node.id == node.id:
        return
    database = core.config.databases[node.database]
    hints = core.config.hints
    consistency = consistency_of(plan.statement, database, view.consistency, hints)
    if consistency == "eventual":
        return
    seen = view_of(view, node.group, consistency)
    replicas = allowed_replicas(core.topology.groups[node.group], seen)
    if consistency == "strong" or (replicas is not None and node.id not in replicas):
        raise errors.OperationalError(
            f"{pinned.why}, a replica that is not known to hold what this session has "
            "seen: prepare it again, which does so on the writer"
        )


def _check_declared(plan: Plan, view: SessionView) -> None:
    """A transaction that using() or a hint put on a replica cannot write. One that was
    declared read-only hears so from its server, in the server's own words."""
    harmless = plan.statement.kind in (Kind.TRANSACTION, Kind.SESSION)
    if not harmless and not view.is_read_only:
        raise errors.ReadOnlyError(
            f"{plan.statement.verb} in a transaction that reads from a replica: "
            "commit or roll back first, then write"
        )


def reads_early(view: SessionView, database: DatabaseConfig) -> bool:
    """Tell whether a plain read of `database` may leave the transaction of the session
    `view` for a replica now.

    Only before the first write and only under READ COMMITTED, where each statement has
    a snapshot of its own anyway (PostgreSQL manual, 13.2.1). MySQL's default is
    REPEATABLE READ, so there the level must have been asked for by name.
    """
    if database.transaction_reads != "replica":
        return False
    if view.transaction.state not in (TxState.OPEN, TxState.READING):
        return False
    level = view.transaction.mode.isolation
    if level is None:
        return database.dialect == "postgresql" and view.has_default_isolation
    return level.upper() == "READ COMMITTED"


def _question(
    plan: Plan, database: DatabaseConfig, view: SessionView
) -> AskCatalog | None:
    """Return what to ask about functions on no list; None where the answer would change
    nothing: groups without replicas, or a transaction that goes to the writer anyway.
    """
    if not database.has_replicas:
        return None
    if view.in_transaction and not view.is_read_only:
        return None
    return AskCatalog(database.name, database.groups[0].id, plan.statement.asks)
