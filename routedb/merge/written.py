"""INSERT … SELECT whose query is over several groups, and whose target is on one.

The query is read as any other, by a cursor whose values are exact, from writers and in
the transaction of the write: one of its own in autocommit mode. Its rows are brought to
the target's link, and the statement runs there as it was written, with a query of these
rows in the place of its own: conflicts, defaults, triggers, RETURNING are the server's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from routedb.engine.links.link import Link
from routedb.engine.run import multi_shard
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.deciding import decide_asking
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.run.outcome import succeeded
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import bringing, mysql_load, postgresql_load
from routedb.merge.reading import Reader, note_warnings
from routedb.merge.refused import NotMerged
from routedb.planner import Written
from routedb.routing import Reason, Route
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Kind
from routedb.topology.snapshot import Role

Read = Callable[[Reader, ParsedText, Any], None]


class _Found(NamedTuple):
    """What the query has given: the columns and the rows, and which link it was that
    knows their types."""

    description: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    link: Link
    route: Route | None
    warnings: int


def may_write(text: ParsedText) -> bool:
    """Tell whether `text` may be one that writes what a query reads."""
    statement = text.plan.statement
    is_one = statement.parts == 1 and len(statement.writes) == 1
    return statement.kind is Kind.WRITE and is_one and statement.hints is None


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
    outer = session.learn(_strung(made.before.sql, "SELECT NULL", made.after.sql))
    decision = decide_asking(session, outer, None)
    if decision.target is not None or len(decision.groups) != 1:
        raise NotMerged("its target is on several groups")

    def work() -> None:
        found = _read(session, inner, made.query.bind(params), read)
        attempt = Attempt(session, outer.plan, decision)
        link = attempt.reach()
        _run(session, cursor, attempt, link, made, params, found)
        _show(session, cursor, outer, text, attempt, found)

    multi_shard.in_transaction(session, work)


def _read(session: Session, text: ParsedText, params: Any, read: Read) -> _Found:
    """Read from writers: what a replica has not replayed must not be missing."""
    reader = Reader(session)
    before = session.override(None, Role.WRITER, None)
    try:
        read(reader, text, params)
        assert reader.raw is not None  # it has just run
        assert reader.link is not None
        rows = reader.raw.fetchall()
        found = (reader.raw.description, rows, reader.link, reader.route)
        if reader.link in session.transaction.branches.values():
            note_warnings(reader, reader.link)
        return _Found(*found, sum(reader.warnings))
    finally:
        session.restore_overrides(before)
        reader.close()


def _run(
    session: Session,
    cursor: VirtualCursor,
    attempt: Attempt,
    link: Link,
    made: Written,
    params: Any,
    found: _Found,
) -> None:
    """Run the statement on `link`, with the rows that were found."""
    try:
        types = _types(session, link, made, params, found)
        loaded = bringing.load(link, types, found.rows)
    except Exception as exc:
        _judge(attempt, link, exc)
        raise
    sql, values = _with_rows(made, loaded, params)
    merged = MergedResult(cursor.arraysize)
    raw = cursor.make_raw_cursor(link)
    cursor.link, cursor.raw, cursor.route = link, raw, attempt.route

    def call(raw: Any) -> None:
        raw.execute(sql) if values is None else raw.execute(sql, values)
        merged.add(raw)

    try:
        run_on(session, link, call, raw)
    except Exception as exc:
        _judge(attempt, link, exc)
        raise
    finally:
        raw.close()
        if link in session.transaction.branches.values():
            bringing.unload(link, loaded)
    merged.finish()
    cursor.raw = merged


def _judge(attempt: Attempt, link: Link, exc: Exception) -> None:
    """Have an error of the driver's noted, and raised as what it amounts to."""
    if not isinstance(exc, NotMerged):
        judge(attempt, link, exc)


def _show(
    session: Session,
    cursor: VirtualCursor,
    outer: ParsedText,
    text: ParsedText,
    attempt: Attempt,
    found: _Found,
) -> None:
    group = session.core.groups[attempt.group]
    why = "rows of several groups are written to one"
    runs = () if found.route is None else found.route.fragments
    reasons = ((Reason.SEVERAL_GROUPS, why), attempt.route.reasons[-1])
    route = Route(group.database, attempt.route.groups, Role.WRITER, reasons, runs)
    cursor.route = text.plan.counted(route)
    cursor.route.hits[0] += 1
    succeeded(session, cursor, outer.plan)


# -- types -----------------------------------------------------------------------------


def _types(
    session: Session, link: Link, made: Written, params: Any, found: _Found
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


def _strung(*parts: str) -> str:
    return " ".join(part for part in (each.strip() for each in parts) if part)


def _with_rows(
    made: Written, rows: bringing.Rows, params: Any
) -> tuple[str, Mapping[str, Any] | tuple[Any, ...] | None]:
    """Return the statement with the query of the rows in it, and its parameters."""
    before, after, sql = made.before, made.after, rows.sql
    if params is None and not rows.values:
        return _strung(before.sql, sql, after.sql), None
    if params is None:  # a percent sign is one
        doubled = [part.sql.replace("%", "%%") for part in (before, after)]
        return _strung(doubled[0], sql, doubled[1]), rows.values
    if isinstance(params, Mapping):
        names = [f"routedb_a{number}" for number in range(len(rows.values))]
        pieces = sql.split("%s")
        marks = [f"%({name})s" for name in names]
        sql = "".join(
            piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True)
        )
        values = dict(zip(names, rows.values, strict=True))
        return _strung(before.sql, sql, after.sql), {**params, **values}
    bound = (*before.bind(params), *rows.values, *after.bind(params))
    return _strung(before.sql, sql, after.sql), bound
