"""From checked entries to the values of `model`, numbered and named."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from routedb import errors
from routedb.config import rules
from routedb.config.dsn import Address, parse_dsn, server_name
from routedb.config.mask import mask
from routedb.config.model import (
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    NodeConfig,
)

if TYPE_CHECKING:
    from routedb.config.entries import DatabaseEntry

DIALECTS = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "sqlite": "sqlite",
    "fake": "postgresql",
}
WORDS = {
    "reads": ("replica", "writer"),
    "consistency": ("session", "process", "eventual", "strong"),
    "transaction_reads": ("writer", "replica"),
}
DURATIONS = ("max_lag", "connect_timeout", "failover_timeout", "retry_after")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Builder:
    """Builds one cluster. `options` are database options given as keywords, which win
    over the file's; `driver` are keywords for the driver of every node."""

    def __init__(
        self, source: str, options: Mapping[str, Any], driver: Mapping[str, Any]
    ) -> None:
        self._source = source
        self._options = options
        self._driver = driver
        self._node_ids = count()
        self._group_ids = count()
        self._names: dict[str, str] = {}

    def plain(self, dsns: Sequence[str]) -> ClusterConfig:
        """Build a cluster of one database, main, from DSNs alone, without msgspec."""
        absent = dict.fromkeys((*WORDS, *DURATIONS, "read_only", "options", "shards"))
        entry = SimpleNamespace(nodes=dsns, **absent)
        databases = {"main": self._database("main", cast("DatabaseEntry", entry))}
        return ClusterConfig(
            databases,
            "main",
            source=self._source,
            driver_options=dict(self._driver),
        )

    def cluster(self, content: Mapping[str, Any]) -> ClusterConfig:
        """Check and build everything. Raises ConfigError."""
        from routedb.config.entries import (  # noqa: PLC0415  (brings msgspec in)
            ClusterEntry,
            DatabaseEntry,
            convert,
        )

        entry = convert(content, ClusterEntry, "", self._source)
        if not entry.databases:
            self._refuse("databases", "has no database; add [databases.main]")
        databases = {
            name: self._database(
                name, convert(raw, DatabaseEntry, f"databases.{name}", self._source)
            )
            for name, raw in entry.databases.items()
        }
        default = entry.default
        if default is None and len(databases) == 1:
            default = next(iter(databases))  # with one home there is nothing to guess
        if default is not None and default not in databases:
            self._refuse("default", self._no_database(default, databases))
        self._check_word("dialect", entry.dialect, ("postgresql", "mysql", "sqlite"))
        dialect = entry.dialect or databases[default or next(iter(databases))].dialect
        for name, word in entry.functions.items():
            self._check_word(f"functions.{name}", word, ("read", "write", "session"))
        return ClusterConfig(
            databases,
            default,
            rules.build(entry.tables, databases, self._source, dialect),
            entry.hints,
            entry.dialect,
            entry.functions,
            self._source,
            dict(self._driver),
        )

    # -- databases and nodes -----------------------------------------------------------

    def _database(self, name: str, entry: DatabaseEntry) -> DatabaseConfig:
        path = f"databases.{name}"
        if (entry.nodes is None) == (entry.shards is None):
            self._refuse(path, "needs either nodes = […] or shards = [[…], […]]")
        if entry.shards is None:
            groups = [self._group(path, name, None, ".nodes", entry.nodes or [], entry)]
        else:
            groups = [
                self._group(
                    path,
                    name,
                    number,
                    f".shards[{number}]",
                    nodes if isinstance(nodes, list) else [nodes],
                    entry,
                )
                for number, nodes in enumerate(entry.shards)
            ]
            if not groups:
                self._refuse(f"{path}.shards", "has no shard")
        engines = {node.engine for group in groups for node in group.nodes}
        if len(engines) > 1:
            self._refuse(
                path, f"mixes engines: {', '.join(sorted(engines))}; one per database"
            )
        return DatabaseConfig(
            name=name,
            groups=tuple(groups),
            dialect=DIALECTS[engines.pop()],
            **self._settings(path, entry),
        )

    def _group(
        self,
        path: str,
        database: str,
        shard: int | None,
        key: str,
        nodes: Sequence[Any],
        entry: DatabaseEntry,
    ) -> GroupConfig:
        if not nodes:
            self._refuse(f"{path}{key}", "has no node")
        group = next(self._group_ids)
        driver = {**(entry.options or {}), **self._driver}
        made = tuple(
            self._node(f"{path}{key}[{n}]", node, database, group, driver)
            for n, node in enumerate(nodes)
        )
        return GroupConfig(group, database, shard, made)

    def _node(
        self, path: str, node: Any, database: str, group: int, driver: dict[str, Any]
    ) -> NodeConfig:
        dsn = node if isinstance(node, str) else node.dsn
        weight = 1.0 if isinstance(node, str) else node.weight
        wanted = None if isinstance(node, str) else node.name
        if not 0 < weight < float("inf"):
            self._refuse(f"{path}.weight", f"must be above 0, found {weight:g}")
        try:
            address = parse_dsn(dsn)
        except errors.ConfigError as exc:
            self._refuse(path, str(exc))
        return NodeConfig(
            id=next(self._node_ids),
            name=self._name(path, wanted, address, driver),
            engine=address.engine,
            dsn=address.dsn,
            database=database,
            group=group,
            weight=weight,
            options={**address.options, **driver},
            is_read_only=address.is_read_only,
        )

    def _name(
        self,
        path: str,
        wanted: str | None,
        address: Address,
        driver: Mapping[str, Any],
    ) -> str:
        """Return a name that is unique in the cluster."""
        name = wanted or address.name
        if wanted is None and not address.dsn and address.engine == "postgresql":
            name = server_name(driver, "5432")
        if wanted is not None and wanted in self._names:
            self._refuse(
                f"{path}.name", f"{wanted!r} is also the name of {self._names[wanted]}"
            )
        unique = name
        for number in count(2):
            if unique not in self._names:
                break
            unique = f"{name} #{number}"
        self._names[unique] = path
        return unique

    # -- options ---------------------------------------------------------------------

    def _settings(self, path: str, entry: DatabaseEntry) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for key in (*WORDS, "read_only", *DURATIONS):
            value = self._options.get(key, getattr(entry, key))
            where = key if key in self._options else f"{path}.{key}"
            if value is None:
                continue
            if key in WORDS:
                self._check_word(where, value, WORDS[key])
                settings[key] = value
            elif key in DURATIONS:
                settings[f"{key}_s"] = self._duration(where, value)
                settings |= {"must_know_lag": True} if key == "max_lag" else {}
            elif isinstance(value, bool):
                settings[key] = value
            else:
                self._refuse(where, f"expected true or false, found {value!r}")
        return settings

    def _duration(self, path: str, value: Any) -> float | None:
        """Return seconds; None for max_lag = "off"."""
        if path.endswith("max_lag") and value == "off":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None or float(match.group(1)) == 0:
            off = ', or "off"' if path.endswith("max_lag") else ""
            self._refuse(
                path,
                f"{value!r} is no duration; write seconds as a number above 0, or "
                f'"500ms", "10s", "2m", "1h"{off}',
            )
        return float(match.group(1)) * _UNITS[match.group(2)]

    # -- refusing --------------------------------------------------------------------

    def _check_word(self, path: str, value: Any, allowed: Sequence[str]) -> None:
        if value is not None and value not in allowed:
            near = difflib.get_close_matches(str(value), allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            self._refuse(path, f"{value!r}; allowed are {', '.join(allowed)}{hint}")

    def _no_database(self, name: str, databases: Iterable[str]) -> str:
        return f"no database {name!r}; configured are {', '.join(databases)}"

    def _refuse(self, path: str, what: str) -> NoReturn:
        raise errors.ConfigError(f"{self._source}: {path}: {mask(what)}") from None
