"""Definitions that run on every shard: CREATE, ALTER, DROP and their kin.

Where the engine's definitions are part of transactions, that of all shards is one. On
MySQL each commits by itself, and PostgreSQL has a few that do: those run on shard after
shard, and an error says on which they were done.
"""

from __future__ import annotations

from typing import Any

from routedb import errors
from routedb.engine.run import multi_shard
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.multi_shard import on_group
from routedb.engine.run.outcome import succeeded
from routedb.engine.session import Session
from routedb.engine.shared.error_texts import note_on, partly_defined
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing.decider import Decision
from routedb.routing.plan import Plan

_SHOWING = frozenset({"ANALYZE", "OPTIMIZE"})  # on MySQL


def run(
    session: Session, cursor: VirtualCursor, plan: Plan, decided: Decision, call: Call
) -> None:
    """Run a definition by `call` on each of its shards, as `decided` of its `plan` in
    `session`; let `cursor` show it as one."""
    assert decided.target is not None
    call = _naming(session, cursor, plan, call)
    if decided.target.is_apart:
        _run_apart(session, cursor, plan, decided, call)
    elif _lasts_at_once(session, plan):
        _run_lasting(session, cursor, plan, decided, call)
    else:
        multi_shard.run(session, cursor, plan, decided, call)


def _naming(session: Session, cursor: VirtualCursor, plan: Plan, call: Call) -> Call:
    """Return `call`, whose errors name the shard."""

    def run(raw: Any) -> Any:
        try:
            return call(raw)
        except Exception as exc:
            link = cursor.link
            assert link is not None  # it has run there
            shard = session.core.groups[link.node.group].shard
            note_on(exc, f"on {link.node.name}, shard {shard} of {plan.database.name}")
            raise

    return run


def _lasts_at_once(session: Session, plan: Plan) -> bool:
    """Tell whether no commit is waited for: sqlite3 begins no transaction before a
    definition, so without an open one it lasts, autocommit or not."""
    transaction = session.transaction
    if plan.database.dialect != "sqlite" or not transaction.is_open:
        return False
    branches = transaction.branches.values()
    return not transaction.is_explicit and all(link.is_idle() for link in branches)


def _run_lasting(
    session: Session, cursor: VirtualCursor, plan: Plan, decided: Decision, call: Call
) -> None:
    try:
        multi_shard.run(session, cursor, plan, decided, call)
    except BaseException:
        session.rollback()
        raise
    session.commit()


def _run_apart(
    session: Session, cursor: VirtualCursor, plan: Plan, decided: Decision, call: Call
) -> None:
    """Run on shard after shard, each by itself."""
    multi_shard.check_home(session, plan, decided)
    if plan.database.dialect == "mysql":
        if session.transaction.is_begun:  # what is open is committed, as by each server
            session.commit()
        decided = decided._replace(is_early=True)  # outside of the next one
    results: list[MergedResult] = []
    for group in decided.groups:
        # Those show rows of their own; the others have all done the same.
        is_same = not results or plan.statement.verb not in _SHOWING
        result = MergedResult(cursor.arraysize) if is_same else results[0]
        try:
            on_group(session, cursor, plan, decided, group, call, result.add)
        except errors.Error as exc:
            if not results:
                raise
            named = [session.core.groups[each] for each in decided.groups]
            done, left = named[: len(results)], named[len(results) :]
            raise partly_defined(plan.statement.verb, done, left, exc) from exc
        finally:
            if cursor.link is not None:
                session.tracker.note_write(group, cursor.link.id)
        results.append(result)
    merged = results[0]
    merged.finish()
    cursor.raw, cursor.route = merged, decided.route
    decided.route.hits[0] += 1
    succeeded(session, cursor, plan)
