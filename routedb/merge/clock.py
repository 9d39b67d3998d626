"""The times of a statement, as one server has them.

In a transaction of PostgreSQL that is the one that was joined first, which says the
same for as long as it lasts; else the first that the statement is to ask anyway.
"""

from __future__ import annotations

from typing import Any

from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt
from routedb.engine.session import Session
from routedb.errors import Fault
from routedb.merge.across import working_reads
from routedb.merge.fragments import decide_reads, reads_of
from routedb.merge.refused import NotMerged
from routedb.planner import GroupsPlan
from routedb.routing.plan import Plan


def at_once(session: Session, plan: Plan, made: GroupsPlan, params: Any) -> GroupsPlan:
    """Return `made`, the plan of a statement of this `plan` with `params`, with the
    times that it asks for, as `session` has them now. Raises what the driver raises."""
    if not made.moments:
        return made
    asked = ", ".join(moment.asked for moment in made.moments)
    ((*values,),) = _asked(session, plan, made, params, f"SELECT {asked}")
    said = [v.decode() if isinstance(v, bytes) else v for v in values]
    marks = (moment.mark for moment in made.moments)
    return made.at(dict(zip(marks, said, strict=True)))


def _asked(
    session: Session, plan: Plan, made: GroupsPlan, params: Any, sql: str
) -> list[tuple[Any, ...]]:
    for branch in session.transaction.branches.values():
        if branch.adapter.dialect == made.dialect:
            return _run(branch, sql)
    reads = reads_of(session, made, params)
    if not reads:
        raise NotMerged("it asks no group")
    where = working_reads(reads, session.core.config, made.dialect)
    decision = decide_reads(session, plan, where)
    attempt = Attempt(session, plan, decision, is_one_of_several=True)
    link = attempt.reach()
    try:
        return _run(link, sql)
    except Exception as exc:
        is_lost = link.adapter.fault(exc, link.raw) is Fault.LINK_LOST
        if not (is_lost and attempt.is_outside):
            raise
    session.links.drop(link)  # an idle link may have died
    return _run(attempt.reach(), sql)


def _run(link: Link, sql: str) -> list[tuple[Any, ...]]:
    try:
        return link.run(sql)
    except Exception as exc:
        link.classify_error(exc)
        raise
