"""Recovery of prepared branches: finds them, asks who decides, finishes them.

Any number may do this at once, at any moment: see session/two_phase.py. What is not of
this cluster is never touched. What cannot be decided now is left for the next round.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple
from weakref import ref

from routedb import errors
from routedb.config.mask import mask
from routedb.engine.pool.upkeep import Upkeep
from routedb.engine.shared.error_origin import is_from_program
from routedb.engine.shared.ledger import Asked, Ledger
from routedb.engine.shared.old_counts import OldCounts
from routedb.events import BranchRecovered
from routedb.observers import OBSERVERS
from routedb.session.branch_ids import BranchId, parse
from routedb.session.two_phase import FINISH, Decision, Step

GRACE_S = 30.0  # a branch that is younger is its transaction's own affair
_INTERVAL_S = 20.0
_SPREAD = 1.25
_DAY_S = 86_400.0  # clocks of programs and servers may differ by less


class Found(NamedTuple):
    """A prepared branch of this cluster on the writer of `group`, an id.

    `finished` is "committed" or "aborted" when recovery has finished it just now, ""
    when it is still there; `why` says what kept it.
    """

    group: int
    node: str
    branch: BranchId
    age_s: float
    locks: int | None
    finished: str = ""
    why: str = ""


class Recovery:
    """Recovery for one runtime, by its `ledger`. `now` are seconds since the epoch."""

    def __init__(self, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self.ledger = self._ledger = ledger
        self._now = now
        self.troubles: list[str] = []  # of the last round

    def find(self) -> Iterator[Found]:
        """Yield what is prepared in each group that can prepare. Raises what a driver
        raises, and NoNodeError, for the group that comes next."""
        for group in self._groups():
            with self._asking(group) as asked:
                yield from self._listed(group, asked)

    def round(self, grace_s: float) -> list[Found]:
        """Finish what is older than `grace_s`; return what was found. A group that
        cannot be asked is left out, and told by `troubles`."""
        found: list[Found] = []
        self.troubles = []
        for group in self._groups():
            try:
                with self._asking(group) as asked:
                    for each in list(self._listed(group, asked)):
                        found.append(self._finish(each, asked, grace_s))
            except Exception as exc:
                if is_from_program(exc):
                    raise
                name = self._ledger.core.groups[group].database
                self.troubles.append(f"{name}: {mask(str(exc)).strip()}")
        return found

    def forget_old(self) -> None:
        """Delete decisions that are older than `decision_retention`, where there is a
        table of them. A group that cannot be asked is left for another time."""
        core = self._ledger.core
        older_s = core.config.decision_retention_s + _DAY_S
        for group in self._ledger.known:
            try:
                with self._asking(group) as asked:
                    decisions = asked.adapter.decisions
                    if decisions.token(asked.raw, asked.namespace) is not None:
                        decisions.forget(asked.raw, asked.namespace, older_s)
            except Exception as exc:
                if is_from_program(exc):
                    raise

    def _groups(self) -> list[int]:
        core = self._ledger.core
        return [
            group.id
            for group in core.groups
            if core.adapter(group.nodes[0]).branches.can_prepare
            and not core.config.databases[group.database].read_only
        ]

    def _asking(self, group: int) -> AbstractContextManager[Asked]:
        core = self._ledger.core
        database = core.config.databases[core.groups[group].database]
        return self._ledger.asking(group, core.clock() + database.connect_timeout_s)

    def _listed(self, group: int, asked: Asked) -> Iterator[Found]:
        now, cluster = self._now(), self._ledger.core.config.name
        for name, age_s, locks in asked.adapter.branches.prepared(asked.raw):
            branch = parse(name)
            if branch is not None and branch.cluster == cluster:
                age = now - branch.named_at if age_s is None else age_s
                yield Found(group, asked.node.name, branch, age, locks)

    def _finish(self, found: Found, asked: Asked, grace_s: float) -> Found:
        if found.age_s < grace_s:
            return found._replace(why="younger than the grace")
        try:
            decision, why = self._decision(found.branch)
        except Exception as exc:  # a lock, or nobody answers: another time
            if is_from_program(exc):
                raise
            return found._replace(why=mask(str(exc)).strip())
        step = FINISH[decision]
        if step is None:
            return found._replace(why=why)
        branches = asked.adapter.branches
        finish = branches.roll_back_prepared
        if step is Step.COMMIT_PREPARED:
            finish = branches.commit_prepared
        try:
            finish(asked.raw, found.branch)
        except Exception as exc:
            if self._is_there(found.branch, asked):
                return found._replace(why=mask(str(exc)).strip())
            # Somebody else was faster, to the same end.
        else:
            label = self._ledger.core.label(asked.node)
            said = (label, str(found.branch), decision.value)
            OBSERVERS.emit(BranchRecovered(*said))
        return found._replace(finished=decision.value)

    def _is_there(self, branch: BranchId, asked: Asked) -> bool:
        """Tell whether it is still prepared: MySQL does not know a branch either whose
        connection is open."""
        listed = asked.adapter.branches.prepared(asked.raw)
        return any(each.name == str(branch) for each in listed)

    def _decision(self, branch: BranchId) -> tuple[Decision, str]:
        """Return what became of the transaction of `branch`, so that nobody can change
        it any more, and why when that is not known."""
        group = self._ledger.group_of(branch.decider)
        core = self._ledger.core
        database = core.config.databases[core.groups[group].database]
        deadline = core.clock() + database.connect_timeout_s
        if self._now() - branch.named_at < core.config.decision_retention_s:
            return self._ledger.decide(group, branch.transaction, deadline), ""
        # The row may have been deleted: that it is not there says nothing.
        with self._ledger.asking(group, deadline) as asked:
            look = asked.adapter.decisions.look
            return look(asked.raw, asked.namespace, branch.transaction), (
                "it is older than decision_retention, and its decision is not there: "
                "finish it by hand"
            )


class Recoverer:
    """Recovers again and again, in a thread of the runtime of `ledger`, while that is
    used, as `is_used` tells."""

    def __init__(self, ledger: Ledger, is_used: Callable[[], bool]) -> None:
        self._recovery = Recovery(ledger)
        self._old_counts = OldCounts(ledger, time.monotonic)
        self._has_counts = ledger.core.config.atomic_reads != "no"
        self._is_used = is_used
        # Processes that began together do not ask together.
        self._upkeep = Upkeep(self._tend, _INTERVAL_S * random.uniform(1, _SPREAD))
        self._forgot_at = 0.0
        self.stop = self._upkeep.stop
        self.abandon = self._upkeep.abandon
        known = ref(self)  # a runtime that nobody has is not kept by its ledger
        ledger.attend = lambda: _attend(known())

    def begin(self) -> None:
        """See to it that there is a thread, where several groups may be written to by
        one transaction: another program's may leave branches, too."""
        core = self._recovery.ledger.core
        if len(core.groups) > 1 and core.config.transactions != "single":
            self.attend()

    def attend(self) -> None:
        """See to it that there is a thread."""
        self._upkeep.attend()

    def _tend(self) -> bool:
        if not self._is_used():
            return False
        try:
            self._recovery.round(GRACE_S)
            if time.monotonic() - self._forgot_at > _DAY_S / 24:
                self._forgot_at = time.monotonic()
                self._recovery.forget_old()
                if self._has_counts:
                    self._old_counts.round()
        except errors.Error:  # the next round comes
            return self._is_used()
        return self._is_used()


def _attend(recoverer: Recoverer | None) -> None:
    if recoverer is not None:
        recoverer.attend()
