"""One read over several groups, from the refusal of routing to the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from routedb import errors
from routedb.engine.route.explain import Explanation, with_runs
from routedb.engine.run.executor import run_again
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.shared.core import Core
from routedb.engine.shared.workers import Workers, workers_of
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import foreign, listed, recorded
from routedb.merge.catalogs import Catalogs
from routedb.merge.clock import at_once
from routedb.merge.copied import Copy, Copying, parts_of, sink_of, table_plan
from routedb.merge.copied_in import CopyingIn, parts_in
from routedb.merge.created import create
from routedb.merge.explain_run import Explaining
from routedb.merge.explaining import explained
from routedb.merge.explaining_changes import explained_change
from routedb.merge.functions import known_functions
from routedb.merge.measures import Measures, measures_of
from routedb.merge.moving_rows import (
    MOST_READS,
    Unsettled,
    hidden,
    settled,
)
from routedb.merge.placements import cluster_of
from routedb.merge.plan_cache import GroupsPlans
from routedb.merge.plan_run import run_plan
from routedb.merge.reading import Locks, Reader, locking
from routedb.merge.refused import NotMerged, NotOwn, check_reading, not_merged
from routedb.merge.server_plans import split_explain
from routedb.merge.showing import show, show_route
from routedb.merge.sourced import Sources
from routedb.merge.views import placed
from routedb.merge.working import Statement
from routedb.merge.written import may_write, write, written_parts
from routedb.planner import (
    Created,
    GroupsPlan,
    Refusal,
    shape,
    take_apart,
)
from routedb.routing.plan import ParsedText
from routedb.session import TxState
from routedb.sharding import TableColumns
from routedb.sql.statement import Kind, Table

_REFERS = re.compile(r"\bREFERENCES\b", re.IGNORECASE).search


class Merger:
    """What a runtime's connections share of it: the catalogs, and the plans made."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._catalogs = Catalogs(core)
        self._plans = GroupsPlans(self._catalogs)
        self._workers: Workers = workers_of(core)
        self._sources = Sources(self._catalogs, self._workers)

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
        target = foreign.target_of(self._catalogs, session, text)
        if target is not None:
            with _as_refusal(refusal):
                foreign.change(session, cursor, text, params, target)
            return
        if listed.run(session, cursor, text, refusal):
            return
        if may_write(text) or _is_reference(text, refusal):
            self._write(session, cursor, text, params, refusal)
            return
        if text.plan.statement.kind is Kind.EXPLAIN and text.plan.is_read:
            self._run_explain(session, cursor, text, params, refusal)
            return
        locks: Locks = cursor.locks if isinstance(cursor, Reader) else ()
        if (database := foreign.locked(session, text)) is None:
            self._answer(session, cursor, text, params, refusal, locks)
            return
        with _as_refusal(refusal), foreign.unlocking(session, text) as inner:
            self._answer(session, cursor, inner, params, refusal, (database, None))

    def _answer(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
        locks: Locks,
    ) -> None:
        """Answer a read, with locks on rows of another dialect's table."""
        self._check_read(session, text, refusal)
        read = partial(self._read, session, cursor, text, params, refusal, locks)
        try:
            _check_possible(session, cursor)
            for again in reversed(range(MOST_READS)):
                try:
                    _read_somehow(read, cursor)
                    return
                except Unsettled:
                    if not again or getattr(cursor, "name", None):
                        raise
        except NotMerged as exc:
            raise not_merged(refusal, exc) from None

    def _read(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
        locks: Locks,
        by_rows: bool,
    ) -> None:
        with settled(session, text) as sure:
            made, known = self._plans.planned(session, sure, params, by_rows)
            made = at_once(session, sure.plan, made, params)
            made = locking(made, locks)
            measures = measures_of(session, made, self._plans.pace_of(sure))
            with measures.bounds.timed(session):
                statement = Statement(session, cursor, sure, made, known, params)
                run_plan(statement, self._workers, measures, refusal)

    def _write(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
    ) -> None:
        """Write what a query over several groups reads, or by what is there."""
        if _is_reference(text, refusal):
            with _as_refusal(refusal):
                recorded.define(session, cursor, text, params, self._catalogs)
            return

        def read(reader: Reader, inner: ParsedText, values: Any) -> None:
            if not inner.plan.is_read:
                raise NotMerged("its query is no plain read")
            if not inner.plan.statement.tables:
                run_again(session, reader, inner, values)
                return
            self.run(session, reader, inner, values, refusal)

        try:
            parts = written_parts(session, text, refusal)
            if parts is None:
                self._sources.change(session, cursor, text, params, refusal)
            elif isinstance(parts, Created):
                columns = partial(self._shape, session, params)
                create(session, cursor, text, params, parts, read, columns)
            else:
                write(session, cursor, text, params, parts, read, self._catalogs)
        except NotMerged as exc:
            raise not_merged(refusal, exc) from None

    def _shape(self, session: Session, params: Any, text: ParsedText) -> GroupsPlan:
        """Return the plan of a query that has its columns. Raises NotMerged."""
        text, cluster, known = placed(session, self._catalogs, text, params)
        functions = known_functions(session, text, cluster)
        found = shape(text.source, text.plan.dialect, known.catalog, cluster, functions)
        if isinstance(found, Refusal):
            raise NotMerged(found.reason)
        return found

    def copy(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        refusal: errors.Error,
        copy: Copy,
        file: Any,
    ) -> None:
        """Copy the rows of several groups to the program's `file`, or from it, by
        `copy`; let `cursor` show what comes of it.

        The COPY `text` was refused in `session` with `refusal`, which is raised where
        it is none of the client's, and with the reason added where there is no exact
        answer. Raises what the servers say as well.
        """

        def planned(inner: ParsedText) -> tuple[GroupsPlan, Measures]:
            self._check_read(session, inner, refusal)
            made, _ = self._plans.planned(session, inner, None)
            return at_once(session, inner.plan, made, None), measures_of(session, made)

        def read(reader: Reader, inner: ParsedText, values: Any) -> None:
            self.run(session, reader, inner, values, refusal)

        is_off = self._core.config.joins == "refuse"
        if is_off or text.plan.names & session.pins.names:
            raise refusal
        try:
            check_reading(text)
            lines = parts_in(text)
            if lines is not None:
                CopyingIn(session, cursor, text, lines, copy, self._catalogs).run(file)
                return
            parts = parts_of(text, refusal)
            copying = Copying(session, cursor, parts, copy, sink_of(file))
            if parts.query is None:
                if hidden(text.plan):
                    raise NotMerged("rows of it move between shards: COPY (SELECT …)")
                made = table_plan(cluster_of(session, text.plan), text, refusal)
                measures = measures_of(session, made)
                copying.table(text, made, measures, self._workers)
            else:
                inner = session.learn(parts.query)
                copying.query(inner, planned, read, self._workers)
        except NotMerged as exc:
            raise not_merged(refusal, exc) from None

    def may_change(self, session: Session, text: ParsedText) -> bool:
        """Tell whether `run` may change a table by `text`, in `session`."""
        if may_write(text) and text.plan.statement.kind is Kind.WRITE:
            return True
        return foreign.target_of(self._catalogs, session, text) is not None

    def _run_explain(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
    ) -> None:
        """Let `cursor` show the plan, with those of the servers in it."""
        try:
            wanted = split_explain(text.source, text.plan.dialect)
            inner = session.learn(wanted.inner)
            self._check_read(session, inner, refusal)
            made, _ = self._plans.planned(session, inner, params)
            made = at_once(session, inner.plan, made, params)
            measures = measures_of(session, made)
            shown = explained(session, inner, made, params, measures.bounds).plan
            if wanted.runs:
                self.run(session, cursor, inner, params, refusal)
                assert cursor.route is not None  # it has just run
                shown = with_runs(shown, cursor.route.fragments)
            asking = Explaining(session, cursor, inner, params, wanted.prefix, measures)
            asked, link, result = asking.run(made, shown)
            if result is None:
                show_route(session, cursor, inner, asked, measures)
            else:
                show(session, cursor, inner, asked, link, result, measures)
        except NotMerged as exc:
            raise not_merged(refusal, exc) from None

    def columns(
        self, session: Session, database: str, table: Table
    ) -> TableColumns | None:
        """Return what the catalog of `database`, asked in `session`, says of the
        columns of `table`: see `Catalogs.columns`."""
        return self._catalogs.columns(session, database, table)

    def explain(
        self,
        session: Session,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
    ) -> Explanation:
        """Return how `run` would answer `text` with `params` in `session`, which was
        refused with `refusal`. Raises what `run` raises before it runs anything."""
        target = foreign.target_of(self._catalogs, session, text)
        if target is not None or may_write(text):
            with _as_refusal(refusal):
                return explained_change(
                    session, text, params, refusal, target, self._sources
                )
        self._check_read(session, text, refusal)
        try:
            made, _ = self._plans.planned(session, text, params)
            made = made.at({each.mark: each.written for each in made.moments})
            bounds = measures_of(session, made).bounds
            return explained(session, text, made, params, bounds)
        except NotMerged as exc:
            raise not_merged(refusal, exc) from None

    def _check_read(
        self, session: Session, text: ParsedText, refusal: errors.Error
    ) -> None:
        """Raise `refusal` for what is no plain read, or where nothing is merged."""
        hints = text.plan.statement.hints
        is_placed = hints is not None and (
            hints.shard is not None or hints.key is not None
        )
        is_hidden = bool(text.plan.names & session.pins.names)  # by temporary tables
        may_read = text.plan.is_read or bool(text.plan.statement.asks)
        is_read = text.plan.statement.kind is Kind.READ and may_read
        is_off = self._core.config.joins == "refuse"
        if text.plan.statement.kind is Kind.LOCK and not (is_placed or is_off):
            why = (
                f"it {text.plan.statement.reason}, and those of several groups are not"
            )
            raise not_merged(refusal, NotMerged(why))
        if not is_read or is_placed or is_hidden or is_off:
            raise refusal


