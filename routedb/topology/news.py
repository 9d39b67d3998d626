"""(old snapshot, new snapshot) -> what observers are told of the difference.

Most new snapshots bring positions and latencies only, of which nobody is told: groups
and nodes that did not change are the old objects, so they cost a comparison each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from routedb.config.label import label_of
from routedb.config.model import GroupConfig, NodeConfig
from routedb.events import (
    NodeFenced,
    NodeLabel,
    NodeStateChanged,
    Observed,
    SameServerSeen,
    SeveralServersSeen,
    SplitBrainBegan,
    SplitBrainEnded,
    WriterChanged,
)
from routedb.topology.snapshot import GroupView, NodeState, NodeView, Role, Snapshot
from routedb.topology.status import trouble

# Why a node is in this state, where the node itself has not said it.
_WHY = {
    NodeState.UP: "answered",
    NodeState.DRAINING: "an operator has drained it",
    NodeState.GONE: "it has left its group",
}


class TopologyNews:
    """Tells what is new of one cluster. Its owner calls `changes` with each snapshot
    that it publishes, one after another.

    `groups` and `nodes` are all there are, by id; the list of nodes may grow.
    """

    def __init__(
        self, groups: Sequence[GroupConfig], nodes: Sequence[NodeConfig]
    ) -> None:
        self._groups = groups
        self._nodes = nodes
        # By group. While a group has no writer, its next one is compared with the last.
        self._last_writers: dict[int, int] = {}

    def changes(self, before: Snapshot, after: Snapshot) -> list[Observed]:
        """Return what `after` has that `before` had not, group by group."""
        return [
            event
            for old, new in zip(before.groups, after.groups, strict=True)
            if old is not new
            for event in self._of_group(old, new)
        ]

    def _of_group(self, old: GroupView, new: GroupView) -> Iterator[Observed]:
        for view in new.nodes:
            known = next((node for node in old.nodes if node.id == view.id), None)
            before = NodeState.UNKNOWN if known is None else known.state
            if known is not view and before is not view.state:
                yield self._state_changed(new, view, before)
        if new.is_split != old.is_split:
            yield self._split(new)
        if new.writer != old.writer or new.id not in self._last_writers:
            yield from self._writer_changed(old, new)
        for id_ in new.fenced:
            if id_ not in old.fenced:
                yield NodeFenced(self._label(id_), self._why(new, new.find(id_)))
        yield from self._servers(old, new)

    def _servers(self, old: GroupView, new: GroupView) -> Iterator[Observed]:
        """Tell of nodes that are not one server each."""
        before = {view.id: view.leads_to_several for view in old.nodes}
        for view in new.nodes:
            if view.leads_to_several and not before.get(view.id):
                label, why = self._label(view.id), self._why(new, view)
                yield SeveralServersSeen(label, why)
        for double in new.doubles:
            if double not in old.doubles:
                view = new.find(double.node)
                yield SameServerSeen(self._label(view.id), self._why(new, view))

    def _state_changed(
        self, group: GroupView, view: NodeView, before: NodeState
    ) -> NodeStateChanged:
        why = self._why(group, view) or _WHY.get(view.state, "")
        if view.state is NodeState.LAGGING:
            why = _lag(view)
        elif view.state is NodeState.SUSPECT and before is NodeState.DOWN:
            why = "answered once after a failure"
        elif view.state is NodeState.UNKNOWN:
            why = "it has not been asked yet"
        label = self._label(view.id)
        return NodeStateChanged(label, before.value, view.state.value, why)

    def _split(self, group: GroupView) -> SplitBrainBegan | SplitBrainEnded:
        config = self._groups[group.id]
        if not group.is_split:
            return SplitBrainEnded(config.database, config.shard)
        claim = (n for n in group.members if n.role is Role.WRITER)
        nodes = tuple(self._label(node.id) for node in claim)
        return SplitBrainBegan(config.database, config.shard, nodes)

    def _writer_changed(self, old: GroupView, new: GroupView) -> Iterator[Observed]:
        last = self._last_writers.get(new.id, old.writer)
        if new.writer is not None:
            self._last_writers[new.id] = new.writer
        elif last is not None:
            self._last_writers[new.id] = last
        if new.writer == old.writer:
            return
        config = self._groups[new.id]
        yield WriterChanged(
            config.database,
            config.shard,
            None if last is None else self._label(last),
            None if new.writer is None else self._label(new.writer),
        )

    def _why(self, group: GroupView, view: NodeView) -> str:
        return trouble(group, view, self._nodes)

    def _label(self, node: int) -> NodeLabel:
        config = self._nodes[node]
        return label_of(config, self._groups[config.group].shard)


def _lag(view: NodeView) -> str:
    lag_s = None if view.answer is None else view.answer.lag_s
    if lag_s is None:
        return "it cannot tell how far it is behind"
    return f"it is {lag_s:.1f} s behind"
