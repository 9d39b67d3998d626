"""INSERT … SELECT whose query is over several groups, and whose target is on one.

The query is read as any other, by a cursor whose values are exact, from writers and in
the transaction of the write: one of its own in autocommit mode. Its rows are brought to
the target's link, and the statement runs there as it was written, with a query of these
rows in the place of its own: conflicts, defaults, triggers, RETURNING are the server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.executor import decide_asking
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import bringing, mysql_load, postgresql_load
from routedb.merge.putting import (
    Found,
    Read,
    judge_error,
    read_rows,
    run_around,
    show_written,
)
from routedb.merge.refused import NotMerged
from routedb.planner import Written, strung
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Kind

_WRITING = frozenset({Kind.WRITE, Kind.DDL})


def may_write(text: ParsedText) -> bool:
    """Tell whether `text` may be one that writes what a query reads, or defines a table
    by one."""
    statement = text.plan.statement
    is_one = statement.parts == 1 and len(statement.writes) == 1
    return statement.kind in _WRITING and is_one and statement.hints is None


def write(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    params: Any,
    made: Written,
    read: Read,
) -> None:
    """Run `text` with `params`, which is `made` of several parts; let `cursor` show
    what comes of it. `read` has a cursor read a query, over the groups of `session`.

    Raises NotMerged, what `read` raises, and what the servers say.
    """
    inner = session.learn(made.query.sql)
    # Of the same tables for routing, and always the same text.
    outer = session.learn(strung(made.before.sql, "SELECT NULL", made.after.sql))
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
        types = _types(session, link, made, params, found)
        loaded = bringing.load(link, types, found.rows)
    except Exception as exc:
        judge_error(attempt, link, exc)
        raise
    sql, values = _with_rows(made, loaded, params)
    run_around(session, cursor, attempt, link, sql, values, loaded)


# -- types -----------------------------------------------------------------------------


def _types(
    session: Session, link: Link, made: Written, params: Any, found: Found
) -> list[str]:
    engine = link.adapter.engine
    if found.link.adapter.engine != engine or engine not in bringing.ENGINES:
        raise NotMerged(f"its target is on {engine}, its rows on another engine")
    if engine == "sqlite":
        return [""] * len(found.description)
    if engine == "mysql":
        mysql_load.check_alike(link.run, found.description, found.warnings, made)
        return mysql_load.types_of(found.description, found.rows)
    oids = [column[1] for column in found.description]
    # A link of our own that has worked out the rest is not there any more.
    source = session.transaction.branches.get(found.link.node.group)
    if any(oid >= postgresql_load.FIRST_OWN for oid in oids):
        if source is None:
            raise NotMerged("it has a type of the user's, of a database not asked")
    else:
        source = link
    types = postgresql_load.types_of(source.run, oids)
    untyped = [
        place % len(types)
        for place, slot in made.untyped
        if slot is None or _is_untyped(slot.value(params))
    ]
    if untyped:
        targets = _target_types(link, made)
        for place in untyped:
            if place < len(targets):  # else the server says so
                types[place] = targets[place]
    return types


def _is_untyped(value: Any) -> bool:
    """Tell whether psycopg2 writes a parameter as a literal without a type."""
    return value is None or isinstance(value, str)


def _target_types(link: Link, made: Written) -> list[str]:
    columns = postgresql_load.columns_of(link.run, made.target)
    if made.columns is None:
        return [type_ for _, type_ in columns]
    by_name = dict(columns)
    missing = [name for name in made.columns if name not in by_name]
    if missing:
        raise NotMerged(f"{missing[0]} is no column of its target that is understood")
    return [by_name[name] for name in made.columns]


# -- the text --------------------------------------------------------------------------


def _with_rows(
    made: Written, rows: bringing.Rows, params: Any
) -> tuple[str, Mapping[str, Any] | tuple[Any, ...] | None]:
    """Return the statement with the query of the rows in it, and its parameters."""
    before, after, sql = made.before, made.after, rows.sql
    if params is None and not rows.values:
        return strung(before.sql, sql, after.sql), None
    if params is None:  # a percent sign is one
        doubled = [part.sql.replace("%", "%%") for part in (before, after)]
        return strung(doubled[0], sql, doubled[1]), rows.values
    if isinstance(params, Mapping):
        names = [f"routedb_a{number}" for number in range(len(rows.values))]
        pieces = sql.split("%s")
        marks = [f"%({name})s" for name in names]
        sql = "".join(
            piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True)
        )
        values = dict(zip(names, rows.values, strict=True))
        return strung(before.sql, sql, after.sql), {**params, **values}
    bound = (*before.bind(params), *rows.values, *after.bind(params))
    return strung(before.sql, sql, after.sql), bound
