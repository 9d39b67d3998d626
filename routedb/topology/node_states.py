"""The states of a node, as one table.

One failure is enough to stop using a node, and two answers are needed before a node
that was away is used again: a server that is starting, or is about to crash again for
the same reason, often answers once. A node never seen before is UP at its
first answer, because there is no bad news that this answer would have to outweigh, and
a program that starts must not wait for a second round.

A lost link and a refusal are different evidence. A link may be lost because an operator
ended that one session, so a lost link only makes a node SUSPECT: a replica leaves the
ring at once, the writer goes on being the writer (no other node can), and one answer
settles it. A node that refuses a new link, or does not answer in time, is DOWN,
and so is a SUSPECT node at its next failure.

A node that is merely full ("too many connections") is not away: open links to it go on
working, so BUSY changes nothing but the failure that is shown for the node.

LAGGING is for replicas that answer but are too far behind to be read from; the bound is
`max_lag` of the configuration, and update.py turns it into FRESH or BEHIND.

DRAINING is set by an operator and outlives all news of the node itself; when the
operator takes it back, what was known is old, so the node is UNKNOWN until it answers.

GONE is set by member discovery. A node that left keeps its id and its entry in the
tables, so that late news and old links find it, and is never chosen. When it joins
again it is UNKNOWN, as any new node is.

Nothing but this table changes a node's state.
"""

from __future__ import annotations

from enum import Enum

from routedb.errors import Fault
from routedb.topology.snapshot import NodeState


class News(Enum):
    """What was learnt of a node."""

    FRESH = "answered"
    BEHIND = "answered, behind"  # by more than max_lag, or by an unknown time
    LOST = "lost a link"
    REFUSED = "refused"  # no new link, or no answer in time
    BUSY = "is full"
    DRAIN = "drain"
    RESUME = "resume"
    JOIN = "join"
    LEAVE = "leave"


_UNKNOWN, _UP, _LAGGING, _SUSPECT, _DOWN, _DRAINING, _GONE = NodeState

TABLE: dict[tuple[NodeState, News], NodeState] = {
    (_UNKNOWN, News.FRESH): _UP,
    (_UNKNOWN, News.BEHIND): _LAGGING,
    (_UNKNOWN, News.LOST): _SUSPECT,
    (_UNKNOWN, News.REFUSED): _DOWN,
    (_UNKNOWN, News.BUSY): _UNKNOWN,
    (_UNKNOWN, News.DRAIN): _DRAINING,
    (_UNKNOWN, News.RESUME): _UNKNOWN,
    (_UNKNOWN, News.JOIN): _UNKNOWN,
    (_UNKNOWN, News.LEAVE): _GONE,
    (_UP, News.FRESH): _UP,
    (_UP, News.BEHIND): _LAGGING,
    (_UP, News.LOST): _SUSPECT,
    (_UP, News.REFUSED): _DOWN,
    (_UP, News.BUSY): _UP,
    (_UP, News.DRAIN): _DRAINING,
    (_UP, News.RESUME): _UP,
    (_UP, News.JOIN): _UP,
    (_UP, News.LEAVE): _GONE,
    (_LAGGING, News.FRESH): _UP,
    (_LAGGING, News.BEHIND): _LAGGING,
    (_LAGGING, News.LOST): _SUSPECT,
    (_LAGGING, News.REFUSED): _DOWN,
    (_LAGGING, News.BUSY): _LAGGING,
    (_LAGGING, News.DRAIN): _DRAINING,
    (_LAGGING, News.RESUME): _LAGGING,
    (_LAGGING, News.JOIN): _LAGGING,
    (_LAGGING, News.LEAVE): _GONE,
    (_SUSPECT, News.FRESH): _UP,
    (_SUSPECT, News.BEHIND): _LAGGING,
    (_SUSPECT, News.LOST): _DOWN,
    (_SUSPECT, News.REFUSED): _DOWN,
    (_SUSPECT, News.BUSY): _SUSPECT,
    (_SUSPECT, News.DRAIN): _DRAINING,
    (_SUSPECT, News.RESUME): _SUSPECT,
    (_SUSPECT, News.JOIN): _SUSPECT,
    (_SUSPECT, News.LEAVE): _GONE,
    (_DOWN, News.FRESH): _SUSPECT,
    (_DOWN, News.BEHIND): _SUSPECT,
    (_DOWN, News.LOST): _DOWN,
    (_DOWN, News.REFUSED): _DOWN,
    (_DOWN, News.BUSY): _DOWN,
    (_DOWN, News.DRAIN): _DRAINING,
    (_DOWN, News.RESUME): _DOWN,
    (_DOWN, News.JOIN): _DOWN,
    (_DOWN, News.LEAVE): _GONE,
    (_DRAINING, News.FRESH): _DRAINING,
    (_DRAINING, News.BEHIND): _DRAINING,
    (_DRAINING, News.LOST): _DRAINING,
    (_DRAINING, News.REFUSED): _DRAINING,
    (_DRAINING, News.BUSY): _DRAINING,
    (_DRAINING, News.DRAIN): _DRAINING,
    (_DRAINING, News.RESUME): _UNKNOWN,
    (_DRAINING, News.JOIN): _DRAINING,
    (_DRAINING, News.LEAVE): _GONE,
    (_GONE, News.FRESH): _GONE,
    (_GONE, News.BEHIND): _GONE,
    (_GONE, News.LOST): _GONE,
    (_GONE, News.REFUSED): _GONE,
    (_GONE, News.BUSY): _GONE,
    (_GONE, News.DRAIN): _GONE,
    (_GONE, News.RESUME): _GONE,
    (_GONE, News.JOIN): _UNKNOWN,
    (_GONE, News.LEAVE): _GONE,
}

# What a failure of each kind proves about the node. A kind that is not named here
# cannot come from a probe of a healthy node, so it counts as a refusal.
NEWS_OF_FAULT: dict[Fault, News] = {
    Fault.LINK_LOST: News.LOST,
    Fault.OVERLOAD: News.BUSY,
}


def news_of_fault(fault: Fault) -> News:
    """Return the news about the node that a failure of this kind is."""
    return NEWS_OF_FAULT.get(fault, News.REFUSED)
