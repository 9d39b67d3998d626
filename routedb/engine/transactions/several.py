"""The commit of a transaction that wrote to several groups, all of them or none.

What comes next is said by the table in session/two_phase.py; here it is done, and what
a server answers is told to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from routedb import errors
from routedb.adapters.base import Fault
from routedb.config.label import label_of
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import (
    aborted_by_recovery,
    branch_lost,
    commit_refused,
    several_unknown,
)
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.shared.let_go import lets_go
from routedb.engine.shared.workers import workers_of
from routedb.engine.transactions.ends import End, is_overtaken, roll_back
from routedb.engine.transactions.spread import Deal, Spread
from routedb.events import BranchLeft
from routedb.observers import OBSERVERS
from routedb.session import Action, Moment, action_for
from routedb.session.two_phase import (
    NEWS,
    Coordinator,
    Decision,
    News,
    Request,
    Stage,
    Step,
)


class SeveralCommit:
    """One commit of `branches`, links by group, as `deal` has it. `end` commits on the
    decider's link in one phase; `failed` takes note of an error there and of what it is
    (`Commit`). `spread` is told what became of it should it be interrupted."""

    def __init__(
        self,
        links: Links,
        branches: Mapping[int, Link],
        deal: Deal,
        end: End,
        failed: Callable[[Link, Exception], Fault],
        spread: Spread,
    ) -> None:
        self._links = links
        self._core = links.core
        self._branches = branches
        self._deal = deal
        self._end = end
        self._failed = failed
        self._spread = spread
        self._steps = Coordinator(list(deal.names), deal.decider)
        self._cause: Exception | None = None  # of what has gone wrong first
        self._error: errors.Error | None = None  # to raise for it

    def run(self) -> None:
        """Commit. Raises what a server says of its part, TransactionLost, or
        OutcomeUnknown."""
        try:
            while requests := self._steps.requests():
                if len(requests) == 1:
                    (request,) = requests
                    _DO[request.step](self, request, self._branches[request.group])
                else:
                    self._at_once(requests)
        except BaseException:
            self._interrupted()
            raise
        self._tell_left()
        self._raise()

    @property
    def ended(self) -> bool | None:
        """What has become of all of its parts; None while nobody knows it of one."""
        return None if self._steps.open_branches else self._steps.outcome

    def _interrupted(self) -> None:
        """After what is no verdict: no link is to be used again, for recovery must be
        able to finish what is prepared there."""
        self._steps.interrupt()
        self._spread.has_ended = True
        self._spread.committed = self._steps.outcome
        for group in (*self._deal.names, self._deal.decider):
            self._links.drop(self._branches[group])

    # -- steps -------------------------------------------------------------------------

    def _at_once(self, requests: Sequence[Request]) -> None:
        """Take the same step on several groups, each by a thread; what has come of it
        is noted here, in their order."""
        sends = [
            partial(_SEND[request.step], self, request, self._branches[request.group])
            for request in requests
        ]
        raised = workers_of(self._core).call_all(sends)
        for request, exc in zip(requests, raised, strict=True):
            if exc is None:
                self._steps.done(request)
            else:
                link = self._branches[request.group]
                _FAILED[request.step](self, request, link, exc)

    def _prepare(self, request: Request, link: Link) -> None:
        try:
            self._send_prepare(request, link)
        except Exception as exc:
            self._not_prepared(request, link, exc)
        else:
            self._steps.done(request)

    def _send_prepare(self, request: Request, link: Link) -> None:
        link.ask(partial(self._call, link.adapter.branches.prepare, request))

    @lets_go
    def _not_prepared(self, request: Request, link: Link, exc: BaseException) -> None:
        if not isinstance(exc, Exception):
            raise exc
        fault = self._note(link, exc)
        is_lost = fault is Fault.LINK_LOST
        if action_for(fault, Moment.IN_TRANSACTION) is Action.LOSE:
            self._error = self._error or branch_lost(link.node.name, exc)
        self._steps.failed(request, is_certain=not is_lost)

    def _write_row(self, request: Request, link: Link) -> None:
        write = link.adapter.decisions.write
        namespace = label_of(link.node).namespace
        try:
            link.ask(lambda raw: write(raw, namespace, self._deal.transaction))
        except Exception as exc:
            fault = self._note(link, exc)
            if isinstance(exc, errors.IntegrityError):
                self._error = aborted_by_recovery(link.node.name)
            elif action_for(fault, Moment.IN_TRANSACTION) is Action.LOSE:
                self._error = branch_lost(link.node.name, exc)
            self._steps.failed(request, is_certain=True)
        else:
            self._steps.done(request)

    def _commit(self, request: Request, link: Link) -> None:
        try:
            self._end(link)
        except Exception as exc:
            if is_from_program(exc):
                raise
            action = action_for(self._note(link, exc), Moment.COMMITTING)
            if action is Action.LOSE:
                self._error = commit_refused(link.node.name, exc)
            is_unknown = action is Action.RAISE_OUTCOME_UNKNOWN
            self._steps.failed(request, is_certain=not is_unknown)
        else:
            if is_overtaken(self._core, link):  # whoever is the writer has the row
                self._steps.tell(News.LOST)
            else:
                self._steps.done(request)

    def _ask(self, request: Request, link: Link) -> None:
        ledger = ledger_of(self._core)
        decision, said = ledger.settle(request.group, self._deal.transaction)
        if decision is Decision.ABORTED:
            self._error = errors.TransactionLost(
                f"commit was sent to {link.node.name}, which decides about this "
                "transaction, and its answer was lost: it was not committed there, and "
                "so nowhere; running the whole transaction again is safe"
            )
        elif decision is Decision.UNKNOWN:
            self._error = several_unknown(link.node.name, said)
        self._steps.tell(NEWS[decision])

    def _finish(self, request: Request, link: Link) -> None:
        try:
            self._send_finish(request, link)
        except Exception as exc:
            self._not_finished(request, link, exc)
        else:
            self._steps.done(request)

    def _send_finish(self, request: Request, link: Link) -> None:
        branches = link.adapter.branches
        is_commit = request.step is Step.COMMIT_PREPARED
        finish = branches.commit_prepared if is_commit else branches.roll_back_prepared
        link.ask(partial(self._call, finish, request))
        link.part()

    @lets_go
    def _not_finished(self, request: Request, link: Link, exc: BaseException) -> None:
        if not isinstance(exc, Exception):
            raise exc
        self._core.report_fault(link, exc, link.classify_error(exc))
        self._links.drop(link)  # or nobody else could finish it
        if not is_verdict(exc):
            raise exc
        self._steps.failed(request, is_certain=False)

    def _roll_back(self, request: Request, link: Link) -> None:
        roll_back(self._links, link)
        self._steps.done(request)

    def _call(self, step: Callable[..., None], request: Request, raw: object) -> None:
        step(raw, self._deal.names[request.group])

    @lets_go
    def _note(self, link: Link, exc: Exception) -> Fault:
        """Take note of what has gone wrong on a link; its part is over."""
        if is_from_program(exc):
            raise exc
        fault = self._failed(link, exc)
        if self._cause is None:
            self._cause = exc
        return fault

    # -- the end -----------------------------------------------------------------------

    def _tell_left(self) -> None:
        if self._steps.stage is Stage.IN_DOUBT:
            for group in self._steps.open_branches:
                self._links.drop(self._branches[group])
        for group in self._steps.open_branches:
            label = self._core.label(self._branches[group].node)
            OBSERVERS.emit(
                BranchLeft(label, str(self._deal.names[group]), self._steps.stage.value)
            )

    @lets_go
    def _raise(self) -> None:
        if self._steps.stage is Stage.COMMITTED:
            return
        cause = self._cause
        if self._error is not None:
            raise self._error from cause
        assert cause is not None  # or it would be committed
        raise cause


_SEND: dict[Step, Callable[[SeveralCommit, Request, Link], None]] = {
    Step.PREPARE: SeveralCommit._send_prepare,
    Step.COMMIT_PREPARED: SeveralCommit._send_finish,
    Step.ROLL_BACK_PREPARED: SeveralCommit._send_finish,
}
_FAILED: dict[Step, Callable[[SeveralCommit, Request, Link, BaseException], None]] = {
    Step.PREPARE: SeveralCommit._not_prepared,
    Step.COMMIT_PREPARED: SeveralCommit._not_finished,
    Step.ROLL_BACK_PREPARED: SeveralCommit._not_finished,
}
_DO: dict[Step, Callable[[SeveralCommit, Request, Link], None]] = {
    Step.PREPARE: SeveralCommit._prepare,
    Step.WRITE_ROW: SeveralCommit._write_row,
    Step.COMMIT: SeveralCommit._commit,
    Step.ASK: SeveralCommit._ask,
    Step.COMMIT_PREPARED: SeveralCommit._finish,
    Step.ROLL_BACK_PREPARED: SeveralCommit._finish,
    Step.ROLL_BACK: SeveralCommit._roll_back,
}
