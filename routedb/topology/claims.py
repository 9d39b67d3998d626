"""Which node of a group is its writer: what the nodes claim, and which claim stands.

A role is observed, not believed: a writer is a node that answered as one. When two do,
writing to the wrong one loses data, so the claim with the newer history stands if that
can be proven, and otherwise nobody is the writer. PostgreSQL's timeline number grows
with every promotion, so there the greater number proves it. A GTID domain is a name and
not a number, and equal histories prove nothing: that is a split.

A claim ends when its node says otherwise, refuses a write, or is DOWN: stopping the
wrong server is how an operator ends a split. What does not end is the group's newest
history. An old writer that comes back while the new one is away is not the writer, for
the group has committed work that it does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routedb.topology.snapshot import NodeState, NodeView, Role


class Verdict(NamedTuple):
    """What `judge` found: the fields of GroupView that follow from the claims."""

    writer: int | None = None
    is_split: bool = False
    history: str | None = None


def judge(nodes: Sequence[NodeView], before: Verdict, has_timelines: bool) -> Verdict:
    """Decide who the writer is.

    `has_timelines` says that histories of this group are numbers that grow.
    """
    if len(nodes) == 1:
        return before._replace(writer=_lone_writer(nodes[0]))
    claimants = [node for node in nodes if node.role is Role.WRITER]
    if not claimants:
        return Verdict(_presumed_writer(nodes), False, before.history)
    timelines = [_timeline(node) if has_timelines else None for node in claimants]
    newest = _newest(timelines)
    if newest is None:
        return Verdict(None, True, before.history)
    timeline = timelines[newest]
    if timeline is None:
        return Verdict(
            _trusted(claimants[newest], before.writer), False, before.history
        )
    if before.history is not None and timeline < int(before.history):
        return Verdict(None, False, before.history)
    return Verdict(_trusted(claimants[newest], before.writer), False, str(timeline))


def _lone_writer(node: NodeView) -> int | None:
    """The only node of a group is used as it is, whatever its state.

    Nobody probes it, so nothing would bring it back; who uses it sees its own errors,
    also that it is a replica: it answers reads, and refuses writes in its own words.
    """
    return node.id if node.state is not NodeState.DRAINING else None


def _presumed_writer(nodes: Sequence[NodeView]) -> int | None:
    """While nothing was heard: the one node that is not configured as a replica."""
    possible = [node for node in nodes if not node.is_read_only]
    if len(possible) == 1 and possible[0].state is NodeState.UNKNOWN:
        return possible[0].id
    return None


def _timeline(node: NodeView) -> int | None:
    history = node.answer.history if node.answer else None
    return int(history) if history is not None and history.isdecimal() else None


def _newest(timelines: Sequence[int | None]) -> int | None:
    """Return the place of the one claim that is newer than all others, if proven."""
    if len(timelines) == 1:
        return 0
    known = [timeline for timeline in timelines if timeline is not None]
    if len(known) < len(timelines) or known.count(max(known)) > 1:
        return None
    return known.index(max(known))


def _trusted(node: NodeView, writer: int | None) -> int | None:
    """A suspect may stay the writer, for nobody else can do its work; not become it."""
    may_be = node.state is NodeState.UP
    may_remain = node.state is NodeState.SUSPECT and node.id == writer
    return node.id if may_be or may_remain else None
