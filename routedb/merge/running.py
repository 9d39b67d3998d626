"""The fragments of a plan under way: one after another, or on all groups at once.

Everything that is the session's (links, what it has seen, what a fault leads to) is
done by the thread of the program. Others only wait for servers: they execute a text on
a cursor that is ready, and fetch where nothing of the program's can come in. The first
error that is final cancels what is under way elsewhere, and waits for it to end.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.outcome import note_shown
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session, VirtualCursor
from routedb.errors import Fault
from routedb.merge.fragments import SNAPSHOT, GroupReads, decide_reads
from routedb.merge.measures import Measures
from routedb.merge.refused import NotMerged
from routedb.merge.workers import Workers
from routedb.planner import GroupsPlan
from routedb.routing.plan import Plan

_PATIENCE_S = 5.0  # for a statement that was cancelled to end

# Opens what a fragment runs on; takes what has come of it. Both know the link.
Open = Callable[[Link], RawCursor]
Take = Callable[[int, Link, RawCursor], None]


class Way(NamedTuple):
    """How fragments are run: `open_raw` opens a raw cursor, `take` takes the result of
    the fragment of that number from one, which is closed then; it may be called again
    for a group that is asked again.

    `takes_at_once`: nothing of the program's is in that, so any thread may do it.
    `at_once`: the raw cursors of all groups may be in use at the same time.
    """

    open_raw: Open
    take: Take
    takes_at_once: bool
    at_once: bool


class _Run:
    """What is under way on one group: `reads`, by an `attempt`."""

    def __init__(self, reads: GroupReads, attempt: Attempt) -> None:
        self.reads = reads
        self.attempt = attempt
        self.link: Link | None = None
        self.raws: list[RawCursor] = []
        self.error: BaseException | None = None
        self.is_under_way = False

    def ready_link(self) -> Link:
        """Return the link that was reached."""
        assert self.link is not None
        return self.link

    @property
    def is_snapshot(self) -> bool:
        """Tell whether several fragments must see the same rows."""
        return len(self.reads.fragments) > 1


class Running:
    """Runs the fragments of `made` with `params` for a statement of this `plan` in
    `session`, in this `way`; `cursor` shows what fails, `measures` what is done."""

    def __init__(
        self,
        session: Session,
        cursor: VirtualCursor,
        plan: Plan,
        made: GroupsPlan,
        params: Any,
        way: Way,
        measures: Measures,
    ) -> None:
        self._measures = measures
        self._session = session
        self._cursor = cursor
        self._plan = plan
        self._texts = [
            (fragment.text.sql, fragment.text.bind(params))
            for fragment in made.fragments
        ]
        self._way = way
        self._ended: queue.SimpleQueue[_Run] = queue.SimpleQueue()

    def run(self, asked: Sequence[GroupReads], workers: Workers) -> Link:
        """Run what is `asked` of the groups, by `workers` where several can be asked at
        once; return the link of the last one. Raises what the servers say."""
        runs = []
        for reads in asked:
            decision = decide_reads(self._session, self._plan, reads)
            runs.append(_Run(reads, Attempt(self._session, self._plan, decision)))
        if len(runs) > 1 and self._way.at_once:
            self._run_at_once(runs, workers)
        else:
            for run in runs:
                self._prepare(run)
                while not self._settle(self._execute(run)):
                    self._prepare(run)
        return runs[-1].ready_link()

    def _run_at_once(self, runs: list[_Run], workers: Workers) -> None:
        try:
            for run in runs:
                self._start(run, workers)
            left = len(runs)
            while left:
                run = self._ended.get()
                run.is_under_way = False
                if self._settle(run):
                    left -= 1
                else:
                    self._start(run, workers)
        except BaseException:
            self._stop([run for run in runs if run.is_under_way])
            raise

    def _start(self, run: _Run, workers: Workers) -> None:
        self._prepare(run)
        run.is_under_way = True
        workers.submit(lambda: self._ended.put(self._execute(run)))

    # -- by the program's thread -------------------------------------------------------

    def _prepare(self, run: _Run) -> None:
        run.error = None
        run.link = run.attempt.reach()
        run.raws = [self._way.open_raw(run.link) for _ in run.reads.fragments]
        self._show(run, run.raws[0])

    def _settle(self, run: _Run) -> bool:
        """Tell whether the group has answered; False: it is to be asked again."""
        link, error = run.ready_link(), run.error
        try:
            if error is not None:
                raise error
            if not self._way.takes_at_once:
                self._take(run)
        except Exception as exc:
            self._show(run, run.raws[0])
            if run.is_snapshot:
                self._end_snapshot(link)
            if link.adapter.fault(exc, link.raw) is Fault.MISSING:
                self._session.core.catalog.forget()  # what is known may be old
            self._close(run)
            if isinstance(exc, NotMerged):  # the group has answered: its link is free
                raise
            self._judge(run.attempt, link, exc)
            return False
        except BaseException:
            self._session.links.drop(link)
            raise
        self._close(run)
        note_shown(self._session, run.attempt, link)
        return True

    def _judge(self, attempt: Attempt, link: Link, exc: Exception) -> None:
        """Return where the group may be asked again; raise what is to be told else."""
        try:
            judge(attempt, link, exc)
        except BaseException as told:
            if not is_verdict(told):  # the program's: who knows where it came up
                self._session.links.drop(link)
            raise

    def _take(self, run: _Run) -> None:
        for number, raw in zip(run.reads.fragments, run.raws, strict=True):
            self._show(run, raw)
            self._way.take(number, run.ready_link(), raw)

    def _show(self, run: _Run, raw: RawCursor) -> None:
        cursor = self._cursor
        cursor.link, cursor.raw, cursor.route = run.link, raw, run.attempt.route

    def _close(self, run: _Run) -> None:
        for raw in run.raws:
            with suppress(Exception):  # the driver's own classes
                raw.close()

    def _end_snapshot(self, link: Link) -> None:
        try:
            link.ask(link.adapter.rollback)
        except Exception:  # the driver's: what failed before is what is told
            self._session.links.drop(link)

    def _stop(self, runs: list[_Run]) -> None:
        """Cancel what is under way, and leave each link at rest, or dropped."""
        for run in runs:
            with suppress(Exception):  # the driver's: it is dropped below, then
                run.ready_link().cancel(_PATIENCE_S)
        left = set(runs)
        while left:
            try:
                left.discard(self._ended.get(timeout=_PATIENCE_S))
            except queue.Empty:
                break
        for run in runs:
            link = run.ready_link()
            if run in left:
                link.adapter.interrupt(link.raw)
                self._session.links.drop(link)
                continue
            if run.is_snapshot:
                self._end_snapshot(link)
            self._close(run)
            try:
                link.ask(link.adapter.run, "SELECT 1")  # what comes late hits this
            except Exception:  # the driver's
                self._session.links.drop(link)

    # -- by any thread -----------------------------------------------------------------

    def _execute(self, run: _Run) -> _Run:
        """Run the fragments of a group; note the error, if any."""
        link, adapter = run.ready_link(), run.ready_link().adapter
        try:
            if run.is_snapshot:
                link.ask(adapter.begin, SNAPSHOT)
            for number, raw in zip(run.reads.fragments, run.raws, strict=True):
                with self._measures.timed(number, link, self._texts[number][0]):
                    run_on(self._session, link, self._call(number, link), raw)
            if run.is_snapshot:
                link.ask(adapter.rollback)
        except BaseException as exc:
            run.error = exc
        return run

    def _call(self, number: int, link: Link) -> Callable[[Any], None]:
        sql, bound = self._texts[number]

        def call(raw: Any) -> None:
            if bound is None:
                raw.execute(sql)
            else:
                raw.execute(sql, bound)
            if self._way.takes_at_once:
                self._way.take(number, link, raw)

        return call
