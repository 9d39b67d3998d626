"""Configurations of any shape, built in one call."""

from __future__ import annotations

from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    NodeConfig,
)


def cluster(
    names: list[str],
    *,
    dialect: str = "postgresql",
    read_only: tuple[str, ...] = (),
    weights: dict[str, float] | None = None,
    is_discovered: bool = False,
    **options,
) -> ClusterConfig:
    """One unsharded database of one group; nodes are numbered as they are named."""
    nodes = tuple(
        NodeConfig(
            id=i,
            name=name,
            engine="fake",
            dsn=f"fake://{name}",
            database="main",
            group=0,
            weight=(weights or {}).get(name, 1.0),
            is_read_only=name in read_only,
        )
        for i, name in enumerate(names)
    )
    group = GroupConfig(0, "main", None, nodes, is_discovered)
    database = DatabaseConfig("main", (group,), dialect, **options)
    return ClusterConfig({"main": database}, default="main")
