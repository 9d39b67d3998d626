"""A small sharded database, and short ways to ask where a statement runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routedb.config.model import ShardFunction, TableRule
from routedb.sharding import ShardPlan, Target, analyse
from routedb.sql import Classifier, Scan, Table

SHARDS = 4
FUNCTION = ShardFunction("modulo")
OTHER = ShardFunction("hash")


def rule(name: str, key: str | None, function: ShardFunction | None) -> TableRule:
    """Return the rule for a table; without a key it is a reference table."""
    return TableRule(name, None, name, "orders", key, function, key is None)


RULES = {
    "orders": rule("orders", "customer_id", FUNCTION),
    "items": rule("items", "customer_id", FUNCTION),
    "events": rule("events", "user_id", OTHER),
    "countries": rule("countries", None, None),
    "rates": rule("rates", None, None),
}


def plan(
    sql: str,
    dialect: str = "postgresql",
    rules: Mapping[str, TableRule] = RULES,
) -> tuple[ShardPlan, Scan]:
    """Analyse a statement as the engine does."""
    classifier = Classifier(dialect)
    scan = classifier.scan(sql)
    statement = classifier.statement(scan)
    renamed = [Table(None, new) for _, new in statement.renames]
    tables: dict[Table, TableRule] = {
        table: rules[table.name.lower()]
        for table in (*statement.tables, *renamed)
        if table.name.lower() in rules
    }
    return analyse(sql, scan, dialect, tables), scan


def target(
    sql: str,
    params: Any = None,
    dialect: str = "postgresql",
    rules: Mapping[str, TableRule] = RULES,
) -> Target:
    """Return where a statement runs."""
    shards, scan = plan(sql, dialect, rules)
    return shards.resolve(sql, scan, params, SHARDS)


def shard(sql: str, params: Any = None, dialect: str = "postgresql") -> int | str:
    """Return the number of the one shard, or "any" or "every", or "each of …"."""
    found = target(sql, params, dialect)
    if found.is_any:
        return "any"
    if found.is_every:
        return "every"
    assert not found.parts
    if found.is_each:
        return "each of " + ", ".join(map(str, sorted(found.shards)))
    (number,) = found.shards
    return number
