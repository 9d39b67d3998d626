"""How a transaction is spread over groups: who of them can decide, and the names of
their branches.

All branches that wrote are prepared but one, so at most one of them may be such as
cannot be prepared, and that one decides:

- SQLite prepares nothing.
- PostgreSQL prepares anything, where `max_prepared_transactions` is not 0.
- MariaDB and MySQL prepare what began with XA START, and then nothing else does. A
  transaction on one group is not to pay for that, nor to lose what XA forbids, so the
  first branch of a transaction begins plainly and is the decider once it has written.
  Each later branch begins with XA START, also where it only reads, for it may yet
  write. Its name holds the decider's, which is fixed with it: the branch that was there
  before.

That the decider is known then has a price: a SQLite file that is written to after an XA
branch has begun is refused, unless it was there first. And a transaction that only
reads from two MariaDB databases begins the second one with XA START only where the
first one has its table of decisions already: nothing makes tables for reading. Should
it write to both then, it is refused, once: the table is made with that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from routedb import errors
from routedb.adapters.base import TxMode
from routedb.config.model import GroupConfig
from routedb.engine.links.link import Link
from routedb.engine.links.links import Links
from routedb.engine.shared.ledger import ledger_of
from routedb.engine.transactions.deadlocks import Watched, deadlocks_of
from routedb.session.branch_ids import BranchId
from routedb.topology.snapshot import Role

_TOO_LATE = (
    "its transaction was begun before it was known that there would be another one, "
    "and XA must be there from the start"
)


class Deal(NamedTuple):
    """Who does what in a commit over several groups."""

    transaction: str
    decider: int
    names: Mapping[int, BranchId]  # of the others, by group


class Spread:
    """The part of one virtual connection's transaction that is about several groups."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._transaction: str | None = None
        self._decider: int | None = None  # fixed by the name of a branch
        self._named: dict[int, BranchId] = {}  # of branches that began under it
        self._watched: Watched | None = None  # from the second branch on
        self.is_foreign = False  # the program prepares it itself: tpc_begin()
        self._is_one_by_one = False
        self.is_used = False  # since the last `clear`
        # What became of a commit that was interrupted; None where nobody knows.
        self.has_ended = False
        self.committed: bool | None = None

    def clear(self) -> None:
        """Begin anew: the transaction is over."""
        self._transaction = self._decider = None
        self._named.clear()
        if self._watched is not None:
            self._watched.end()
            self._watched = None
        self.is_foreign = self.is_used = self.has_ended = False
        self._is_one_by_one = False
        self.committed = None

    def leave_to_program(self) -> None:
        """Take note that the program prepares this transaction itself."""
        self.is_foreign = self.is_used = True

    def commit_one_by_one(self) -> None:
        """Take note that the parts of a statement have gone to groups that cannot be
        committed together."""
        self._is_one_by_one = self.is_used = True

    @property
    def is_one_by_one(self) -> bool:
        """Tell whether its groups are committed one after the other."""
        return self._is_one_by_one

    @property
    def is_allowed(self) -> bool:
        """Tell whether the transaction may write to several groups."""
        return self._links.core.config.transactions != "single" and not self.is_foreign

    def begin(
        self,
        link: Link,
        mode: TxMode,
        branches: Mapping[int, Link],
        roles: Mapping[int, Role],
        home: int,
        is_writing: bool,
    ) -> bool:
        """Begin a branch on `link`, a writer's, under its name, in `mode`, where it
        could not be prepared else. False: it is to begin plainly.

        `branches` are those that are there, `roles` theirs, `home` one of them or -1.
        `is_writing`: something has been written, or is about to be.
        """
        if not branches:
            return False
        if self._watched is None:
            self._watched = deadlocks_of(self._links.core).watch(branches)
            self.is_used = True
        if not link.adapter.branches.is_named_at_begin:
            return False
        if not self.is_allowed or mode.read_only or link.node.is_read_only:
            return False
        name = self._name_for(link.node.group, branches, roles, home, is_writing)
        if name is None:
            return False
        link.ask(link.adapter.branches.begin, mode, name)
        return True

    def _name_for(
        self,
        group: int,
        branches: Mapping[int, Link],
        roles: Mapping[int, Role],
        home: int,
        is_writing: bool,
    ) -> BranchId | None:
        decider = self._decider
        if decider is None:
            writers = [at for at in branches if roles[at] is Role.WRITER]
            if not writers:
                return None
            decider = home if home in writers else writers[0]
        if decider == group:
            return None
        try:
            name = self._name(group, decider, may_make=is_writing)
        except errors.Error:
            return None  # it may read; a write is told why it may not
        self._decider, self.is_used = decider, True
        self._named[group] = name
        return name

    def admit(
        self, group: int, branches: Mapping[int, Link], wrote: Collection[int]
    ) -> None:
        """Let `group` be written to as well, beside the groups in `wrote`; `branches`
        are all there are. Raises
        CrossDatabaseError when they cannot be committed together, and OperationalError
        when there is no table for the decision."""
        found = self._decider_of({*wrote, group}, branches)
        if isinstance(found, str):
            raise self._refused(group, wrote, found)
        ledger = ledger_of(self._links.core)
        ledger.decider(found)
        if self._links.core.config.atomic_reads != "no":
            for each in (*wrote, group):
                ledger.counted(each)
        ledger.attend()
        self.is_used = True

    def _refused(self, group: int, wrote: Collection[int], why: str) -> errors.Error:
        groups = self._links.core.groups
        before = ", ".join(sorted({_name(groups[each]) for each in wrote}))
        is_one = all(groups[each].database == groups[group].database for each in wrote)
        kind = errors.ShardError if is_one else errors.CrossDatabaseError
        said = (
            f"this transaction has written to {before} and is to write to "
            f"{_name(groups[group])}: {why}"
        )
        if why.endswith(_TOO_LATE) and self._can_be_named(wrote):
            error = kind(
                f"{said}. Its table of decisions is there now: roll back, and run the "
                "transaction again"
            )
            error.retry_is_safe = True
            return error
        one = "shard" if is_one else "database"
        return kind(f"{said}. So a transaction writes to one {one}. Commit first")

    def _can_be_named(self, wrote: Collection[int]) -> bool:
        """Tell whether a branch that was begun plainly, as long as there was no table
        of decisions, would be begun under its name now."""
        if self._named:
            return False
        try:
            for group in wrote:
                ledger_of(self._links.core).decider(group)
        except errors.Error:
            return False
        return True

    def deal(self, wrote: Collection[int], branches: Mapping[int, Link]) -> Deal | None:
        """Return how `wrote`, the groups written to of `branches`, are committed
        together; None when they cannot be, as may be with parts of one statement."""
        if len(wrote) < 2 or not self.is_allowed or self._is_one_by_one:
            return None
        self.is_used = True
        found = self._decider_of(wrote, branches)
        if isinstance(found, str):
            return None
        others = [group for group in branches if group in wrote and group != found]
        names = {group: self._name(group, found) for group in others}
        assert self._transaction is not None  # it is in their names
        return Deal(self._transaction, found, names)

    def _decider_of(
        self, wrote: Collection[int], branches: Mapping[int, Link]
    ) -> int | str:
        """Return the group that decides about `wrote`, or why none can."""
        why = {}
        for group in branches:
            if group in wrote and (said := self._refusal(group, branches[group])):
                why[group] = said
        if not self._named.keys().isdisjoint(wrote):
            assert self._decider is not None  # named in those
            why.pop(self._decider, None)
            decider = self._decider
        elif why:
            decider = next(iter(why))
            del why[decider]
        else:
            decider = next(group for group in branches if group in wrote)
        for group, said in why.items():
            name = _name(self._links.core.groups[group])
            return f"{name} cannot be prepared, as all but one must be: {said}"
        return decider

    def _refusal(self, group: int, link: Link) -> str:
        """Return why the branch on `group` cannot be prepared, "" when it can."""
        if link.adapter.branches.is_named_at_begin and group not in self._named:
            return _TOO_LATE
        ledger = ledger_of(self._links.core)

        def ask(raw: object) -> str:
            return ledger.refusal(link.node, link.adapter, raw)

        return link.ask(ask)

    def _name(self, group: int, decider: int, may_make: bool = True) -> BranchId:
        known = self._named.get(group)
        if known is not None:
            return known
        ledger = ledger_of(self._links.core)
        name = ledger.decider(decider, may_make)
        if self._transaction is None:
            watched = self._watched
            self._transaction = watched.name if watched else ledger.new_transaction()
        cluster = self._links.core.config.name
        return BranchId(cluster, self._transaction, name, group)


def _name(group: GroupConfig) -> str:
    return group.database if group.shard is None else f"{group.database}[{group.shard}]"
