"""One open driver connection to one node.

Whatever is asked of a server goes through `Link.ask`, so that the link cannot be left
in the middle of an answer: what comes out of a call and is no verdict ends it.
Statements of the user's, commits and rollbacks are settled by who sends them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import inf
from typing import Any, Protocol, TypeVar

from routedb import errors
from routedb.adapters.base import AUTOCOMMIT, Adapter, Raw, TxMode
from routedb.adapters.fork_gate import local_locks
from routedb.config.model import NodeConfig
from routedb.engine.pool.slots import Slot
from routedb.errors import Fault
from routedb.sql import LexicalMode
from routedb.sql.statement import Table
from routedb.topology.commit_status import CommitNote
from routedb.topology.snapshot import Answer

_FREE = nullcontext()
T = TypeVar("T")


def is_verdict(exc: BaseException) -> bool:
    """Tell whether `exc` is an error of ours, as those of drivers are once they are
    adopted: all of these are judged where they come up. What else comes out of a call
    was raised by a signal handler, or by a callback of the user's."""
    return isinstance(exc, errors.Error)


class Owner(Protocol):
    """What a link needs of the links that it is one of."""

    def drop(self, link: Link) -> None:
        """Forget `link`, which is of no more use, and close it."""


class Link:
    """A driver connection, `raw`, and what the engine must know of it.

    `generation` is the node's when the link was opened: a fault on an old link says
    nothing about a node that has come back since. `opened_at` is on the core's clock,
    and `expires_at`, when it will be too old; `slot` is its place in the node's pool.
    `lock` is None when the driver lets several threads use one connection; `owner`
    returns who gives the link up, None when nobody has it.
    """

    __slots__ = (
        "__weakref__",
        "adapter",
        "owner",
        "expires_at",
        "synced_version",
        "generation",
        "is_quiet",
        "joined_from",
        "joins_begin",
        "exclusive",
        "guard",
        "id",
        "is_text_begun",
        "is_victim",
        "lock",
        "mode",
        "node",
        "commit_note",
        "opened_at",
        "pending_begin",
        "slot",
        "raw",
        "server",
        "settings_version",
        "silence_s",
        "used_at",
    )

    def __init__(
        self,
        node: NodeConfig,
        adapter: Adapter,
        raw: Raw,
        generation: int,
        expires_at: float = inf,
        slot: Slot | None = None,
    ) -> None:
        self.id = node.id
        self.node = node
        self.adapter = adapter
        self.raw = raw
        self.generation = generation
        # On the core's clock: see LinkRegistry; 0.0: before it was borrowed.
        self.opened_at = 0.0
        self.silence_s = 0.0  # of its node, when the link was given up for that
        self.expires_at = expires_at  # on the core's clock: see Links.get
        self.slot = slot  # in the node's pool, when the link is borrowed
        # What Adapter.connect leaves behind; None when it is not known.
        self.mode: TxMode | None = AUTOCOMMIT
        # The session's version this link was last brought up to; -1: not yet.
        self.synced_version = -1
        self.is_quiet = adapter.watch(raw)  # see `is_alive`
        self.server: str | None = None  # that it leads to, once it was asked
        self.settings_version = -1  # of the settings it has; -1: none yet
        self.used_at = 0.0  # when it last answered: see session/read_state.py
        self.guard = 0  # what it shows to the servers: see engine/run/guard.py
        # Whether a transaction's BEGIN goes with its first statement; the mode of one
        # that will do so; how the link was before one that did.
        self.joins_begin = False
        self.pending_begin: TxMode | None = None
        self.joined_from: tuple[TxMode | None, int] | None = None
        self.is_text_begun = False  # its transaction was begun by statement
        self.is_victim = False  # of a deadlock over groups: its statement is cancelled
        # The last of a commit: see commit_check.
        self.commit_note: CommitNote | None = None
        self.lock = None if adapter.is_concurrent else threading.RLock()
        if self.lock is not None and not adapter.is_remote:
            local_locks.add(self.lock)
        self.exclusive: AbstractContextManager[Any] = self.lock or _FREE
        # Weak: a connection that is dropped without close() frees its links at once.
        self.owner: Callable[[], Owner | None] = lambda: None

    def touch(self, at: float) -> None:
        """Take note that it answered then; another thread may know of a later answer.

        CPython changes threads at calls and loops only: not between the two here.
        """
        if at > self.used_at:
            self.used_at = at

    def classify_error(self, exc: BaseException) -> Fault:
        """Return what an exception of the driver tells, and make it ours too."""
        if self.is_victim:
            self._tell_deadlock(exc)
        fault = self.adapter.fault(exc, self.raw)
        self.adapter.adopt(exc)
        if fault is Fault.CONFLICT:
            exc.retry_is_safe = True  # type: ignore[attr-defined]  # errors.Error's
        return fault

    def _tell_deadlock(self, exc: BaseException) -> None:
        """The statement was ended for a deadlock: it fails with the server's error of
        one, and leaves what that leaves."""
        self.ask(self.adapter.branches.make_deadlock, exc)

    # -- asking the server -------------------------------------------------------------

    def ask(self, call: Callable[..., T], *args: Any) -> T:
        """Return `call(raw, *args)`, made while no other thread uses the link.

        What comes out of it and is no verdict ends the link: nobody knows what of the
        answer is still to come.
        """
        try:
            with self.exclusive:
                return call(self.raw, *args)
        except BaseException as exc:
            if not is_verdict(self.adapter.adopt(exc)):
                self.give_away()
            raise

    def give_away(self) -> None:
        """End the link, whoever has it, after what is no verdict."""
        owner = self.owner()
        drop = Link.close if owner is None else owner.drop
        try:
            drop(self)
        except BaseException:  # a signal's, again
            drop(self)
            raise

    def reset(self, is_bound: bool) -> bool:
        """Make a borrowed link what the next borrower may have; False: that cannot be
        done.

        `is_bound`: a transaction may be open on it. Whatever has run, even certain
        reads only: a text does not show what a view behind it sets in the session.
        """
        return self.ask(self._reset, is_bound)

    def _reset(self, raw: Raw, is_bound: bool) -> bool:
        slot = self.slot
        self.guard = 0
        assert slot is not None  # only those of a pool are reset
        if not self.adapter.is_alive(raw):
            return False
        if is_bound or self.is_text_begun:
            self.adapter.rollback(raw)
        if not self.adapter.reset(raw, self.node):
            return False
        if not slot.is_resettable:
            slot.is_resettable = self.adapter.resets_all(raw)
        return slot.is_resettable

    def set_mode(self, mode: TxMode) -> None:
        """Make later transactions run as `mode` says; costs nothing when they do.

        What the session wants of the link, `Links.get` sees to before its next
        statement there.
        """
        self.synced_version = -1
        if self.mode != mode:
            self.mode = None  # until it is known: what follows may be interrupted
            self.joined_from = None
            self.ask(self.adapter.set_mode, mode)
            self.mode = mode

    def unsync(self) -> None:
        """Have `Links.get` look at the link before its next statement."""
        self.synced_version = -1

    def begin(self, mode: TxMode) -> None:
        """Begin a transaction by statement."""
        self.ask(self.adapter.begin, mode)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a text; return its rows, or [] when it has none."""
        return self.ask(self.adapter.run, sql)

    def ask_setting(self, name: str) -> Any:
        """Ask what a setting is in this session; None when the server does not say."""
        return self.ask(self.adapter.ask_setting, name)

    def is_idle(self) -> bool:
        """Tell whether no transaction is open."""
        return self.ask(self.adapter.is_idle)

    def probe(self) -> Answer:
        """Ask for role, position and lag."""
        return self.ask(self.adapter.probe)

    def volatility(self, name: str, schema: str | None) -> bool | None:
        """Ask the catalog whether the function `name`, in `schema` if given, may
        write; None: there is none."""
        return self.ask(self.adapter.volatility, name, schema)

    def is_plain(self, text: str, tables: Sequence[Table]) -> bool:
        """Ask the catalog whether a read of this `text`, on these `tables`, certainly
        writes nothing."""
        return self.ask(self.adapter.is_plain, text, tables)

    # -- what is settled by who calls it -----------------------------------------------

    def join(self) -> None:
        """Take note that a transaction begins with its first statement. Until it has
        ended nobody can tell in which mode the driver is, should that be
        interrupted."""
        self.joined_from = (self.mode, self.synced_version)
        self.mode, self.synced_version = None, -1
        self.is_text_begun = True

    def commit(self) -> None:
        """Commit, also what was begun by text."""
        if self.lock is None:  # as `exclusive` does, without Python's calls
            self.adapter.commit(self.raw)
        else:
            with self.lock:
                self.adapter.commit(self.raw)
        if self.joined_from is not None:
            self.part()

    def rollback(self) -> None:
        """Roll back, also what was begun by text."""
        self.guard = 0  # PostgreSQL undoes settings, too
        self.pending_begin = None
        with self.exclusive:
            self.adapter.rollback(self.raw)
        if self.joined_from is not None:
            self.part()

    def part(self) -> None:
        """Be as before `join`, if that was called, without a transaction."""
        before = self.joined_from
        if before is not None:
            self.adapter.part(self.raw)
            self.mode, self.synced_version = before
            self.joined_from = None

    # -- what needs no answer ----------------------------------------------------------

    def lexical_mode(self) -> LexicalMode:
        """Return how this session reads quotes. Raises what the driver raises when the
        server must be asked."""
        return self.ask(self.adapter.lexical_mode)

    def is_alive(self) -> bool:
        """Tell whether the link can still be used."""
        if self.is_quiet is not None and self.is_quiet(self.raw):
            return True
        if self.lock is None:  # as in `commit`
            return self.adapter.is_alive(self.raw)
        with self.lock:
            return self.adapter.is_alive(self.raw)

    def is_busy(self) -> bool:
        """Tell whether a statement of another thread is under way here."""
        if self.lock is None:
            return self.adapter.is_busy(self.raw)
        # In one line: what a signal's handler raises between two would leave it taken.
        lock = self.lock
        return not (lock.acquire(False) and lock.release() is None)  # type: ignore[func-returns-value]

    def is_failed(self) -> bool:
        """Tell whether the server refuses everything up to a rollback."""
        with self.exclusive:
            return self.adapter.is_failed(self.raw)

    @property
    def holds_writes(self) -> bool:
        """Tell whether what it has just written waits for a commit. Where the driver
        begins by itself before some writes only, the others last at once."""
        return not self.adapter.begins_before_some_writes or not self.is_idle()

    def cancel(self, timeout_s: float) -> None:
        """From another thread: end the statement that runs here, if one does."""
        # Where rows are computed while they are fetched, that takes no lock.
        is_told = self.lock is not None and self.adapter.fetches_buffered
        if is_told and not self.is_busy():
            return
        self.adapter.cancel(self.raw, self.node, timeout_s)

    @property
    def end_reason(self) -> str:
        """Say how it ended, for an error."""
        if self.silence_s:
            return f"{self.node.name} did not answer for {self.silence_s:.1f} s"
        return f"the link to {self.node.name} was lost"

    def give_up(self, silence_s: float) -> None:
        """From another thread: let whoever waits on it fail now. Never raises."""
        self.silence_s = silence_s
        self.interrupt()

    def interrupt(self) -> None:
        """From another thread: let whoever waits on it fail now. Never raises."""
        raw = self.raw
        if raw is not None:  # None: it was given back to its pool
            self.adapter.interrupt(raw)

    def close(self) -> None:
        """Close the driver's connection; once is enough. Raises no error of it."""
        if self.raw is None:  # it was given back to its pool
            return
        if self.slot is None:
            self.adapter.close(self.raw)
        else:  # another may be opened in its place at once
            self.adapter.end(self.raw)
