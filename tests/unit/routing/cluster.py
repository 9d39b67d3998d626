"""A cluster of four databases to route on; no node of it exists."""

from __future__ import annotations

from itertools import count

from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    NodeConfig,
    ShardFunction,
    TableRule,
)


def rule(pattern, database, schema=None, **facts):
    name = pattern.rpartition(".")[2]
    if "shard_key" in facts:
        facts.setdefault("function", ShardFunction())
    return TableRule(pattern, schema, name, database, **facts)


def cluster(rules=(), default="main", **options):
    ids, group_ids = count(), count()

    def group(database, shard, nodes):
        number = next(group_ids)
        made = (
            NodeConfig(
                next(ids), f"{database}-{number}-{n}", "fake", "", database, number
            )
            for n in range(nodes)
        )
        return GroupConfig(number, database, shard, tuple(made))

    databases = [
        DatabaseConfig("main", (group("main", None, 3),), "postgresql"),
        DatabaseConfig("crm", (group("crm", None, 1),), "mysql", read_only=True),
        DatabaseConfig("archive", (group("archive", None, 1),), "postgresql"),
        DatabaseConfig(
            "orders", tuple(group("orders", n, 2) for n in range(4)), "postgresql"
        ),
    ]
    return ClusterConfig(
        {database.name: database for database in databases},
        default,
        tuple(rules),
        **options,
    )
