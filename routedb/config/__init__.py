"""From DSNs, files and mappings to the typed values that describe a cluster.

In comes what `connect()` was given, with the environment and a function that reads
files; out goes a `ClusterConfig`, checked, or a ConfigError that names the key.
`schema` is the shape of a file, `options` reads a database's keys, `model` has the
values.
"""

from __future__ import annotations

from routedb.config.load import NO_DEFAULTS, load, load_tables
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
    "NO_DEFAULTS",
    "ClusterConfig",
    "DatabaseConfig",
    "GroupConfig",
    "NodeConfig",
    "PoolConfig",
    "ShardFunction",
    "TableRule",
    "load",
    "load_tables",
    "mask",
]
