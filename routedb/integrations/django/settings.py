"""From Django's settings to a routedb configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from routedb.config.load import CLUSTER_KEYWORDS
from routedb.config.model import ClusterConfig, NodeConfig
from routedb.config.options import OPTIONS
from routedb.integrations import driver
from routedb.routing import database_for

_PLACES = ("config", "nodes", "databases")  # any of them names the servers
_KNOWN = {*_PLACES, "tables", *CLUSTER_KEYWORDS, *OPTIONS}

# Under which keyword a driver takes the name of the database.
DBNAME = {"postgresql": "dbname", "mysql": "database"}


def routed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return OPTIONS["routedb"].

    Raises ImproperlyConfigured for keys that are unknown or do not go together.
    """
    given = dict(settings["OPTIONS"].get("routedb") or {})
    unknown = sorted(given.keys() - _KNOWN)
    if unknown:
        raise ImproperlyConfigured(
            f"OPTIONS['routedb'] has unknown keys: {', '.join(unknown)}; allowed are "
            f"{', '.join(sorted(_KNOWN))}"
        )
    in_file = [key for key in ("nodes", "databases", "tables") if key in given]
    if "config" in given and in_file:
        raise ImproperlyConfigured(
            f"OPTIONS['routedb'] has config: {', '.join(in_file)} belong in that file"
        )
    if in_file == ["tables"]:
        raise ImproperlyConfigured(
            "OPTIONS['routedb'] has tables, but neither nodes nor databases for them"
        )
    return given


def names_nodes(settings: Mapping[str, Any]) -> bool:
    """Tell whether OPTIONS["routedb"] names the servers; else Django's own settings
    name one node."""
    return any(key in routed(settings) for key in _PLACES)


def read(settings: Mapping[str, Any], engine: str) -> ClusterConfig:
    """Return the configuration that OPTIONS["routedb"] of `settings` holds or names.

    Raises ConfigError, and ImproperlyConfigured when its default database is not of
    the backend's `engine`.
    """
    given = routed(settings)
    keywords = {key: given.pop(key) for key in list(given) if key in OPTIONS}
    if "config" in given:
        config = driver.read(given.pop("config"), {**given, **keywords})
    else:
        config = driver.read(_document(given), keywords)
    found = database_for(config, None).groups[0].nodes[0].engine
    if found != engine:
        raise ImproperlyConfigured(
            f"the default database of {config.source} is on {found}: use ENGINE "
            f"for it, not for {engine}"
        )
    return config


def _document(given: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping of the shape of a file; `nodes` are those of `main`."""
    if "nodes" not in given:
        return given
    main = {"main": {"nodes": list(given.pop("nodes"))}}
    databases = {**main, **given.pop("databases", {})}
    return {"default": "main", "databases": databases, **given}


def with_options(
    config: ClusterConfig, engine: str, options: Mapping[str, Any]
) -> ClusterConfig:
    """Return `config` with `options` added to the driver options of the nodes of
    `engine`."""

    def change(node: NodeConfig) -> NodeConfig:
        if node.engine != engine:
            return node
        return replace(node, options={**options, **node.options})

    return _changed(config, change)


def on_database(config: ClusterConfig, dbname: str) -> ClusterConfig:
    """Return `config` with its default database alone, called `dbname` on its servers:
    a test database, or the one that administrators connect to.

    All tables live there, so that tests touch nothing else. Raises
    ImproperlyConfigured for a sharded database.
    """
    database = database_for(config, None)
    if database.is_sharded:
        raise ImproperlyConfigured(
            f"tests: the default database {database.name!r} is sharded; give "
            "the settings of tests nodes without shards"
        )
    [group] = database.groups
    nodes = tuple(replace(n, id=i, group=0) for i, n in enumerate(group.nodes))
    database = replace(database, groups=(replace(group, id=0, nodes=nodes),))
    alone = replace(
        config,
        databases={database.name: database},
        default=database.name,
        tables=(),
    )

    def rename(node: NodeConfig) -> NodeConfig:
        return replace(node, options={**node.options, DBNAME[node.engine]: dbname})

    return _changed(alone, rename)


def _changed(
    config: ClusterConfig, change: Callable[[NodeConfig], NodeConfig]
) -> ClusterConfig:
    databases = {}
    for name, database in config.databases.items():
        groups = tuple(
            replace(group, nodes=tuple(change(node) for node in group.nodes))
            for group in database.groups
        )
        databases[name] = replace(database, groups=groups)
    return replace(config, databases=databases)
