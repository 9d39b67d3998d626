"""`routedb check`: is the configuration right, and does every node answer?"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import NamedTuple, TextIO

import click

from routedb import adapters
from routedb.adapters.base import Adapter, Raw
from routedb.cli.logs import FORMATS
from routedb.cli.output import cells, console, milliseconds
from routedb.cli.placements import placement_warnings
from routedb.cli.prepared import transactions_troubles, transactions_warnings
from routedb.cli.queries import check_queries
from routedb.cli.references import check_references
from routedb.cli.shard_tables import asking, drifts
from routedb.cli.startup import config_argument, load_config
from routedb.cli.streams import FAILED, Guarded, Input
from routedb.cli.tables import Listing
from routedb.config.mask import mask
from routedb.config.model import ClusterConfig, GroupConfig, NodeConfig
from routedb.engine.shared.core import Core
from routedb.errors import Fault
from routedb.events import NodeAnswered, NodeFailed, ServerSeen
from routedb.monitor import ask_once, timed_probe
from routedb.monitor.patroni_client import PatroniClient, PatroniUnreachableError
from routedb.topology.snapshot import Answer, Role
from routedb.topology.status import NodeStatus, status, trouble

_MOST_AT_ONCE = 32
_MORE = 3  # connections to each node, to see whether they lead to one server
_HEADERS = (
    *("database", "group", "node", "role", "version", "lag", "latency"),
    *("state", "position", "error"),
)
# 15.8 of "15.8 (Debian 15.8-0+deb12u1)", 10.11.6-MariaDB of "10.11.6-MariaDB-0+deb12u1"
_VERSION = re.compile(r"\d+(?:\.\d+)*(?:(?:beta|rc|devel)\d*)?(?:-MariaDB)?")


class Report(NamedTuple):
    """The answer of one node, or why there is none."""

    node: NodeConfig
    answer: Answer | None
    error: str = ""
    rights: tuple[str, ...] = ()  # by which this user may write on it, a replica
    other: str | None = None  # another server that a connection to it led to

    @property
    def namespace(self) -> str | None:
        """The database of its server that is shown; None where there are none."""
        shown = self.answer.namespace if self.answer else None
        return "none" if shown == "" else shown

    @property
    def role(self) -> Role:
        """The role as observed."""
        if self.answer is None:
            return Role.UNKNOWN
        return Role.REPLICA if self.node.is_read_only else self.answer.role


@click.command(cls=Guarded)
@config_argument
@click.option(
    "--queries",
    type=Input("r", encoding="utf-8", errors="surrogateescape"),
    metavar="FILE",
    help="Connect to nothing; show where the statements of this log would go.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="The format of the log, when it is not seen.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Show one JSON object, not a table."
)
@click.option(
    "--references",
    "by_references",
    is_flag=True,
    help="Look for rows that refer to nothing, by the [references] of CONFIG.",
)
def check(
    source: str,
    queries: TextIO | None,
    form: str | None,
    as_json: bool,
    by_references: bool,
) -> None:
    """Read CONFIG, connect to every node, show the status of each.

    Compares the tables of the shards of a database, and warns of a user who may write
    on a replica of MySQL or MariaDB, of servers that cannot prepare a transaction, and
    of branches that are left prepared, and of tables that were moved while CONFIG still
    says where they were.

    Exits with 1 when a node cannot be reached or a group has not exactly one writer; a
    database with read_only = true needs none. With discovery the nodes are those that
    Patroni names. Exits with 2 when CONFIG is wrong.

    With --queries it exits with 1 when a statement would be refused; with --references
    when a row refers to nothing.
    """
    if form is not None and queries is None:
        raise click.UsageError("--format is the format of --queries FILE")
    if by_references and queries is not None:
        raise click.UsageError("give either --queries or --references")
    if by_references:
        check_references(source, as_json)
        return
    config = load_config(source)
    if queries is not None:
        check_queries(config, queries, form)
        return
    core = Core(config, adapters.load)
    troubles = find_members(core)
    reports = ask_all(core)
    hear(core, reports)
    nodes = status(config, core.nodes, core.topology)
    troubles += [f"{r.node}: cannot be reached" for r in reports if r.answer is None]
    troubles += group_troubles(core, reports)
    troubles += namespace_troubles(core, reports)
    dangers = [*warnings(reports), *server_warnings(core)]
    if not troubles:
        more = transactions_troubles(core)
        troubles += [*more, *_drifts(core)]
        dangers += [*transactions_warnings(core), *placement_warnings(core)]
    if as_json:
        click.echo(_as_json(nodes, reports, troubles, dangers))
    else:
        _table(nodes).print(console())
        for text in (*troubles, *dangers):
            click.echo(text, err=True)
    if troubles:
        sys.exit(FAILED)
    if not as_json:
        said = "see the warnings" if dangers else "all is well"
        click.echo(f"{config.source}: {len(reports)} nodes, {said}")


def _drifts(core: Core) -> list[str]:
    """Return how tables differ between shards, or why that cannot be told."""
    try:
        with asking(core) as session:
            return drifts(session)
    except Exception as exc:  # drivers raise various classes
        said = " ".join(mask(str(exc)).split())
        return [f"the tables of shards cannot be compared: {said}"]


def _as_json(
    nodes: Sequence[NodeStatus],
    reports: Sequence[Report],
    troubles: list[str],
    dangers: list[str],
) -> str:
    """Return one object, with `may_write_by` for each node beside its status."""
    rights = {str(report.node): report.rights for report in reports}
    rows = [
        {**asdict(node), "may_write_by": list(rights.get(node.name, ()))}
        for node in nodes
    ]
    found = {"nodes": rows, "troubles": troubles, "warnings": dangers}
    return json.dumps(found, ensure_ascii=False)


def find_members(core: Core) -> list[str]:
    """Ask each Patroni for the members of its group; return those without an answer."""
    troubles = []
    for name, database in core.config.databases.items():
        if database.discovery is None:
            continue
        client = PatroniClient(database.discovery, database.connect_timeout_s)
        try:
            core.update_members(database.groups[0].id, client.ask())
        except PatroniUnreachableError as exc:
            troubles.append(f"{name}: Patroni names no members: {exc}")
    return troubles


def ask_all(core: Core) -> list[Report]:
    """Probe every node once, many at the same time, as dead ones run into timeouts."""
    views = [node for group in core.topology.groups for node in group.members]
    nodes = [core.nodes[view.id] for view in views]
    with ThreadPoolExecutor(min(len(nodes), _MOST_AT_ONCE)) as threads:
        return list(threads.map(lambda node: _ask(core.config, node), nodes))


def _ask(config: ClusterConfig, node: NodeConfig) -> Report:
    try:
        adapter = adapters.load(node.engine)
        timeout_s = config.databases[node.database].connect_timeout_s
        report = ask_once(node, adapter, timeout_s, partial(_report, node, adapter))
        if adapter.tells_server and not node.is_balanced:
            return report._replace(other=_other(report, adapter, timeout_s))
        return report
    except Exception as exc:  # drivers raise various classes; shown in the table
        said = " ".join(mask(str(exc)).split())  # libpq's messages have several lines
        return Report(node, None, said or type(exc).__name__)


def _other(report: Report, adapter: Adapter, timeout_s: float) -> str | None:
    """Return another server than the one that has answered, if a connection to the same
    node leads to one."""
    told = report.answer.server if report.answer else None
    for _ in range(_MORE):
        server = ask_once(report.node, adapter, timeout_s, adapter.server)
        if server not in (None, told):
            return server
    return None


def _report(node: NodeConfig, adapter: Adapter, raw: Raw) -> Report:
    answer = timed_probe(raw, adapter)
    is_replica = answer.role is Role.REPLICA
    rights = adapter.rights_on_replica(raw) if is_replica else ()
    return Report(node, answer, "", rights)


def warnings(reports: Sequence[Report]) -> list[str]:
    """Return what is dangerous about the nodes of `reports`, though they answer."""
    return [
        f"{report.node}: warning: this user may write on a replica "
        f"({', '.join(report.rights)}): a read that writes by mistake would stop its "
        "replication; let routedb connect as a user without that"
        for report in reports
        if report.rights
    ]


def server_warnings(core: Core) -> list[str]:
    """Return which nodes of `core` are not one server each."""
    return [
        f"{core.nodes[view.id]}: warning: {trouble(group, view, core.nodes)}"
        for group in core.topology.groups
        for view in group.members
        if view.leads_to_several or any(d.node == view.id for d in group.doubles)
    ]


def hear(core: Core, reports: Sequence[Report]) -> None:
    """Publish `reports` to `core`, as a runtime's monitor would."""
    for node, answer, error, _, other in reports:
        if answer is None:
            core.publish(NodeFailed(node.id, 0, error, Fault.REFUSED))
        else:
            core.publish(NodeAnswered(node.id, 0, answer))
        if answer is not None and other is not None:
            core.publish(ServerSeen(node.id, 0, other, 1.0))
            core.publish(NodeAnswered(node.id, 0, answer, 2.0))


