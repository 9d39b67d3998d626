"""What to say of a statement that cannot be carried out, or perhaps was."""

from __future__ import annotations

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.plans.plan import Plan
from routedb.engine.session import Session
from routedb.errors import Fault

# What became of a statement whose outcome is unknown; the last three stopped a batch.
_SAID = {
    Fault.LINK_LOST: "its answer was lost",
    Fault.NODE_READ_ONLY: "refused on the way",
    Fault.NODE_STARTING: "broken off on the way",
    Fault.TOO_LARGE: "refused on the way",
}


def unknown(
    link: Link, verb: str, exc: Exception, fault: Fault
) -> errors.OutcomeUnknown:
    """Return the error for a statement that may have happened."""
    said = link.end_reason if link.silence_s else f"{_SAID[fault]}: {exc}"
    return errors.OutcomeUnknown(
        f"{verb} was sent to {link.node.name} and {said}. It may or may not have "
        "happened; running it again may do it twice"
    )


def second_home_refused(session: Session, plan: Plan, group: int) -> errors.Error:
    """Return the refusal of a write to `group` by a transaction that is elsewhere."""
    home, other = (
        session.core.groups[session.transaction.home],
        session.core.groups[group],
    )
    tables = ", ".join(map(str, plan.statement.tables)) or "no table"
    if home.database == other.database:
        return errors.ShardError(
            f"{plan.statement.verb} on {tables} is for shard {other.shard} of "
            f"{other.database}, but this transaction is on shard {home.shard}: a "
            "transaction writes to one shard. Commit first"
        )
    return errors.CrossDatabaseError(
        f"{plan.statement.verb} on {tables} is for database {other.database}, "
        f"but this transaction is on {home.database}: a transaction writes to one "
        "database. Commit first, or use a connection of its own for the other"
    )
