"""One read over several groups, from the refusal of routing to the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.outcome import succeeded
from routedb.engine.session import Session, VirtualCursor
from routedb.engine.shared.core import Core
from routedb.merge import across, answers, mysql_work, postgresql_work, sqlite_work
from routedb.merge.catalogs import Catalogs, Known
from routedb.merge.fragments import GroupReads, reads_of
from routedb.merge.limits import bounds_of, decide_work
from routedb.merge.measures import Measures
from routedb.merge.placements import cluster_of
from routedb.merge.refused import NotMerged
from routedb.merge.running import Running, Way
from routedb.merge.streamed import Source, StreamedResult, declared
from routedb.merge.union import split
from routedb.merge.workers import Workers
from routedb.planner import Cluster, GroupsPlan, Merge, Refusal, Remainder, plan
from routedb.routing import Reason, Route
from routedb.routing.plan import ParsedText
from routedb.session import TxEvent, TxState
from routedb.sql.statement import Kind

_MOST_PLANS = 1024
_AS_VALUES: dict[str, Any] = {"postgresql": postgresql_work, "mysql": mysql_work}


class Merger:
    """What a runtime's connections share of it: the catalogs, and the plans made."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._catalogs = Catalogs(core)
        self._plans: dict[tuple[object, ...], GroupsPlan | Refusal] = {}
        self._workers = Workers()

    def run(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
    ) -> None:
        """Run a read that no one group can answer; let `cursor` show the result.

        `text` with `params` was refused with `refusal`, which is raised where it is no
        plain read, and with the reason added where there is no exact answer. Raises
        what the servers say as well.
        """
        statement = text.plan.statement
        hints = statement.hints
        is_placed = hints is not None and (
            hints.shard is not None or hints.key is not None
        )
        is_hidden = bool(text.plan.names & session.pins.names)  # by temporary tables
        is_read = statement.kind is Kind.READ and text.plan.is_read
        is_off = self._core.config.joins == "refuse"
        if not is_read or is_placed or is_hidden or is_off:
            raise refusal
        try:
            _check_possible(session, cursor)
            cluster = cluster_of(session, text.plan)
            known = self._catalogs.find(session, cluster)
            made = self._plan(session, text, cluster, known)
            if not made.fits(params):
                if made.otherwise is None:
                    raise NotMerged("its LIMIT or OFFSET is no plain number")
                made = made.otherwise
            measures = _measures(session, made)
            with measures.bounds.timed(session):
                _run(
                    session, cursor, text, made, known, params, self._workers, measures
                )
        except NotMerged as exc:
            reason = f"{refusal}. It is not merged, either: {exc}"
            raise type(refusal)(reason) from None

    def _plan(
        self, session: Session, text: ParsedText, cluster: Cluster, known: Known
    ) -> GroupsPlan:
        """Return the plan of a text, made once for each version of what it is made of.
        Raises NotMerged with the planner's reason."""
        core = self._core
        key = (
            text.source,
            text.plan.dialect,
            session.database,
            core.ruleset.version,
            known.catalog.version,
        )
        made = self._plans.get(key)
        if made is None:
            functions = core.config.functions
            made = plan(
                text.source, text.plan.dialect, known.catalog, cluster, functions
            )
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[key] = made
        if isinstance(made, Refusal):
            raise NotMerged(made.reason)
        return made


def _check_possible(session: Session, cursor: VirtualCursor) -> None:
    if not getattr(cursor, "name", None):
        return
    named: Any = cursor  # psycopg2's
    if isinstance(cursor.raw, StreamedResult):
        raise errors.ProgrammingError(
            "can't call .execute() on named cursors more than once"
        )
    if session.transaction.state is TxState.AUTOCOMMIT:
        raise errors.ProgrammingError(
            "can't use a named cursor outside of transactions"
        )
    if named.withhold:
        raise NotMerged("a cursor WITH HOLD over several groups is not available")


def _measures(session: Session, made: GroupsPlan) -> Measures:
    core = session.core
    names = {fragment.database for fragment in made.fragments}
    databases = [core.config.databases[name] for name in sorted(names)]
    return Measures(bounds_of(session, databases), core.clock)


def _run(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    made: GroupsPlan,
    known: Known,
    params: Any,
    workers: Workers,
    measures: Measures,
) -> None:
    asked = reads_of(session, made, params)
    if not asked:
        raise NotMerged("it asks no group")
    if made.merge is Merge.STREAM and getattr(cursor, "name", None):
        _stream(session, cursor, text, made, params, asked, workers, measures)
        return
    if made.merge is Merge.WORK:
        _work(session, cursor, text, made, known, params, asked, workers, measures)
        return
    parts: dict[int, answers.Part] = {}
    # What looks at values needs SQLite's own, of which rows are made afterwards.
    is_made_later = (
        made.dialect == "sqlite"
        and bool(made.combine or made.order)
        and getattr(cursor, "row_factory", None) is not None
    )

    def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
        shows = None if is_made_later else cursor
        part = parts[reads.group] = answers.part_of(shows, link, raw)
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
    _show(session, cursor, text, asked, link, result, measures)


