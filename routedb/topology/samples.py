"""What samples of a group's writer prove of its nodes.

A replica that has reached a sample holds what the writer had acknowledged before the
sample was asked for. While others write all the time, no replica ever reaches the last
sample before there is a newer one; but it has reached an earlier one, which is proof
enough for a session whose last contact was before that. So the last few are kept, and
with each node until when it is known to hold all.

Earlier samples count only as long as the same node answers as the writer and has all
that it had: what another writer has acknowledged meanwhile, they do not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import NamedTuple

from routedb.topology.snapshot import GroupView, NodeView, Sample

MOST_EARLIER = 15  # a second of samples at the shortest interval


class Proven(NamedTuple):
    """The samples of a group, and its nodes with what these prove of them."""

    sample: Sample | None
    earlier: tuple[Sample, ...]  # the newest first
    nodes: tuple[NodeView, ...]


def prove(
    group: GroupView, nodes: Sequence[NodeView], changed: NodeView, writer: int | None
) -> Proven:
    """Return what is proven when `changed`, of `nodes`, has news: it may have answered.

    `group` is how the group was before; `writer` is the id of its writer now.
    """
    sample, earlier = group.sample, group.earlier
    before = _of(group.nodes, changed.id)
    held = _held_until(before, changed, sample, earlier)
    nodes = tuple(_holding(n, held) if n.id == changed.id else n for n in nodes)
    new = _sample_of(changed, sample, writer)
    if new is None:
        return Proven(sample, earlier, nodes)
    goes_on = sample is not None and _goes_on(sample, new)
    if not goes_on:
        earlier = ()
    elif sample is not None and not sample.position.covers(new.position):
        earlier = (sample, *earlier)[:MOST_EARLIER]
    return Proven(new, earlier, tuple(_measured(n, new, goes_on) for n in nodes))


def _sample_of(
    node: NodeView, before: Sample | None, writer: int | None
) -> Sample | None:
    """Return what the writer's answer is a sample of; None: it is not newer, or none
    of the writer's."""
    if node.id != writer or node.position is None:
        return None
    if before is not None and node.asked_at < before.asked_at:
        return None
    return Sample(node.position, node.asked_at, node.id)


def _goes_on(before: Sample, new: Sample) -> bool:
    return new.node == before.node and new.position.covers(before.position)


def _held_until(
    before: NodeView | None,
    node: NodeView,
    sample: Sample | None,
    earlier: Sequence[Sample],
) -> float:
    """Return until when a node that has answered is known to hold all."""
    position = node.position
    if position is None or sample is None:
        return -inf
    for each in (sample, *earlier):
        if position.covers(each.position):
            return max(each.asked_at, _kept(before, node))
    return _kept(before, node)


def _kept(before: NodeView | None, node: NodeView) -> float:
    """Return until when it was known to, unless it has been set back since."""
    if before is None or before.position is None or node.position is None:
        return -inf
    return before.holds_until if node.position.covers(before.position) else -inf


def _measured(node: NodeView, sample: Sample, goes_on: bool) -> NodeView:
    """Return a node as a new sample of the writer shows it."""
    if node.position is not None and node.position.covers(sample.position):
        return _holding(node, sample.asked_at)
    return node if goes_on else _holding(node, -inf)


def _holding(node: NodeView, until: float) -> NodeView:
    return node if node.holds_until == until else replace(node, holds_until=until)


def _of(nodes: Sequence[NodeView], id_: int) -> NodeView | None:
    return next((node for node in nodes if node.id == id_), None)
