"""Statements that are by nature for several shards: INSERTs whose rows are split,
UPDATE and DELETE of rows on several, writes to reference tables.

All parts run in one transaction with a branch on each shard, and a part that fails
undoes the others (`undo`). Outside a transaction one is opened for the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor, ResultSet
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.outcome import succeeded
from routedb.engine.run.recovery import judge
from routedb.engine.run.times import Times
from routedb.engine.run.undo import all_or_nothing
from routedb.engine.session import Session
from routedb.engine.shared.let_go import lets_go
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing.decider import Decision
from routedb.routing.plan import ParsedText, Plan
from routedb.sharding import InsertPart

Written = tuple[str, Any]  # a text, and its parameters


def run(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    call: Call,
    written: Written | None = None,
) -> bool:
    """Run a statement on each of its shards; show the results as one. Tell whether it
    has run: what is for one of them may have to be decided anew (`Attempt.is_moved`).

    `decided` has a target: the parts of the statement, or none where `call`, which runs
    it on a raw cursor, is for all shards. `plan` is the statement's, and `written` its
    text with parameters where the call does no more than to execute that.
    """
    target = decided.target
    assert target is not None
    check_home(session, plan, decided)
    check_settled(plan, decided)
    if target.is_each and getattr(cursor, "name", None):
        raise errors.ShardError(
            f"{plan.statement.verb} of rows on several shards by a named cursor: use a "
            "plain one"
        )
    if plan.statement.verb == "LOCK" and not session.transaction.is_open:
        # Outside of transactions the server says that this is of no use.
        alone = Attempt(session, plan, decided._replace(target=None))
        alone.run(cursor, call)
        return True
    part = only_part(decided)
    if part is not None:
        alone = Attempt(session, plan, decided._replace(target=None))
        alone.may_move = True
        alone.run(cursor, _calling(part.sql, part.params))
        return not alone.is_moved
    work = partial(_run_all, session, cursor, plan, decided, call, written)
    in_transaction(session, work)
    return True


def check_settled(plan: Plan, decided: Decision) -> None:
    """Raise ShardError where a statement of this `plan`, as `decided`, would meet rows
    that are on two shards at the moment."""
    target = decided.target
    if target is None or not target.is_each or len(decided.groups) < 2:
        return
    for table, rule in plan.rules.moving(plan.statement.tables):
        if rule.moving is not None and rule.moving.hidden:
            raise errors.ShardError(
                f"{plan.statement.verb} of rows on several shards: rows of {table} "
                "move between them until `routedb move finish`; name one key at a time"
            )


def _run_all(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    call: Call,
    written: Written | None,
) -> None:
    """Run each shard's part of a statement, and show the results as one."""
    target = decided.target
    assert target is not None
    merged = MergedResult(cursor.arraysize)
    times = Times(session, plan, decided)
    on_each = call if written is None else _timed(times, call, written)
    if target.parts:
        for part in target.parts:
            group = plan.database.groups[part.shard].id
            take = _taking(merged, part.rows)
            on_shard = _calling(times.in_text(part.sql), part.params)
            on_group(session, cursor, plan, decided, group, on_shard, take)
    elif target.is_each:
        for group in decided.groups:
            on_group(session, cursor, plan, decided, group, on_each, merged.add)
    else:
        results = [MergedResult(cursor.arraysize) for _ in decided.groups]
        for group, result in zip(decided.groups, results, strict=True):
            on_group(session, cursor, plan, decided, group, on_each, result.add)
        merged = results[0]  # all have done the same
    merged.finish()
    cursor.raw, cursor.route = merged, decided.route
    decided.route.hits[0] += 1
    succeeded(session, cursor, plan)


def _timed(times: Times, call: Call, written: Written) -> Call:
    """Return `call`, with the times that its text asks for."""
    source, params = written
    sql = times.in_text(source)
    return call if sql == source else _calling(sql, params)


def only_part(decided: Decision) -> InsertPart | None:
    """Return the part of a statement for one shard that has a text of its own there, as
    `decided`; None for others."""
    target = decided.target
    if target is None or len(target.parts) != 1:
        return None
    (part,) = target.parts
    return part


