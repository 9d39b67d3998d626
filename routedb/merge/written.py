"""INSERT … SELECT whose query is over several groups, and whose target is on one.

The query is read as any other, by a cursor whose values are exact, from writers and in
the transaction of the write: one of its own in autocommit mode. Its rows are brought to
the target's link, and the statement runs there as it was written, with a query of these
rows in the place of its own: conflicts, defaults, triggers, RETURNING are the server's.
"""

from __future__ import annotations

from typing import Any

from routedb import errors
from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import decide_asking
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import bringing
from routedb.merge.catalogs import Catalogs
from routedb.merge.dealt import Dealing, placed_target
from routedb.merge.filled_text import types_for, with_rows
from routedb.merge.putting import (
    Found,
    Read,
    judge_error,
    read_rows,
    run_around,
    show_written,
)
from routedb.merge.refused import NotMerged, check_reading
from routedb.planner import Created, Refusal, Written, strung, take_apart
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Kind

_WRITING = frozenset({Kind.WRITE, Kind.DDL})


def may_write(text: ParsedText) -> bool:
    """Tell whether `text` may be one that writes what a query reads, or defines a table
    by one."""
    statement = text.plan.statement
    is_one = statement.parts == 1 and len(statement.writes) == 1
    return statement.kind in _WRITING and is_one and statement.hints is None


def written_parts(
    session: Session, text: ParsedText, refusal: errors.Error
) -> Written | Created | None:
    """Return what `text` is made of, which was refused with `refusal` in `session`:
    None where it is no query whose rows are written. Raises `refusal` where nothing is
    merged, and NotMerged."""
    defines = text.plan.statement.kind is Kind.DDL
    is_off = session.core.config.joins == "refuse"
    is_hidden = bool(text.plan.names & session.pins.names)  # by temporary tables
    parts = None if is_off else take_apart(text.source, text.plan.dialect, defines)
    if is_off or is_hidden or (parts is None and defines):
        raise refusal
    check_reading(text)
    if isinstance(parts, Refusal):
        raise NotMerged(parts.reason)
    return parts


def write(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    made: Written,
    read: Read,
    catalogs: Catalogs,
) -> None:
    """Run `text` with `params`, which is `made` of several parts; let `cursor` show
    what comes of it. `read` has a cursor read a query, over the groups of `session`;
    `catalogs` know the columns of the target.

    Raises NotMerged, what `read` raises, and what the servers say.
    """
    inner = session.learn(made.query.sql)
    # Of the same tables for routing, and always the same text.
    outer = session.learn(strung(made.before.sql, "SELECT NULL", made.after.sql))
    target = placed_target(session, outer)
    if target is not None:
        dealing = Dealing(session, cursor, text, params, made, outer, target, catalogs)
        dealing.run(inner, read)
        return
    decision = decide_asking(session, outer, None)
    if decision.target is not None or len(decision.groups) != 1:
        raise NotMerged("its target is on several groups")

    def work() -> None:
        found = read_rows(session, inner, made.query.bind(params), read)
        attempt = Attempt(session, outer.plan, decision)
        link = attempt.reach()
        _run(session, cursor, attempt, link, made, params, found)
        show_written(session, cursor, outer, text, attempt, found)

    multi_shard.in_transaction(session, work)


def _run(
    session: Session,
    cursor: VirtualCursor,
    attempt: Attempt,
    link: Link,
    made: Written,
    params: Any,
    found: Found,
) -> None:
    """Run the statement on `link`, with the rows that were found."""
    try:
        types = types_for(session, link, made, params, found)
        loaded = bringing.load(link, types, found.rows)
    except Exception as exc:
        judge_error(attempt, link, exc)
        raise
    sql, values = with_rows(made, loaded, params)
    run_around(session, cursor, attempt, link, sql, values, loaded)
