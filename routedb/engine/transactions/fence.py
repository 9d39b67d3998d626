"""Old writers: nothing is committed where a newer history has overtaken the node.

An old writer may go on while another node has been promoted: it was paused, cut off, or
nobody has told it. What it accepts then is not in the group's history and will be lost.
So a commit is not sent to it, and what it has acknowledged meanwhile is not believed.
"""

from __future__ import annotations

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.shared.core import Core


def is_overtaken(core: Core, link: Link) -> bool:
    """Tell whether another node was seen to be the writer of a newer history."""
    return link.id in core.topology.groups[link.node.group].fenced


def lost(link: Link) -> errors.TransactionLost:
    """Return the error for a transaction that was rolled back instead of committed."""
    return errors.TransactionLost(
        f"{link.node.name} is not the writer any more: another node has the newer "
        "history. The transaction was rolled back and nothing of it was committed; "
        "running the whole transaction again is safe"
    )


def unknown(link: Link, what: str) -> errors.OutcomeUnknown:
    """Return the error for what an old writer has acknowledged after all."""
    return errors.OutcomeUnknown(
        f"{link.node.name} acknowledged {what}, but is not the writer any more: "
        "another node has the newer history, which may or may not hold it. Look at the "
        "data there before running it again"
    )
