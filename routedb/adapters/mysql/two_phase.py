"""XA on MySQL and MariaDB, and the table of decisions there.

Only what began with XA START under its name can be prepared: BEGIN cannot be turned
into it. Inside, COMMIT, ROLLBACK and whatever commits by itself are refused by the
server.

*Measured* on MariaDB 10.11: what is prepared outlives its connection (since 10.5; MySQL
since 5.7.7). While that is open nobody else can finish it: XA COMMIT answers "unknown
XID" then, as it does for one that is finished. XA RECOVER tells them apart: it lists
what is prepared, and not what is finished.
"""

from __future__ import annotations

from typing import Any

from routedb import errors
from routedb.adapters.mysql.versions import is_mariadb
from routedb.adapters.two_phase import TABLE, Decisions, Prepared, Raw, Run
from routedb.session.branch_ids import BranchId
from routedb.sql.statement import TxMode

# What XA END answers where it came before, or the server has rolled back: 1399 is a
# wrong state, the others XA_RB*.
_INTERRUPTED = 1317
DEADLOCK = "Deadlock found when trying to get lock; try restarting transaction"
OVER_SERVERS = "It is over several servers, none of which sees the whole of it"
_MARIADB = (
    "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id "
    "FROM information_schema.innodb_lock_waits w "
    "JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id "
    "JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id"
)
_MYSQL = (
    "SELECT r.processlist_id, b.processlist_id "
    "FROM performance_schema.data_lock_waits w "
    "JOIN performance_schema.threads r ON r.thread_id = w.requesting_thread_id "
    "JOIN performance_schema.threads b ON b.thread_id = w.blocking_thread_id"
)
_ENDED = frozenset({1399, 1402, 1613, 1614})


class MySQLBranches:
    """By text; `run` is the adapter's. `raw.branch` is what the session has begun."""

    is_named_at_begin = True
    can_prepare = True

    def __init__(self, run: Run) -> None:
        self._run = run

    def make_deadlock(self, raw: Raw, exc: BaseException) -> bool:
        """A deadlock rolls the transaction back, what is cancelled the statement
        alone."""
        if not exc.args or exc.args[0] != _INTERRUPTED:
            return False
        exc.args = (1213, f"{DEADLOCK}. {OVER_SERVERS}")
        if raw.branch is None:
            raw.rollback()
        else:
            self.roll_back(raw)
        return True

    def refusal(self, raw: Raw) -> str:
        """XA is always there."""
        return ""

    def begin(self, raw: Raw, mode: TxMode, branch: BranchId) -> None:
        """XA START; the characteristics of the session, or of `mode`, hold for it."""
        if mode.isolation is not None:
            self._run(raw, f"SET TRANSACTION ISOLATION LEVEL {mode.isolation}")
        self._run(raw, f"XA START {_xid(branch)}")
        raw.branch, raw.is_prepared = branch, False

    def prepare(self, raw: Raw, branch: BranchId) -> None:
        """XA END, and XA PREPARE."""
        self._run(raw, f"XA END {_xid(branch)}")
        raw.is_prepared = True  # before it is: a rollback must not end it then
        self._run(raw, f"XA PREPARE {_xid(branch)}")

    def commit_prepared(self, raw: Raw, branch: BranchId) -> None:
        """XA COMMIT."""
        self._run(raw, f"XA COMMIT {_xid(branch)}")
        raw.branch = None

    def roll_back_prepared(self, raw: Raw, branch: BranchId) -> None:
        """XA ROLLBACK."""
        self._run(raw, f"XA ROLLBACK {_xid(branch)}")
        raw.branch = None

    def prepared(self, raw: Raw) -> list[Prepared]:
        """XA RECOVER; what another program has put there may be any bytes."""
        found = []
        for _, together, _, data in self._run(raw, "XA RECOVER"):
            text = _text(data)
            found.append(Prepared(f"{text[:together]}-{text[together:]}"))
        return found

    def commit(self, raw: Raw) -> None:
        """Commit in one phase what the session has begun."""
        branch = raw.branch
        self._run(raw, f"XA END {_xid(branch)}")
        raw.branch = None  # whatever comes of it, nothing is to be done after that
        self._run(raw, f"XA COMMIT {_xid(branch)} ONE PHASE")

    def roll_back(self, raw: Raw) -> None:
        """Roll back what the session has begun. What is prepared may be decided: it is
        left, and its link with it."""
        branch = raw.branch
        if raw.is_prepared:
            raise errors.OperationalError(f"{branch} is prepared")
        try:
            self._run(raw, f"XA END {_xid(branch)}")
        except Exception as exc:
            if not exc.args or exc.args[0] not in _ENDED:
                raise
        raw.branch = None
        self._run(raw, f"XA ROLLBACK {_xid(branch)}")


class MySQLDecisions(Decisions):
    """In the database that the DSN names: USE must not change where it is."""

    create = (
        "CREATE TABLE IF NOT EXISTS {table} ("
        "id varchar(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, "
        "outcome varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
        "made_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB"
    )
    exists = (
        "SELECT 1 FROM information_schema.tables WHERE "
        "concat('`', replace(table_schema, '`', '``'), '`.', table_name) = '{table}'"
    )
    insert = "INSERT INTO {table} (id, outcome) VALUES ('{id}', '{outcome}')"
    keep = f"{insert} ON DUPLICATE KEY UPDATE id = id"
    forget_old = (
        "DELETE FROM {table} WHERE id <> 'token' "
        "AND made_at < CURRENT_TIMESTAMP - INTERVAL {seconds} SECOND"
    )
    bound = "SET innodb_lock_wait_timeout = {seconds}"
    create_waits = (
        "CREATE TABLE IF NOT EXISTS {table} ("
        "id varchar(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, "
        "claim mediumtext CHARACTER SET ascii NOT NULL, "
        "made_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)) ENGINE = InnoDB"
    )
    put_wait = (
        "INSERT INTO {table} (id, claim) VALUES ('{id}', '{claim}') "
        "ON DUPLICATE KEY UPDATE made_at = CURRENT_TIMESTAMP(3)"
    )
    fresh_waits = "made_at > CURRENT_TIMESTAMP(3) - INTERVAL {seconds} SECOND"
    asking_waits = staticmethod(
        lambda raw: _MARIADB if is_mariadb(raw.get_server_info()) else _MYSQL
    )
    create_counts = (
        "CREATE TABLE IF NOT EXISTS {table} ("
        "id varchar(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, "
        "counts mediumtext CHARACTER SET ascii NOT NULL, "
        "is_old smallint NOT NULL DEFAULT 0) ENGINE = InnoDB"
    )
    put_counts = (
        "INSERT INTO {table} (id, counts) VALUES ('{id}', '{counts}') "
        "ON DUPLICATE KEY UPDATE counts = VALUES(counts), is_old = 0"
    )

    def table(self, namespace: str | None) -> str:
        """Raise NotSupportedError where no database is named."""
        if namespace is None:
            raise errors.NotSupportedError(
                "its DSN names no database, so there is no place for decisions: name it"
            )
        return f"{_quoted(namespace)}.{TABLE}"


def _xid(branch: BranchId) -> str:
    together, one = branch.xa
    return f"'{together}','{one}'"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(data: Any) -> str:
    if isinstance(data, bytes | bytearray):
        return bytes(data).decode("latin-1")
    return str(data)
