"""The times that a statement on several groups writes, as one server has them.

`now()` is another on each server, and one database has one for a statement, in
PostgreSQL for a transaction. So the branch that was there first is asked, and what it
says stands in the text that each group gets.
"""

from __future__ import annotations

from collections.abc import Sequence

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.planner import Moment, Refusal, times_of
from routedb.routing.decider import Decision
from routedb.routing.plan import Plan


def check_untimed(plan: Plan, source: str) -> None:
    """Raise ShardError where the text `source` of `plan`, which is not merely executed,
    asks for a time: it is sent as it is."""
    found = times_of(source, plan.dialect)
    if isinstance(found, Refusal) or found[1]:
        raise errors.ShardError(
            f"{plan.statement.verb} runs on several shards and asks for the time, "
            "which is another on each: execute() it, or pass the time as a parameter"
        )


class Times:
    """The times of one statement of `plan` in `session`, as `decided`."""

    def __init__(self, session: Session, plan: Plan, decided: Decision) -> None:
        self._session = session
        self._plan = plan
        self._decided = decided
        self._said: dict[str, str] = {}

    def in_text(self, sql: str) -> str:
        """Return `sql` with the times that it asks for. Raises ShardError where they
        cannot be told, and what the driver raises when it is asked."""
        found = times_of(sql, self._plan.dialect)
        if isinstance(found, Refusal):
            raise errors.ShardError(
                f"{self._plan.statement.verb} runs on several shards, and what it asks "
                f"of the clock would differ between them: {found.reason}"
            )
        made, moments = found
        missing = [each for each in moments if each.asked not in self._said]
        if missing:
            self._ask(missing)
        for each in moments:
            made = made.replace(each.mark, self._said[each.asked])
        return made

    def _ask(self, moments: Sequence[Moment]) -> None:
        asked = list(dict.fromkeys(moment.asked for moment in moments))
        branches = self._session.transaction.branches.values()
        dialect = self._plan.dialect
        alike = (link for link in branches if link.adapter.dialect == dialect)
        group = self._decided.groups[0]
        attempt = Attempt(
            self._session, self._plan, self._decided, group, is_one_of_several=True
        )
        link = next(alike, None) or attempt.reach()
        values = _values(attempt, link, f"SELECT {', '.join(asked)}")
        said = (v.decode() if isinstance(v, bytes) else str(v) for v in values)
        self._said.update(zip(asked, said, strict=True))


def _values(attempt: Attempt, link: Link, sql: str) -> Sequence[object]:
    try:
        ((*values,),) = link.run(sql)
    except Exception as exc:
        judge(attempt, link, exc)
        raise
    return values
