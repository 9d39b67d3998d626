"""Prepared branches and decisions of fake servers, which keep both as real ones do."""

from __future__ import annotations

from routedb.adapters.fake.errors import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
)
from routedb.adapters.two_phase import TABLE, TOKEN, Decisions, Prepared, Raw
from routedb.errors import Fault
from routedb.session.branch_ids import BranchId
from routedb.session.two_phase import Decision
from routedb.sql.statement import TxMode


class FakeBranches:
    """As on PostgreSQL."""

    is_named_at_begin = False
    can_prepare = True

    def make_deadlock(self, raw: Raw, exc: BaseException) -> bool:
        """Nothing waits here."""
        return False

    def refusal(self, raw: Raw) -> str:
        """Nothing stands against it."""
        return ""

    def begin(self, raw: Raw, mode: TxMode, branch: BranchId) -> None:
        """Log it."""
        raw.use(f"BEGIN {branch}")

    def prepare(self, raw: Raw, branch: BranchId) -> None:
        """Log it, and keep what it has written."""
        raw.use(f"PREPARE TRANSACTION '{branch}'")

    def commit_prepared(self, raw: Raw, branch: BranchId) -> None:
        """Log it."""
        self._finish(raw, "COMMIT", branch)

    def roll_back_prepared(self, raw: Raw, branch: BranchId) -> None:
        """Log it."""
        self._finish(raw, "ROLLBACK", branch)

    def _finish(self, raw: Raw, verb: str, branch: BranchId) -> None:
        if str(branch) not in raw.server.prepared:
            raise ProgrammingError(f"{branch}: nothing is prepared by this name")
        raw.end(f"{verb} PREPARED '{branch}'")  # which runs in no transaction

    def prepared(self, raw: Raw) -> list[Prepared]:
        """Look at the server."""
        raw.use("SELECT FROM prepared")
        return [Prepared(name) for name in raw.server.prepared]


class FakeDecisions(Decisions):
    """A dictionary of the server."""

    def make(self, raw: Raw, namespace: str | None, token: str) -> None:
        """Log it, for whichever `namespace`; keep the token that is there."""
        raw.use(f"CREATE TABLE {TABLE}")
        raw.server.decisions.setdefault(TOKEN, token)

    def texts(self, namespace: str | None, token: str) -> tuple[str, ...]:
        """Return what `make` logs, whichever `namespace` and `token`."""
        return (f"CREATE TABLE {TABLE}",)

    def token(self, raw: Raw, namespace: str | None) -> str | None:
        """Look at the server, for whichever `namespace`."""
        raw.use(f"SELECT FROM {TABLE} {TOKEN}")
        token: str | None = raw.server.decisions.get(TOKEN)
        return token

    def write(self, raw: Raw, namespace: str | None, transaction: str) -> None:
        """Write it when the `transaction` commits, for whichever `namespace`."""
        self._check_free(raw, transaction)
        if transaction in raw.server.decisions:
            raise IntegrityError(f"{transaction}: there is a row already")
        raw.use(f"INSERT INTO {TABLE} {transaction}")
        raw.rows.append((transaction, Decision.COMMITTED.value))

    def decide(
        self, raw: Raw, namespace: str | None, transaction: str, wait_s: float
    ) -> Decision:
        """Write it at once, unless there is one, for whichever `namespace`."""
        self._check_free(raw, transaction)
        raw.use(f"INSERT INTO {TABLE} {transaction} aborted")
        rows = raw.server.decisions
        return Decision(rows.setdefault(transaction, Decision.ABORTED.value))

    def look(self, raw: Raw, namespace: str | None, transaction: str) -> Decision:
        """Look for `transaction` on the server, for whichever `namespace`."""
        raw.use(f"SELECT FROM {TABLE} {transaction}")
        said = raw.server.decisions.get(transaction)
        return Decision.ABSENT if said is None else Decision(said)

    def forget(self, raw: Raw, namespace: str | None, older_s: float) -> None:
        """Log it, for whichever `namespace`; nothing gets old here."""
        raw.use(f"DELETE FROM {TABLE}")

    def _check_free(self, raw: Raw, transaction: str) -> None:
        """Where a row waits for its commit, a real server waits as well."""
        for link in raw.server.links:
            if link is not raw and transaction in dict(link.rows):
                raise OperationalError(f"{transaction}: locked", Fault.TIMEOUT)
