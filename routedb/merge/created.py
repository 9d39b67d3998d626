"""CREATE TABLE … AS and SELECT … INTO whose query is over several groups.

First the columns: the server makes the table of the query over relations without rows,
inside a savepoint, and says what it has made. Then the query is read, as for INSERT,
and the statement runs on the target's link with a query of the rows, cast to these
types, in the place of its own. So names, types with their lengths, collations, the
command's tag and the errors are the server's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import decide_asking
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import (
    bringing,
    created_dealt,
    mysql_created,
    mysql_shape,
    postgresql_load,
    postgresql_shape,
    sqlite_work,
)
from routedb.merge.putting import (
    Found,
    Read,
    judge_error,
    read_rows,
    run_around,
    show_written,
)
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Shape
from routedb.planner import Created, GroupsPlan, Remainder, strung
from routedb.routing.plan import ParsedText

Plan = Callable[[ParsedText], GroupsPlan]


def create(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    made: Created,
    read: Read,
    plan: Plan,
) -> None:
    """Run `text` with `params`, which is `made` of several parts; let `cursor` show
    what comes of it. `read` has a cursor read a query, over the groups of `session`,
    `plan` says what its columns are.

    Raises NotMerged, what `read` raises, and what the servers say.
    """
    inner = session.learn(made.query.sql)
    values = made.query.bind(params)
    place = created_dealt.target_of(session, text)
    if place is not None:
        plans = plan(inner)

        def shape_of(attempt: Attempt | None, link: Link) -> Shape | None:
            if attempt is None:
                return mysql_shape.shape_of(session, link, made, plans, values)
            return _shape(session, attempt, link, made, plans, values)

        created_dealt.create(session, cursor, text, params, made, place, shape_of)
        return
    before = made.if_absent or made.before.sql
    outer = session.learn(strung(before, "SELECT NULL", made.after.sql))
    decision = decide_asking(session, outer, None)
    if decision.target is not None or len(decision.groups) != 1:
        raise NotMerged("its target is on several groups")
    if text.plan.dialect == "mysql":
        mysql_created.create(session, cursor, text, made, values, read, plan(inner))
        return

    def work() -> None:
        attempt = Attempt(session, outer.plan, decision)
        link = attempt.reach()
        found = None
        shape = _shape(session, attempt, link, made, plan(inner), values)
        if shape is None:
            run_around(session, cursor, attempt, link, outer.source, None, None)
        else:
            if made.is_filled:
                found = read_rows(session, inner, values, read)
            _run(session, cursor, attempt, link, made, shape, found)
        show_written(session, cursor, outer, text, attempt, found)

    multi_shard.in_transaction(session, work)


def _shape(
    session: Session,
    attempt: Attempt,
    link: Link,
    made: Created,
    plan: GroupsPlan,
    params: Any,
) -> Shape | None:
    """Return what the table's columns are; None: it is there, and may be."""
    remainder = plan.remainder
    assert remainder is not None  # of every plan for a shape
    try:
        if link.adapter.dialect != plan.dialect:
            raise NotMerged(f"its target is on {link.adapter.engine}")
        if plan.dialect == "postgresql":
            return postgresql_shape.shape_of(link, made, remainder, params)
        return _sqlite_shape(session, link, made, remainder, params)
    except Exception as exc:
        judge_error(attempt, link, exc)
        raise


def _sqlite_shape(
    session: Session, link: Link, made: Created, remainder: Remainder, params: Any
) -> Shape | None:
    if made.if_absent is not None and sqlite_work.is_there(
        link, made.target, made.is_temporary
    ):
        return None
    return sqlite_work.shape_of(session, link, remainder, params)


def _run(
    session: Session,
    cursor: VirtualCursor,
    attempt: Attempt,
    link: Link,
    made: Created,
    shape: Shape,
    found: Found | None,
) -> None:
    """Run the statement on `link`, with the rows that were found, if any are wanted."""
    engine = link.adapter.engine
    try:
        rows = () if found is None else found.rows
        if found is not None and engine == "postgresql":
            oids = [column[1] for column in found.description]
            postgresql_load.check_moved(link.run, oids)
        loaded = bringing.load(link, [type_ for _, type_ in shape], rows)
    except Exception as exc:
        judge_error(attempt, link, exc)
        raise
    names = [name.replace('"', '""') for name, _ in shape]
    listed = ", ".join(f'c{n} AS "{name}"' for n, name in enumerate(names))
    before = made.before.sql
    if loaded.values:  # a percent sign is two then
        listed, before = listed.replace("%", "%%"), before.replace("%", "%%")
    query = f"SELECT {listed} FROM ({loaded.sql}) AS routedb_n"
    sql = strung(before, query, made.after.sql)
    run_around(session, cursor, attempt, link, sql, loaded.values or None, loaded)
