"""A text of several writes on shards: psycopg2's `execute_batch()` makes such texts.

One server runs them one after the other, in one transaction. Where each of them is for
one shard, a shard gets those that are for it in one text again; else they are run one
by one. What is shown is the result of the last one, as PostgreSQL has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from routedb import errors
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.multi_shard import in_transaction, on_group
from routedb.engine.run.outcome import succeeded
from routedb.engine.run.times import Times
from routedb.engine.session import Session
from routedb.engine.shared.let_go import lets_go
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.routing.decider import Decision
from routedb.routing.plan import ParsedText, Plan
from routedb.sql.scanner.splitter import pieces
from routedb.sql.statement import Kind

Decide = Callable[[ParsedText, Any], Decision]
Again = Callable[[ParsedText, Any], None]
_Part = tuple[ParsedText, Any]


def is_series(plan: Plan) -> bool:
    """Tell whether the text of `plan` may be one of several writes, and no more."""
    statement = plan.statement
    is_several = statement.parts > 1 and bool(statement.writes)
    return is_several and plan.dialect == "postgresql" and not plan.has_effects


@lets_go
def run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    decide: Decide,
    again: Again,
    refusal: errors.Error,
) -> None:
    """Run each statement of `text` with its `params` where its rows are; let `cursor`
    show the last one. `decide` decides about one of them, and `again` runs it by
    itself, in `session`. Raises `refusal` where one is no write of the same
    database."""
    parts = [(session.learn(sql), its) for sql, its in pieces(text.scan, params)]
    names = {each.plan.database.name for each, _ in parts}
    kinds = {each.plan.statement.kind for each, _ in parts}
    if len(names) != 1 or kinds != {Kind.WRITE}:
        raise refusal
    decisions = _decided(decide, parts)

    def one_by_one() -> None:
        for part in parts:
            again(*part)

    def by_shard() -> None:
        _run_by_shard(session, cursor, text.plan, parts, decisions)

    in_transaction(session, by_shard if decisions else one_by_one)


def _decided(decide: Decide, parts: Sequence[_Part]) -> list[Decision]:
    """Return where each statement runs; none where one of them is not for one shard."""
    decisions: list[Decision] = []
    for each, its in parts:
        try:
            decisions.append(decide(each, its))
        except (errors.ShardError, errors.CrossDatabaseError):
            return []
        if decisions[-1].target is not None or len(decisions[-1].groups) > 1:
            return []
    return decisions


def _run_by_shard(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    parts: Sequence[_Part],
    decisions: Sequence[Decision],
) -> None:
    by_group: dict[int, list[_Part]] = {}
    for part, decided in zip(parts, decisions, strict=True):
        by_group.setdefault(decided.groups[0], []).append(part)
    last = decisions[-1].groups[0]
    by_group[last] = by_group.pop(last)  # whose result is shown
    times = Times(session, plan, decisions[0])
    for group, its in by_group.items():
        merged = MergedResult(cursor.arraysize)
        sql = times.in_text(";\n".join(each.source for each, _ in its))
        values = _joined([params for _, params in its])
        decided = next(each for each in decisions if each.groups[0] == group)

        def call(raw: Any, sql: str = sql, values: Any = values) -> None:
            raw.execute(sql) if values is None else raw.execute(sql, values)

        on_group(session, cursor, plan, decided, group, call, merged.add)
    for decided in decisions:
        decided.route.hits[0] += 1
    merged.finish()
    cursor.raw, cursor.route = merged, decisions[-1].route
    succeeded(session, cursor, plan)


def _joined(given: Sequence[Any]) -> Any:
    """Return the parameters of several statements, for all of them in one text."""
    if given[0] is None or isinstance(given[0], Mapping):
        return given[0]
    return tuple(value for values in given for value in values)
