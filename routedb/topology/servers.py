"""Which server is behind a node, as servers tell: several behind one, one behind two.

A server tells what no other one does: PostgreSQL when its postmaster was started,
MariaDB and MySQL their host, port and directory, SQLite the inode of its file.

*One node, several servers*: an address may be a balancer's, or a name with several
addresses. A position is then that of the server which the monitor has reached, and a
link may lead to another. A link that tells of another server than the node's last puts
the node *in doubt*: it was restarted, its name was given to another server, or it has
two. The monitor connects anew and settles it: when it, or any later link, is back at
one that the node had led to before, that one was not replaced; there are several.

*One server, two nodes*: both would claim to be the writer for ever, so the second one
is a *double*, and no part of the group while the first one answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from routedb.topology.snapshot import Double, NodeState, NodeView

# A name that goes back to a server later than this was given back, by a failover.
RETURN_S = 300.0
_MOST_FORMER = 4
_ANSWERING = (
    NodeState.UP,
    NodeState.LAGGING,
    NodeState.SUSPECT,
    NodeState.DRAINING,
)


def led_to(node: NodeView, server: str, at: float) -> NodeView:
    """Return `node` after a connection to it has told that `server` is there.

    `at` is when it was asked, in monotonic seconds: what is older than the last change
    says nothing.
    """
    if server == node.server or at < node.server_since:
        return node
    if node.server is None:
        return replace(node, server=server, server_since=at)
    former = tuple(
        (other, until)
        for other, until in (*node.former_servers, (node.server, at))
        if at - until < RETURN_S and other != server
    )
    is_back = any(
        other == server and at - until < RETURN_S
        for other, until in node.former_servers
    )
    return replace(
        node,
        server=server,
        server_since=at,
        former_servers=former[-_MOST_FORMER:],
        leads_to_several=node.leads_to_several or is_back,
    )


def doubles(nodes: Sequence[NodeView], before: Sequence[Double]) -> tuple[Double, ...]:
    """Return which of `nodes` are the same server as another that comes before them.

    `before` is what was returned last: a server that was started anew has told so over
    one of its names first, and is not two because of that. Files that are opened
    read-only are replicas of whichever node writes them, and no doubles.
    """
    found: list[Double] = []
    answering = [n for n in nodes if n.state in _ANSWERING and not n.is_read_only]
    for number, node in enumerate(answering):
        for first in answering[:number]:
            is_known = Double(node.id, first.id) in before
            if _is_same(node, first, is_known):
                found.append(Double(node.id, first.id))
                break
    return tuple(found)


def _is_same(one: NodeView, other: NodeView, was_same: bool) -> bool:
    ours, theirs = one.answer, other.answer
    if ours is None or theirs is None or ours.server is None or theirs.server is None:
        return False
    if (ours.system, ours.server) == (theirs.system, theirs.server):
        return True
    is_older = one.asked_at < other.server_since or other.asked_at < one.server_since
    return was_same and is_older
