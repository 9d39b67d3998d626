"""The hot path: one statement, from the text to the driver's cursor.

It fits on one screen and stays lean: no lock of ours, no regex, no logging, nothing
built per statement (docs/architecture.rst, "A cached read"). Whatever is not "pick a
node and run it" goes the long way, to the executor. A change here brings a figure of
`make bench` in its commit.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from routedb.dbapi import Params, Query
from routedb.engine.fast_path import choose, choose_home
from routedb.engine.run import executor, observed
from routedb.engine.run.outcome import succeeded
from routedb.engine.virtual_cursor import Call, VirtualCursor
from routedb.routing import Route

_NONE_OPEN: tuple[None, None] = (None, None)


def execute(
    cursor: VirtualCursor,
    query: Query,
    vars: Params | None = None,  # noqa: A002
) -> None:
    """Run one statement where it belongs.

    `query` is str, bytes, or has `as_string()`; `vars` a sequence for `%s` or a mapping
    for `%(name)s`, whatever the driver's own style. Raises the driver's errors, which
    are also routedb's, and CrossDatabaseError, ShardError, TransactionLost,
    OutcomeUnknown and their kin (see `routedb.errors`).
    """
    session = cursor.session
    core = session.core
    if core.observers is not None and not cursor.is_observed:
        observed.call(cursor, query, partial(execute, cursor, query, vars))
        return
    try:
        text = session.known_texts.get(query)  # type: ignore[arg-type]  # or of no type
    except TypeError:  # a text that cannot be hashed
        text = None
    if text is None:
        text = session.learn(query)
    plan, sticky = text.plan, session.version.sticky
    link = sticky.get(plan.sticky_group)
    route: Route | None = plan.sticky_route
    if link is None or session.sticky_topology is not core.topology:
        if not session.open:  # there is none to choose from
            link, route = _NONE_OPEN
        elif plan.group_id == session.transaction.home:
            link, route = choose_home(session, plan)
        else:
            link, route = choose(session, plan, sticky)
        if link is None:
            executor.run(session, cursor, text, vars, executing(query, vars))
            return
    loads, id_, lock = core.loads, link.id, link.lock
    try:
        raw = cursor.raw_cursors.get(link) or cursor.open_raw_cursor(link)
        loads[id_] += 1
        try:
            if type(raw) is cursor.own_raw:  # without a call between
                cursor.execute_own(query, vars)
            elif lock is None:
                raw.execute(query, vars)
            else:  # a driver for one thread at a time
                with lock:
                    raw.execute(query, vars)
        finally:
            loads[id_] -= 1
            now = core.clock()
            if now > link.used_at:  # as in Link.touch
                link.used_at = now
        cursor.route = route
        route.hits[0] += 1  # type: ignore[union-attr]  # there is one with each link
        cursor.link = link
        cursor.raw = raw
        if not plan.is_read:
            succeeded(session, cursor, plan)
        elif raw is not cursor.fetching_from:
            cursor.bind_fetch(raw)
        if sticky is not session.version.sticky and plan.tracks_reads:
            session.tracker.confirm_read(link)
    except BaseException as exc:  # the driver's, or a signal handler's
        call = executing(query, vars)
        executor.recover(session, cursor, text, vars, call, link, route, exc)


def executing(query: Any, vars: Any) -> Call:  # noqa: A002
    """Return the call that runs the text `query` with `vars` on a raw cursor."""
    if vars is None:
        return lambda raw: raw.execute(query)
    return lambda raw: raw.execute(query, vars)
