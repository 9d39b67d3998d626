"""Nodes of other data among those of a group: a mistake in the configuration.

All nodes of one PostgreSQL cluster have one system identifier, made by `initdb` and
kept by every copy. A node with another one holds other data: it is no writer and no
replica of this group, whatever role it reports. So does one whose links show another
database of the same servers: a service file, an option file or the name of the
process's user may name it, which the configuration does not tell. Which nodes are
foreign follows from the last answer of each, so the order of the answers does not
matter.

A cluster may change its identifier (pg_upgrade, a restored dump): the new writer is
accepted once no live replica outnumbers it and no other node has answered as a writer
of the old one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from routedb.topology.snapshot import Answer, NodeState, NodeView, Role


def foreign_nodes(nodes: Sequence[NodeView]) -> tuple[int, ...]:
    """Return the ids of the nodes with other data; all that are known when it is not
    provable which data the group is meant to have."""
    others = _strangers(nodes, _system)
    rest = [node for node in nodes if node.id not in others]
    return (*others, *_strangers(rest, _namespace))


def is_of_other_cluster(nodes: Sequence[NodeView], node: NodeView) -> bool:
    """Tell whether `node`, a foreign one among `nodes`, has another system identifier
    than they have; else it shows another database."""
    return node.id in _strangers(nodes, _system)


def _system(answer: Answer) -> str | None:
    return answer.system


def _namespace(answer: Answer) -> str | None:
    return answer.namespace


def _strangers(
    nodes: Sequence[NodeView], told: Callable[[Answer], str | None]
) -> tuple[int, ...]:
    """Return the ids of the nodes that tell something else than the others do."""
    known = {}
    for node in nodes:
        said = None if node.answer is None else told(node.answer)
        if said is not None:
            known[node.id] = said
    if len(set(known.values())) < 2:
        return ()
    home = _home([node for node in nodes if node.id in known], known)
    return tuple(id for id, said in known.items() if said != home)


def _home(nodes: Sequence[NodeView], known: Mapping[int, str]) -> str | None:
    claimed = {known[node.id] for node in nodes if _claims(node)}
    if len(claimed) == 1:
        (home,) = claimed
        alive = [known[n.id] for n in nodes if n.state is not NodeState.DOWN]
        if alive.count(home) * 2 >= len(alive):
            return home
    [(home, count)] = Counter(known.values()).most_common(1)
    return home if count * 2 > len(nodes) else None


def _claims(node: NodeView) -> bool:
    said = node.answer
    return said is not None and said.role is Role.WRITER and not node.is_read_only
