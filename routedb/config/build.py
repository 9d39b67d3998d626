"""From a document of the right shape to the values of `model`, numbered and named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from routedb.config import references, table_rules
from routedb.config.cluster_name import cluster_name, is_cluster_name
from routedb.config.discovery import check_nodes, read_discovery
from routedb.config.document import Document, Path
from routedb.config.dsn import (
    Address,
    MalformedError,
    each_host,
    hosts_of,
    node_name,
    parse_dsn,
    unique_name,
)
from routedb.config.mask import mask
from routedb.config.merge_limits import check_work_nodes
from routedb.config.model import (
    DECISION_RETENTION_S,
    MAX_SHAPES,
    ClusterConfig,
    DatabaseConfig,
    GroupConfig,
    NodeConfig,
)
from routedb.config.namespaces import namespaces
from routedb.config.options import read_duration, read_options
from routedb.config.standard_sql import standard_sql

DIALECTS = {  # of an engine's texts
    "postgresql": "postgresql",
    "mysql": "mysql",
    "sqlite": "sqlite",
    "fake": "postgresql",
}
_NODES = 1 << 10  # of `routedb.numbering`
_USING_ONLY = "using-only"  # of `hints`
_SHORTEST_KEY = 16
JOINS = ("merge", "refuse")
FOREIGN_KEYS = ("refuse", "record")
TRANSACTIONS = ("two-phase", "single")
FUNCTION_WORDS = ("read", "write", "session")


class Builder:
    """Builds one cluster from `document`.

    `driver` are keywords for the driver of every node. `environ` is read for the names
    of servers that a driver takes from it. `defaults` are options of a database where
    the document sets none.
    """

    def __init__(
        self,
        document: Document,
        driver: Mapping[str, Any],
        environ: Mapping[str, str],
        defaults: Mapping[str, Any],
    ) -> None:
        self._document = document
        self._defaults = defaults
        self._driver = driver
        self._environ = environ
        self._node_ids = count()
        self._group_ids = count()
        self._names: set[str] = set()

    def cluster(self) -> ClusterConfig:
        """Check and build everything. Raises ConfigError."""
        top = self._document.filled
        if not top["databases"]:
            self._refuse(("databases",), "is empty; add [databases.main]")
        self._reserve_names()
        databases = {name: self._database(name) for name in top["databases"]}
        check_work_nodes(self._document, databases)
        default = top.get("default")
        if default is None and len(databases) == 1:
            default = next(iter(databases))  # one database needs no default
        if default is not None:
            self._document.choose(("default",), default, databases, "databases")
        state = top.get("state")
        if state is not None:
            self._document.choose(("state",), state, databases, "databases")
        dialect = top.get("dialect")
        if dialect is not None:
            self._document.choose(("dialect",), dialect, sorted({*DIALECTS.values()}))
        read_in = dialect or databases[default or next(iter(databases))].dialect
        if read_in != "mysql":
            databases = {key: standard_sql(each) for key, each in databases.items()}
        return ClusterConfig(
            databases=databases,
            default=default,
            state=state,
            tables=table_rules.build(self._document, databases, read_in),
            references=references.build(self._document),
            hints=self._hints(top.get("hints", True)),
            shadow=top.get("shadow", False),
            max_shapes=self._max_shapes(top.get("max_shapes", MAX_SHAPES)),
            dialect=dialect,
            transactions=self._transactions(top.get("transactions")),
            # What is committed one by one would be torn.
            is_two_phase_asked=top.get("transactions") == TRANSACTIONS[0]
            or top.get("atomic_reads", False) is not False,
            atomic_reads=self._atomic_reads(top),
            name=self._name(top.get("name"), databases),
            decision_retention_s=self._retention(),
            id_node=self._id_node(top.get("id_node")),
            joins=self._chosen("joins", JOINS),
            foreign_keys=self._chosen("foreign_keys", FOREIGN_KEYS),
            functions=self._functions(),
            token_keys=self._token_keys(),
            source=self._document.label,
        )

    def _hints(self, said: bool | str) -> bool:
        """Tell whether comments are obeyed."""
        if said is not True and said is not False and said != _USING_ONLY:
            self._document.refuse(
                ("hints",), f'expected true, false or "{_USING_ONLY}"'
            )
        return said is True

    def _max_shapes(self, said: int) -> int:
        if said < 1:
            self._document.refuse(("max_shapes",), "expected 1 or more")
        return said

    def _chosen(self, key: str, words: Sequence[str]) -> str:
        """Return which of the `words` is said, the first by default."""
        said: str = self._document.filled.get(key, words[0])
        self._document.choose((key,), said, words)
        return said

    def _transactions(self, said: str | None) -> str:
        if said is None:
            return TRANSACTIONS[0]
        self._document.choose(("transactions",), said, TRANSACTIONS)
        return said

    def _atomic_reads(self, top: Mapping[str, Any]) -> str:
        said = top.get("atomic_reads", False)
        found = {False: "no", True: "always", "asked": "asked"}.get(said)
        if found is None:
            self._document.refuse(("atomic_reads",), 'expected true, false or "asked"')
        if found != "no" and top.get("transactions") == "single":
            self._document.refuse(
                ("atomic_reads",),
                'nothing is written to several databases under transactions = "single"',
            )
        return found

    def _name(self, said: str | None, databases: Iterable[str]) -> str:
        if said is None:
            return cluster_name(databases)
        if not is_cluster_name(said):
            self._document.refuse(
                ("name",), "expected up to 16 letters, digits and underscores"
            )
        return said

    def _retention(self) -> float:
        path: Path = ("decision_retention",)
        if self._document.value(path) is None:
            return DECISION_RETENTION_S
        return read_duration(self._document, path)

    def _id_node(self, said: int | None) -> int | None:
        if said is not None and not 0 <= said < _NODES:
            self._document.refuse(("id_node",), f"expected 0 to {_NODES - 1}")
        return said

    def _functions(self) -> dict[str, str]:
        functions: dict[str, str] = self._document.filled.get("functions", {})
        for name, word in functions.items():
            self._document.choose(("functions", name), word, FUNCTION_WORDS)
        return functions

    def _token_keys(self) -> tuple[str, ...]:
        written = self._document.filled.get("token_key")
        if written is None:
            return ()
        keys = written if isinstance(written, list) else [written]
        if not keys or any(len(key.encode()) < _SHORTEST_KEY for key in keys):
            self._refuse(
                ("token_key",),
                f"a key has at least {_SHORTEST_KEY} bytes, which nobody can guess; a "
                "list has the key that signs first, and older ones after it",
            )
        return tuple(keys)

    # -- databases and nodes -----------------------------------------------------------

    def _database(self, name: str) -> DatabaseConfig:
        path: Path = ("databases", name)
        entry = self._document.value(path)
        nodes, shards = entry.get("nodes"), entry.get("shards")
        if (nodes is None) == (shards is None):
            found = "both" if nodes is not None else "neither"
            self._refuse(
                path, f"has either nodes = […] or shards = [[…], […]]; found {found}"
            )
        options = read_options(self._document, path, self._defaults)
        discovery = read_discovery(self._document, path, options, shards is not None)
        if shards is None:
            group = self._group(name, None, (*path, "nodes"))
            groups = [replace(group, is_discovered=discovery is not None)]
        else:
            groups = [
                self._group(name, number, (*path, "shards", number))
                for number in range(len(shards))
            ]
        if not groups:
            self._refuse((*path, "shards"), "is empty; write one list for each shard")
        engines = sorted({node.engine for group in groups for node in group.nodes})
        if len(engines) > 1:
            self._refuse(
                path, f"a database has one engine; found {' and '.join(engines)}"
            )
        if options.get("commit_check") and engines != ["postgresql"]:
            self._refuse_check(path, engines[0])
        if discovery is not None:
            check_nodes(self._document, path, groups[0].nodes, self._environ)
        for group in groups:
            where = ("nodes",) if shards is None else ("shards", group.shard or 0)
            self._check_namespaces(group.nodes, (*path, *where))
        return DatabaseConfig(
            name=name,
            groups=tuple(groups),
            dialect=DIALECTS[engines[0]],
            discovery=discovery,
            **options,
        )

    def _refuse_check(self, path: Path, engine: str) -> None:
        in_file = self._document.value((*path, "commit_check")) is not None
        self._refuse(
            (*path, "commit_check") if in_file else ("commit_check",),
            "PostgreSQL alone can be asked what became of a commit; database "
            f"{path[-1]} is on {engine}",
        )

    def _group(self, database: str, shard: int | None, path: Path) -> GroupConfig:
        """Build a group from a list of nodes; a shard may also be one node alone."""
        value = self._document.value(path)
        places = [path]
        if isinstance(value, list):
            places = [(*path, number) for number in range(len(value))]
        if not places:
            self._refuse(path, "is empty; a group has at least one node")
        group = next(self._group_ids)
        nodes = [node for at in places for node in self._nodes(database, group, at)]
        return GroupConfig(group, database, shard, tuple(nodes))

    def _check_namespaces(self, nodes: tuple[NodeConfig, ...], path: Path) -> None:
        """Refuse nodes that hold the same data and are to show other databases."""
        shown = namespaces(nodes, self._environ)
        if len(shown) > 1:
            found = " and ".join(f"{each} ({shown[each]})" for each in sorted(shown))
            self._refuse(
                path,
                "the nodes of one group hold the same data, so all show the same "
                f"database of their servers; found {found}",
            )

    def _nodes(self, database: str, group: int, path: Path) -> Iterator[NodeConfig]:
        """Build the node at `path`, or one for each host that its DSN names."""
        value = self._document.value(path)
        entry = value if isinstance(value, dict) else {"dsn": value}
        address = self._address((*path, "dsn") if entry is value else path)
        weight = entry.get("weight", 1.0)
        if not 0 < weight < float("inf"):
            self._refuse((*path, "weight"), "a weight is a number above 0", found=True)
        options = self._document.value(("databases", database, "options")) or {}
        driver = {**options, **self._driver}
        name = entry.get("name")
        hosts = self._hosts(address, driver, path)
        if len(hosts) > 1 and name is not None:
            self._refuse(path, "each of several hosts is a node: a name is for one")
        for host in hosts:
            options = {**driver, **host}
            yield NodeConfig(
                id=next(self._node_ids),
                name=self._free_name(address, options) if name is None else name,
                engine=address.engine,
                dsn=address.dsn,
                database=database,
                group=group,
                weight=float(weight),
                options={**address.options, **options},
                is_read_only=address.is_read_only,
                is_balanced=entry.get("balanced", False),
            )

    def _hosts(
        self, address: Address, driver: Mapping[str, Any], path: Path
    ) -> list[dict[str, Any]]:
        if address.engine != "postgresql":
            return [{}]
        try:
            said = {**address.where, **driver}
            return each_host({**said, **hosts_of(self._environ, said)}) or [{}]
        except MalformedError as exc:
            self._document.refuse(path, str(exc))

    def _address(self, path: Path) -> Address:
        try:
            return parse_dsn(self._document.value(path))
        except MalformedError as exc:
            self._document.refuse(path, str(exc))

    # -- names -----------------------------------------------------------------------

    def _reserve_names(self) -> None:
        """Reserve the names that the user gives, before any is generated."""
        owners: dict[str, Path] = {}
        for path, name in _given_names(self._document.filled["databases"]):
            if not name or mask(name) != name:
                self._refuse(path, "a name is a short text without a password")
            if name in owners:
                owner = self._document.name(owners[name][:-1])
                what = f"a name is given once; {owner} has it"
                self._refuse(path, what, found=True)
            owners[name] = path
        self._names.update(owners)

    def _free_name(self, address: Address, driver: Mapping[str, Any]) -> str:
        """Generate a name that no other node of the cluster has."""
        where = {**address.where, **driver}
        name = mask(node_name(address.engine, where, self._environ))
        unique = unique_name(name, self._names)
        self._names.add(unique)
        return unique

    def _refuse(self, path: Path, what: str, *, found: bool = False) -> None:
        self._document.refuse(path, what, found=found)


def _given_names(value: Any, path: Path = ("databases",)) -> list[tuple[Path, str]]:
    """Find every table of a node that has a name, at any depth."""
    if isinstance(value, dict) and "dsn" in value:
        name = value.get("name")
        return [] if name is None else [((*path, "name"), name)]
    steps: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        steps = [(key, item) for key, item in value.items() if key != "options"]
    elif isinstance(value, list):
        steps = list(enumerate(value))
    return [
        given for step, item in steps for given in _given_names(item, (*path, step))
    ]
