"""Fragments on their groups, over the session's own links.

What runs on a group is a plain read of that group alone: where and in which role it
runs, what it must not fall behind of, what is done when its node fails is decided as it
is for a text of the user's. Inside a transaction it runs on its branch of the group,
and sees what has been written there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from routedb.config.model import DatabaseConfig
from routedb.engine.run.executor import decide_part_asking
from routedb.engine.session import Session
from routedb.planner import Fragment, GroupsPlan, Spread
from routedb.routing import Reason
from routedb.routing.decider import Decision
from routedb.routing.destination import Destination
from routedb.routing.plan import Plan


@dataclass(slots=True)
class GroupReads:
    """What is asked of one group: the numbers of fragments of the plan."""

    database: DatabaseConfig
    number: int  # of the group in its database
    fragments: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called: `shop[1]`, or its database."""
        name = self.database.name
        return f"{name}[{self.number}]" if self.database.is_sharded else name

    @property
    def group(self) -> int:
        """Its id over the cluster."""
        return self.database.groups[self.number].id


def reads_of(session: Session, made: GroupsPlan, params: Any) -> list[GroupReads]:
    """Return what is asked of which group, for the plan `made` with these `params`.

    A fragment that any group can answer goes to one that is asked anyway.
    """
    config = session.core.config
    found: dict[tuple[str, int], GroupReads] = {}

    def ask(fragment: Fragment, group: int, number: int) -> None:
        place = (fragment.database, group)
        reads = found.get(place)
        if reads is None:
            database = config.databases[fragment.database]
            reads = found[place] = GroupReads(database, group)
        reads.fragments.append(number)

    free = []
    for number, fragment in enumerate(made.fragments):
        groups = len(config.databases[fragment.database].groups)
        if fragment.spread is Spread.ANY:
            free.append((number, fragment, groups))
            continue
        for group in fragment.groups(params, groups) or ():
            ask(fragment, group, number)
    for number, fragment, groups in free:
        asked = [group for name, group in found if name == fragment.database]
        ask(fragment, asked[0] if asked else session.rotation() % groups, number)
    return list(found.values())


def decide_reads(session: Session, plan: Plan, reads: GroupReads) -> Decision:
    """Return where in its group a part of a statement is read: `plan` is the
    statement's, `session` the one that reads."""
    group = reads.group
    if not session.core.groups[group].is_single or session.transaction.is_open:
        return decide_part_asking(session, plan, place_of(reads))
    # Of one node nothing counts that is not the session's, or the topology.
    sticky, topology, known = session.parts
    is_old = sticky is not session.version.sticky
    if is_old or topology is not session.core.topology:
        sticky, topology, known = session.version.sticky, session.core.topology, {}
        session.parts = (sticky, topology, known)
    decision = known.get((plan, group))
    if decision is None:
        decision = known[plan, group] = decide_part_asking(
            session, plan, place_of(reads)
        )
    return decision


def place_of(reads: GroupReads) -> Destination:
    """Return where a part of a statement is read."""
    why = "rows of several groups are merged"
    return Destination(
        reads.database, (reads.number,), (Reason.SEVERAL_GROUPS, why), None, False
    )
