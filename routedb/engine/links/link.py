"""One open driver connection to one node."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from math import inf
from typing import Any

from routedb.adapters.base import AUTOCOMMIT, Adapter, Raw, TxMode
from routedb.config.model import NodeConfig
from routedb.engine.pool.slots import Slot
from routedb.errors import Fault
from routedb.sql import LexicalMode
from routedb.topology.commit_status import CommitNote

_FREE = nullcontext()


class Link:
    """A driver connection, `raw`, and what the engine must know of it.

    `generation` is the node's when the link was opened: a fault on an old link says
    nothing about a node that has come back since. `opened_at` is on the core's clock,
    and `expires_at`, when it will be too old; `slot` is its place in the node's pool.
    `lock` is None when the driver lets several threads use one connection.
    """

    __slots__ = (
        "__weakref__",
        "adapter",
        "expires_at",
        "synced_version",
        "generation",
        "exclusive",
        "id",
        "needs_reset",
        "is_text_begun",
        "lock",
        "mode",
        "node",
        "commit_note",
        "opened_at",
        "slot",
        "raw",
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
        self.needs_reset = False  # more than plain reads has run on it
        # What Adapter.connect leaves behind; None when it is not known.
        self.mode: TxMode | None = AUTOCOMMIT
        # The session's version this link was last brought up to; -1: not yet.
        self.synced_version = -1
        self.settings_version = -1  # of the settings it has; -1: none yet
        self.used_at = 0.0  # when it last answered: see session/read_state.py
        self.is_text_begun = False  # its transaction was begun by statement
        # The last of a commit: see commit_check.
        self.commit_note: CommitNote | None = None
        self.lock = None if adapter.is_concurrent else threading.RLock()
        self.exclusive: AbstractContextManager[Any] = self.lock or _FREE

    def touch(self, at: float) -> None:
        """Take note that it answered then; another thread may know of a later answer.

        CPython changes threads at calls and loops only: not between the two here.
        """
        if at > self.used_at:
            self.used_at = at

    def classify_error(self, exc: BaseException) -> Fault:
        """Return what an exception of the driver tells, and make it ours too."""
        fault = self.adapter.fault(exc, self.raw)
        self.adapter.adopt(exc)
        if fault is Fault.CONFLICT:
            exc.retry_is_safe = True  # type: ignore[attr-defined]  # errors.Error's
        return fault

    # -- of a link that is borrowed ----------------------------------------------------

    def reset(self, is_bound: bool) -> bool:
        """Make it what the next borrower may have; False: that cannot be done.

        `is_bound`: a transaction may be open on it. A link that served plain reads only
        has nothing to reset, and keeps its transaction mode.
        """
        with self.exclusive:
            if not self.adapter.is_alive(self.raw):
                return False
            if is_bound or self.is_text_begun:
                self.adapter.rollback(self.raw)
            is_changed = self.needs_reset or self.mode is None
            if is_changed:  # what the driver has set by itself, it must unset itself
                self.set_mode(AUTOCOMMIT)
            return self.adapter.reset(self.raw, self.node, is_changed)

    def detach_raw(self) -> Raw:
        """Leave the raw connection to the caller: this link is over."""
        raw, self.raw = self.raw, None
        return raw

    # -- the adapter's calls, each once no other thread uses the link ------------------

    def set_mode(self, mode: TxMode) -> None:
        """Make later transactions run as `mode` says; costs nothing when they do.

        What the session wants of the link, `Links.get` sees to before its next
        statement there.
        """
        self.synced_version = -1
        if self.mode != mode:
            self.mode = None  # until it is known: what follows may be interrupted
            with self.exclusive:
                self.adapter.set_mode(self.raw, mode)
            self.mode = mode

    def unsync(self) -> None:
        """Have `Links.get` look at the link before its next statement."""
        self.synced_version = -1

    def begin(self, mode: TxMode) -> None:
        """Begin a transaction by statement."""
        with self.exclusive:
            self.adapter.begin(self.raw, mode)

    def commit(self) -> None:
        """Commit, also what was begun by text."""
        with self.exclusive:
            self.adapter.commit(self.raw)

    def rollback(self) -> None:
        """Roll back, also what was begun by text."""
        with self.exclusive:
            self.adapter.rollback(self.raw)

    def run(self, sql: str) -> None:
        """Run a text that gives no rows."""
        with self.exclusive:
            self.adapter.run(self.raw, sql)

    def ask_setting(self, name: str) -> Any:
        """Ask what a setting is in this session; None when the server does not say."""
        with self.exclusive:
            return self.adapter.ask_setting(self.raw, name)

    def lexical_mode(self) -> LexicalMode:
        """Return how this session reads quotes. Raises what the driver raises when the
        server must be asked."""
        with self.exclusive:
            return self.adapter.lexical_mode(self.raw)

    def is_alive(self) -> bool:
        """Tell whether the link can still be used."""
        with self.exclusive:
            return self.adapter.is_alive(self.raw)

    def is_idle(self) -> bool:
        """Tell whether no transaction is open."""
        with self.exclusive:
            return self.adapter.is_idle(self.raw)

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
        if self.lock is not None and self.lock.acquire(blocking=False):
            self.lock.release()  # to be had at once: nothing runs
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
        """Close the driver's connection. Never raises."""
        if self.slot is None:
            self.adapter.close(self.raw)
        else:  # another may be opened in its place at once
            self.adapter.end(self.raw)