def run_batches(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decisions: Mapping[int, Decision],
    sql: str,
    by_group: Mapping[int, Sequence[Any]],
) -> None:
    """Run the text `sql` of this `plan` for sets of parameters, those of a group at
    once. `by_group` has them, `decisions` has one for each group."""
    for decided in decisions.values():
        check_settled(plan, decided)

    def work() -> None:
        merged = MergedResult(cursor.arraysize)
        timed = Times(session, plan, next(iter(decisions.values()))).in_text(sql)
        for group, rows in by_group.items():
            call = _calling_many(timed, rows)
            on_group(session, cursor, plan, decisions[group], group, call, merged.count)
            decided = decisions[group]
            is_again = decided.target is not None and decided.target.is_each
            if not is_again or group == decided.groups[0]:
                decided.route.hits[0] += len(rows)
        cursor.raw = merged
        cursor.route = next(iter(decisions.values())).route

    in_transaction(session, work)


def run_each(
    session: Session, cursor: VirtualCursor, calls: Sequence[Callable[[], None]]
) -> None:
    """Make the calls, each of which runs a statement on `cursor`, in one transaction;
    the row count is the sum."""

    def work() -> None:
        merged = MergedResult(cursor.arraysize)
        for call in calls:
            call()
            assert cursor.raw is not None  # it has just run there
            merged.count(cursor.raw)
        cursor.raw = merged
        cursor.unbind_fetch()

    in_transaction(session, work)


@lets_go
def merge_each(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    batch: Sequence[Any],
    refusal: errors.Error,
) -> None:
    """Change rows of another engine's table by `text` for each set of parameters in
    `batch`, in one transaction of `session`; `cursor` shows the count. Raises `refusal`
    where `text` does something else."""
    merger = session.core.merger
    if not merger.may_change(session, text):
        raise refusal
    run_one = partial(merger.run, session, cursor, text)
    run_each(session, cursor, [partial(run_one, p, refusal) for p in batch])


def in_transaction(session: Session, work: Callable[[], None]) -> None:
    """Do `work` inside the open transaction, or inside one of its own."""
    transaction = session.transaction
    if transaction.is_open:
        all_or_nothing(transaction, work)
        return
    try:
        transaction.begin(transaction.mode, None)
        work()
        session.commit()
    except BaseException:
        session.rollback()
        raise


def on_group(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    group: int,
    call: Call,
    take: Callable[[ResultSet], None],
) -> None:
    """Run one part on its `group`, as a writing branch of the transaction.

    `plan` is the statement's, as `decided` in `session`; `cursor` shows it, `call` runs
    it on a raw cursor.

    `take` takes what has come of it from the raw cursor, which is closed then. It is
    opened by the virtual cursor, and shown by it meanwhile: what makes the rows may be
    the user's and look at the virtual cursor's columns.
    """
    attempt = Attempt(session, plan, decided, group, is_one_of_several=True)
    link = attempt.reach()
    raw = cursor.make_raw_cursor(link)
    cursor.link, cursor.raw, cursor.route = link, raw, attempt.route

    def call_and_take(raw: RawCursor) -> None:
        call(raw)
        take(raw)
        raw.close()

    try:
        run_on(session, link, call_and_take, raw)
    except Exception as exc:
        with suppress(Exception):  # the driver's own classes
            raw.close()
        judge(attempt, link, exc)
        raise


def _taking(merged: MergedResult, places: Sequence[int]) -> Callable[[ResultSet], None]:
    return lambda raw: merged.add(raw, places)


def check_home(session: Session, plan: Plan, decided: Decision) -> None:
    """Raise CrossDatabaseError where the transaction of `session` writes to another
    database than a statement of this `plan`, as `decided`, is for."""
    home = session.transaction.home
    if session.transaction.spread.is_allowed:
        return
    if home >= 0 and session.core.groups[home].database != plan.database.name:
        raise errors.CrossDatabaseError(
            f"{plan.statement.verb} is for shards of {plan.database.name}, but this "
            f"transaction is on {session.core.groups[home].database}: commit first"
        )


def _calling(sql: str, params: Any) -> Call:
    if params is None:
        return lambda raw: raw.execute(sql)
    return lambda raw: raw.execute(sql, params)


def _calling_many(sql: str, rows: Sequence[Any]) -> Call:
    return lambda raw: raw.executemany(sql, rows)
