"""Where the tables of a statement are, as the planner takes it."""

from __future__ import annotations

from routedb.config.model import ClusterConfig, ShardFunction, TableRule
from routedb.engine.session import Session
from routedb.planner import Cluster, Copied, Place, Placement, Sharded, Whole
from routedb.routing.plan import Plan
from routedb.sql.statement import Table


def cluster_of(session: Session, plan: Plan) -> Cluster:
    """Return the databases and the places of the tables of a statement.

    `plan` is the statement's, `session` has the rules, and what `using()` chose. A
    table whose place is not certain has none: the planner refuses it by name.
    """
    rules = session.core.rules
    config = session.core.config
    hints = plan.statement.hints
    chosen = session.database
    if hints is not None and hints.database is not None:
        chosen = hints.database
    tables: dict[Table, Placement] = {}
    for table in plan.statement.tables:
        rule = rules.rule_for(table)
        name = chosen or (rule.database if rule is not None else config.default)
        place = None if name is None else _placement(config, name, rule)
        if place is not None:
            tables[table] = place
    places = {
        name: Place(database.dialect, len(database.groups))
        for name, database in config.databases.items()
    }
    return Cluster(places, tables)


def _placement(
    config: ClusterConfig, name: str, rule: TableRule | None
) -> Placement | None:
    if not config.databases[name].is_sharded:
        return Whole(name)
    if rule is None or rule.database != name:
        return None
    if rule.is_reference:
        return Copied(name)
    if rule.shard_key is None:
        return None
    return Sharded(name, rule.shard_key, rule.function or ShardFunction())
