"""How a change over several groups would be made, as a tree; nothing of it runs."""

from __future__ import annotations

from typing import Any

from routedb import errors
from routedb.config.model import DatabaseConfig
from routedb.engine.route.explain import Explanation, explain_text, nodes_for
from routedb.engine.route.plan_tree import Step
from routedb.engine.session import Session
from routedb.merge import created_dealt, dealt, kept_keys, sourced
from routedb.merge.explaining import fragment_steps
from routedb.merge.in_place import in_place
from routedb.merge.refused import NotMerged, check_reading
from routedb.merge.rekeyed import Rekeyed
from routedb.merge.targets import Target
from routedb.merge.written import written_parts
from routedb.planner import (
    Copied,
    Created,
    Refusal,
    Written,
    strung,
    take_change_apart,
)
from routedb.routing import Reason, Route
from routedb.routing.decider import Decision, decide_part
from routedb.routing.destination import Destination
from routedb.routing.plan import ParsedText
from routedb.routing.questions import ALL_ASKED
from routedb.topology.snapshot import Role

_ONE_TRANSACTION = ("why", "all of it is one transaction")


def explained_change(
    session: Session,
    text: ParsedText,
    params: Any,
    refusal: errors.Error,
    target: Target | None,
    sources: sourced.Sources,
) -> Explanation:
    """Return how `text` with `params` would be run in `session`, which one group cannot
    do, by the `refusal`. Its `target` is of another dialect, or None; `sources` plan
    what it reads elsewhere. Raises what the running raises before it writes."""
    if target is not None:
        return _foreign(session, text, target)
    parts = written_parts(session, text, refusal)
    if parts is not None:
        return _written(session, text, params, parts, refusal)
    return _sourced(session, text, params, refusal, sources)


def _foreign(session: Session, text: ParsedText, target: Target) -> Explanation:
    """Rows of another dialect's table."""
    check_reading(text)
    made = take_change_apart(text.source, text.plan.dialect)
    if isinstance(made, Refusal):
        raise NotMerged(made.reason)
    before = session.override(target.database, None, None)
    try:
        there = explain_text(session, session.learn(f"DELETE FROM {target.name}"), None)
    finally:
        session.restore_overrides(before)
    dialect = text.plan.dialect
    why = f"values of {dialect}'s are written to {target.dialect}"
    facts = (
        ("values", f"worked out where {dialect} is spoken"),
        ("rows", "found with locks, and written by their primary key"),
        _ONE_TRANSACTION,
    )
    title = f"{made.verb} of rows in {target.dialect}'s dialect"
    return _explanation(text, there, why, Step(title, facts, (there.plan,)))


def _written(
    session: Session,
    text: ParsedText,
    params: Any,
    made: Written | Created,
    refusal: errors.Error,
) -> Explanation:
    """INSERT … SELECT, and tables made of a query."""
    inner = session.learn(made.query.sql)
    read = _read(session, inner, made.query.bind(params), refusal)
    outer = session.learn(strung(made.before.sql, "SELECT NULL", made.after.sql))
    target = _several(session, text, outer, made)
    if target is not None:
        there, title = _dealt(session, outer, target, dealt.WHY)
    else:
        try:
            there = explain_text(session, outer, None)
        except errors.ShardError:
            raise NotMerged("its target is on several groups") from None
        title = "the rows of a query are written"
    steps = (read.plan, Step("the statement, with these rows", there.plan.facts))
    plan = Step(title, (_ONE_TRANSACTION,), steps)
    return _explanation(text, there, "the rows of a query are written", plan)


def _several(
    session: Session, text: ParsedText, outer: ParsedText, made: Written | Created
) -> dealt.Placed | None:
    """The table that is written to, where it is on several groups."""
    if not isinstance(made, Created):
        return dealt.placed_target(session, outer)
    (table,) = text.plan.statement.writes
    place = created_dealt.target_of(session, text)
    return None if place is None else dealt.Placed(table, place)


def _read(
    session: Session, text: ParsedText, params: Any, refusal: errors.Error
) -> Explanation:
    """What a replica has not replayed must not be missing."""
    if not text.plan.is_read:
        raise NotMerged("its query is no plain read")
    before = session.override(None, Role.WRITER, None)
    try:
        if not text.plan.statement.tables:
            return explain_text(session, text, params)
        merger = session.core.merger
        return merger.explain(session, text, params, refusal)  # type: ignore[no-any-return]
    finally:
        session.restore_overrides(before)


