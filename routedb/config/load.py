"""From whatever `connect` was given to a checked ClusterConfig."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from routedb import errors
from routedb.config.build import Builder
from routedb.config.model import ClusterConfig

# Keywords of `connect` that are ours; all others go to the driver of every node.
DATABASE_KEYWORDS = (
    "reads",
    "consistency",
    "read_only",
    "transaction_reads",
    "max_lag",
    "connect_timeout",
    "failover_timeout",
    "retry_after",
)
CLUSTER_KEYWORDS = ("default", "dialect", "hints", "functions")

_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")


def load(
    source: Any,
    keywords: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
) -> ClusterConfig:
    """Build the configuration of a cluster.

    `source` is a DSN, a list of DSNs, the path of a TOML file, a mapping of its shape,
    or None: then ROUTEDB_CONFIG of `environ`, or libpq keywords alone. Raises
    ConfigError, which names the source, the key's path, what was found and what is
    allowed.
    """
    label = None
    if source is None and not _server_keywords(keywords):
        source = environ.get("ROUTEDB_CONFIG")
        label = f"ROUTEDB_CONFIG={source}" if _is_path(source) else "ROUTEDB_CONFIG"
    if _is_path(source):
        path = str(source)
        content = _toml(path, read_file)
        return _from_mapping(content, keywords, environ, label or path)
    if isinstance(source, Mapping):
        return _from_mapping(source, keywords, environ, label or "mapping")
    return _from_dsns(source, keywords, environ, label or "DSN")


def _is_path(source: Any) -> bool:
    if isinstance(source, str):
        return source.endswith(".toml") and "://" not in source
    return hasattr(source, "__fspath__")


def _server_keywords(keywords: Mapping[str, Any]) -> dict[str, Any]:
    ours = (*DATABASE_KEYWORDS, *CLUSTER_KEYWORDS)
    return {key: value for key, value in keywords.items() if key not in ours}


def _toml(path: str, read_file: Callable[[str], str]) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415  (only where a file is read)
    else:
        import tomli as tomllib  # noqa: PLC0415
    try:
        return tomllib.loads(read_file(path))
    except OSError as exc:
        raise errors.ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise errors.ConfigError(f"{path}: no valid TOML: {exc}") from exc


def _from_mapping(
    content: Mapping[str, Any],
    keywords: Mapping[str, Any],
    environ: Mapping[str, str],
    source: str,
) -> ClusterConfig:
    database, cluster, driver = _sorted(keywords)
    merged = {**_expanded(content, environ, source, ""), **cluster}
    return Builder(source, database, driver).cluster(merged)


def _from_dsns(
    source: Any,
    keywords: Mapping[str, Any],
    environ: Mapping[str, str],
    label: str,
) -> ClusterConfig:
    """One database named main, of one node or, from a list, of several."""
    database, cluster, driver = _sorted(keywords)
    if source is None:
        nodes: Sequence[Any] = [""]
    elif isinstance(source, str | bytes):
        nodes = [source.decode() if isinstance(source, bytes) else source]
    elif isinstance(source, list | tuple) and source:
        nodes = list(source)
    else:
        raise errors.ConfigError(
            f"connect: expected a DSN, a non-empty list of DSNs, the path of a .toml "
            f"file or a mapping, found {type(source).__name__}"
        )
    if not cluster and all(isinstance(node, str) for node in nodes):
        dsns = [
            _expanded(dsn, environ, label, f"nodes[{n}]") for n, dsn in enumerate(nodes)
        ]
        return Builder(label, database, driver).plain(dsns)
    content = {"default": "main", "databases": {"main": {"nodes": nodes}}, **cluster}
    expanded = _expanded(content, environ, label, "")
    return Builder(label, database, driver).cluster(expanded)


def _sorted(
    keywords: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Tell a database's options, the cluster's, and the driver's keywords apart."""
    database = {key: keywords[key] for key in DATABASE_KEYWORDS if key in keywords}
    cluster = {key: keywords[key] for key in CLUSTER_KEYWORDS if key in keywords}
    return database, cluster, _server_keywords(keywords)


def _expanded(value: Any, environ: Mapping[str, str], source: str, path: str) -> Any:
    """Replace ${VAR} in every string, at any depth; $${VAR} stands for ${VAR}."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda m: _variable(m, environ, source, path), value)
    if isinstance(value, Mapping):
        return {
            key: _expanded(item, environ, source, f"{path}.{key}".lstrip("."))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            _expanded(item, environ, source, f"{path}[{n}]")
            for n, item in enumerate(value)
        ]
    return value


def _variable(
    match: re.Match[str], environ: Mapping[str, str], source: str, path: str
) -> str:
    escaped, name = match.groups()
    if escaped:
        return match.group(0)[1:]
    if name not in environ:
        raise errors.ConfigError(
            f"{source}: {path}: the environment has no variable {name!r}; set it, or "
            f"write $${{{name}}} for the text itself"
        )
    return environ[name]
