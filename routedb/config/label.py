"""What observers may know of a node: its name and address, without anything secret."""

from __future__ import annotations

from functools import lru_cache

from routedb.config.dsn import parse_dsn
from routedb.config.model import NodeConfig
from routedb.events import NodeLabel

_MOST_LABELS = 4096


def label_of(node: NodeConfig, shard: int | None = None) -> NodeLabel:
    """Return the label of a node; the same object each time.

    `shard` is the number of its group among the database's shards. What the DSN leaves
    to the environment, or to a file, is None.
    """
    options = node.options
    given = (options.get("host"), options.get("port"), options.get("database"))
    return _label(node.name, node.database, shard, node.engine, node.dsn, given)


@lru_cache(_MOST_LABELS)
def _label(
    name: str,
    database: str,
    shard: int | None,
    engine: str,
    dsn: str,
    given: tuple[object, ...],
) -> NodeLabel:
    where = parse_dsn(dsn).where
    host = given[0] or where.get("host") or where.get("hostaddr")
    port = str(given[1] or where.get("port"))
    inside = given[2] or where.get("dbname") or where.get("database")
    if engine == "sqlite":
        inside = where["name"]
    return NodeLabel(
        name,
        database,
        shard,
        engine,
        str(host) if host else None,
        int(port) if port.isdecimal() else None,
        str(inside) if inside else None,
    )
