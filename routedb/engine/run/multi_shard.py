"""Statements that are by nature for several shards: split INSERTs, reference writes.

All parts run in one transaction with a branch on each shard, so a part that fails
undoes the others. Outside a transaction one is opened for the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor, ResultSet
from routedb.engine.plans.plan import Plan, Text
from routedb.engine.route.router import Decision
from routedb.engine.route.shadow.decide import count, decide
from routedb.engine.run import single
from routedb.engine.run.attempt import Attempts
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Call, Session, VirtualCursor


def run(
    session: Session, cursor: VirtualCursor, plan: Plan, decided: Decision, call: Call
) -> None:
    """Run a statement on each of its shards; show the results as one."""
    target = decided.target
    assert target is not None
    _check_home(session, plan, decided)

    def work() -> None:
        merged = MergedResult(cursor.arraysize)
        if target.parts:
            for part in target.parts:
                group = plan.database.groups[part.shard].id
                take = _taking(merged, part.rows)
                on_shard = _calling(part.sql, part.params)
                _on(session, cursor, plan, decided, group, on_shard, take)
        else:
            results = [MergedResult(cursor.arraysize) for _ in decided.groups]
            for group, result in zip(decided.groups, results, strict=True):
                _on(session, cursor, plan, decided, group, call, result.add)
            merged = results[0]  # all have done the same
        merged.finish()
        cursor.raw, cursor.route = merged, decided.route
        single.wrote(session, cursor, plan, merged)

    in_transaction(session, work)


def executemany(
    session: Session,
    cursor: VirtualCursor,
    text: Text,
    sql: Any,
    rows: Sequence[Any],
    execute: Callable[[Any], None],
) -> None:
    """Run one statement for many sets of parameters, each on its own shard.

    `execute` runs it for one set, the long way, where a set itself is for several.
    """
    cursor.unbind_fetch()
    try:
        decisions = [decide(session, text, params) for params in rows]
    except errors.Error as exc:
        count(session, text, rows)
        raise session.as_frontend_error(exc) from exc.__cause__
    by_group: dict[int, list[Any]] = {}
    for decided, params in zip(decisions, rows, strict=True):
        if len(decided.groups) > 1 or decided.target is not None:
            _one_by_one(session, cursor, rows, execute)  # which counts, too
            return
        by_group.setdefault(decided.groups[0], []).append(params)
    count(session, text, rows)
    first = {decided.groups[0]: decided for decided in reversed(decisions)}

    def work() -> None:
        merged = MergedResult(cursor.arraysize)
        for group, some in by_group.items():
            call = _calling_many(sql, some)
            _on(session, cursor, text.plan, first[group], group, call, merged.count)
        cursor.raw = merged
        cursor.route = decisions[0].route

    if len(by_group) == 1:
        (group,) = by_group
        call = _calling_many(sql, rows)
        single.once(session, cursor, text.plan, first[group], call, is_batch=True)
    elif by_group:
        in_transaction(session, work)


def in_transaction(session: Session, work: Callable[[], None]) -> None:
    """Do `work` inside the open transaction, or inside one of its own."""
    transaction = session.transaction
    if transaction.is_open:
        work()
        return
    transaction.begin(transaction.mode, None)
    session.refresh()
    try:
        work()
    except BaseException:
        session.rollback()
        raise
    session.commit()


def _one_by_one(
    session: Session,
    cursor: VirtualCursor,
    rows: Sequence[Any],
    execute: Callable[[Any], None],
) -> None:
    def work() -> None:
        merged = MergedResult(cursor.arraysize)
        for params in rows:
            execute(params)
            assert cursor.raw is not None  # it has just run there
            merged.count(cursor.raw)
        cursor.raw = merged
        cursor.unbind_fetch()

    in_transaction(session, work)


def _on(
    session: Session,
    cursor: VirtualCursor,
    plan: Plan,
    decided: Decision,
    group: int,
    call: Call,
    take: Callable[[ResultSet], None],
) -> None:
    """Run one part on its group, as a writing branch of the transaction.

    `take` takes what has come of it from the raw cursor, which is closed then. It is
    opened by the virtual cursor, and shown by it meanwhile: what makes the rows may be
    the user's and look at the virtual cursor's columns.
    """
    attempts = Attempts(session, plan, decided, group, is_one_of_several=True)
    link = attempts.reach()
    raw = cursor.make_raw_cursor(link)
    cursor.link, cursor.raw, cursor.route = link, raw, attempts.route

    def call_and_take(raw: RawCursor) -> None:
        call(raw)
        take(raw)
        raw.close()

    try:
        single.run_on(session, link, call_and_take, raw)
    except Exception as exc:
        with suppress(Exception):  # the driver's own classes
            raw.close()
        attempts.judge(link, exc)
        raise


def _taking(merged: MergedResult, places: Sequence[int]) -> Callable[[ResultSet], None]:
    return lambda raw: merged.add(raw, places)


def _check_home(session: Session, plan: Plan, decided: Decision) -> None:
    home = session.transaction.home
    if home >= 0 and session.core.groups[home].database != plan.database.name:
        raise errors.CrossDatabaseError(
            f"{plan.statement.verb} is for shards of {plan.database.name}, but this "
            f"transaction is on {session.core.groups[home].database}: commit first"
        )


def _calling(sql: str, params: Any) -> Call:
    if params is None:
        return lambda raw: raw.execute(sql)
    return lambda raw: raw.execute(sql, params)


def _calling_many(sql: Any, rows: Sequence[Any]) -> Call:
    return lambda raw: raw.executemany(sql, rows)
