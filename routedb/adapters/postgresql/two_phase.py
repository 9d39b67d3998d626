"""PostgreSQL's prepared transactions, and its table of decisions.

PREPARE TRANSACTION takes any open transaction, so nothing is to be decided when one
begins. What is prepared belongs to no session any more.

A prepared transaction, and the commit of one, are on disk before they are answered,
whatever `synchronous_commit` says (PostgreSQL manual, that setting). The decider's
commit is an ordinary one, so where the session has it off it is made to wait for the
disk: else a crash could take the decision back after others have followed it.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb import errors
from routedb.adapters.two_phase import TABLE, Decisions, Prepared, Raw, Run
from routedb.session.branch_ids import BranchId
from routedb.sql.statement import TxMode

_DURABLY = (
    "SELECT '{id}', '{outcome}' WHERE CASE current_setting('synchronous_commit') "
    "WHEN 'off' THEN set_config('synchronous_commit', 'local', true) = 'local' "
    "ELSE true END"
)
_CANCELLED = "57014"
DEADLOCK = "deadlock detected"
OVER_SERVERS = "It is over several servers, none of which sees the whole of it."
_WAITS = (
    "SELECT w.pid, b.pid FROM (SELECT DISTINCT pid FROM pg_catalog.pg_locks "
    "WHERE NOT granted) AS w, unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b(pid)"
)
_PREPARED = (
    "SELECT p.gid, extract(epoch FROM clock_timestamp() - p.prepared)::float8, "
    "(SELECT count(*)::int FROM pg_catalog.pg_locks l "
    "WHERE l.virtualtransaction LIKE '-1/%' "
    "AND l.virtualtransaction = '-1/' || p.transaction::text) "
    "FROM pg_catalog.pg_prepared_xacts p WHERE p.database = current_database()"
)


class PostgreSQLBranches:
    """By text; `run` and `is_failed` are the adapter's, `settle` leaves the transaction
    that the driver believes to be open after a text has ended it; `rename` makes an
    error that of another code and text."""

    is_named_at_begin = False
    can_prepare = True

    def __init__(
        self,
        run: Run,
        is_failed: Callable[[Raw], bool],
        settle: Callable[[Raw], None],
        rename: Callable[[BaseException, str, str], None],
    ) -> None:
        self._run = run
        self._rename = rename
        self._is_failed = is_failed
        self._settle = settle

    def make_deadlock(self, raw: Raw, exc: BaseException) -> bool:
        """Both leave the transaction aborted."""
        if getattr(exc, "pgcode", None) != _CANCELLED:
            return False
        self._rename(exc, "40P01", f"{DEADLOCK}\nDETAIL:  {OVER_SERVERS}\n")
        return True

    def refusal(self, raw: Raw) -> str:
        """Ask for the setting that is 0 where nobody has changed it."""
        if self._run(raw, "SHOW max_prepared_transactions") == [("0",)]:
            return (
                "max_prepared_transactions is 0 there: set it to at least "
                "max_connections, and restart the server"
            )
        return ""

    def begin(self, raw: Raw, mode: TxMode, branch: BranchId) -> None:
        """Nothing: any transaction can be prepared."""

    def prepare(self, raw: Raw, branch: BranchId) -> None:
        """Prepare. A server that has aborted the transaction would roll it back, and
        answer without an error."""
        if self._is_failed(raw):
            raise errors.OperationalError(
                "the server has aborted the transaction: it cannot be prepared"
            )
        self._run(raw, f"PREPARE TRANSACTION '{branch}'")

    def commit_prepared(self, raw: Raw, branch: BranchId) -> None:
        """COMMIT PREPARED, outside a transaction."""
        self._run(raw, f"COMMIT PREPARED '{branch}'")
        self._settle(raw)

    def roll_back_prepared(self, raw: Raw, branch: BranchId) -> None:
        """ROLLBACK PREPARED, outside a transaction."""
        self._run(raw, f"ROLLBACK PREPARED '{branch}'")
        self._settle(raw)

    def prepared(self, raw: Raw) -> list[Prepared]:
        """Ask the catalog."""
        return [Prepared(*row) for row in self._run(raw, _PREPARED)]


class PostgreSQLDecisions(Decisions):
    """In the schema `public`: it must not depend on a session's search path."""

    create = (
        "CREATE TABLE IF NOT EXISTS {table} (id varchar(64) PRIMARY KEY, "
        "outcome varchar(16) NOT NULL, "
        "made_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    exists = "SELECT 1 WHERE to_regclass('{table}') IS NOT NULL"
    insert = f"INSERT INTO {{table}} (id, outcome) {_DURABLY}"
    keep = f"{insert} ON CONFLICT (id) DO NOTHING"
    forget_old = (
        "DELETE FROM {table} WHERE id <> 'token' "
        "AND made_at < clock_timestamp() - interval '{seconds} s'"
    )
    bound = "SET lock_timeout = '{seconds}s'"
    create_waits = (
        "CREATE TABLE IF NOT EXISTS {table} (id varchar(64) PRIMARY KEY, "
        "claim text NOT NULL, made_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    put_wait = (
        "INSERT INTO {table} (id, claim) VALUES ('{id}', '{claim}') "
        "ON CONFLICT (id) DO UPDATE SET made_at = clock_timestamp()"
    )
    fresh_waits = "made_at > clock_timestamp() - interval '{seconds} s'"
    asking_waits = staticmethod(lambda raw: _WAITS)
    create_counts = (
        "CREATE TABLE IF NOT EXISTS {table} (id varchar(64) PRIMARY KEY, "
        "counts text NOT NULL, is_old smallint NOT NULL DEFAULT 0)"
    )
    put_counts = (
        "INSERT INTO {table} (id, counts) VALUES ('{id}', '{counts}') "
        "ON CONFLICT (id) DO UPDATE SET counts = excluded.counts, is_old = 0"
    )

    def table(self, namespace: str | None) -> str:
        """A connection sees one database."""
        return f"public.{TABLE}"
