"""From whatever `connect` was given to a checked ClusterConfig."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from routedb import errors
from routedb.config import table_rules
from routedb.config.build import Builder
from routedb.config.document import Document, Path
from routedb.config.mask import config_error, mask_name
from routedb.config.model import ClusterConfig, TableRule
from routedb.config.options import OPTIONS

# Keywords of `connect` that are ours; all others go to the driver of every node.
CLUSTER_KEYWORDS = (
    *("default", "state", "dialect", "hints", "shadow", "functions"),
    *("token_key", "max_shapes", "joins", "foreign_keys", "transactions"),
    *("name", "decision_retention", "atomic_reads", "id_node"),
)

# Keywords that say where a server is. They name a node by themselves; the others only
# add to the nodes of ROUTEDB_CONFIG when it is set.
_PLACES = ("host", "hostaddr", "port", "dbname", "database", "service")

# The library's time grows with the square of a key's parts.
_has_endless_key = re.compile(r"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){1000}").search

NO_DEFAULTS: Mapping[str, Any] = {}

_ALLOWED = (
    "a DSN, a list of DSNs, the path of a .toml file, a mapping of its shape, libpq "
    "keywords (host=…, dbname=…), or the environment variable ROUTEDB_CONFIG"
)


def load(
    source: Any,
    keywords: Mapping[str, Any],
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
    defaults: Mapping[str, Any] = NO_DEFAULTS,
) -> ClusterConfig:
    """Build the configuration of a cluster.

    `source` is a DSN, a list of DSNs, the path of a TOML file, a mapping of its shape,
    or None: then `keywords` say where to connect, or ROUTEDB_CONFIG of `environ` does.
    `keywords` are options of ours, and of the driver. `read_file` returns the text of a
    file at a path. `defaults` are options of a database that hold where neither says
    otherwise. Raises ConfigError, which names the source, the key's path, what was
    found and what is allowed.
    """
    try:
        return _load(source, keywords, environ, read_file, defaults)
    except errors.ConfigError as exc:
        # What it came of has texts as they were, which tools for errors would record.
        exc.__context__ = exc.__cause__
        raise


def _load(
    source: Any,
    keywords: Mapping[str, Any],
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
    defaults: Mapping[str, Any],
) -> ClusterConfig:
    ours = {
        key: value
        for key, value in keywords.items()
        if value is not None and (key in OPTIONS or key in CLUSTER_KEYWORDS)
    }
    driver = {
        key: value
        for key, value in keywords.items()
        if key not in OPTIONS and key not in CLUSTER_KEYWORDS
    }
    label, content, root = _read(source, driver, environ, read_file)
    document = Document(label, content, environ, ours, root)
    if not root or not _is_plain(content) or ours.keys() & set(CLUSTER_KEYWORDS):
        from routedb.config.schema import check_shape  # noqa: PLC0415  (msgspec)

        names = {*content, *CLUSTER_KEYWORDS}
        check_shape(document, {k: v for k, v in document.written.items() if k in names})
    return Builder(document, driver, environ, defaults).cluster()


def load_tables(
    tables: Mapping[str, Any], config: ClusterConfig
) -> tuple[TableRule, ...]:
    """Build other table rules for a cluster that is in use.

    `tables` has the shape of the section `[tables]`, `config` is the cluster's: its
    databases are those that rules may name. Raises ConfigError as `load` does.
    """
    document = table_rules.tables_document("tables", tables, config)
    return table_rules.build(document, config.databases, config.text_dialect)


def _read(
    source: Any,
    driver: Mapping[str, Any],
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
) -> tuple[str, Mapping[str, Any], Path]:
    """Return the name of the source for errors, its content in the shape of a file, and
    the path that paths in errors are relative to."""
    label = ""
    if source is None and not _names_node(driver) and environ.get("ROUTEDB_CONFIG"):
        source = environ["ROUTEDB_CONFIG"]
        shown = mask_name(str(source))
        label = f"ROUTEDB_CONFIG={shown}" if _path(source) else "ROUTEDB_CONFIG"
    if source is None:
        if not any(value is not None for value in driver.values()):
            raise config_error(f"nothing says where to connect; give {_ALLOWED}")
        return "arguments", *_nodes([""], 0)
    path = _path(source)
    if path:
        label = label or mask_name(path)
        return label, _toml(label, path, read_file), ()
    if isinstance(source, Mapping):
        return "mapping", source, ()
    if isinstance(source, str):
        return label or "DSN", *_nodes([source], 0)
    if isinstance(source, list | tuple) and source:
        return "list of DSNs", *_nodes(list(source))
    found = "an empty list" if source in ([], ()) else type(source).__name__
    raise config_error(f"connect: expected {_ALLOWED}; found {found}")


def _path(source: Any) -> str:
    """Return the path of a file when `source` is one, else nothing."""
    if isinstance(source, str):
        return source if source.endswith(".toml") and "://" not in source else ""
    if hasattr(source, "__fspath__"):
        path = source.__fspath__()
        return path.decode() if isinstance(path, bytes) else str(path)
    return ""


def _names_node(driver: Mapping[str, Any]) -> bool:
    return any(driver.get(key) is not None for key in _PLACES)


def _nodes(nodes: list[Any], *inside: int) -> tuple[Mapping[str, Any], Path]:
    content = {"default": "main", "databases": {"main": {"nodes": nodes}}}
    return content, ("databases", "main", "nodes", *inside)


def _is_plain(content: Mapping[str, Any]) -> bool:
    """Tell whether the content is DSNs only: then there is no shape to check, and
    msgspec is not imported."""
    nodes = content["databases"]["main"]["nodes"]
    return all(isinstance(node, str) for node in nodes)


def _toml(label: str, path: str, read_file: Callable[[str], str]) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415  (only where a file is read)
    else:
        import tomli as tomllib  # noqa: PLC0415
    try:
        text = read_file(path)
        if _has_endless_key(text):
            raise RecursionError
        return tomllib.loads(text)
    except OSError as exc:
        raise config_error(f"{label}: cannot be read: {exc.strerror}") from exc
    except RecursionError as exc:
        raise config_error(f"{label}: nested too deeply") from exc
    except tomllib.TOMLDecodeError as exc:
        raise config_error(f"{label}: no valid TOML: {exc}") from exc
    except ValueError as exc:  # not UTF-8, or a NUL byte in the path
        raise config_error(f"{label}: cannot be read: not UTF-8 text") from exc
