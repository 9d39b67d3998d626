"""SQLite prepares nothing, so one file may take part, as the decider."""

from __future__ import annotations

from routedb.adapters.two_phase import TABLE, Decisions, Prepared, Raw
from routedb.session.branch_ids import BranchId
from routedb.sql.statement import TxMode


class NoBranches:
    """A server that cannot prepare; all but `prepared` is never called."""

    is_named_at_begin = False
    can_prepare = False

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
    """In the file itself, whatever is attached."""

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

    def table(self, namespace: str | None) -> str:
        """A connection may have others attached."""
        return f"main.{TABLE}"
