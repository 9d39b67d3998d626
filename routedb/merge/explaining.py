"""A plan over several groups as a tree to look at; nothing of it runs.

Only the catalogs are asked, as they would be to run it. Who would read is decided as
far as that needs no question to a server.
"""

from __future__ import annotations

from typing import Any

from routedb import errors
from routedb.engine.route.explain import Explanation, nodes_for
from routedb.engine.route.plan_tree import Step, Value
from routedb.engine.session import Session
from routedb.merge.fragments import GroupReads, place_of, reads_of
from routedb.merge.limits import Bounds
from routedb.planner import Fragment, GroupsPlan, Merge, OrderTerm, Relation, Slot
from routedb.routing import Reason, Route
from routedb.routing.decider import Decision, decide_part
from routedb.routing.plan import ParsedText
from routedb.routing.questions import ALL_ASKED

Facts = list[tuple[str, Value]]

# What is done to the rows that come, and why in this way.
_WAYS = {
    Merge.ONE: (
        "the answer of one group",
        "all tables of the statement are on each of these groups",
    ),
    Merge.STREAM: (
        "the rows of all groups, one after another",
        "each row of the answer is made by one group alone",
    ),
    Merge.COMBINE: (
        "one row of each group, made one",
        "counts, sums, least and greatest of parts are parts of the whole",
    ),
    Merge.WORK: (
        "a statement over the rows of all groups",
        "rows of several groups are needed at once",
    ),
}
_WORK_ON = {
    "sqlite": "a database in memory",
    "postgresql": "rows as arrays in its text, many in temporary tables",
    "mysql": "rows as JSON in its text, many in temporary tables",
}


def explained(
    session: Session, text: ParsedText, made: GroupsPlan, params: Any, bounds: Bounds
) -> Explanation:
    """Return how the plan `made` would answer `text` with `params` in `session`, within
    `bounds`. Raises ProgrammingError when its parameters are not there."""
    asked, decided, fragments = fragment_steps(session, text, made, params)
    plan = _top(session, made, fragments, bounds, asked)
    nodes = {
        node.id: node for decision in decided for node in nodes_for(session, decision)
    }
    last = asked[-1].database
    numbers = tuple(reads.number for reads in asked if reads.database is last)
    names = ", ".join(sorted({reads.database.name for reads in asked}))
    why = f"rows of {len(asked)} groups of {names} are merged"
    reasons = ((Reason.SEVERAL_GROUPS, why), decided[-1].route.reasons[-1])
    route = Route(last.name, numbers, decided[-1].role, reasons)
    return Explanation(text.plan.statement, route, tuple(nodes.values()), plan, True)


def fragment_steps(
    session: Session, text: ParsedText, made: GroupsPlan, params: Any
) -> tuple[list[GroupReads], list[Decision], list[Step]]:
    """Return what the groups are asked by the plan `made` of `text` with `params` in
    `session`, who would answer each, and a step for each fragment. Raises
    ProgrammingError when its parameters are not there."""
    try:
        asked = reads_of(session, made, params)
    except (TypeError, LookupError):
        raise errors.ProgrammingError(
            "which groups it reads depends on its parameters: give them"
        ) from None
    decided = [_decide(session, text, reads) for reads in asked]
    steps = [
        _fragment_step(session, number, fragment, asked, decided)
        for number, fragment in enumerate(made.fragments)
    ]
    return asked, decided, steps


def _decide(session: Session, text: ParsedText, reads: GroupReads) -> Decision:
    decided = decide_part(text.plan, session, place_of(reads), ALL_ASKED)
    assert isinstance(decided, Decision)  # nothing is left to be asked
    return decided


def _top(
    session: Session,
    made: GroupsPlan,
    fragments: list[Step],
    bounds: Bounds,
    asked: list[GroupReads],
) -> Step:
    title, why = _WAYS[made.merge]
    facts: Facts = [("merge", made.merge.value), ("why", why)]
    if made.kept:
        facts.append(("not pushed down", tuple(dict.fromkeys(made.kept))))
    steps = tuple(fragments)
    if made.remainder is not None:
        facts.append(("sql", made.remainder.text.sql))
        facts.append(("on", _work_place(made, bounds, asked)))
        relations = made.remainder.relations
        steps = tuple(
            Step(
                f"relation {relation.name}",
                _columns(relation),
                (fragments[relation.fragment],),
            )
            for relation in relations
        )
        used = {relation.fragment for relation in relations}
        steps += tuple(s for n, s in enumerate(fragments) if n not in used)
    if made.combine:
        facts.append(("columns", tuple(each.value for each in made.combine)))
    if made.order:
        facts.append(("order", tuple(map(_order, made.order))))
    for name, value in (("limit", made.limit), ("offset", made.offset)):
        if value is not None:
            facts.append((name, _bound(value)))
    return Step(title, tuple(facts), steps)


def _work_place(made: GroupsPlan, bounds: Bounds, asked: list[GroupReads]) -> str:
    how = _WORK_ON[made.dialect]
    if made.dialect == "sqlite":
        return how
    if bounds.limits.work_node is not None:
        return f"{bounds.limits.work_node} ({bounds.set_by['work_node']}): {how}"
    return f"{asked[0].name}: {how}"


def _columns(relation: Relation) -> tuple[tuple[str, Value], ...]:
    columns = tuple(f"{column.name} {column.type}" for column in relation.columns)
    facts: Facts = [("columns", columns)]
    if relation.primary_key:
        facts.append(("primary key", ", ".join(relation.primary_key)))
    return tuple(facts)


def _order(term: OrderTerm) -> str:
    way = "descending" if term.is_descending else "ascending"
    nulls = "first" if term.nulls_first else "last"
    return f"column {term.column + 1} {way}, NULL {nulls}"


def _bound(value: int | Slot) -> str:
    return f"parameter {value.place}" if isinstance(value, Slot) else str(value)


def _fragment_step(
    session: Session,
    number: int,
    fragment: Fragment,
    asked: list[GroupReads],
    decided: list[Decision],
) -> Step:
    own = [
        (reads, decision)
        for reads, decision in zip(asked, decided, strict=True)
        if number in reads.fragments
    ]
    roles = sorted({decision.role.value for _, decision in own})
    places = ", ".join(reads.name for reads, _ in own)
    nodes = [node.name for _, each in own for node in nodes_for(session, each)]
    facts: Facts = [
        ("fragment", number),
        ("sql", fragment.text.sql),
        ("groups", places),
        ("role", ", ".join(roles)),
        ("nodes", tuple(nodes) or ("none is known yet",)),
        ("why there", _why(session, fragment, len(own))),
    ]
    if fragment.pushed:
        facts.append(("pushed down", fragment.pushed))
    if fragment.sideways:
        facts.append(("may be narrowed", _narrowed(fragment)))
    return Step(f"fragment {number}: {fragment.database}", tuple(facts))


def _why(session: Session, fragment: Fragment, groups: int) -> str:
    if not session.core.config.databases[fragment.database].is_sharded:
        return "the database has one group"
    if fragment.spread.value == "any":
        return "every group has all of these rows"
    if fragment.choice is not None:
        return f"the key leaves {groups} of its groups"
    return "its rows are on every group"


def _narrowed(fragment: Fragment) -> tuple[str, ...]:
    return tuple(
        f"{each.column} to what column {each.source_column + 1} of fragment "
        f"{each.source} has"
        for each in fragment.sideways
    )
