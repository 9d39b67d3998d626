"""Run a statement on one group, on another node of it where that is allowed."""

from __future__ import annotations

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.outcome import ran, show
from routedb.engine.run.recovery import judge
from routedb.engine.session import Call, Session, VirtualCursor


def finish(
    session: Session, cursor: VirtualCursor, attempt: Attempt, call: Call
) -> None:
    """Run `call` until an attempt succeeds, or raise what the user must see."""
    while True:
        link = attempt.reach()
        raw = cursor.raw_cursors.get(link) or cursor.open_raw_cursor(link)
        try:
            run_on(session, link, call, raw)
        except Exception as exc:
            show(cursor, attempt.route, link, raw)
            judge(attempt, link, exc)
            continue
        break
    ran(session, cursor, attempt, link, raw)


def run_on(session: Session, link: Link, call: Call, raw: RawCursor) -> None:
    """Run `call` on `raw`, a cursor of `link`: counted as load, one thread at a time
    where needed."""
    loads, node, lock = session.core.loads, link.id, link.lock
    if lock is not None:
        lock.acquire()
    loads[node] += 1
    is_judged = False
    try:
        call(raw)
    except Exception:
        is_judged = True  # `judge` tells whether the node has answered
        raise
    finally:
        loads[node] -= 1
        if lock is not None:
            lock.release()
        if not is_judged:
            now = session.core.clock()
            if now > link.used_at:  # as in Link.touch
                link.used_at = now
