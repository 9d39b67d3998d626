"""Changes of rows by what is on other groups: UPDATE … FROM, DELETE … USING, queries
in WHERE, SET and VALUES.

What is on other groups is read first, in the transaction of the change and from
writers. Then the text, with these rows in the place of the tables that they are of, is
one of the changed table's groups alone, and goes the way of any other: to its shard, or
to every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from routedb import errors
from routedb.engine.run import multi_shard
from routedb.engine.run.executor import decide_once_more, run_again
from routedb.engine.run.merged_result import MergedResult
from routedb.engine.session import Session
from routedb.engine.shared.workers import Workers
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.merge import across, kept_keys, rekeyed
from routedb.merge.catalogs import Catalogs, Known
from routedb.merge.fragments import reads_of
from routedb.merge.in_place import in_place
from routedb.merge.measures import Measures, measures_of
from routedb.merge.plan_cache import PlanCache
from routedb.merge.reading import Reader
from routedb.merge.refused import NotMerged
from routedb.merge.views import Placed, placed
from routedb.merge.working import Statement, check_carried, rows_of
from routedb.planner import GroupsPlan, Refusal, Remainder, changed_sources
from routedb.routing import Reason
from routedb.routing.plan import ParsedText
from routedb.sql.statement import Table
from routedb.topology.snapshot import Role

WHY = "rows of other groups are read first"
_Made = GroupsPlan | Refusal | None


class Sources:
    """What is known of such statements: the plans made, which `catalogs` tell of
    tables for, and the `workers` that read."""

    def __init__(self, catalogs: Catalogs, workers: Workers) -> None:
        self._catalogs = catalogs
        self._workers = workers
        self._plans: PlanCache[_Made] = PlanCache()

    def change(
        self,
        session: Session,
        cursor: VirtualCursor,
        text: ParsedText,
        params: Any,
        refusal: errors.Error,
    ) -> None:
        """Run `text` with `params`, which was refused with `refusal`, in `session`; let
        `cursor` show what comes of it. Raises `refusal` where it needs nothing of other
        groups, NotMerged, and what the servers say."""
        if kept_keys.change(session, cursor, text, params):
            return
        if rekeyed.change(session, cursor, text, params, self._catalogs):
            return
        made, known = self.planned(session, text, params, refusal)
        self._run(session, cursor, made, known, params)

    def moved(self, session: Session, text: ParsedText) -> rekeyed.Rekeyed | None:
        """Return what `text` is, in `session`, if it gives rows another shard key.
        Raises NotMerged."""
        return rekeyed.rekeyed(session, text, self._catalogs)

    def planned(
        self, session: Session, text: ParsedText, params: Any, refusal: errors.Error
    ) -> tuple[GroupsPlan, Known]:
        """Return what `change` would do by `text` with `params`, which was refused with
        `refusal`, and what is known of the tables in `session`. Raises what `change`
        raises before it runs anything."""
        (table,) = text.plan.statement.writes
        found = placed(session, self._catalogs, text, params)
        why: errors.Error = refusal
        for keeps_home in (True, False):
            made = self._plan(session, found, table, keeps_home)
            if isinstance(made, Refusal):
                raise NotMerged(made.reason)
            if made is not None and not made.fits(params):
                made = made.otherwise
            if made is None:
                continue
            remainder = _remainder(made)
            none: dict[int, Sequence[Any]] = dict.fromkeys(
                range(len(made.fragments)), ()
            )
            sql, values = in_place(made.dialect, remainder, none, params)
            try:
                decide_once_more(session, session.learn(sql), values)
            except (errors.ShardError, errors.CrossDatabaseError) as exc:
                why = exc
                continue
            return made, found.known
        if why is refusal:
            raise refusal
        raise NotMerged(f"with the rows of other groups in it: {why}")

    def _plan(
        self, session: Session, found: Placed, table: Table, keeps_home: bool
    ) -> _Made:
        text, cluster, known = found

        def make() -> _Made:
            return changed_sources(
                text.source, text.plan.dialect, known.catalog, cluster, table,
                keeps_home,
            )  # fmt: skip

        return self._plans.find(session, text, known, keeps_home, make)

    def _run(
        self,
        session: Session,
        cursor: VirtualCursor,
        made: GroupsPlan,
        known: Known,
        params: Any,
    ) -> None:
        measures = measures_of(session, made)

        def work() -> None:
            rows = self._read(session, made, known, params, measures)
            sql, values = in_place(made.dialect, _remainder(made), rows, params)
            run_again(session, cursor, session.learn(sql), values)
            _take_rows(cursor)
            _show(session, cursor, measures)

        multi_shard.in_transaction(session, work)

    def _read(
        self,
        session: Session,
        made: GroupsPlan,
        known: Known,
        params: Any,
        measures: Measures,
    ) -> dict[int, list[Any]]:
        """Return the rows of each fragment, by its number."""
        across.one_order(known, session.core.config, made.dialect)
        check_carried(made, known, session.core.config)
        reader = Reader(session)
        # How it is read is decided as for any read.
        text = session.learn(made.fragments[0].text.sql)
        before = session.override(None, Role.WRITER, None)
        try:
            with measures.bounds.timed(session):
                statement = Statement(session, reader, text, made, known, params)
                asked = reads_of(session, made, params)
                return rows_of(statement, asked, self._workers, measures)
        finally:
            session.restore_overrides(before)
            reader.close()


def _remainder(made: GroupsPlan) -> Remainder:
    assert made.remainder is not None  # of every such plan
    if made.remainder.needs_tables:
        raise NotMerged("it may have columns beside GROUP BY for a primary key in it")
    return made.remainder


def _take_rows(cursor: VirtualCursor) -> None:
    """Have the rows of RETURNING, if there are any: what is around the statement cannot
    end on SQLite while some are to be fetched."""
    raw = cursor.raw
    if raw is None or raw.description is None or isinstance(raw, MergedResult):
        return
    merged = MergedResult(cursor.arraysize)
    merged.add(raw)
    merged.finish()
    cursor.raw = merged
    cursor.bind_fetch(merged)


def _show(session: Session, cursor: VirtualCursor, measures: Measures) -> None:
    """Let `cursor` show what was read as well."""
    if cursor.route is not None:
        reasons = ((Reason.SEVERAL_GROUPS, WHY), *cursor.route.reasons)
        runs = measures.runs(session.core)
        cursor.route = replace(cursor.route, reasons=reasons, fragments=runs)