def group_troubles(core: Core, reports: Sequence[Report]) -> list[str]:
    """Return what is wrong with the groups of `core` after `reports`, as text.

    No writer, two of which neither is provably newer, or nodes of another cluster.
    """
    writers = {r.node.group for r in reports if r.role is Role.WRITER}
    troubles = []
    for group in core.groups:
        view, name = core.topology.groups[group.id], _name(group)
        is_read_only = core.config.databases[group.database].read_only
        if view.is_split:
            troubles.append(f"{name}: two nodes claim to be the writer")
        elif group.id not in writers and not is_read_only:
            troubles.append(f"{name}: no node answers as writer")
        elif view.foreign_nodes and view.writer is None:
            troubles.append(f"{name}: no node of its cluster answers as writer")
        troubles += [
            f"{core.nodes[node.id]}: {trouble(view, node, core.nodes)}"
            for node in view.nodes
            if node.id in view.foreign_nodes
        ]
    return troubles


def namespace_troubles(core: Core, reports: Sequence[Report]) -> list[str]:
    """Return which groups of `core` show several databases of their servers, though
    their nodes are to hold the same data, by `reports`."""
    troubles = []
    for group in core.groups:
        shown: dict[str, str] = {}
        for report in reports:
            if report.node.group == group.id and report.namespace is not None:
                shown.setdefault(report.namespace, report.node.name)
        if len(shown) > 1:
            found = " and ".join(f"{each} ({shown[each]})" for each in sorted(shown))
            troubles.append(
                f"{_name(group)}: its nodes show several databases of their servers: "
                f"{found}"
            )
    return troubles


def _name(group: GroupConfig) -> str:
    if group.shard is None:
        return group.database
    return f"{group.database} shard {group.shard}"


def _table(nodes: Sequence[NodeStatus]) -> Listing:
    made = Listing(cells(*_HEADERS))
    for node in nodes:
        shard = "-" if node.shard is None else f"shard {node.shard}"
        values = (node.database, shard, node.name, node.role, _short(node.version))
        style = "" if node.state in ("up", "lagging") else "red"
        made.add_row(*cells(*values, *_said(node), style=style))
    return made


def _short(version: str) -> str:
    """Return the number of a server's version; what its packager adds is long."""
    found = _VERSION.search(version)
    return found[0] if found else version


def _said(node: NodeStatus) -> tuple[str, ...]:
    """Return lag, latency, state, position and failure."""
    lag = ""
    if node.role == Role.REPLICA.value:
        lag = "unknown" if node.lag_s is None else milliseconds(node.lag_s)
    latency = "" if node.latency_s is None else milliseconds(node.latency_s)
    return lag, latency, node.state, node.position or "", node.failure
