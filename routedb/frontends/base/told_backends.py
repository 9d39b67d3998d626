"""What a connection tells of its backend is remembered, to find its node again."""

from __future__ import annotations

from routedb.engine.session import Session


def tell_backend(session: Session, number: int) -> int:
    """Return `number`, that of a backend of `session`, when its node is noted."""
    core, transaction = session.core, session.transaction
    bound = [transaction.home_link, *transaction.branches.values()]
    there = [link for link in (*bound, *session.links) if link is not None]
    found = [link for link in there if link.adapter.backend_id(link.raw) == number]
    # Two of them may have one number: the transaction's is meant, else the writer's.
    found.sort(
        key=lambda link: (
            link not in bound,
            core.topology.groups[link.node.group].writer != link.id,
        )
    )
    for link in found[:1]:
        core.backends.tell(link.adapter.dialect, number, link.id)
    return number
