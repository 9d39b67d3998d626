"""SQLite prepares nothing, so one file may take part, as the decider."""

from __future__ import annotations

import hashlib

from routedb import errors
from routedb.adapters.two_phase import TABLE, Decisions, Prepared, Raw
from routedb.session.branch_ids import BranchId
from routedb.session.two_phase import Decision
from routedb.sql.statement import TxMode


class NoBranches:
    """A server that cannot prepare; all but `prepared` is never called."""

    is_named_at_begin = False
    can_prepare = False

    def make_deadlock(self, raw: Raw, exc: BaseException) -> bool:
        """Never called."""
        return False

    def refusal(self, raw: Raw) -> str:
        """Say so."""
        return "SQLite cannot prepare a transaction"

    def begin(self, raw: Raw, mode: TxMode, branch: BranchId) -> None:
        """Never called."""

    def prepare(self, raw: Raw, branch: BranchId) -> None:
        """Never called."""

    def commit_prepared(self, raw: Raw, branch: BranchId) -> None:
        """Never called."""

    def roll_back_prepared(self, raw: Raw, branch: BranchId) -> None:
        """Never called."""

    def prepared(self, raw: Raw) -> list[Prepared]:
        """Nothing is."""
        return []


class SQLiteDecisions(Decisions):
    """In the file itself, whatever is attached.

    A file takes one writer at a time: nobody else could make the table while a
    transaction writes there. So it is made with the first row, in the same transaction,
    and its token is not stored: it is made of the file's path.
    """

    create = (
        "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY NOT NULL, "
        "outcome TEXT NOT NULL, made_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
    )
    exists = f"SELECT 1 FROM main.sqlite_master WHERE name = '{TABLE}'"
    insert = "INSERT INTO {table} (id, outcome) VALUES ('{id}', '{outcome}')"
    keep = "INSERT OR IGNORE INTO {table} (id, outcome) VALUES ('{id}', '{outcome}')"
    forget_old = (
        "DELETE FROM {table} WHERE id <> 'token' "
        "AND made_at < datetime('now', '-{seconds} seconds')"
    )
    bound = "PRAGMA busy_timeout = {seconds}000"
    create_counts = (
        "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY NOT NULL, "
        "counts TEXT NOT NULL, is_old INTEGER NOT NULL DEFAULT 0)"
    )
    put_counts = (
        "INSERT OR REPLACE INTO {table} (id, counts) VALUES ('{id}', '{counts}')"
    )
    is_made_with_rows = True

    def table(self, namespace: str | None) -> str:
        """A connection may have others attached."""
        return f"main.{TABLE}"

    def texts(self, namespace: str | None, token: str) -> tuple[str, ...]:
        """The table alone: `namespace` and `token` are not in it."""
        return (self.create.format(table=self.table(namespace)),)

    def token(self, raw: Raw, namespace: str | None) -> str | None:
        """Return a digest of the path, whatever `namespace` says. Raises
        NotSupportedError for what is in memory, where nobody else could look."""
        path = next(row[2] for row in self._run(raw, "PRAGMA database_list"))
        if not path:
            raise errors.NotSupportedError("a database in memory decides nothing")
        return hashlib.sha256(str(path).encode()).hexdigest()[:12]

    def write(self, raw: Raw, namespace: str | None, transaction: str) -> None:
        """Make the table too, when there is none; `namespace` is not used."""
        self.make(raw, namespace, "")
        super().write(raw, namespace, transaction)

    def decide(
        self, raw: Raw, namespace: str | None, transaction: str, wait_s: float
    ) -> Decision:
        """Make the table too, when there is none; `namespace` is not used."""
        self.make(raw, namespace, "")
        return super().decide(raw, namespace, transaction, wait_s)

    def look(self, raw: Raw, namespace: str | None, transaction: str) -> Decision:
        """Where there is no table nothing was decided about `transaction`, whichever
        `namespace`."""
        if not self.is_there(raw, self.table(namespace)):
            return Decision.ABSENT
        return super().look(raw, namespace, transaction)
