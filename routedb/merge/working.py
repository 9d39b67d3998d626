"""The rest of a statement, over the rows of its fragments, on an engine of its dialect.

Few rows are a part of the text; many are temporary tables on a scratch link. How many
are few was measured: see `docs/joins.rst`. Where the user may not make such tables, the
text takes as many as it can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from routedb import errors
from routedb.adapters.base import RawCursor
from routedb.config.model import ClusterConfig
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt
from routedb.engine.session import Session
from routedb.engine.shared.workers import Workers
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import across, postgresql_work, sideways, sqlite_work
from routedb.merge.catalogs import Known
from routedb.merge.coming import Coming
from routedb.merge.fragments import GroupReads
from routedb.merge.limits import decide_work
from routedb.merge.lines import Lines
from routedb.merge.measures import Measures
from routedb.merge.refused import NamedByRows, NotMerged
from routedb.merge.running import Running, Way
from routedb.merge.showing import show, show_names, show_route
from routedb.merge.tables_work import check_words, node_for_tables, run_on_tables
from routedb.merge.union import split
from routedb.planner import GroupsPlan, Remainder
from routedb.routing.decider import Decision
from routedb.routing.plan import ParsedText

# Rows up to which a text that has them is faster than tables.
TABLES_ABOVE = {"postgresql": 4000, "mysql": 4000}
_IN_TABLES = " in temporary tables"

Rows = Mapping[int, Sequence[Lines]]  # by the number of the fragment


class Statement(NamedTuple):
    """A statement under way: `made` is its plan, `known` what is known of its
    tables."""

    session: Session
    cursor: VirtualCursor
    text: ParsedText
    made: GroupsPlan
    known: Known
    params: Any

    @property
    def remainder(self) -> Remainder:
        """What is left to do."""
        found = self.made.remainder
        assert found is not None  # of every WORK
        return found


def work(
    statement: Statement,
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
) -> None:
    """Run what is `asked` of the groups by `workers`, and the rest of `statement` over
    the rows that come, of which `measures` are told; let its cursor show the result.

    Raises NotMerged, and what the servers say.
    """
    session, made = statement.session, statement.made
    across.one_order(statement.known, session.core.config, made.dialect)
    check_carried(made, statement.known, session.core.config)
    turns = sideways.in_turn(made, asked)
    asked = [reads for turn in turns for reads in turn]
    if made.dialect == "sqlite":
        _work_in_memory(statement, turns, asked, workers, measures)
        return
    coming = Coming(made, measures, statement.cursor)
    try:
        way = Way(coming.open_raw, coming.take, takes_at_once=True, at_once=True)
        _run_fragments(statement, turns, way, coming.lines, workers, measures)
        _finish(statement, asked, coming, measures)
    finally:
        coming.close()


def rows_of(
    statement: Statement,
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
) -> dict[int, list[Any]]:
    """Return the rows of each fragment of `statement`, by its number: `asked`,
    `workers` and `measures` are those of `work`. Raises what that raises."""
    if statement.made.dialect == "sqlite":
        return _rows_in_memory(statement, [asked], workers, measures)[1]
    coming = Coming(statement.made, measures, statement.cursor)
    try:
        way = Way(coming.open_raw, coming.take, takes_at_once=True, at_once=True)
        _run_fragments(statement, [asked], way, coming.lines, workers, measures)
        lines = coming.by_fragment()
        return {number: list(chain.from_iterable(lines[number])) for number in lines}
    finally:
        coming.close()


def _work_in_memory(
    statement: Statement,
    turns: Sequence[Sequence[GroupReads]],
    asked: Sequence[GroupReads],
    workers: Workers,
    measures: Measures,
) -> None:
    session, cursor, text, made, _, params = statement
    where = across.working_reads(asked, session.core.config, made.dialect)
    link, found = _rows_in_memory(statement, turns, workers, measures)
    remainder = statement.remainder
    if link.adapter.dialect != made.dialect:
        decision = decide_work(session, text.plan, where, measures.bounds)
        link = Attempt(session, text.plan, decision, is_one_of_several=True).reach()
    result = sqlite_work.run_remainder(session, cursor, link, remainder, found, params)
    show(session, cursor, text, asked, link, result, measures)


def _rows_in_memory(
    statement: Statement,
    turns: Sequence[Sequence[GroupReads]],
    workers: Workers,
    measures: Measures,
) -> tuple[Link, dict[int, list[Any]]]:
    made = statement.made
    rows: dict[tuple[int, int], Sequence[Any]] = {}

    def take(reads: GroupReads, link: Link, raw: RawCursor) -> None:
        came = split(reads.fragments, made.fragments, raw.fetchall())
        for number, found in came.items():
            measures.took(number, link, found)
            fragment = made.fragments[number]
            rows[number, reads.group] = across.carried(fragment, found, made, link)

    # There is nothing to wait for.
    way = Way(across.open_raw, take, takes_at_once=True, at_once=False)
    link = _run_fragments(statement, turns, way, rows, workers, measures)
    found: dict[int, list[Any]] = {n: [] for n in range(len(made.fragments))}
    for number, group in sorted(rows):
        found[number] += rows[number, group]
    return link, found


def _run_fragments(
    statement: Statement,
    turns: Sequence[Sequence[GroupReads]],
    way: Way,
    rows: Mapping[tuple[int, int], Any],
    workers: Workers,
    measures: Measures,
) -> Link:
    """Run the fragments, one turn after another; return the last link."""
    session, cursor, text, made, _, params = statement
    config = session.core.config
    for turn in turns:
        each = across.as_texts(sideways.narrowed(made, rows), config)
        # SQLite has nothing to wait for.
        at_once = all(reads.database.dialect != "sqlite" for reads in turn)
        its = way._replace(at_once=way.at_once and at_once)
        running = Running(session, cursor, text.plan, each, params, its, measures)
        link = running.run(turn, workers)
    return link


def _finish(
    statement: Statement,
    asked: Sequence[GroupReads],
    coming: Coming,
    measures: Measures,
) -> None:
    """Run the rest in the one way or the other."""
    session, _, text, made, _, _ = statement
    rows = coming.by_fragment()
    where = across.working_reads(asked, session.core.config, made.dialect)
    decision = decide_work(session, text.plan, where, measures.bounds)
    if not _wants_tables(statement, rows, measures):
        try:
            _finish_as_text(statement, asked, rows, decision, measures)
            return
        except NamedByRows:
            pass  # tables have names instead of rows
        except errors.Error as exc:
            code = getattr(exc, "pgcode", None)
            if code != postgresql_work.GROUPING_ERROR:
                raise
            if session.transaction.is_open or not statement.remainder.needs_tables:
                raise
    try:
        _finish_on_tables(statement, asked, coming, rows, decision, measures)
    except NotMerged as exc:
        if _count(rows) > across.WORKS[made.dialect].MOST_ROWS:
            raise
        _finish_as_text(statement, asked, rows, decision, measures, exc)


def _wants_tables(statement: Statement, rows: Rows, measures: Measures) -> bool:
    above = measures.bounds.limits.tables_above
    if above is None:
        above = TABLES_ABOVE[statement.made.dialect]
    # An error would be the end of the transaction.
    is_bound = statement.session.transaction.is_open
    return _count(rows) > above or (is_bound and statement.remainder.needs_tables)


def _count(rows: Rows) -> int:
    return sum(map(len, chain.from_iterable(rows.values())))


def _finish_on_tables(
    statement: Statement,
    asked: Sequence[GroupReads],
    coming: Coming,
    rows: Rows,
    decision: Decision,
    measures: Measures,
) -> None:
    session, cursor, text, made, _, params = statement
    check_words(statement.remainder)
    node = node_for_tables(session, made.dialect, decision, coming.links)
    link, result = run_on_tables(
        session, cursor, node, statement.remainder, rows, params
    )
    show(session, cursor, text, asked, link, result, measures, _IN_TABLES)


def _finish_as_text(
    statement: Statement,
    asked: Sequence[GroupReads],
    rows: Rows,
    decision: Decision,
    measures: Measures,
    why: NotMerged | None = None,
) -> None:
    """`why` there are no tables, where that was tried."""
    session, cursor, text, made, _, params = statement
    remainder = statement.remainder
    found = {number: list(chain.from_iterable(each)) for number, each in rows.items()}
    sql, values = across.WORKS[made.dialect].text_of(remainder, found, params)
    attempt = Attempt(session, text.plan, decision, is_one_of_several=True)
    try:
        attempt.run(cursor, lambda raw: raw.execute(sql, values))
    except errors.Error as exc:
        code = getattr(exc, "pgcode", None)
        if code == postgresql_work.GROUPING_ERROR and why is not None:
            raise NotMerged(f"it may depend on a primary key: {exc}; {why}") from None
        raise
    attempt.route.hits[0] -= 1
    show_route(session, cursor, text, asked, measures)
    show_names(cursor, remainder)


def check_carried(made: GroupsPlan, known: Known, config: ClusterConfig) -> None:
    """Refuse what would not arrive as it was, of the columns of the fragments of `made`
    by what is `known` of the tables, whose dialects `config` has. (Of what goes to
    another dialect the planner has.) Raises NotMerged."""
    named = {column.name for each in made.fragments for column in each.columns}
    for (database, table), answer in known.answers.items():
        dialect = config.databases[database].dialect
        is_known = dialect == "mysql" and dialect != made.dialect
        for column, type_ in answer.odd:
            if column in named and not is_known:
                raise NotMerged(
                    f"column {column} of {table} in {database} is of type {type_}, "
                    "whose values are not carried between servers"
                )
