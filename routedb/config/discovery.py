"""`discovery = "patroni"`: where the members come from, and how they are reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from routedb.config.document import Document, Path
from routedb.config.dsn import node_name, parse_dsn, unique_name
from routedb.config.model import Discovery, NodeConfig

# What libpq takes instead of a host.
_PLACES = ("host", "hostaddr", "service")
_PORT = 5432
# What a DSN, a service or the environment may set that is wrong for other servers.
_OF_MEMBERS = {"hostaddr": "", "target_session_attrs": "any"}


def read_discovery(
    document: Document, path: Path, options: dict[str, Any], is_sharded: bool
) -> Discovery | None:
    """Take the options of discovery out of `options`; None when there is none.

    `path` is the database's in `document`. Raises ConfigError for options that do not
    go together, and for a database that `is_sharded`.
    """
    how = options.pop("discovery", "nodes")
    urls, ca = options.pop("urls", None), options.pop("urls_ca", None)
    if how == "nodes":
        for key, value in (("urls", urls), ("urls_ca", ca)):
            if value is not None:
                place = _place(document, path, key)
                document.refuse(place, 'is for discovery = "patroni"', found=False)
        return None
    place = _place(document, path, "discovery")
    if is_sharded:
        document.refuse(
            place,
            "members are discovered of a database that is not sharded; write the nodes "
            'of each shard and leave discovery = "patroni" out',
            found=False,
        )
    if urls is None:
        what = 'needs the addresses of Patroni: urls = ["http://db1:8008", …]'
        document.refuse(place, what, found=False)
    return Discovery(urls, ca)


def check_nodes(
    document: Document,
    path: Path,
    nodes: Collection[NodeConfig],
    environ: Mapping[str, str],
) -> None:
    """Refuse nodes from which the DSNs of Patroni's members cannot be made.

    `nodes` are those of the database at `path` in `document`. A node needs a host, or
    PGHOST in `environ`. Raises ConfigError.
    """
    place = _place(document, path, "discovery")
    engines = sorted({node.engine for node in nodes} - {"postgresql"})
    if engines:
        document.refuse(place, f"Patroni runs PostgreSQL; found {engines[0]} nodes")
    for number, node in enumerate(nodes):
        said = _where(node)
        if not any(said.get(key) for key in _PLACES) and not environ.get("PGHOST"):
            document.refuse(
                (*path, "nodes", number),
                "names no host; write the DSN of one member, as the others are reached "
                "like it, at the hosts and ports that Patroni names",
            )


def address_of(node: NodeConfig) -> tuple[str, int] | None:
    """Return host and port of a PostgreSQL node; None when it is no one address."""
    said = _where(node)
    host = str(said.get("host") or said.get("hostaddr") or "")
    port = str(said.get("port") or _PORT)
    is_one = host and "," not in host and port.isdecimal()
    return (host, int(port)) if is_one else None


def member_like(
    node: NodeConfig, id_: int, host: str, port: int, taken: Collection[str]
) -> NodeConfig:
    """Return a node at `host` and `port` that is reached as `node` is: as the same
    user, with the same password, database and options.

    `id_` is its id, `taken` holds the names that it must not have.
    """
    where = {**_where(node), "host": host, "port": port}
    return NodeConfig(
        id=id_,
        name=unique_name(node_name(node.engine, where, {}), taken),
        engine=node.engine,
        dsn=node.dsn,
        database=node.database,
        group=node.group,
        options={**node.options, **_OF_MEMBERS, "host": host, "port": port},
    )


def _where(node: NodeConfig) -> dict[str, Any]:
    return {**parse_dsn(node.dsn).where, **node.options}


def _place(document: Document, path: Path, key: str) -> Path:
    """Return where the option was written: under the database, or as a keyword."""
    inside = (*path, key)
    return inside if document.value(inside) is not None else (key,)
