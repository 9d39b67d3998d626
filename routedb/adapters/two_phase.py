"""What a driver's server offers to transactions over several groups: branches that are
prepared, and the table of decisions. Texts; `run` of the adapter sends them.

Names of branches and outcomes are of letters, digits and `-_.~` alone, so they stand in
the texts as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from routedb.adapters.joint_counts import COUNTS, CountsTable
from routedb.adapters.waits import WAITS, WaitsTable, nobody_waits
from routedb.session.branch_ids import BranchId
from routedb.session.two_phase import Decision
from routedb.sql.statement import TxMode

TABLE = "routedb_decisions"
TOKEN = "token"  # the id of the row that has the table's own token

Raw = Any
Run = Callable[[Raw, str], list[tuple[Any, ...]]]


class Prepared(NamedTuple):
    """A branch that is prepared on a server. `age_s` and `locks` are None where the
    server does not tell."""

    name: str
    age_s: float | None = None
    locks: int | None = None


class Branches(Protocol):
    """How a server's branches are prepared and finished. Every method may raise the
    driver's own exceptions."""

    is_named_at_begin: bool  # only what was begun under its name can be prepared
    can_prepare: bool

    def make_deadlock(self, raw: Raw, exc: BaseException) -> bool:
        """Make of `exc`, if a cancelled statement has failed with it, the error of a
        deadlock, and leave the transaction on `raw` as a deadlock does. Tell whether
        it is one now."""

    def refusal(self, raw: Raw) -> str:
        """Ask why the server prepares nothing; "" when it does."""

    def begin(self, raw: Raw, mode: TxMode, branch: BranchId) -> None:
        """Begin, in this `mode`, what can be prepared as `branch`."""

    def prepare(self, raw: Raw, branch: BranchId) -> None:
        """Prepare the open transaction as `branch`."""

    def commit_prepared(self, raw: Raw, branch: BranchId) -> None:
        """Commit a prepared `branch`, on the link that prepared it or on another."""

    def roll_back_prepared(self, raw: Raw, branch: BranchId) -> None:
        """Roll a prepared `branch` back, as `commit_prepared` commits it."""

    def prepared(self, raw: Raw) -> list[Prepared]:
        """Ask for what is prepared, also by others, in the database of `raw`."""


class Decisions:
    """The table of decisions of one server's database, by an adapter's `run`.

    A dialect gives the texts; `{table}`, `{id}`, `{outcome}` and `{seconds}` are filled
    in. `keep` inserts a row unless there is one with this id, and waits for one that is
    not committed yet. `namespace` is the name of the database, None where the DSN names
    none; `transaction` is an id, `token` that of the table.
    """

    create = exists = ""
    insert = keep = ""
    forget_old = ""
    bound = ""  # what bounds a wait for a lock
    # Of the table of counts, which is beside it.
    create_counts = put_counts = ""
    is_made_with_rows = False  # nobody else can make it meanwhile
    create_waits = put_wait = fresh_waits = ""  # of the table of waits
    asking_waits: Callable[[Raw], str] = staticmethod(nobody_waits)

    def __init__(self, run: Run) -> None:
        self._run = run
        self.counts = CountsTable(
            run,
            lambda namespace: self.table(namespace).replace(TABLE, COUNTS),
            self.create_counts,
            self.exists.replace(TABLE, COUNTS),
            self.put_counts,
            self.is_made_with_rows,
        )
        self.waits = WaitsTable(
            run,
            lambda namespace: self.table(namespace).replace(TABLE, WAITS),
            self.create_waits,
            self.put_wait,
            self.fresh_waits,
            self.asking_waits,
        )

    def table(self, namespace: str | None) -> str:
        """Return the table's name in the database `namespace`."""
        return TABLE

    def make(self, raw: Raw, namespace: str | None, token: str) -> None:
        """Make the table in `namespace`, with its `token`, unless they are there."""
        for text in self.texts(namespace, token):
            self._run(raw, text)

    def texts(self, namespace: str | None, token: str) -> tuple[str, ...]:
        """Return the texts that make it in `namespace`, with its `token`."""
        table = self.table(namespace)
        row = self.keep.format(table=table, id=TOKEN, outcome=token)
        return self.create.format(table=table), row

    def token(self, raw: Raw, namespace: str | None) -> str | None:
        """Ask for the token of the table in `namespace`; None: there is none."""
        table = self.table(namespace)
        return self._outcome(raw, table, TOKEN) if self.is_there(raw, table) else None

    def is_there(self, raw: Raw, table: str) -> bool:
        """Ask the catalog for the table called so."""
        return bool(self._run(raw, self.exists.format(table=table)))

    def write(self, raw: Raw, namespace: str | None, transaction: str) -> None:
        """In the decider's open `transaction`: write the row that is its commit, in
        `namespace`."""
        said = {"id": transaction, "outcome": Decision.COMMITTED.value}
        self._run(raw, self.insert.format(table=self.table(namespace), **said))

    def decide(
        self, raw: Raw, namespace: str | None, transaction: str, wait_s: float
    ) -> Decision:
        """Decide that a `transaction` is aborted, unless it is committed, by the table
        in `namespace`; return what it is. Waits for one that is about to commit, for
        about `wait_s`, and raises what the driver raises then."""
        self.bind(raw, wait_s)
        said = {"id": transaction, "outcome": Decision.ABORTED.value}
        self._run(raw, self.keep.format(table=self.table(namespace), **said))
        return self.look(raw, namespace, transaction)

    def bind(self, raw: Raw, wait_s: float) -> None:
        """Have `raw` wait for a lock for about `wait_s` and no longer."""
        self._run(raw, self.bound.format(seconds=max(1, int(wait_s))))

    def look(self, raw: Raw, namespace: str | None, transaction: str) -> Decision:
        """Ask what was decided about `transaction` in `namespace`; decide nothing."""
        said = self._outcome(raw, self.table(namespace), transaction)
        return Decision.ABSENT if said is None else Decision(said)

    def forget(self, raw: Raw, namespace: str | None, older_s: float) -> None:
        """Delete decisions in `namespace` that are older than `older_s`, by the
        server's clock."""
        table = self.table(namespace)
        self._run(raw, self.forget_old.format(table=table, seconds=int(older_s)))

    def _outcome(self, raw: Raw, table: str, key: str) -> str | None:
        rows = self._run(raw, f"SELECT outcome FROM {table} WHERE id = '{key}'")
        return str(rows[0][0]) if rows else None
