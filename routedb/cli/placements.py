"""What `routedb check` says about placements: where the file still says another place,
and what this configuration cannot follow."""

from __future__ import annotations

from routedb.config.mask import mask
from routedb.config.model import ClusterConfig, TableRule
from routedb.config.placements import Placement, Placements
from routedb.engine.plans.placed_rules import rules_of
from routedb.engine.shared.core import Core
from routedb.engine.shared.placement_watch import PlacementWatch
from routedb.routing import Rules
from routedb.sql.statement import Table


def placement_warnings(core: Core) -> list[str]:
    """Return in which tables the placements of `core`'s home database differ from the
    file; nothing where there is no table of them."""
    try:
        learn_placements(core)
    except Exception as exc:  # drivers raise various classes
        said = " ".join(mask(str(exc)).split())
        return [f"warning: the placements of tables cannot be read: {said}"]
    return stale_rules(core.ruleset.placements, core.config)


def learn_placements(core: Core) -> None:
    """Put in force what the home database of `core` says, if there is one. Raises what
    the driver raises, and NoNodeError."""
    home = core.config.home
    if home is not None:
        timeout_s = core.config.databases[home.database].connect_timeout_s
        PlacementWatch(core, lambda: False).ask_now(timeout_s)


def stale_rules(placements: Placements, config: ClusterConfig) -> list[str]:
    """Return what of the `[tables]` of `config` is not so, by `placements`."""
    written = Rules(config)
    found = []
    for row in placements.rows:
        for rule in rules_of(row, config):
            table = Table(rule.schema, rule.name)
            before = written.rule_for(table)
            if rule.refusal:
                found.append(f"warning: {rule.refusal}")
            elif not _is_same(rule, before, config):
                found.append(_said(row, before, config))
    return found


def _is_same(
    placed: TableRule, before: TableRule | None, config: ClusterConfig
) -> bool:
    if before is None:
        return placed.database == config.default and placed.shard_key is None
    facts = (before.database, before.shard_key, before.function, before.is_reference)
    return facts == (
        placed.database,
        placed.shard_key,
        placed.function,
        placed.is_reference,
    )


def _said(row: Placement, before: TableRule | None, config: ClusterConfig) -> str:
    if before is None:
        where = f"in {config.default}" if config.default else "nowhere"
    elif before.database == row.database:
        where = "there in another way"
    else:
        where = f"in {before.database}, by rule {before.pattern!r}"
    return (
        f"{config.source}: warning: table {row.table} is in {row.database} by "
        f"{row.name}, and by [tables] {where}: write there where it is now"
    )