def _dealt(
    session: Session, outer: ParsedText, target: dealt.Placed, why: str
) -> tuple[Explanation, str]:
    """Every shard that may get rows, and `why`."""
    database = session.core.config.databases[target.place.database]
    is_copy = isinstance(target.place, Copied)
    title = "each shard gets the rows of a query" if is_copy else why
    every = tuple(range(len(database.groups)))
    decided = [_on_shard(session, outer, database, number, title) for number in every]
    nodes = tuple(node for one in decided for node in nodes_for(session, one))
    reasons = ((Reason.SHARD_KEY, title), decided[-1].route.reasons[-1])
    route = Route(database.name, every, Role.WRITER, reasons)
    facts = (("groups", f"{database.name}: {len(every)}"),
             ("nodes", tuple(node.name for node in nodes)))  # fmt: skip
    return Explanation(outer.plan.statement, route, nodes, Step(title, facts)), title


def _on_shard(
    session: Session,
    text: ParsedText,
    database: DatabaseConfig,
    number: int,
    why: str,
) -> Decision:
    place = Destination(database, (number,), (Reason.SHARD_KEY, why), None, False)
    decided = decide_part(text.plan, session, place, ALL_ASKED)
    assert isinstance(decided, Decision)  # nothing is left to be asked
    return decided


def _sourced(
    session: Session,
    text: ParsedText,
    params: Any,
    refusal: errors.Error,
    sources: sourced.Sources,
) -> Explanation:
    """Changes by what is on other groups, or that set a shard key."""
    found = kept_keys.kept(session, text, params)
    if found is not None:
        return _kept(session, text, params, found, refusal)
    moved = sources.moved(session, text)
    if moved is not None:
        return _rekeyed(session, text, moved)
    made, _ = sources.planned(session, text, params, refusal)
    _, _, fragments = fragment_steps(session, text, made, params)
    assert made.remainder is not None  # of every such plan
    none: dict[int, Any] = dict.fromkeys(range(len(made.fragments)), ())
    sql, values = in_place(made.dialect, made.remainder, none, params)
    there = explain_text(session, session.learn(sql), values)
    facts = (("sql", made.remainder.text.sql), *there.plan.facts)
    steps = (*fragments, Step("the statement, with these rows in it", facts))
    plan = Step(sourced.WHY, (_ONE_TRANSACTION,), steps)
    return _explanation(text, there, sourced.WHY, plan)


def _kept(
    session: Session,
    text: ParsedText,
    params: Any,
    found: kept_keys.Kept,
    refusal: errors.Error,
) -> Explanation:
    """An UPDATE whose rows stay on their shard, as far as is known now."""
    inner = session.learn(found.query.sql)
    read = _read(session, inner, found.query.bind(params), refusal)
    database = session.core.config.databases[found.place.database]
    decided = _on_shard(session, text, database, found.number, kept_keys.WHY)
    nodes, route = nodes_for(session, decided), decided.route
    facts = (("nodes", tuple(node.name for node in nodes)), ("why", kept_keys.WHY))
    steps = (read.plan, Step("the statement, where all of them are", facts))
    plan = Step("the keys of its rows are read first", (_ONE_TRANSACTION,), steps)
    return Explanation(text.plan.statement, route, nodes, plan, True)


def _rekeyed(session: Session, text: ParsedText, moved: Rekeyed) -> Explanation:
    """An UPDATE by which rows may change shards."""
    why = "rows that get another shard key are deleted, and inserted where it belongs"
    there, title = _dealt(session, text, moved.target, why)
    facts = (
        _ONE_TRANSACTION,
        ("deleted by", moved.parts.query.sql),
        ("inserted by", f"{moved.parts.before.sql}…{moved.parts.after.sql}"),
    )
    return _explanation(text, there, why, Step(title, facts, (there.plan,)))


def _explanation(
    text: ParsedText, there: Explanation, why: str, plan: Step
) -> Explanation:
    known = there.route
    reasons = ((Reason.SEVERAL_GROUPS, why), *known.reasons)
    route = Route(known.database, known.groups, known.role, reasons)
    return Explanation(text.plan.statement, route, there.nodes, plan, True)
