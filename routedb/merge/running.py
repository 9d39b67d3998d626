"""The fragments of a plan under way: one after another, or on all groups at once.

Everything that is the session's (links, what it has seen, what a fault leads to) is
done by the thread of the program. Others only wait for servers: they execute a text on
a cursor that is ready, and fetch where nothing of the program's can come in. The first
error that is final cancels what is under way elsewhere, and waits for it to end.

Of a statement whose parts took next to no time when it ran last, the last part is
executed by the program's thread itself: to hand it over would take longer. While that
waits it hears of nothing, so a part that fails elsewhere cancels what it waits for.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from routedb.adapters.base import RawCursor
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.run.attempt import Attempt, run_on
from routedb.engine.run.outcome import note_shown
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.workers import Workers
from routedb.engine.virtual_cursor import VirtualCursor
from routedb.errors import Fault
from routedb.merge.cancelled import lose, settle_cancelled
from routedb.merge.ended import Ended
from routedb.merge.fragments import GroupReads, decide_reads
from routedb.merge.measures import Measures
from routedb.merge.refused import NotMerged
from routedb.merge.union import as_one
from routedb.planner import GroupsPlan
from routedb.routing.plan import Plan

_PATIENCE_S = 5.0  # for a statement that was cancelled to end
_LOOK_S = 0.02  # between two looks whether it has
_QUICK_S = 0.02  # what took no longer may be waited for by the program's thread

# Opens what a fragment runs on; takes what has come of the fragments of a group. Both
# know the link.
Open = Callable[[Link], RawCursor]
Take = Callable[[GroupReads, Link, RawCursor], None]


class Way(NamedTuple):
    """How fragments are run: `open_raw` opens a raw cursor, `take` takes from one what
    a group has answered, and it is closed then; that may be called again for a group
    that is asked again.

    `takes_at_once`: nothing of the program's is in that, so any thread may do it.
    `at_once`: the raw cursors of all groups may be in use at the same time.
    `keeps_raw`: they are not closed, as their rows are still to be fetched.
    """

    open_raw: Open
    take: Take
    takes_at_once: bool
    at_once: bool
    keeps_raw: bool = False


class _Run:
    """What is under way on one group: `reads`, by an `attempt`, as one text, `sql`,
    with its parameters `bound`."""

    def __init__(
        self, reads: GroupReads, attempt: Attempt, sql: str, bound: Any
    ) -> None:
        self.reads = reads
        self.attempt = attempt
        self.sql = sql
        self.bound = bound
        self.link: Link | None = None
        self.raw: RawCursor | None = None
        self.error: BaseException | None = None
        self.is_under_way = False
        self.is_cancelled = False
        self.took_s = 0.0

    def ready(self) -> tuple[Link, RawCursor]:
        """Return the link that was reached, and the raw cursor on it."""
        assert self.link is not None
        assert self.raw is not None
        return self.link, self.raw

    def raise_error(self) -> None:
        """Raise what has come out of it, if anything; nothing keeps it then: its frames
        hold raw cursors, with rows that are left and locks."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error


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
        self._made = made
        self._params = params
        self._way = way
        self._ended: Ended[_Run] = Ended()
        self._bound: dict[tuple[int, ...], tuple[str, Any]] = {}
        self._lock = threading.Lock()
        self._own: _Run | None = None  # what the program's thread waits for

    def run(self, asked: Sequence[GroupReads], workers: Workers) -> Link:
        """Run what is `asked` of the groups, by `workers` where several can be asked at
        once; return the link of the last one. Raises what the servers say."""
        runs = [self._planned(reads) for reads in asked]
        self._measures.advance(len(runs), 0)
        if len(runs) > 1 and self._way.at_once:
            self._run_at_once(runs, workers)
        else:
            for run in runs:
                self._prepare(run)
                while not self._settle(self._execute(run)):
                    self._prepare(run)
        self._measures.pace.took_s = max(run.took_s for run in runs)
        return runs[-1].ready()[0]

    def _planned(self, reads: GroupReads) -> _Run:
        session, plan = self._session, self._plan
        decision = decide_reads(session, plan, reads)
        attempt = Attempt(session, plan, decision, is_one_of_several=True)
        numbers = tuple(reads.fragments)
        known = self._bound.get(numbers)
        if known is None:
            dialect = reads.database.dialect
            text = as_one(numbers, self._made.fragments, dialect)
            is_other = dialect != self._made.dialect
            bound = text.bind_used if is_other else text.bind
            known = self._bound[numbers] = (text.sql, bound(self._params))
        return _Run(reads, attempt, *known)

    def _run_at_once(self, runs: list[_Run], workers: Workers) -> None:
        is_quick = self._measures.pace.took_s < _QUICK_S
        if is_quick and not self._measures.is_watched:
            self._ended.expect(len(runs))
        try:
            for run in runs[:-1] if is_quick else runs:
                self._start(run, workers)
            if is_quick:
                self._run_here(runs[-1])
            left = len(runs)
            while left:
                run = self._ended.get()
                run.is_under_way = False
                if self._settle(run):
                    left -= 1
                else:
                    self._start(run, workers)
        except BaseException:
            try:
                self._stop([run for run in runs if run.is_under_way])
            finally:
                # Here, and not where another thread lets go of the last: to end a
                # result that is not in memory MySQL's driver locks the connection.
                for run in runs:
                    self._close(run)
            raise

    def _start(self, run: _Run, workers: Workers) -> None:
        self._prepare(run)
        run.is_under_way = True
        workers.submit(lambda: self._execute_apart(run))

    def _run_here(self, run: _Run) -> None:
        """Execute a part by the program's thread, as another one would."""
        self._prepare(run)
        run.is_under_way = True
        self._own = run
        try:
            self._execute(run)
        finally:
            with self._lock:
                self._own = None  # nobody cancels it any more
            self._ended.put(run, False)

    # -- by the program's thread -------------------------------------------------------

    def _prepare(self, run: _Run) -> None:
        run.error, run.is_cancelled = None, False
        run.link = run.attempt.reach()
        run.raw = self._way.open_raw(run.link)
        self._show(run)

    def _settle(self, run: _Run) -> bool:
        """Tell whether the group has answered; False: it is to be asked again."""
        link, raw = run.ready()
        self._show(run)
        if run.is_cancelled:  # for an error elsewhere, after which there was more to do
            settle_cancelled(self._session, link)
            if run.error is not None:
                self._close(run)
                return False
        try:
            run.raise_error()
            if not self._way.takes_at_once:
                self._way.take(run.reads, link, raw)
        except Exception as exc:
            if link.adapter.fault(exc, link.raw) is Fault.MISSING:
                self._session.core.catalog.forget()  # what is known may be old
            self._close(run)
            if isinstance(exc, NotMerged):  # the group has answered: its link is free
                raise
            self._judge(run.attempt, link, exc)
            return False
        except BaseException:
            self._interrupted(link)
            raise
        if not self._way.keeps_raw:
            self._close(run)
        note_shown(self._session, run.attempt, link)
        self._measures.advance(0, 1)
        return True

    @lets_go
    def _judge(self, attempt: Attempt, link: Link, exc: Exception) -> None:
        """Return where the group may be asked again; raise what is to be told else."""
        try:
            judge(attempt, link, exc)
        except BaseException as told:
            if not is_verdict(told):  # the program's: who knows where it came up
                self._interrupted(link)
            raise

    def _interrupted(self, link: Link) -> None:
        """Drop a link of which nobody knows how things stand there."""
        transaction = self._session.transaction
        is_branch = link in transaction.branches.values()
        self._session.links.drop(link)
        if is_branch:
            transaction.interrupt()

    def _show(self, run: _Run) -> None:
        cursor = self._cursor
        cursor.link, cursor.raw, cursor.route = run.link, run.raw, run.attempt.route

    def _close(self, run: _Run) -> None:
        with suppress(Exception):  # the driver's own classes
            run.ready()[1].close()

    def _stop(self, runs: list[_Run]) -> None:
        """Cancel what is under way, and leave each link at rest, or dropped."""
        self._ended.expect(0)
        try:
            self._settle_all(runs)
        except BaseException:  # a signal's, again: no thread's link may be used
            for run in runs:
                if run.link is not None:
                    lose(self._session, run.link)
            raise

    def _settle_all(self, runs: list[_Run]) -> None:
        for run in runs:
            with suppress(Exception):  # the driver's: it is dropped below, then
                run.ready()[0].cancel(_PATIENCE_S)
        left = set(runs)
        while left:
            try:
                left.discard(self._ended.get(timeout=_PATIENCE_S))
            except queue.Empty:
                break
        for run in runs:
            link, _ = run.ready()
            if run in left:
                link.adapter.interrupt(link.raw)
                lose(self._session, link)
                continue
            self._close(run)
            settle_cancelled(self._session, link)

    # -- by any thread -----------------------------------------------------------------

    def _execute(self, run: _Run) -> _Run:
        """Run the fragments of a group; note the error, if any."""
        link, raw = run.ready()
        try:
            numbers = run.reads.fragments
            began = self._measures.begin(numbers, link)
            try:
                run_on(self._session, link, lambda raw: self._call(run, link, raw), raw)
            finally:
                asked = [self._made.fragments[number] for number in numbers]
                texts = [each.shown or each.text.sql for each in asked]
                run.took_s = self._measures.end(numbers, link, texts, began)
        except BaseException as exc:
            run.error = exc
        return run

    def _execute_apart(self, run: _Run) -> None:
        """Execute a part by another thread than the program's, and say that it has
        ended."""
        self._execute(run)
        self._ended.put(run, run.error is not None)
        if run.error is not None:
            self._free_program()

    def _free_program(self) -> None:
        """Have the program's thread hear of an error, where it waits for a part of its
        own: that is cancelled, and where its server does not hear of it, cut."""
        with self._lock:
            own = self._own
            if own is None:
                return
            own.is_cancelled = True
            with suppress(Exception):  # the driver's: it is cut below, then
                own.ready()[0].cancel(_PATIENCE_S)
        over_at = time.monotonic() + _PATIENCE_S
        while self._own is own:
            if time.monotonic() > over_at:
                own.ready()[0].interrupt()
                return
            time.sleep(_LOOK_S)

    def _call(self, run: _Run, link: Link, raw: Any) -> None:
        if run.bound is None:
            raw.execute(run.sql)
        else:
            raw.execute(run.sql, run.bound)
        if self._way.takes_at_once:
            self._way.take(run.reads, link, raw)
