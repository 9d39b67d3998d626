"""The transaction of one virtual connection: its branches, begin, commit, rollback.

A transaction has a *home*, the group of its first statement on tables. Other groups get
a *branch*, a link in the same transactional state. Those that wrote are committed
together (`spread`, `several`). Where that cannot be it writes to its home alone; what
is for several shards by nature is committed on one after another.
"""

from __future__ import annotations

from functools import partial
from sys import exc_info
from typing import NoReturn

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.engine.consistency.tracker import ConsistencyTracker
from routedb.engine.links.link import Link, is_verdict
from routedb.engine.links.links import Links
from routedb.engine.shared.error_texts import transaction_lost
from routedb.engine.shared.second_signals import done_or_undone, whatever_comes
from routedb.engine.transactions.commit import Commit
from routedb.engine.transactions.ends import End, check_overtaken, may_send, roll_back
from routedb.engine.transactions.hidden_writes import Reads
from routedb.engine.transactions.interruption import Beginning, settle_commit
from routedb.engine.transactions.prologue import Prologue
from routedb.engine.transactions.spread import Spread
from routedb.session import AFTER, TxEvent, TxState
from routedb.session.read_state import NOTHING_SEEN
from routedb.topology.snapshot import Role


class Transaction:
    """State, home and branches. `home_link` is public: the hot path compares `home`."""

    def __init__(self, links: Links, tracker: ConsistencyTracker) -> None:
        self.links = links
        self.tracker = tracker
        self.autocommit = links.mode.autocommit
        self.state = TxState.AUTOCOMMIT if self.autocommit else TxState.OPEN
        self.home = -1
        self.home_link: Link | None = None
        self.branches: dict[int, Link] = {}
        self.roles: dict[int, Role] = {}  # of the branches
        self.is_on_writer = True  # the home's role
        self.is_plain = False  # the driver has begun it on its home: see `fast_path`
        self.wrote: set[int] = set()  # groups to which a write has been sent
        self.reads = Reads(links)  # what else has run on writers
        self.has_written = False  # one of them has succeeded
        self.has_shown = False  # the home has shown data, on the hot path
        self._mode = links.mode
        self.is_explicit = False  # begun by a text, not by PEP 249's implicit begin
        self.commits = 0  # begun so far: what a second run would do twice
        self.is_run = False  # routedb.run() will end it
        self.is_in_doubt = False  # it is lost, or may be committed
        self.prologue = Prologue()
        self.spread = Spread(links)
        self.covered: list[Link] | None = None  # with a savepoint: see run/undo.py
        self.is_first = False  # the statement that began it is under way: `fast_path`

    @property
    def is_open(self) -> bool:
        """Tell whether statements belong to a transaction now."""
        return self.state is not TxState.AUTOCOMMIT

    @property
    def is_begun(self) -> bool:
        """Tell whether anything has been said that belongs to a transaction."""
        return self.is_bound or self.is_explicit or bool(self.prologue.texts)

    @property
    def is_bound(self) -> bool:
        """Tell whether a backend takes part."""
        return bool(self.branches)

    def apply(self, event: TxEvent) -> None:
        """Move to the next state; the only place where it changes."""
        before = self.state
        state = self.state = AFTER[self.autocommit][before, event]
        # Routes depend on whether there is a transaction, and on its links.
        if (state is TxState.AUTOCOMMIT) is not (before is TxState.AUTOCOMMIT):
            self.links.version.changed()

    @property
    def mode(self) -> TxMode:
        """What was declared for this transaction, or the next."""
        return self._mode

    @mode.setter
    def mode(self, mode: TxMode) -> None:
        if mode != self._mode:
            self._mode = mode
            self.links.version.changed()

    def begin(self, mode: TxMode, sql: str | None) -> None:
        """Open a transaction by the text `sql`, kept until a backend is known; None: as
        the adapter spells `mode`. In an implicit transaction the text runs inside it,
        where the server takes the mode from it."""
        if self.state is TxState.AUTOCOMMIT:
            self.has_written = False  # that was outside
            self.is_explicit = True
            self.prologue.begin = sql
            self.apply(TxEvent.BEGIN)
        elif sql is not None:
            self.prologue.texts.append(sql)
        elif mode != self.links.mode:  # chained: it is not what the link begins itself
            self.is_explicit = True
        self.mode = mode

    def declare(self, mode: TxMode, sql: str) -> None:
        """Take SET TRANSACTION, the text `sql`, for `mode`, before any statement."""
        self.mode = mode
        self.prologue.texts.append(sql)

    def savepoint(self, name: str, sql: str) -> None:
        """Keep the savepoint `name`, made by the text `sql`, for branches to come."""
        self.links.savepoint(name)
        self.prologue.savepoint(name, sql, self.home >= 0)

    def end_savepoint(self, name: str | None, sql: str, keeps: bool) -> bool:
        """Take note of RELEASE, or of ROLLBACK TO, which `keeps` the savepoint `name`,
        the text `sql`. False when no savepoint has that name."""
        return self.prologue.end_savepoint(name, sql, keeps, self.home >= 0)

    def add_branch(
        self,
        group: int,
        link: Link,
        role: Role,
        is_home: bool,
        may_write: bool = False,
    ) -> None:
        """Make `link` a branch, in the same transactional state. `role` is what its
        node is chosen as; `is_home`: it is the home; `may_write`: a write is next.
        Raises what the server says of that; the link is then as it was."""
        join = partial(self._join, group, link, role, is_home, may_write)
        done_or_undone(join, partial(self._unbranch, group, link))

    def _join(
        self, group: int, link: Link, role: Role, is_home: bool, may_write: bool
    ) -> None:
        self._start(link, role, is_home, may_write)
        self.branches[group], self.roles[group] = link, role
        if is_home:
            self.make_home(group)

    def _unbranch(self, group: int, link: Link) -> None:
        roll_back(self.links, link)
        link.is_text_begun = False
        self.branches.pop(group, None)
        if self.home == group:
            self.home, self.home_link = -1, None

    def make_home(self, group: int) -> None:
        """Let a branch that only served statements without tables become the home."""
        self.is_plain = False
        self.home = group
        self.home_link = self.branches[group]
        self.is_on_writer = self.roles[group] is Role.WRITER

    def adopt_open(self, link: Link) -> None:
        """Take over a transaction that a text of several statements left open."""
        group = link.node.group
        self.branches[group], self.roles[group] = link, Role.WRITER
        self.make_home(group)
        link.is_text_begun = True
        self.note_write(group)
        self.has_written = True

    def note_write(self, group: int) -> None:
        """Take note, before it is sent, of a statement that may write."""
        self.wrote.add(group)
        self.apply(TxEvent.WRITE)

    def commit(self, end: End = Link.commit) -> None:
        """Commit every branch; `end` does so on the home.

        Raises TransactionLost, OutcomeUnknown, or the server's refusal to commit; the
        transaction is over in every case."""
        if self.state is TxState.LOST:
            self._tell_lost()
        if self.state is TxState.FAILED and len(self.branches) > 1:
            self.rollback()  # as the server does that has failed with its part
            return
        branches, groups = self.branches, frozenset(self.wrote)
        link, core = self.home_link, self.links.core
        committed: bool | None = None
        is_unknown, began = False, (core.clock(), exc_info()[1])
        try:
            try:
                self.commits += 1
                if (
                    link is None
                    or len(branches) > 1
                    or self.state is TxState.FAILED
                    or (groups and not may_send(core, link))
                ):
                    self._commit_by(end).run()
                else:  # there is nothing but a home, and nothing unusual
                    try:
                        if self.is_plain and end is Link.commit:
                            link.raw.commit()  # as that does, without a call
                        else:
                            end(link)
                    except Exception as exc:
                        self._commit_by(end).judge_one(self.home, link, exc)
                    if groups and core.topology.groups[self.home].fenced:
                        check_overtaken(core, link)
                committed = self.state is not TxState.FAILED
            except errors.Error as exc:
                committed, is_unknown = False, isinstance(exc, errors.OutcomeUnknown)
                raise
            finally:
                if committed is not None:
                    self.end(committed)
        except BaseException as exc:
            try:
                if not is_verdict(exc):
                    if committed is None:  # it is not known yet
                        parts = (self.spread, self.links, branches, groups)
                        committed = settle_commit(*parts, Beginning(*began), exc)
                        is_unknown = committed is None
                    self._commit_interrupted(branches, groups, committed, is_unknown)
            except BaseException:  # a signal's, again: nobody knows anything
                self._commit_interrupted(branches, groups, None, is_unknown=True)
                raise
            raise

    def _commit_by(self, end: End) -> Commit:
        parts = (self.links, self.branches, self.wrote, self.home_link)
        ask = None if self._mode.read_only else self.reads.have_only_read
        return Commit(*parts, end, self.spread, ask, self._mode.isolation)

    def _commit_interrupted(
        self,
        branches: dict[int, Link],
        wrote: frozenset[int],
        committed: bool | None,
        is_unknown: bool,
    ) -> None:
        for link in branches.values() if committed is None else ():
            self.links.drop(link)
        if committed or not wrote:
            self.end(bool(committed) and self.state is not TxState.FAILED)
            return
        for group in wrote & branches.keys():  # maybe: do not read behind it
            self.tracker.note_write(group, branches[group].id)
        self._give_up(is_unknown)

    def _tell_lost(self) -> NoReturn:
        is_in_doubt = self.is_in_doubt
        try:
            self.end(committed=False)
        except BaseException:  # a signal's: it is still to be told
            self._give_up(is_in_doubt)
            raise
        raise transaction_lost(is_in_doubt)

    def _give_up(self, is_in_doubt: bool) -> None:
        self.is_in_doubt = is_in_doubt
        self.apply(TxEvent.BEGIN)  # also where it was over, and not yet told
        self.abandon()

    def rollback(self, end: End = Link.rollback) -> None:
        """Roll every branch back; `end` does so on the home. A link that is gone has
        been rolled back by its server, so nothing is raised."""
        try:
            self._roll_back(end)
        except BaseException:  # a signal's: none of a driver's comes here
            whatever_comes(self._roll_back)
            raise

    def _roll_back(self, end: End = Link.rollback) -> None:
        self._roll_back_branches(end)
        self.end(committed=False)

    def _roll_back_branches(self, end: End = Link.rollback) -> None:
        for link in list(self.branches.values()):
            by = end if link is self.home_link else Link.rollback
            roll_back(self.links, link, by)

    def interrupt(self, may_have_committed: bool = False) -> None:
        """Give it up after an exception that is no verdict: nothing of it is left on
        any link. `may_have_committed`: by what was interrupted."""
        self.commits += may_have_committed
        self._roll_back_branches()
        self._give_up(may_have_committed)

    def lose(self, link: Link, keep: bool = False) -> None:
        """Take note that a branch's link is gone, or, with `keep`, that its server has
        ended the transaction: it is over as a whole."""
        if not keep:
            self.links.drop(link)
        for other in self.branches.values():
            if other is not link:
                roll_back(self.links, other)
        self.abandon()

    def forget(self, link: Link) -> None:
        """Take note that a link is gone with the answer to what was to end it all."""
        self.is_in_doubt = True  # until it has ended
        self.commits += 1
        self.lose(link)
        self.end(committed=False)  # maybe: do not read behind it
        self.tracker.note_write(link.node.group, link.id)

    def restart(self, link: Link) -> None:
        """Forget a backend that did nothing with the first statement."""
        roll_back(self.links, link)
        link.is_text_begun = False
        self.wrote.clear()
        self._unbind(TxEvent.REFUSED)

    def abandon(self) -> None:
        """Give it up for lost, and touch no link: a forked child's are the parent's."""
        self._unbind(TxEvent.LINK_LOST)

    def _unbind(self, event: TxEvent) -> None:
        for link in self.branches.values():
            link.pending_begin = None
        self.branches.clear()
        self.home, self.home_link = -1, None
        self.apply(event)

    def set_mode(self, mode: TxMode) -> None:
        """Take a new mode while no backend takes part."""
        self.autocommit = mode.autocommit
        self.mode = mode
        self.apply(TxEvent.END)

    def end(self, committed: bool) -> None:
        """Return to rest."""
        links = self.links
        if committed:
            self.commits += 1  # also by a text of several statements
        if links.settings.uncommitted.is_used or links.pins.uncommitted.is_used:
            self._end_logs(committed)
        now = links.core.clock()
        for group, link in self.branches.items():
            link.is_text_begun, link.pending_begin = False, None
            if now > link.used_at:  # as in Link.touch
                link.used_at = now
            if group in self.wrote:
                self.tracker.note_write(group, link.id)
            elif group == self.home and self.has_shown:
                seen = self.tracker.read_states.get(group, NOTHING_SEEN)
                is_noted = seen.last_node == link.id
                if not is_noted or links.open.get(link.id) is not link:
                    self._note_shown(link)
        self.branches = {}
        self.home, self.home_link = -1, None
        self.wrote.clear()
        if self.reads:
            self.reads.forget()
        if self.reads.has_more:
            self.reads.clear()
        if self.spread.is_used:
            self.spread.clear()
        self.is_plain = False
        self.has_written = self.has_shown = self.is_first = False
        prologue = self.prologue
        if prologue.texts or prologue.savepoints or prologue.begin is not None:
            prologue.clear()
        self.is_explicit = self.is_in_doubt = False
        if self._mode is not links.mode:
            self.mode = links.mode
        if self.autocommit:
            self.apply(TxEvent.END)
        else:  # as that does
            self.state = AFTER[False][self.state, TxEvent.END]

    def _note_shown(self, link: Link) -> None:
        """Take note that the home, on `link`, has shown what its node holds."""
        if not self.links.core.config.shadow:  # a replica would have answered
            self.tracker.note_read(link)

    def _end_logs(self, committed: bool) -> None:
        """Keep, or drop, what it has set and made in the session."""
        before = self.links.settings.version
        for kept in (self.links.settings, self.links.pins):
            if committed:
                kept.commit()
            else:
                kept.rollback()
        if self.links.settings.version != before and len(self.branches) == 1:
            (link,) = self.branches.values()  # it ran them itself
            link.settings_version = self.links.settings.version

    def _start(self, link: Link, role: Role, is_home: bool, may_write: bool) -> None:
        """Bring a link into the transaction's state: begin, mode, savepoints."""
        writes = may_write or bool(self.wrote)
        states = (self._mode, self.branches, self.roles, self.home, writes)
        if role is Role.WRITER and self.spread.begin(link, *states):
            link.is_text_begun = True
        elif self.is_explicit:
            self.prologue.begin_on(link, is_home, self.mode)
            link.is_text_begun = True
        elif self.branches and link.adapter.joins_begin:
            link.pending_begin = self.mode  # where its cursor can: see JoiningCursor
        self.prologue.run(link, is_home, self.home >= 0)
