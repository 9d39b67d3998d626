"""What statements over several groups may take: what goes beyond single values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routedb import errors
from routedb.config.document import Document, Path
from routedb.config.model import ClusterConfig, DatabaseConfig, NodeConfig
from routedb.config.options import read_merge

_USING = "using()"


def check_work_nodes(
    document: Document, databases: Mapping[str, DatabaseConfig]
) -> None:
    """Check the `work_node` of each of the `databases` of `document`. Raises
    ConfigError for a name that no node has, and for a file, where nothing is worked
    out."""
    nodes = _nodes_of(databases)
    for name, database in databases.items():
        wanted = database.merge.work_node
        path: Path = ("databases", name, "merge", "work_node")
        if document.value(path) is None:
            path = ("merge", "work_node")
        if wanted is not None:
            _check_work_node(document, path, wanted, nodes)


def read_limits(
    before: Mapping[str, Any], written: Mapping[str, Any] | None, config: ClusterConfig
) -> Mapping[str, Any]:
    """Return the fields of MergeConfig that `conn.using(merge=written)` sets, and those
    that an outer block has set `before`. `config` knows the nodes. Raises HintError."""
    if written is None:
        return before
    document = Document(_USING, {"merge": written}, {}, {})
    try:
        chosen = read_merge(document, ("merge",))
        if "work_node" in chosen:
            path = ("merge", "work_node")
            nodes = _nodes_of(config.databases)
            _check_work_node(document, path, chosen["work_node"], nodes)
    except errors.ConfigError as exc:
        raise errors.HintError(str(exc)) from None
    return {**before, **chosen}


def _check_work_node(
    document: Document, path: Path, wanted: str, nodes: Mapping[str, NodeConfig]
) -> None:
    document.choose(path, wanted, nodes, "nodes")
    if nodes[wanted].engine == "sqlite":
        document.refuse(path, "on SQLite the rest is worked out in memory")


def _nodes_of(databases: Mapping[str, DatabaseConfig]) -> dict[str, NodeConfig]:
    return {
        node.name: node
        for database in databases.values()
        for group in database.groups
        for node in group.nodes
    }
