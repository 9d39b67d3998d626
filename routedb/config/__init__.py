"""From DSNs, files and mappings to the typed values that describe a cluster."""

from __future__ import annotations

from routedb.config.load import load
from routedb.config.mask import mask
from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    NodeConfig,
    PoolConfig,
    ShardFunction,
    TableRule,
)

__all__ = [
    "ClusterConfig",
    "DatabaseConfig",
    "GroupConfig",
    "NodeConfig",
    "PoolConfig",
    "ShardFunction",
    "TableRule",
    "load",
    "mask",
]
