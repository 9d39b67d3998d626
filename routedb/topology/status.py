"""The status of a cluster for operators: the snapshot as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from routedb.config.model import ClusterConfig, NodeConfig
from routedb.topology.foreign_nodes import is_of_other_cluster
from routedb.topology.snapshot import Answer, GroupView, NodeView, Role, Snapshot

_NOTHING = Answer(Role.UNKNOWN)


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node as this process sees it now. Times are seconds.

    `is_writer` tells whether writes go there, `share` which part of its group's plain
    reads goes there while all replicas are equally busy. `failure` says why it is not
    used; empty when it is. What no probe has told yet is None or empty.
    """

    name: str
    database: str
    shard: int | None
    role: str  # "writer" | "replica" | "unknown": as it reports
    state: str  # see states.rst
    is_writer: bool
    share: float
    lag_s: float | None  # replicas: how far behind
    latency_s: float | None
    position: str | None  # as the server prints it
    history: str | None  # PostgreSQL's timeline, MariaDB's domain, MySQL's server
    version: str
    failure: str


class ClusterStatus(tuple[NodeStatus, ...]):
    """The nodes, one after another, and more of the statements.

    `replica_shares` has by database which part of the statements that were counted went
    to replicas. `shapes` is how many shapes of texts are known now. `shapes_found`
    counts the texts that were new and yet of a known shape, `shapes_missed` those that
    had to be classified; a text that was known as it is counts nowhere.
    """

    replica_shares: Mapping[str, float]
    shapes: int
    shapes_found: int
    shapes_missed: int

    def __new__(
        cls,
        nodes: Iterable[NodeStatus],
        replica_shares: Mapping[str, float],
        counts: tuple[int, int, int] = (0, 0, 0),
    ) -> ClusterStatus:
        """Make one of its `nodes`, of `replica_shares`, and of the `counts` of shapes:
        known, found and missed."""
        made = super().__new__(cls, nodes)
        made.replica_shares = replica_shares
        made.shapes, made.shapes_found, made.shapes_missed = counts
        return made

    @property
    def shape_hit_rate(self) -> float | None:
        """Which part of the new texts was of a known shape; None before there was one.
        With many below 0.9, ``max_shapes`` is too small, or texts are put together by
        the program in ever new ways."""
        seen = self.shapes_found + self.shapes_missed
        return self.shapes_found / seen if seen else None


def status(
    config: ClusterConfig, nodes: Sequence[NodeConfig], snapshot: Snapshot
) -> tuple[NodeStatus, ...]:
    """Return the status of every member in `snapshot`, in the order of `config`.

    `nodes` are all nodes, indexed by id: members that joined later are not in `config`.
    """
    return tuple(
        _status(nodes, view.id, config.groups[group.id].shard, group)
        for group in snapshot.groups
        for view in group.members
    )


def _status(
    nodes: Sequence[NodeConfig], id_: int, shard: int | None, group: GroupView
) -> NodeStatus:
    node, view = nodes[id_], group.find(id_)
    said = view.answer or _NOTHING
    length = len(group.read_ring)
    return NodeStatus(
        name=node.name,
        database=node.database,
        shard=shard,
        role=view.role.value,
        state=view.state.value,
        is_writer=group.writer == node.id and view.role is not Role.REPLICA,
        share=group.read_ring.count(node.id) / length if length else 0.0,
        lag_s=said.lag_s if said.role is Role.REPLICA else None,
        latency_s=view.latency_s,
        position=said.position,
        history=said.history,
        version=said.version,
        failure=trouble(group, view, nodes),
    )


def trouble(group: GroupView, view: NodeView, nodes: Sequence[NodeConfig]) -> str:
    """Return why the node `view` of `group` is not used, or not for all that it could
    be; empty when it is used. `nodes` are all nodes, indexed by id."""
    for double in group.doubles:
        if double.node == view.id:
            return (
                f"is the same server as {nodes[double.first].name}, listed under "
                "another name; remove one of the two from the configuration"
            )
    if view.id in group.foreign_nodes:
        if not is_of_other_cluster(group.nodes, view):
            shown = view.answer.namespace if view.answer else None
            return (
                f"shows the database {shown or 'none'} of its server, and other nodes "
                "of its group show another one; correct the configuration"
            )
        system = view.answer.system if view.answer else None
        return (
            f"belongs to another cluster: its system identifier is {system}, and other "
            "nodes of its group have another one; correct the configuration"
        )
    if view.id in group.fenced:
        return (
            "an old writer: it lacks work that the group has committed since. Make it "
            "a replica of the new writer; if that is lost for good and this one is to "
            "go on, restart the programs that have seen the other"
        )
    if view.leads_to_several:
        return (
            "connections to it lead to several servers: reads that must not fall "
            "behind are not sent there. List each server as a node, or say balanced = "
            "true if that is meant"
        )
    return view.failure
