"""Reads that never show half of a transaction over several groups.

Each such transaction leaves rows that tell whether snapshots of its groups show the
same ones: see `routedb.session.joint_counts`. So the groups of a read are asked for
these rows first, in a transaction whose snapshot they begin; where they disagree all
get new snapshots. Inside a transaction of the program's only groups that join it with
this statement can get new ones. Where each statement has a snapshot of its own (READ
COMMITTED), the rows are asked for before and after the read, and it is made again when
anything was committed in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from routedb import errors
from routedb.config.label import label_of
from routedb.engine.links.link import Link
from routedb.engine.run.attempt import Attempt
from routedb.engine.run.recovery import judge
from routedb.engine.session import Session
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.transactions.leave import leave
from routedb.errors import Fault
from routedb.merge.fragments import GroupReads, decide_reads
from routedb.routing.plan import Plan
from routedb.session.joint_counts import LONGEST_S, Rows, torn
from routedb.topology.snapshot import Role

_ON_REPLICAS = 2  # tries, before the writers are asked: a replica may be behind
_PAUSES_S = (0.001, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # after each try
_SNAPSHOTS = frozenset({"REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"})
# What a session says of its isolation level. MariaDB knows the first of both names,
# MySQL 8 the second.
_LEVELS = {
    "postgresql": ("transaction_isolation",),
    "mysql": ("tx_isolation", "transaction_isolation"),
}


class _Seen(NamedTuple):
    """The rows of each group by its name there, and who is called so; `is_over`: the
    looks took too long, or a replica did not have the table yet."""

    rows: Mapping[str, Rows]
    names: Mapping[str, int]
    is_over: bool = False

    @property
    def behind(self) -> set[int]:
        """The groups that do not show what others show."""
        return {self.names[each.behind] for each in torn(self.rows)}

    @property
    def is_whole(self) -> bool:
        """Tell whether all show the same."""
        return not (self.is_over or torn(self.rows))


class AtomicRead:
    """One read by a statement of this `plan` in `session` of what is `asked`; `run`
    makes it, and may be called again where `is_repeatable`."""

    def __init__(
        self,
        session: Session,
        plan: Plan,
        asked: Sequence[GroupReads],
        run: Callable[[], None],
        is_repeatable: bool,
    ) -> None:
        self._session = session
        self._plan = plan
        self._asked = asked
        self._run = run
        self._is_repeatable = is_repeatable
        core = session.core
        self._timeout_s = min(each.database.failover_timeout_s for each in asked)
        self._deadline = core.clock() + self._timeout_s
        self.tries = 0

    def read(self) -> None:
        """Read. Raises what `run` raises, and OperationalError where no snapshots were
        found that show the same."""
        ledger = ledger_of(self._session.core)
        for reads in self._asked:
            ledger.counted(reads.group)  # the tables are there before the snapshots
        if self._session.transaction.is_open:
            self._in_transaction()
        else:
            self._by_itself()

    # -- outside a transaction -----------------------------------------------------

    def _by_itself(self) -> None:
        session = self._session
        mode = session.transaction.mode._replace(
            isolation="REPEATABLE READ", read_only=True, deferrable=None
        )
        while True:
            before = session.override(None, self._role(), None)
            try:
                session.transaction.begin(mode, None)
                is_done = self._try()
                session.commit()
            except errors.TransactionLost:  # of ours, which only reads
                session.rollback()
                if self._session.core.clock() >= self._deadline:
                    raise
                is_done = False
            except BaseException:
                session.rollback()
                raise
            finally:
                session.restore_overrides(before)
            if is_done:
                return
            self._pause()

    def _try(self) -> bool:
        self.tries += 1
        if not self._look().is_whole:
            return False
        self._run()
        return True

    def _role(self) -> Role | None:
        return Role.WRITER if self.tries >= _ON_REPLICAS else None

    # -- inside one ----------------------------------------------------------------

    def _in_transaction(self) -> None:
        transaction = self._session.transaction
        fresh = {each.group for each in self._asked} - transaction.branches.keys()
        links = {each.group: self._reach(each)[1] for each in self._asked}
        keep = {group: self._keeps_snapshot(link) for group, link in links.items()}
        is_certain = all(
            keep[group] and link.adapter.dialect != "mysql"
            for group, link in links.items()
        )
        if not (is_certain or self._is_repeatable):
            raise errors.NotSupportedError(
                "a named cursor over several groups reads atomically under REPEATABLE "
                "READ alone: each statement of this transaction has its own snapshot"
            )
        while True:
            self.tries += 1
            seen = self._look()
            if seen.is_whole:
                self._run()
                if is_certain or self._look().rows == seen.rows:
                    return
            else:
                old = {group for group in seen.behind - fresh if keep[group]}
                if old and self._look().rows == seen.rows:
                    raise self._too_late(old)
                for group in fresh:
                    leave(transaction, group)
            self._pause()

    def _too_late(self, groups: Iterable[int]) -> errors.Error:
        core = self._session.core
        names = ", ".join(sorted({core.groups[each].database for each in groups}))
        error = errors.OperationalError(
            "a transaction over several databases was committed after this one, which "
            f"is to read atomically, began to read {names or 'them'}, and its snapshot "
            "there cannot be changed. Roll back, and run the transaction again; what "
            "reads all of its databases in its first statement does not meet this"
        )
        error.retry_is_safe = True
        return error

    # -- looking -------------------------------------------------------------------

    def _reach(self, reads: GroupReads) -> tuple[Attempt, Link]:
        session = self._session
        decision = decide_reads(session, self._plan, reads)
        attempt = Attempt(session, self._plan, decision, is_one_of_several=True)
        link = attempt.reach()
        if link.adapter.dialect == "sqlite" and link.is_idle():
            link.begin(session.transaction.mode)  # the driver does so before a write
        return attempt, link

    def _keeps_snapshot(self, link: Link) -> bool:
        """Tell whether all statements of the transaction on `link` have one. MySQL may
        err: it does not tell what SET TRANSACTION has changed for one transaction."""
        dialect = link.adapter.dialect
        if dialect == "sqlite":
            return True
        levels = map(link.ask_setting, _LEVELS[dialect])
        level = next((each for each in levels if each is not None), "")
        return str(level).upper().replace("-", " ") in _SNAPSHOTS

    def _look(self) -> _Seen:
        core = self._session.core
        ledger, began = ledger_of(core), core.clock()
        rows: dict[str, Rows] = {}
        names: dict[str, int] = {}
        for reads in self._asked:
            attempt, link = self._reach(reads)
            name = ledger.counted(reads.group)
            if name is None:
                continue
            names[name] = reads.group
            look = link.adapter.decisions.counts.look
            try:
                rows[name] = link.ask(look, label_of(link.node).namespace)
            except Exception as exc:
                is_late = link.adapter.fault(exc, link.raw) is Fault.MISSING
                if is_late and attempt.role is Role.REPLICA:
                    return _Seen(rows, names, is_over=True)
                judge(attempt, link, exc)
                raise
        return _Seen(rows, names, core.clock() - began > LONGEST_S)

    def _pause(self) -> None:
        core = self._session.core
        if core.clock() >= self._deadline:
            names = ", ".join(each.name for each in self._asked)
            raise errors.OperationalError(
                f"for {self._timeout_s:g} s no two moments were found at which {names} "
                "show the same of the transactions over several of them. A part may be "
                "prepared: `routedb check` lists those, `routedb recover` ends them. A "
                "long read beside many writes finds them under REPEATABLE READ"
            )
        time.sleep(_PAUSES_S[min(self.tries, len(_PAUSES_S)) - 1])
