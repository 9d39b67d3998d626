"""Which database a statement is for, and which of its groups."""

from __future__ import annotations

from typing import Any, NamedTuple

from routedb import errors
from routedb.config.model import ClusterConfig, DatabaseConfig, TableRule
from routedb.routing.plan import ParsedText, Plan
from routedb.routing.route import Reason, Route
from routedb.routing.view import SessionView
from routedb.sharding import (
    ShardPlan,
    Target,
    analyse,
    is_apart_from_transactions,
    shard_for_key_hint,
)
from routedb.sql import Scan, scan
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role


class Destination(NamedTuple):
    """Where a statement runs, whatever its role. `target` is set when several shards
    take part, or one with a text of its own: what runs on each."""

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
        """Return the route of `plan` to this place in `role`, for `reason`."""
        name = self.database.name
        return plan.route(self.numbers, role, reason, name, self.shard, self.is_home)


def find_destination(text: ParsedText, params: Any, view: SessionView) -> Destination:
    """Find the database and the groups of `text` with the parameters `params`, in the
    session `view`.

    Raises the plan's refusal, ShardError where nothing tells the shard, HintError for a
    hint that cannot be followed.
    """
    plan = text.plan
    if plan.refusal is not None:
        raise type(plan.refusal)(*plan.refusal.args)
    database, is_home = _database(plan, view)
    return Destination(database, *_shards(text, params, view, database), is_home)


def _database(plan: Plan, view: SessionView) -> tuple[DatabaseConfig, bool]:
    """A statement without tables goes where the transaction is, else to the default:
    one that computes something only to a server that reads it as it is meant."""
    home = view.transaction.home
    if plan.placement.database is None and home >= 0:
        database = view.core.config.databases[view.core.groups[home].database]
        if database.dialect == plan.dialect or plan.statement.kind not in _COMPUTING:
            return database, True
    return plan.database, False


_COMPUTING = frozenset({Kind.READ, Kind.LOCK, Kind.WRITE, Kind.CALL})
# Definitions that name no table, of what a sharded database has on every shard. SCHEMA
# is MySQL's word for a database, which a server has one of.
_EVERYWHERE = frozenset(
    {"DROP INDEX", "ALTER INDEX", "COMMENT", "ANALYZE", "VACUUM", "REINDEX"}
    | {f"{verb} {kind}" for verb in ("CREATE", "ALTER", "DROP")
       for kind in ("EXTENSION", "TYPE", "DOMAIN", "COLLATION", "FUNCTION", "PROCEDURE",
                    "ROUTINE", "AGGREGATE", "OPERATOR", "CAST", "TEXT")}
)  # fmt: skip
_SCHEMAS = frozenset({"CREATE SCHEMA", "ALTER SCHEMA", "DROP SCHEMA"})

Shards = tuple[tuple[int, ...], tuple[Reason, str] | None, Target | None]


def _shards(
    text: ParsedText, params: Any, view: SessionView, database: DatabaseConfig
) -> Shards:
    """Return the numbers of the shards, the reason, and the target when several."""
    plan = text.plan
    hinted = _hinted_shard(plan, view, database)
    if not database.is_sharded:
        return (0,), None, None
    if hinted is not None:
        return (hinted,), (Reason.HINT_SHARD, f"hint names shard {hinted}"), None
    _check_ruled(plan, database)
    if not plan.needs_shard or not plan.placement.sharded:
        return _shardless(plan, view, database)
    if plan.shards.columns:
        plan.shards.renew(view.core.catalog.version)
    target = _resolve(text, params, database)
    if target.is_any:
        number = _number_at_hand(view, database)
        return (number,), (Reason.ANY_SHARD, "reference tables: any shard"), None
    numbers = tuple(sorted(target.shards))
    if len(numbers) == 1:
        why = f"shard key is on shard {numbers[0]}"
        return numbers, (Reason.SHARD_KEY, why), target if target.parts else None
    if target.is_every:
        return numbers, (Reason.EVERY_SHARD, _why_every(plan)), target
    why = f"rows are on shards {', '.join(map(str, numbers))}"
    if target.is_each and len(numbers) == len(database.groups):
        why = "rows may be on any shard: runs on every one"
    return numbers, (Reason.SHARD_KEY, why), target


