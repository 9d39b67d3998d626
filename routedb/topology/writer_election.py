"""Which node of a group is its writer: the claims of the nodes, and which one wins.

A role is observed: a *claim* is a node that answered a probe as writer. When two do,
writing to the wrong one loses data, so the claim with the newer history wins if that
can be proven (history_order.py), and otherwise the group has no writer: a split.

A claim ends when its node answers as a replica, refuses a write, or is DOWN: stopping
the wrong server is how an operator ends a split. What does not end is the group's
newest history. An old writer that comes back while the new one is away is *fenced*:
neither written to nor read from, for the group has committed work that it does not
have.

A single claim is accepted when its node is the one that has reported the remembered
history, or when its history continues that one, or when two successive probes saw the
change: a replica that answers as a writer was promoted, also when the promotion lost
what had not reached it. Then a new history begins, and the one before is the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routedb.topology.foreign_nodes import foreign_nodes
from routedb.topology.history_order import HistoryOrder
from routedb.topology.servers import doubles
from routedb.topology.snapshot import Double, NodeState, NodeView, Role


class Election(NamedTuple):
    """What `elect_writer` found: the fields of GroupView that follow from the
    claims."""

    writer: int | None = None
    is_split: bool = False
    history: str | None = None
    history_node: int | None = None
    system: str | None = None
    fenced: tuple[int, ...] = ()
    foreign_nodes: tuple[int, ...] = ()
    doubles: tuple[Double, ...] = ()

    @property
    def barred(self) -> tuple[int, ...]:
        """The nodes that are not used whatever they answer."""
        return self.foreign_nodes + tuple(double.node for double in self.doubles)


def elect_writer(
    nodes: Sequence[NodeView], before: Election, order: HistoryOrder, is_single: bool
) -> Election:
    """Return the writer of a group, and what follows from its nodes' claims.

    `nodes` are the group's members as last seen, `before` is the election so far,
    `order` compares the histories of such servers. `is_single`: there is one node and
    no other will join.
    """
    if is_single:
        return before._replace(writer=_lone_writer(nodes[0]))
    foreign = foreign_nodes(nodes)
    same = doubles(nodes, before.doubles)
    known = before._replace(
        writer=None, is_split=False, foreign_nodes=foreign, doubles=same
    )
    seconds = [double.node for double in same]
    claims = [n for n in nodes if n.role is Role.WRITER and n.id not in seconds]
    own = [node for node in claims if node.id not in foreign]
    if own:
        after = _decide(own, known, before.writer, order)
    elif claims:
        after = known._replace(is_split=len(claims) > 1)
    else:
        after = known._replace(writer=_presumed_writer(nodes))
    return after._replace(fenced=_fenced(nodes, after, order))


def _decide(
    claims: Sequence[NodeView], known: Election, writer: int | None, order: HistoryOrder
) -> Election:
    """Choose among claims of one cluster. The newest history is remembered, also when
    its node is not used as writer yet."""
    known = _forget_other_system(claims[0], known)
    if order.is_total:
        for claim in claims:
            known = _remember(claim, known, order)
    newest = _newest(claims, order)
    if newest is None:
        return known._replace(is_split=True)
    if not _may_follow(newest, known, order):
        return known
    if not order.is_total:
        known = _remember(newest, known, order)
    return known._replace(writer=_trusted(newest, writer))


def _forget_other_system(claim: NodeView, known: Election) -> Election:
    """Another cluster may take a group's place, with a history of its own."""
    system = claim.answer.system if claim.answer else None
    if system is None or system == known.system:
        return known
    return known._replace(history=None, history_node=None, system=system)


def _remember(claim: NodeView, known: Election, order: HistoryOrder) -> Election:
    """Note the history that a claim has shown, if none that was seen is newer."""
    history = order.history_of(claim.answer) if claim.answer else None
    if history is None or not _may_follow(claim, known, order):
        return known
    return known._replace(history=history, history_node=claim.id)


def _lone_writer(node: NodeView) -> int | None:
    """The only node there will be is used as it is, whatever its state.

    It is not probed, so no probe could bring it back; callers see its own errors, also
    when it is a replica: it answers reads, and refuses writes with its own error.
    """
    return node.id if node.state is not NodeState.DRAINING else None


def _presumed_writer(nodes: Sequence[NodeView]) -> int | None:
    """While no node has answered: the one node that is not configured as a replica,
    among some that are."""
    possible = [node for node in nodes if not node.is_read_only]
    if len(possible) != 1 or len(nodes) == 1:
        return None
    return possible[0].id if possible[0].state is NodeState.UNKNOWN else None


def _newest(claimants: Sequence[NodeView], order: HistoryOrder) -> NodeView | None:
    """Return the one claimant that is newer than all others, if proven."""
    for one in claimants:
        if all(_beats(one, other, order) for other in claimants if other is not one):
            return one
    return None


def _beats(one: NodeView, other: NodeView, order: HistoryOrder) -> bool:
    if one.answer is None or other.answer is None:
        return False
    return order.is_newer(one.answer, other.answer)


def _may_follow(node: NodeView, known: Election, order: HistoryOrder) -> bool:
    """Tell whether a writer may go on from the newest history that was seen."""
    if known.history is None or node.answer is None:
        return True
    if not order.is_total and (node.id == known.history_node or node.is_promoted):
        return True
    return order.may_continue(node.answer, known.history)


def _fenced(
    nodes: Sequence[NodeView], known: Election, order: HistoryOrder
) -> tuple[int, ...]:
    """Return those last heard as writers that may not be it again as they are."""
    return tuple(
        node.id
        for node in nodes
        if node.answer is not None
        and node.answer.role is Role.WRITER
        and not node.is_read_only
        and node.id not in (known.writer, *known.barred)
        and not _may_follow(node, known, order)
    )


def _trusted(node: NodeView, writer: int | None) -> int | None:
    """A suspect node may stay the writer, as no other can replace it; not become it."""
    may_be = node.state is NodeState.UP
    may_remain = node.state is NodeState.SUSPECT and node.id == writer
    return node.id if may_be or may_remain else None