def _stream(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    made: GroupsPlan,
    params: Any,
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
) -> None:
    """Let a named cursor show the rows as they are fetched."""
    named: Any = cursor
    sources: dict[int, Source] = {}

    def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
        sources[reads.group] = Source(cursor, link, raw, named.name)

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
    )
    _show(session, cursor, text, asked, link, result, measures)
    result.begin()


def _work(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    made: GroupsPlan,
    known: Known,
    params: Any,
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
) -> None:
    remainder = made.remainder
    assert remainder is not None  # of every WORK
    config, dialect = session.core.config, made.dialect
    across.one_order(known, config, dialect)
    _check_carried(made, known)
    rows: dict[tuple[int, int], Sequence[Any]] = {}

    def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
        came = split(reads.fragments, made.fragments, raw.fetchall())
        for number, found in came.items():
            measures.took(number, link, found)
            fragment = made.fragments[number]
            rows[number, reads.group] = across.carried(fragment, found, made, link)

    made = across.as_texts(made, config)
    # SQLite has nothing to wait for.
    at_once = all(reads.database.dialect != "sqlite" for reads in asked)
    way = Way(across.open_raw, take, takes_at_once=True, at_once=at_once)
    running = Running(session, cursor, text.plan, made, params, way, measures)
    link = running.run(asked, workers)
    found = _by_fragment(made, rows)
    if dialect == "sqlite":
        result = sqlite_work.run_remainder(
            session, cursor, link, remainder, found, params
        )
        _show(session, cursor, text, asked, link, result, measures)
        return
    sql, values = _AS_VALUES[dialect].text_of(remainder, found, params)
    where = across.working_reads(asked, config, dialect)
    decision = decide_work(session, text.plan, where, measures.bounds)
    attempt = Attempt(session, text.plan, decision, is_one_of_several=True)
    try:
        attempt.run(cursor, lambda raw: raw.execute(sql, values))
    except errors.Error as exc:
        code = getattr(exc, "pgcode", None)
        if remainder.needs_tables and code == postgresql_work.GROUPING_ERROR:
            raise NotMerged(f"it may depend on a primary key: {exc}") from None
        raise
    attempt.route.hits[0] -= 1
    _show_route(session, cursor, text, asked, measures)
    _show_names(cursor, remainder)


def _show_names(cursor: VirtualCursor, remainder: Remainder) -> None:
    """Call the columns what they are called where the text runs as it is written."""
    raw, link = cursor.raw, cursor.link
    assert raw is not None  # it has just run
    assert link is not None
    if raw.description is None:  # a named cursor's, until it fetches
        return
    names = [column[0] for column in raw.description]
    wanted = [remainder.original(name) for name in names]
    if any("JSON_TABLE" in name for name in wanted):
        raise NotMerged("a column is called after its text, which has a subquery")
    if names == wanted:
        return
    part = answers.part_of(cursor, link, raw)
    if part.own or (part.rows and isinstance(part.rows[0], dict)):
        raise NotMerged("a column is called after its text, in rows by name")
    described = [
        (name, *column[1:])
        for name, column in zip(wanted, part.description, strict=True)
    ]
    cursor.raw = answers.shown(cursor, tuple(described), part.rows, part)
    cursor.bind_fetch(cursor.raw)


def _by_fragment(
    made: GroupsPlan, rows: Mapping[tuple[int, int], Sequence[Any]]
) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {n: [] for n in range(len(made.fragments))}
    for number, group in sorted(rows):
        found[number] += rows[number, group]
    return found


def _check_carried(made: GroupsPlan, known: Known) -> None:
    """Refuse what would not arrive as it was."""
    named = {column.name for each in made.fragments for column in each.columns}
    for (database, table), answer in known.answers.items():
        for column, type_ in answer.odd:
            if column in named:
                raise NotMerged(
                    f"column {column} of {table} in {database} is of type {type_}, "
                    "whose values are not carried between servers"
                )


def _show(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    asked: Sequence[GroupReads],
    link: Link,
    result: Any,
    measures: Measures,
) -> None:
    cursor.link, cursor.raw = link, result
    _show_route(session, cursor, text, asked, measures)
    if session.transaction.is_bound:
        session.transaction.apply(TxEvent.READ)
    succeeded(session, cursor, text.plan)


def _show_route(
    session: Session,
    cursor: VirtualCursor,
    text: ParsedText,
    asked: Sequence[GroupReads],
    measures: Measures,
) -> None:
    """Show the database and the groups that were asked last, in the role of the last
    one, and count the statement there."""
    assert cursor.route is not None  # that of the last group
    last = asked[-1].database
    numbers = tuple(reads.number for reads in asked if reads.database is last)
    names = sorted({reads.database.name for reads in asked})
    why = f"rows of {len(asked)} groups of {', '.join(names)} are merged"
    reasons = ((Reason.SEVERAL_GROUPS, why), cursor.route.reasons[-1])
    runs = measures.runs(session.core)
    route = Route(last.name, numbers, cursor.route.role, reasons, runs)
    cursor.route = text.plan.counted(route)
    cursor.route.hits[0] += 1
