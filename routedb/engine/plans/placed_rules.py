"""Rules made of placements: each by itself, so that one which this program cannot
follow refuses its own table, and no other."""

from __future__ import annotations

from dataclasses import replace

from routedb.config.model import ClusterConfig, TableRule
from routedb.config.placements import Placement, Placements, refused, rule_of
from routedb.errors import ConfigError
from routedb.sharding import check_rules


def placed_rules(
    placements: Placements, config: ClusterConfig
) -> tuple[TableRule, ...]:
    """Return the rules of `placements` in the cluster of `config`: names with a schema
    first, or those without would hide them."""
    rules = [rule for row in placements.rows for rule in rules_of(row, config)]
    return tuple(sorted(rules, key=lambda rule: rule.schema is None))


def rules_of(row: Placement, config: ClusterConfig) -> list[TableRule]:
    """Return the rule of one `row` in the cluster of `config`, which may refuse its
    table; none where it names no table."""
    try:
        rule = rule_of(row, config)
        check_rules(replace(config, tables=(rule,)))
    except ConfigError as exc:
        try:
            return [refused(row, config, exc)]
        except ConfigError:  # it names no table
            return []
    return [rule]
