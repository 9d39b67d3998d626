"""A statement that meets a fence follows its table to the new place.

The fence's error proves that nothing was done. So a statement outside a transaction, or
the first of one, is run again: by a new plan once the placements say something new, and
by the old one until then, for the mover makes the fence before it writes the placement,
and takes it away when it gives up. A transaction that has done more is lost.
"""

from __future__ import annotations

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run.outcome import Underway
from routedb.engine.shared.core import Core
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.placement_watch import ask_again
from routedb.engine.transactions.transaction import Transaction
from routedb.routing.plan import Plan
from routedb.session.fence import fence_version

_PAUSE_S = 0.02
_KNOWN_S = 1.0  # for the placement of a fence whose version is in force already


def may_follow(attempt: Underway) -> bool:
    """Tell whether the statement of `attempt` can be run by another plan."""
    return attempt.may_move and attempt.pinned is None and not attempt.is_in_parts


@lets_go
def follow(attempt: Underway, link: Link, exc: Exception) -> None:
    """Return when the statement of `attempt`, which has met a fence on `link`, may be
    run again: `is_moved` says whether by a new plan. Raises `exc`, the fence's error,
    where that leads nowhere else within `failover_timeout`."""
    core = attempt.session.core
    link.guard = 0  # what it has shown is not what the server has seen
    learn(core, link)
    ruleset = core.ruleset  # one of them: others put new ones in force meanwhile
    if ruleset.rules is not attempt.plan.rules:
        attempt.is_moved = True
        return
    now = core.clock()
    if not attempt.fenced_at:
        attempt.fenced_at = now
    database = core.config.databases[link.node.database]
    waited_s = now - attempt.fenced_at
    # Another move may have taken the version that the fence was made with.
    is_known = ruleset.placements.version >= fence_version(str(exc))
    if waited_s >= database.failover_timeout_s or (is_known and waited_s >= _KNOWN_S):
        raise exc
    core.pause(_PAUSE_S)


def learn(core: Core, link: Link) -> None:
    """Ask for the placements, as the fence behind `link` says they are new. The home
    may be away: then what is known counts."""
    database = core.config.databases[link.node.database]
    try:
        ask_again(core, database.connect_timeout_s)
    except errors.Error:
        return


@lets_go
def check_stays(transaction: Transaction, plan: Plan) -> None:
    """Before a `transaction` that has begun goes to another group by `plan`: lose it
    when it has read one of these tables at the place where that was before."""
    for read in transaction.reads.plans():
        if read.rules is not plan.rules and not read.names.isdisjoint(plan.names):
            moved = ", ".join(sorted(read.names & plan.names))
            for link in list(transaction.branches.values()):
                transaction.lose(link)
                break
            raise errors.TransactionLost(
                f"{moved} has been moved to {plan.placement.database} since this "
                "transaction has read it where it was. Nothing of it was committed; "
                "after rollback(), running the whole transaction again is safe"
            )
