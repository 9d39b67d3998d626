"""Which MySQL nodes are told to read quotes and || as other databases do.

MySQL takes "name" for a string and || for OR: a text of another dialect, which a table
rule sends there, would bring wrong rows and no error.
"""

from __future__ import annotations

from dataclasses import replace

from routedb.config.model import DatabaseConfig, NodeConfig


def standard_sql(database: DatabaseConfig) -> DatabaseConfig:
    """Return `database` of a cluster whose texts are not MySQL's, with its MySQL nodes
    marked, unless the sql_mode of one of them is configured."""
    nodes = [node for group in database.groups for node in group.nodes]
    if database.dialect != "mysql" or any(map(_has_mode, nodes)):
        return database
    groups = tuple(
        replace(
            group, nodes=tuple(replace(n, is_standard_sql=True) for n in group.nodes)
        )
        for group in database.groups
    )
    return replace(database, groups=groups)


def _has_mode(node: NodeConfig) -> bool:
    said = str(node.options.get("init_command", "")).lower()
    return "sql_mode" in node.options or "sql_mode" in said
