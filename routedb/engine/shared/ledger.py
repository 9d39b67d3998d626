"""Who decides about transactions over several groups: the tables of decisions, and what
servers say of preparing branches. Of each runtime one, made at its first use.

All questions have a connection of their own: the transaction's links are in the middle
of the transaction, and what is asked here must outlive it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary, ref

from routedb import errors
from routedb.adapters.base import Adapter, Fault, Raw
from routedb.config.label import label_of
from routedb.config.mask import mask
from routedb.config.model import NodeConfig
from routedb.engine.shared.error_origin import is_from_program
from routedb.session.branch_ids import decider_name, transaction_id
from routedb.session.joint_counts import Coordinator, Coordinators
from routedb.session.two_phase import Decision

if TYPE_CHECKING:
    from routedb.engine.shared.core import Core

_WAIT_S = 2.0  # for the lock on a row, at one try
_PAUSE_S = 0.05
_REMEMBERED_S = 30.0  # that a group has no table, and this user may make none


class Asked(NamedTuple):
    """A connection to a group's writer."""

    node: NodeConfig
    adapter: Adapter
    raw: Raw
    namespace: str | None


class Ledger:
    """The decisions of one runtime's groups, `core` is its core."""

    def __init__(self, core: Core) -> None:
        self._core = ref(core)
        self._deciders: dict[int, str] = {}  # by group id
        self._refused: dict[int, tuple[float, errors.Error]] = {}
        self._refusals: dict[int, str] = {}  # by node id
        self._counted: dict[int, str | None] = {}  # as `counted` tells
        self._coordinators = Coordinators()
        self._lock = threading.Lock()
        # The runtime's: see to it that branches are recovered from now on.
        self.attend: Callable[[], None] = lambda: None

    @property
    def core(self) -> Core:
        """The core, which outlives whoever asks here."""
        core = self._core()
        assert core is not None
        return core

    def new_transaction(self) -> str:
        """Name a transaction as no other is."""
        return transaction_id(time.time(), secrets.randbits(64))

    def refusal(self, node: NodeConfig, adapter: Adapter, raw: Raw) -> str:
        """Return why the server of `raw` prepares no branch, "" when it does. It is
        asked once."""
        if not adapter.branches.can_prepare:
            return adapter.branches.refusal(raw)
        known = self._refusals.get(node.id)
        if known is None:
            known = self._refusals[node.id] = adapter.branches.refusal(raw)
        return known

    def decider(self, group: int, may_make: bool = True) -> str:
        """Return the name of `group`, an id, as a decider: its table is there.

        Makes the table when there is none, if it `may_make` it and the user has the
        right. Raises OperationalError that says what to do.
        """
        known = self._deciders.get(group)
        if known is not None:
            return known
        refused = self._refused.get(group)
        if refused is not None and (refused[0] > self.core.clock()):
            raise refused[1]
        try:
            token = self._token(group, may_make)
        except errors.Error as exc:
            if may_make:
                self._refused[group] = (self.core.clock() + _REMEMBERED_S, exc)
            raise
        at = self.core.groups[group]
        name = self._deciders[group] = decider_name(at.database, at.shard, token)
        return name

    def make(self, group: int) -> str:
        """Make the tables of `group`, an id, and return its name as a decider. Raises
        what `decider` raises, and what the driver raises."""
        deadline = self.core.clock() + self._timeout_s(group)
        name = self.decider(group)
        with self.asking(group, deadline) as asked:
            decisions = asked.adapter.decisions
            decisions.make(asked.raw, asked.namespace, name[-12:])
            if self.core.config.atomic_reads != "no":
                decisions.counts.make(asked.raw, asked.namespace)
            if text := decisions.waits.text(asked.namespace):
                asked.adapter.run(asked.raw, text)
        return name

    def counted(self, group: int) -> str | None:
        """Return what `group`, an id, is called in rows of counts, whose table is there
        then; None for a database that nobody writes to, and that has none. Raises what
        `decider` raises."""
        if group in self._counted:
            return self._counted[group]
        core = self.core
        name = core.groups[group].database
        may_make = not core.config.databases[name].read_only
        try:
            token = self.decider(group, may_make)[-12:]
            deadline = core.clock() + self._timeout_s(group)
            with self.asking(group, deadline) as asked:
                counts, namespace = asked.adapter.decisions.counts, asked.namespace
                if may_make and not counts.is_made_with_rows:
                    if not counts.is_there(asked.raw, namespace):
                        counts.make(asked.raw, namespace)
                elif not counts.is_there(asked.raw, namespace):
                    return token if may_make else None
        except Exception as exc:
            if is_from_program(exc):
                raise
            if not may_make:
                return None
            said = mask(str(exc)).strip()
            raise errors.OperationalError(
                f"the table of {name} that atomic reads need cannot be had: {said}. "
                "Let `routedb setup CONFIG` make it, as a user who may"
            ) from exc
        self._counted[group] = token
        return token

    def borrow_coordinator(self, has_snapshot: bool) -> Coordinator:
        """Return one that nobody else has; `has_snapshot` is as `Coordinators.borrow`
        has it."""
        with self._lock:
            found = self._coordinators.borrow(self.core.clock(), has_snapshot)
        return found or Coordinator(self.new_transaction())

    def give_coordinator(self, coordinator: Coordinator) -> None:
        """Take back `coordinator`, whose last transaction is over everywhere."""
        with self._lock:
            self._coordinators.give(coordinator, self.core.clock())

    def make_placements(self, group: int) -> None:
        """Make the table of placements on the writer of `group`, an id, unless it is
        there. Raises what the driver raises, and NoNodeError."""
        deadline = self.core.clock() + self._timeout_s(group)
        with self.asking(group, deadline) as asked:
            asked.adapter.placements.make(asked.raw, asked.namespace)

    @property
    def known(self) -> list[int]:
        """The groups that have decided something, as far as this runtime knows."""
        return list(self._deciders)

    def group_of(self, decider: str) -> int:
        """Return the id of the group that is called `decider`. Raises OperationalError
        when none is, of those that can be asked and have a table."""
        unheard = []
        for group in self.core.groups:
            try:
                if self.decider(group.id, may_make=False) == decider:
                    return group.id
            except errors.Error as exc:
                unheard.append(str(exc))
        raise errors.OperationalError(
            f"{decider} decides about it, and no database here has that table of "
            f"decisions{': ' if unheard else ''}{'; '.join(unheard)}"
        )

    def _token(self, group: int, may_make: bool) -> str:
        core = self.core
        deadline = core.clock() + self._timeout_s(group)
        name = core.groups[group].database
        try:
            with self.asking(group, deadline) as asked:
                decisions, namespace = asked.adapter.decisions, asked.namespace
                token = decisions.token(asked.raw, namespace)
                if token is None and may_make:
                    decisions.make(asked.raw, namespace, secrets.token_hex(6))
                    token = decisions.token(asked.raw, namespace)
        except Exception as exc:
            if is_from_program(exc):
                raise
            said = mask(str(exc)).strip()
            raise errors.OperationalError(
                f"the table of decisions of {name}, which a transaction over several "
                f"databases needs, cannot be had: {said}. Let `routedb setup CONFIG` "
                "make it, as a user who may"
            ) from exc
        if token is None:
            raise errors.OperationalError(
                f"{name} has no table of decisions; `routedb setup CONFIG` makes it"
            )
        return token

    def settle(self, group: int, transaction: str) -> tuple[Decision, str]:
        """Return what became of `transaction`, which `group` decides, as nobody can
        change it any more, and the reason as text. UNKNOWN when nobody could be asked
        within `failover_timeout`."""
        core = self.core
        deadline = core.clock() + self._timeout_s(group)
        while True:
            try:
                return self.decide(group, transaction, deadline), "its table says so"
            except Exception as exc:
                if is_from_program(exc):
                    raise
                said = mask(str(exc)).strip()
            if core.clock() >= deadline:
                return Decision.UNKNOWN, said
            until = min(deadline, core.clock() + _PAUSE_S)
            core.await_news(core.topology.version, until)

    def decide(self, group: int, transaction: str, deadline: float) -> Decision:
        """Decide, once, that `transaction` is aborted, unless it is committed; wait for
        a writer until `deadline`. Raises what the driver raises, also where a lock is
        held, and NoNodeError."""
        with self.asking(group, deadline) as asked:
            decisions = asked.adapter.decisions
            said = decisions.decide(asked.raw, asked.namespace, transaction, _WAIT_S)
        if asked.node.id in self.core.topology.groups[group].fenced:
            raise errors.OperationalError(f"{asked.node.name} is not the writer now")
        return said

    @contextmanager
    def asking(self, group: int, deadline: float) -> Iterator[Asked]:
        """Open a connection to the writer of `group`, waiting for one until `deadline`.
        Raises what the driver raises, and NoNodeError."""
        core = self.core
        node = core.nodes[core.await_writer(group, deadline)]
        adapter = core.adapter(node)
        raw = core.open_raw(node, adapter.connect)
        try:
            yield Asked(node, adapter, raw, label_of(node).namespace)
        except Exception as exc:
            fault = adapter.fault(exc, raw)
            adapter.adopt(exc)
            if fault is Fault.LINK_LOST:
                core.wake_monitor()
            raise
        finally:
            adapter.close(raw)

    def _timeout_s(self, group: int) -> float:
        core = self.core
        return core.config.databases[core.groups[group].database].failover_timeout_s


_ledgers: WeakKeyDictionary[Core, Ledger] = WeakKeyDictionary()
_lock = threading.Lock()  # of the dictionary


def ledger_of(core: Core) -> Ledger:
    """Return the ledger of a runtime; `core` has no attribute for it, for it has as
    many as it may."""
    with _lock:
        ledger = _ledgers.get(core)
        if ledger is None:
            ledger = _ledgers[core] = Ledger(core)
        return ledger