def _read_somehow(read: Callable[..., None], cursor: VirtualCursor) -> None:
    """Have `read` read for `cursor`; where the program makes the values that would have
    to be looked at, once more over the rows of the tables, which are made values of at
    the end."""
    try:
        read(by_rows=False)
    except NotOwn:
        if getattr(cursor, "name", None):
            raise
        read(by_rows=True)


def _is_reference(text: ParsedText, refusal: errors.Error) -> bool:
    """Tell whether `text`, refused with `refusal`, is a definition that may have a
    foreign key to another database."""
    return (
        text.plan.statement.kind is Kind.DDL
        and isinstance(refusal, errors.CrossDatabaseError)
        and _REFERS(text.source) is not None
        and take_apart(text.source, text.plan.dialect, True) is None
    )


@contextmanager
def _as_refusal(refusal: errors.Error) -> Iterator[None]:
    """Raise `refusal` with the reason why nothing is merged, if there is one."""
    try:
        yield
    except NotMerged as exc:
        raise not_merged(refusal, exc) from None


def _check_possible(session: Session, cursor: VirtualCursor) -> None:
    if not getattr(cursor, "name", None):
        return
    named: Any = cursor  # psycopg2's
    if isinstance(cursor.raw, MergedResult):
        raise errors.ProgrammingError(
            "can't call .execute() on named cursors more than once"
        )
    if session.transaction.state is TxState.AUTOCOMMIT:
        raise errors.ProgrammingError(
            "can't use a named cursor outside of transactions"
        )
    if named.withhold:
        raise NotMerged("a cursor WITH HOLD over several groups is not available")
