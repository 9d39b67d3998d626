"""CREATE TABLE … AS whose query is over several groups, on MySQL and MariaDB.

A definition ends the transaction there, whoever makes it. So the query is read first;
then the statement runs as any other definition, with the columns that the server would
make of the query, and a query of the rows in the place of its own.
"""

from __future__ import annotations

from typing import Any

from routedb.engine.links import find_node
from routedb.engine.run import multi_shard
from routedb.engine.run.executor import decide_asking, run_again
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import mysql_load, mysql_shape
from routedb.merge.putting import Found, Read, read_rows
from routedb.merge.refused import NotMerged
from routedb.merge.table_answer import Shape
from routedb.planner import Created, GroupsPlan, strung
from routedb.routing import Reason, Route
from routedb.routing.plan import ParsedText
from routedb.topology.snapshot import Role

_MOST_ROWS = 20_000  # which are in the text


def create(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    made: Created,
    params: Any,
    read: Read,
    plan: GroupsPlan,
) -> None:
    """Run `text`, which is `made` of several parts, in `session`; let `cursor` show
    what comes of it. `read` has a cursor read the query with `params`, `plan` has its
    columns. Raises NotMerged, what `read` raises, and what the servers say."""
    outer = session.learn(strung(made.before.sql, "SELECT NULL", made.after.sql))
    (group,) = decide_asking(session, outer, None).groups
    database = session.core.config.databases[session.core.groups[group].database]
    if database.dialect != "mysql":
        raise NotMerged(f"its target is on {database.dialect}")
    link = find_node.writer(session.links, group)
    if mysql_shape.is_there(session, link, made):  # the server says so, or warns
        before = made.before.sql if made.if_absent is None else made.if_absent
        there = strung(mysql_shape.plain(before, params), "SELECT NULL")
        run_again(session, cursor, session.learn(there), None)
        return
    shape = mysql_shape.shape_of(session, link, made, plan, params)
    inner = session.learn(made.query.sql)
    kept: list[Found] = []
    multi_shard.in_transaction(
        session, lambda: kept.append(read_rows(session, inner, params, read))
    )
    (found,) = kept
    sql = _text(made, shape, found, params)
    if session.transaction.is_open and not made.is_temporary:
        session.commit()  # as the server would, but of all branches
    run_again(session, cursor, session.learn(sql), None)
    assert cursor.route is not None  # it has just run
    runs = () if found.route is None else found.route.fragments
    why = (Reason.SEVERAL_GROUPS, "rows of several groups are written to one")
    reasons = (why, cursor.route.reasons[-1])
    route = Route(database.name, cursor.route.groups, Role.WRITER, reasons, runs)
    cursor.route = text.plan.counted(route)


def _text(made: Created, shape: Shape, found: Found, params: Any) -> str:
    """Return the statement `made` with `params`, with columns of this `shape` and the
    rows that were `found`. Raises NotMerged."""
    if found.warnings:
        raise NotMerged("its query has warnings, which may be errors where it writes")
    if len(found.rows) > _MOST_ROWS:
        raise NotMerged(
            f"more than {_MOST_ROWS} rows: create the table, then insert them"
        )
    names = ["`" + name.replace("`", "``") + "`" for name, _ in shape]
    defined = ", ".join(
        f"{name} {type_}" for name, (_, type_) in zip(names, shape, strict=True)
    )
    types = mysql_load.types_of(found.description, found.rows)
    rows, _ = mysql_load.inline(types, found.rows)
    listed = ", ".join(f"c{number} AS {name}" for number, name in enumerate(names))
    before = made.before.sql
    head, options = (
        mysql_shape.plain(part, params)
        for part in (before[: made.named_to], before[made.named_to :])
    )
    query = f"SELECT {listed} FROM ({rows}) AS routedb_n"
    return strung(f"{head} ({defined}){options}", query)
