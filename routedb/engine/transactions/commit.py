"""The commit of a transaction: branch by branch, with a definite answer where one can
be had.

What a fault amounts to comes from the table in session/recovery.py; what an answer to
"what became of it?" proves, from session/commit_outcome.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSet
from functools import partial

from routedb import errors
from routedb.adapters.base import Fault
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.error_texts import (
    branch_lost,
    commit_never_sent,
    commit_refused,
    commit_unknown,
    hidden_commit_unknown,
    overtaken_lost,
    partly_committed,
)
from routedb.engine.shared.let_go import lets_go
from routedb.engine.transactions import commit_check
from routedb.engine.transactions.counting import Counting
from routedb.engine.transactions.ends import (
    End,
    check_overtaken,
    is_overtaken,
    roll_back,
)
from routedb.engine.transactions.several import SeveralCommit
from routedb.engine.transactions.spread import Spread
from routedb.events import NodeRefusedWrite
from routedb.session import Action, CommitOutcome, Moment, action_for
from routedb.topology.commit_status import CommitNote


class Commit:
    """One commit. `branches` are the links by group, `wrote` the groups written to;
    `end` commits on the `home` link, as `Link.commit` does on all others.

    `spread` knows how several of them are committed together. `have_only_read` tells,
    after a fault, whether what else has run in a group has certainly not written; None:
    the servers have seen to that. `isolation` is what was declared for it.
    """

    def __init__(
        self,
        links: Links,
        branches: Mapping[int, Link],
        wrote: MutableSet[int],
        home: Link | None,
        end: End,
        spread: Spread,
        have_only_read: Callable[[int], bool] | None,
        isolation: str | None = None,
    ) -> None:
        self._isolation = isolation
        self._links = links
        self._branches = branches
        self._wrote = wrote
        self._home = home
        self._end_home = end
        self._spread = spread
        self._have_only_read = have_only_read
        self._read_groups: list[int] = []  # what may be committed, and only reads
        self._done: list[Link] = []  # what has been committed of writers

    def run(self) -> None:
        """Commit readers first, then writers: a lost reader loses nothing. No writer
        before all of them were looked at: what is lost by then is lost as a whole.

        Raises TransactionLost, OutcomeUnknown, or the server's refusal.
        """
        self._judged(self._commit_all)

    @lets_go
    def judge_one(self, group: int, link: Link, exc: Exception) -> None:
        """Judge `exc`, which has come out of the commit of the only branch, `link` to
        `group`, as `run` does: return when it is committed all the same."""
        if self._wrote:
            self._write_failed(group, link, None, exc)
        else:
            self._judged(partial(self._read_failed, group, link, exc))

    @lets_go
    def _judged(self, commit: Callable[[], None]) -> None:
        """Call `commit`; where it loses what only reads by its texts, and may be
        committed all the same, say so."""
        try:
            commit()
        except errors.OutcomeUnknown:
            raise
        except errors.Error as exc:
            hidden = self._find_hidden()
            if hidden is None:
                raise
            raise hidden_commit_unknown(hidden.node.name, exc) from exc

    def _commit_all(self) -> None:
        if not self._wrote:
            for group, link in self._branches.items():
                self._read(group, link)
            return
        try:
            deal = self._spread.deal(self._wrote, self._branches)
        except errors.Error:
            self._roll_back_others(None)
            raise
        if deal is not None:
            self._wrote.add(deal.decider)  # the row
        for group, link in self._branches.items():
            if group not in self._wrote:
                try:
                    self._read(group, link, is_beside_writer=True)
                except errors.Error:
                    self._roll_back_others(link)
                    raise
        writers = {g: at for g, at in self._branches.items() if g in self._wrote}
        notes: dict[int, CommitNote | None] = {}
        for group, link in writers.items():
            try:
                notes[group] = self._prepare(link, is_noted=deal is None)
            except errors.Error:
                self._roll_back_others(link)
                raise
        if deal is not None:
            parts = (deal, self._end, self._failed, self._spread)
            several = SeveralCommit(self._links, writers, *parts)
            if self._links.core.config.atomic_reads == "no":
                several.run()
            else:
                self._run_counted(several, writers)
            return
        for group, link in writers.items():
            try:
                self._write(group, link, notes[group])
            except errors.Error as exc:
                self._roll_back_others(link)
                if not self._done:
                    raise
                done = [at.node.name for at in self._done]
                raise partly_committed(done, link.node.name, exc) from exc
            self._done.append(link)

    def _run_counted(self, several: SeveralCommit, writers: Mapping[int, Link]) -> None:
        """Run a commit of which each group has a row."""
        has_snapshot = self._isolation in ("REPEATABLE READ", "SERIALIZABLE")
        try:
            counting = Counting(self._links, writers, has_snapshot)
        except errors.Error:
            self._roll_back_others(None)
            raise
        for group, link in writers.items():
            try:
                counting.write(group, link)
            except Exception as exc:
                fault = self._failed(link, exc)
                self._roll_back_others(link)
                if action_for(fault, Moment.IN_TRANSACTION) is Action.LOSE:
                    raise branch_lost(link.node.name, exc) from exc
                raise
        try:
            several.run()
        finally:
            counting.settle(several.ended)

    def _end(self, link: Link) -> None:
        if link is self._home:
            self._end_home(link)
        else:
            link.commit()

    def _read(self, group: int, link: Link, is_beside_writer: bool = False) -> None:
        """Commit a branch that wrote nothing, as far as the texts tell. Beside a writer
        its loss is of no consequence, if that is so."""
        try:
            self._end(link)
        except Exception as exc:
            self._read_failed(group, link, exc, is_beside_writer)
        else:
            self._read_groups.append(group)

    @lets_go
    def _read_failed(
        self, group: int, link: Link, exc: Exception, is_beside_writer: bool = False
    ) -> None:
        if is_from_program(exc):
            raise exc
        fault = self._failed(link, exc)
        if is_beside_writer and self._may_miss(group):
            return
        if action_for(fault, Moment.COMMITTING_READS) is Action.LOSE:
            self._read_groups.append(group)  # it may be committed all the same
            raise errors.TransactionLost(
                f"the link to {link.node.name} was lost at commit of a transaction "
                "that wrote nothing; running it again is safe"
            ) from exc
        raise exc

    def _may_miss(self, group: int) -> bool:
        """Tell whether nothing is missing when the commit of a branch that reads, by
        its texts, has not succeeded."""
        return self._have_only_read is None or self._have_only_read(group)

    def _find_hidden(self) -> Link | None:
        """Return the link of a branch where something behind the reads may have
        written, and may be committed; it counts as a write."""
        for group in self._read_groups:
            if not self._may_miss(group):
                self._wrote.add(group)
                return self._branches[group]
        return None

    def _prepare(self, link: Link, is_noted: bool) -> CommitNote | None:
        """See to it that a commit can be sent; return the transaction's note, if it
        `is_noted`: the row of a decision says more."""
        if not link.is_alive():
            self._links.drop_dead(link)
            raise commit_never_sent(link.node.name)
        if is_overtaken(self._links.core, link):
            try:
                raise overtaken_lost(link.node.name)
            finally:  # on its way, should a signal come
                roll_back(self._links, link)
        return self._note(link) if is_noted else None

    def _write(self, group: int, link: Link, note: CommitNote | None) -> None:
        try:
            self._end(link)
        except Exception as exc:
            self._write_failed(group, link, note, exc)
        else:
            check_overtaken(self._links.core, link)

    @lets_go
    def _write_failed(
        self, group: int, link: Link, note: CommitNote | None, exc: Exception
    ) -> None:
        """Return when it is committed all the same, as `note` tells."""
        if is_from_program(exc):
            raise exc
        fault = self._failed(link, exc)
        moment = Moment.COMMITTING if note is None else Moment.COMMITTING_NOTED
        action = action_for(fault, moment)
        if action is Action.ASK and note is not None:
            self._ask(group, link, note, exc)
        elif action is Action.RAISE:
            raise exc
        else:
            if action is Action.LOSE:
                raise commit_refused(link.node.name, exc) from exc
            raise commit_unknown(link.node.name) from exc

    def _note(self, link: Link) -> CommitNote | None:
        """Note the transaction's id, where `commit_check` wants to know it."""
        database = self._links.core.config.databases[link.node.database]
        commits = link.adapter.commits
        if not database.commit_check or commits is None or link.is_failed():
            return None
        try:
            note = link.ask(commits.note, link.commit_note)
        except Exception as exc:
            fault = self._failed(link, exc)
            if action_for(fault, Moment.IN_TRANSACTION) is Action.LOSE:
                raise commit_never_sent(link.node.name) from exc
            raise
        link.commit_note = note or link.commit_note
        return note

    def _ask(self, group: int, link: Link, note: CommitNote, exc: Exception) -> None:
        """Return when the transaction is committed; raise what became of it else."""
        outcome, said = commit_check.ask(self._links, group, note)
        name = link.node.name
        if outcome is CommitOutcome.LOST:
            raise errors.TransactionLost(
                f"commit was sent to {name} and its answer was lost: {said}, so it was "
                "not committed; running the whole transaction again is safe"
            ) from exc
        if outcome is not CommitOutcome.COMMITTED:
            raise errors.OutcomeUnknown(
                f"commit was sent to {name} and its answer was lost: {said}. The "
                "transaction may or may not have been committed; look at the data "
                "before running it again"
            ) from exc

    @lets_go
    def _failed(self, link: Link, exc: Exception) -> Fault:
        """Take note that a branch could not be committed: it is over there."""
        fault = link.classify_error(exc)
        if not is_verdict(exc):
            raise exc
        self._links.core.report_fault(link, exc, fault)
        if fault is Fault.LINK_LOST:
            self._links.drop(link)
        else:
            roll_back(self._links, link)
        if fault is Fault.NODE_READ_ONLY:
            self._links.core.publish(NodeRefusedWrite(link.node.id, link.generation))
        return fault

    def _roll_back_others(self, failed: Link | None) -> None:
        for link in self._branches.values():
            if link is not failed and link not in self._done:
                roll_back(self._links, link)
