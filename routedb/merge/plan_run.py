"""The plan of a statement, run: each way of merging it has its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.session import Session
from routedb.engine.shared.workers import Workers
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import answers, sqlite_work
from routedb.merge.atomic import AtomicRead
from routedb.merge.fragments import GroupReads, reads_of
from routedb.merge.measures import Measures
from routedb.merge.reading import note_warnings
from routedb.merge.refused import NotMerged, not_merged
from routedb.merge.running import Running, Way
from routedb.merge.showing import show
from routedb.merge.streamed import Source, StreamedResult, declared
from routedb.merge.working import Statement, work
from routedb.planner import GroupsPlan, Merge


def run_plan(
    statement: Statement, workers: Workers, measures: Measures, refusal: errors.Error
) -> None:
    """Run the plan of `statement`, by `workers` where several groups are asked; let its
    cursor show the result, and tell `measures`. `refusal` is what there is without it.

    Raises NotMerged, and what the servers say.
    """
    session, cursor, text, made, _, params = statement
    asked = reads_of(session, made, params)
    if not asked:
        raise NotMerged("it asks no group")
    if session.is_atomic and len(asked) > 1:
        is_repeatable = not getattr(cursor, "name", None)
        run = partial(_run_asked, statement, asked, workers, measures, refusal)
        AtomicRead(session, text.plan, asked, run, is_repeatable).read()
    else:
        _run_asked(statement, asked, workers, measures, refusal)


def _run_asked(
    statement: Statement,
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
    refusal: errors.Error,
) -> None:
    session, cursor, text, made, _, params = statement
    if made.merge is Merge.STREAM and getattr(cursor, "name", None):
        _stream(statement, asked, workers, measures, refusal)
        return
    if made.merge is Merge.WORK:
        work(statement, asked, workers, measures)
        return
    parts: dict[int, answers.Part] = {}
    is_made_later = made.dialect == "sqlite" and _is_made_later(session, cursor, made)

    def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
        shows = None if is_made_later else cursor
        part = parts[reads.group] = answers.part_of(shows, link, raw)
        note_warnings(cursor, link)
        measures.took(reads.fragments[0], link, part.rows)

    # A cursor of the others is one object, whichever link it is on.
    is_several = made.dialect == "postgresql"
    opener = sqlite_work.open_raw if is_made_later else cursor.make_part_cursor
    way = Way(opener, take, takes_at_once=not is_several, at_once=is_several)
    running = Running(session, cursor, text.plan, made, params, way, measures)
    link = running.run(asked, workers)
    groups = [parts[reads.group] for reads in asked]
    result = answers.merged(cursor, made, params, groups)
    if is_made_later:
        part = groups[0]._replace(rows=result.fetchall())
        result = sqlite_work.present(session, cursor, link, part)
    show(session, cursor, text, asked, link, result, measures)


def _is_made_later(session: Session, cursor: VirtualCursor, made: GroupsPlan) -> bool:
    """Tell whether rows are to be made of SQLite's own values afterwards: what looks at
    values needs these. What converters make of a column is told by its table, which is
    not there then; of a sum they make nothing."""
    if not (made.combine or made.order):
        return False
    converted = any(answers.converts(node) for node in session.core.nodes)
    is_made = getattr(cursor, "row_factory", None) is not None
    is_made = is_made or answers.has_own_class(cursor)
    return (is_made or converted) if made.combine else (is_made and not converted)


def _stream(
    statement: Statement,
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
    refusal: errors.Error,
) -> None:
    """Let a named cursor show the rows as they are fetched."""
    session, cursor, text, made, _, params = statement
    named: Any = cursor
    sources: dict[int, Source] = {}

    def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
        sources[reads.group] = Source(cursor, link, raw, named.name, measures)

    way = Way(cursor.make_part_cursor, take, True, True, keeps_raw=True)
    declaring = declared(made, named.name)
    running = Running(session, cursor, text.plan, declaring, params, way, measures)
    link = running.run(asked, workers)
    start = answers.number_of(made.offset, params) or 0
    limit = answers.number_of(made.limit, params)
    result = StreamedResult(
        [sources[reads.group] for reads in asked],
        made.order,
        (start, limit),
        named.itersize,
        cursor.arraysize,
        workers,
        lambda exc: session.as_frontend_error(not_merged(refusal, exc)),
    )
    show(session, cursor, text, asked, link, result, measures)
    result.begin()
