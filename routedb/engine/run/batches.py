"""executemany(): one text for many sets of parameters.

Those of one shard are sent there at once, all of them in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from routedb import errors
from routedb.engine.route.explain import ONE_GROUP
from routedb.engine.route.shadow.decide import decide_in_shadow
from routedb.engine.run import multi_shard, observed
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import (
    count_shadowed,
    decide_once_more,
    run,
)
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing.decider import Decision
from routedb.routing.plan import ParsedText
from routedb.sql.session_objects import ObjectKind, SessionObject

_BACKEND = SessionObject(ObjectKind.BACKEND)


def executemany(
    session: Session, cursor: VirtualCursor, sql: Any, rows: Sequence[Any]
) -> None:
    """Run the text `sql` for every set of parameters in `rows`."""
    if session.core.observers is not None and not cursor.is_observed:
        again = partial(executemany, session, cursor, sql, rows)
        observed.call(cursor, sql, again, len(rows))
        return
    text = session.learn(sql)
    if text.plan.is_sharded:
        _executemany_sharded(session, cursor, text, sql, rows)
        return
    if session.core.backends and _BACKEND in text.plan.statement.needs:
        for each in rows:  # backends of several nodes, maybe
            _executing(session, cursor, text, sql, each)()
        return
    call: Call = lambda raw: raw.executemany(sql, rows)  # noqa: E731
    run(session, cursor, text, None, call, batch=rows)


def _executemany_sharded(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    sql: Any,
    rows: Sequence[Any],
) -> None:
    """Run each set of parameters on its own shard; those of one shard at once, where no
    set itself is for several."""
    cursor.unbind_fetch()
    is_shadow = session.core.config.shadow
    place = decide_in_shadow if is_shadow else decide_once_more
    try:
        decisions = [place(session, text, params) for params in rows]
    except errors.Error as exc:
        if type(exc) in ONE_GROUP and session.core.merger.may_change(session, text):
            calls = [_executing(session, cursor, text, sql, each) for each in rows]
            multi_shard.run_each(session, cursor, calls)
            return
        count_shadowed(session, text, rows)
        raise session.as_frontend_error(exc) from exc.__cause__
    by_group: dict[int, list[Any]] = {}
    first: dict[int, Decision] = {}
    sent = text.source
    for decided, params in zip(decisions, rows, strict=True):
        part = multi_shard.only_part(decided)
        if decided.target is not None and decided.target.is_each:
            for group in decided.groups:
                by_group.setdefault(group, []).append(params)
                first.setdefault(group, decided)
            continue
        if len(decided.groups) > 1 or (decided.target is not None and part is None):
            calls = [_executing(session, cursor, text, sql, each) for each in rows]
            multi_shard.run_each(session, cursor, calls)  # which are counted, too
            return
        values = params
        if part is not None:  # each has this text
            sent, values = part.sql, part.params
        by_group.setdefault(decided.groups[0], []).append(values)
        first.setdefault(decided.groups[0], decided)
    count_shadowed(session, text, rows)
    if len(by_group) == 1:
        (decision,) = first.values()
        attempt = Attempt(session, text.plan, decision, is_batch=True)
        (values,) = by_group.values()
        attempt.run(cursor, lambda raw: raw.executemany(sent, values))
    elif by_group:
        multi_shard.run_batches(session, cursor, text.plan, first, sent, by_group)


def _executing(
    session: Session, cursor: VirtualCursor, text: ParsedText, sql: Any, params: Any
) -> Callable[[], None]:
    call: Call = lambda raw: raw.execute(sql, params)  # noqa: E731
    return lambda: run(session, cursor, text, params, call)