def _resolve(text: ParsedText, params: Any, database: DatabaseConfig) -> Target:
    plan, source, found = text.plan, text.source, text.scan

    def shards_of(found: Scan) -> ShardPlan:
        return plan.shards.find(
            found.counted,
            lambda: analyse(
                source,
                found,
                plan.dialect,
                plan.placement.sharded,
                plan.shards.columns,
            ),
        )

    shards = shards_of(found)
    if shards.counts_literals:  # and some were left out
        found = scan(source, plan.dialect)
        shards = shards_of(found)
    return shards.resolve(source, found, params, len(database.groups))


def _check_ruled(plan: Plan, database: DatabaseConfig) -> None:
    if plan.placement.unruled:
        named = ", ".join(map(str, plan.placement.unruled))
        raise errors.ShardError(
            f"table {named} has no shard_key and is no reference table of database "
            f"{database.name}: add a rule under [tables], or name the shard with "
            "/* routedb: shard=… */"
        )


def _shardless(plan: Plan, view: SessionView, database: DatabaseConfig) -> Shards:
    """A statement that touches no table: any shard may answer, if it only reads."""
    statement = plan.statement
    if statement.verb in _EVERYWHERE or (
        statement.verb in _SCHEMAS and database.dialect == "postgresql"
    ):
        every = frozenset(range(len(database.groups)))
        is_apart = is_apart_from_transactions(plan.shape, plan.dialect)
        target = Target(every, is_every=True, is_apart=is_apart)
        return tuple(sorted(every)), (Reason.EVERY_SHARD, _why_every(plan)), target
    if statement.verb == "CREATE SEQUENCE":
        raise errors.ShardError(
            f"CREATE SEQUENCE in {database.name}: each of its shards would draw the "
            "same numbers. Let a rule make the keys (id = …), or make one on each "
            "shard with /* routedb: shard=… */"
        )
    if not plan.is_read and statement.kind not in (Kind.TRANSACTION, Kind.SESSION):
        raise errors.ShardError(
            f"{statement.verb or 'the statement'} names no table with a shard key, so "
            f"nothing says which shard of {database.name} it is for: name it with "
            "/* routedb: shard=… */ or /* routedb: key=… */"
        )
    why = (Reason.ANY_SHARD, "no table: any shard")
    return (_number_at_hand(view, database),), why, None


def _why_every(plan: Plan) -> str:
    if plan.statement.kind in (Kind.DDL, Kind.LOCK):
        return f"{plan.statement.verb}: runs on every shard"
    return "reference table: written on every shard"


def _number_at_hand(view: SessionView, database: DatabaseConfig) -> int:
    """Return the number of a shard that this transaction, or this connection, already
    has a link to, so that "any shard" does not open another; else spread."""
    by_id = {group.id: number for number, group in enumerate(database.groups)}
    if view.transaction.home in by_id:
        return by_id[view.transaction.home]
    for group in view.transaction.branches:
        if group in by_id:
            return by_id[group]
    return view.rotation() % len(database.groups)


def _hinted_shard(
    plan: Plan, view: SessionView, database: DatabaseConfig
) -> int | None:
    hints = plan.statement.hints
    config = view.core.config
    if hints is None or not config.hints:
        return None
    if hints.shard is not None:
        return check_hint_shard(config, database, hints.shard)
    if hints.key is None:
        return None
    if not database.is_sharded:
        raise errors.HintError(f"hint key=: database {database.name} is not sharded")
    rule = _rule_for_key(plan, view, database)
    shard: int = shard_for_key_hint(rule, hints.key, len(database.groups))
    return shard


def check_hint_shard(
    config: ClusterConfig, database: DatabaseConfig, shard: int
) -> int:
    """Return the shard a hint names, when the database has it.

    Raises HintError when `database` of `config` is not sharded, or has no such shard.
    """
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


def _rule_for_key(plan: Plan, view: SessionView, database: DatabaseConfig) -> TableRule:
    """Return the rule whose function a `key=` hint goes through: the statement's own
    sharded table, else the only function the database uses."""
    own = [r for r in plan.placement.sharded.values() if r.shard_key is not None]
    rules = own or [
        r
        for r in view.core.rules.tables
        if r.database == database.name and r.shard_key is not None
    ]
    if not rules or any(r.function != rules[0].function for r in rules):
        raise errors.HintError(
            f"hint key=: the tables of {database.name} do not share one shard "
            "function, so the key alone does not name a shard; use shard="
        )
    return rules[0]
