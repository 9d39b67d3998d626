"""PostgreSQL through psycopg2.

Links are opened through `psycopg2.connect`, whoever has replaced it: see
routedb/adapters/tracing.py. Probes are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psycopg2
import psycopg2.extensions as ext
from psycopg2 import _psycopg

from routedb.adapters import sockets
from routedb.adapters.base import (
    AUTOCOMMIT,
    Branches,
    Commits,
    Decisions,
    PlacementTable,
    Raw,
    RawCursor,
    TxMode,
)
from routedb.adapters.fork_gate import connecting
from routedb.adapters.postgresql import session_reset
from routedb.adapters.postgresql.apart import connect_apart, finish
from routedb.adapters.postgresql.casters import forget_casters
from routedb.adapters.postgresql.catalog import VOLATILITY
from routedb.adapters.postgresql.commit_check import PostgreSQLCommitCheck
from routedb.adapters.postgresql.exact import exact_cursor
from routedb.adapters.postgresql.faults import (
    READ_ONLY,
    fault_at_connect,
    fault_of_sqlstate,
)
from routedb.adapters.postgresql.hidden_writes import is_plain
from routedb.adapters.postgresql.libpq import (
    KEEPALIVES,
    SHORTEST_TIMEOUT_S,
    canceller,
)
from routedb.adapters.postgresql.link_cursor import LinkCursor
from routedb.adapters.postgresql.liveness import is_alive, is_busy, watch
from routedb.adapters.postgresql.placements import PostgreSQLPlacements
from routedb.adapters.postgresql.positions import PROBE, WHICH_SERVER, answer_of
from routedb.adapters.postgresql.renaming import rename
from routedb.adapters.postgresql.settings import (
    ISOLATION,
    SESSION_SETTINGS,
    asking_text,
    setting_text,
)
from routedb.adapters.postgresql.transactions import begin_text
from routedb.adapters.postgresql.two_phase import (
    PostgreSQLBranches,
    PostgreSQLDecisions,
)
from routedb.adapters.tracing import Opening, unwrapped
from routedb.adapters.translate import Translation
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.sql.lexical_mode import LexicalMode, postgresql_mode
from routedb.sql.statement import Table
from routedb.topology.snapshot import Answer

# Isolation level, read-only mode and deferrable where nobody has chosen any.
_UNCHOSEN = (None, None, None)
# By oid: how the types of our questions' answers are converted.
_ANSWERED = {
    oid: caster
    for caster in (
        *(ext.BOOLEAN, ext.INTEGER, ext.LONGINTEGER, ext.FLOAT),
        *(ext.UNICODE, ext.UNICODEARRAY),
    )
    for oid in caster.values
}


class Psycopg2Adapter:
    """psycopg2 2.9."""

    engine = "postgresql"
    dialect = "postgresql"
    fetches_buffered = True
    is_concurrent = True  # threadsafety 2: a lock in C serializes its statements
    is_remote = True
    commits_by_raw = True
    joins_begin = True
    tells_server = True
    references = 0
    setting_text = staticmethod(setting_text)
    watch = staticmethod(watch)
    is_alive = staticmethod(is_alive)
    is_busy = staticmethod(is_busy)
    rollback_undoes_settings = True
    rollback_undoes_objects = True
    script_is_transaction = True
    begins_before_some_writes = False
    hides_uncommitted = True
    # Any text that fails will do; this one needs no right, reads nothing, and says why.
    failing_text: str | None = "ROLLBACK TO SAVEPOINT routedb_failed_elsewhere"
    isolation_setting: str | None = ISOLATION
    session_settings: str | None = SESSION_SETTINGS

    def __init__(self) -> None:
        self._translation = Translation(psycopg2, cursor=property(_whose))
        self.adopt = self._translation.adopt
        self.error_class = self._translation.error_class
        self.commits: Commits | None = PostgreSQLCommitCheck(ask)
        asking = (self.run, self.is_failed, _end_ended, rename)
        self.branches: Branches = PostgreSQLBranches(*asking)
        self.decisions: Decisions = PostgreSQLDecisions(self.run)
        self.placements: PlacementTable = PostgreSQLPlacements(self.run)
        self.opening = Opening(psycopg2)
        self._cancel = canceller(_psycopg.__file__, psycopg2.OperationalError)

    def connect(
        self,
        node: NodeConfig,
        timeout_s: float,
        factory: Callable[..., Raw] | None = None,
        cursors: Any = None,
    ) -> Raw:
        """Open a link in autocommit mode. A connect_timeout of the user's stays.

        `factory` makes the connection from the DSN, instead of psycopg2's class;
        `cursors` is the program's cursor_factory, which a tool may replace by its own.
        """
        options = dict(node.options)
        if "connect_timeout" not in node.dsn:
            options.setdefault(
                "connect_timeout", max(SHORTEST_TIMEOUT_S, math.ceil(timeout_s))
            )
        with connecting:
            raw = self.opening(
                node.dsn, connection_factory=factory, cursor_factory=cursors, **options
            )
        raw.autocommit = True
        return raw

    def lend(self, node: NodeConfig, raw: Raw, cursors: Any) -> Raw:
        """Return `raw`, a link to `node` that is open already, as `connect` would
        return it for the program's cursor_factory `cursors`: no tool has seen it open
        for this connection."""
        if self.opening.is_traced:

            def again(*_: Any, **__: Any) -> Raw:
                return raw

            made: Raw = self.opening(
                node.dsn, connection_factory=again, cursor_factory=cursors
            )
            return made
        if cursors is not None:
            raw.cursor_factory = cursors
        return raw

    def connect_apart(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open an asynchronous link, and wait for it here."""
        return connect_apart(node, timeout_s)

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """Set it on the socket, not in the DSN, which users can see. A DSN may have
        libpq's options for it, or a service whose file does."""
        told = (node.dsn, *node.options)
        if not raw.closed and not any(w in text for w in KEEPALIVES for text in told):
            sockets.keep_alive(raw.fileno(), silent_s)

    def close(self, raw: Raw) -> None:
        """Close; ignore errors of a link that is broken already."""
        try:
            raw.close()
        except psycopg2.Error:
            return

    def end(self, raw: Raw) -> None:
        """Close, and wait for the server to do so."""
        if raw.closed:
            self.close(raw)
            return
        with sockets.seen_off(raw.fileno()):
            self.close(raw)

    def abandon(self, raw: Raw) -> None:
        """Silence the socket that the parent process goes on using."""
        if not raw.closed:
            sockets.silence(raw.fileno())

    def interrupt(self, raw: Raw) -> None:
        """Shut down the socket that a call waits on."""
        try:
            sockets.shut_down(raw.fileno())
        except psycopg2.Error:  # closed already: no call waits
            return

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """Send a cancel request, over a connection of its own (libpq). psycopg2 refuses
        it to a prepared transaction."""
        if raw.status == ext.STATUS_PREPARED:
            raw.cancel()
        elif is_busy(raw):
            self._cancel(raw, timeout_s)

    def backend_id(self, raw: Raw) -> int:
        """Return the process id of the backend."""
        return 0 if raw.closed else int(raw.get_backend_pid())

    def is_idle(self, raw: Raw) -> bool:
        """libpq keeps the transaction status that came with the last answer."""
        status = raw.get_transaction_status()
        return bool(status == ext.TRANSACTION_STATUS_IDLE)

    def is_failed(self, raw: Raw) -> bool:
        """Tell of an aborted transaction."""
        return bool(raw.get_transaction_status() == ext.TRANSACTION_STATUS_INERROR)

    def probe(self, raw: Raw) -> Answer:
        """Ask in one query."""
        return answer_of(self.run(raw, PROBE)[0])

    def server(self, raw: Raw) -> str | None:
        """Ask in one query."""
        return str(self.run(raw, WHICH_SERVER)[0][0])

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Set psycopg2's own attributes for `mode`: it begins transactions by
        itself."""
        given = (mode.isolation, mode.read_only or None, mode.deferrable)
        if given == (raw.isolation_level, raw.readonly, raw.deferrable) == _UNCHOSEN:
            raw.autocommit = mode.autocommit  # `set_session` would send three SETs
            return
        raw.set_session(
            isolation_level=mode.isolation or "DEFAULT",
            readonly=mode.read_only or "DEFAULT",
            deferrable="DEFAULT" if mode.deferrable is None else mode.deferrable,
            autocommit=mode.autocommit,
        )

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """BEGIN with the mode's words (PostgreSQL manual, BEGIN)."""
        self.run(raw, begin_text(mode))

    def commit(self, raw: Raw) -> None:
        """Commit: psycopg2's own way, or by text what was begun by text."""
        if raw.autocommit:
            self.run(raw, "COMMIT")
        else:
            raw.commit()

    def rollback(self, raw: Raw) -> None:
        """Roll back, in the way that commit commits."""
        if raw.autocommit:
            self.run(raw, "ROLLBACK")
        else:
            raw.rollback()

    def part(self, raw: Raw) -> None:
        """Leave autocommit mode; no round trip."""
        raw.autocommit = False

    def reset(self, raw: Raw, node: NodeConfig) -> bool:
        """DISCARD ALL, what that leaves, and all that psycopg2 lets a user set on a
        connection."""
        if raw.status not in (ext.STATUS_READY, ext.STATUS_BEGIN):  # tpc_prepare()
            return False
        if not self.is_idle(raw) or raw.status == ext.STATUS_BEGIN:
            self.rollback(raw)
        self.set_mode(raw, AUTOCOMMIT)
        self.run(raw, session_reset.DISCARD)
        self.run(raw, session_reset.remaining_text())
        if _plain(raw.encoding) != _plain(raw.get_parameter_status("client_encoding")):
            return False  # it has changed on the server's side only
        dates = raw.get_parameter_status(session_reset.DATESTYLE) or ""
        if not dates.startswith(session_reset.READABLE):
            self.run(raw, session_reset.READABLE_DATES)
        forget_casters(raw)
        raw.cursor_factory = None
        raw.notices = []
        raw.notifies = []
        return self.is_idle(raw)

    def resets_all(self, raw: Raw) -> bool:
        """Ask for languages with variables of a session, and triggers at login."""
        return self.run(raw, session_reset.OUT_OF_REACH) == [(False,)]

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a client-side cursor of the connection's cursor_factory."""
        cursor: RawCursor = raw.cursor(cursor_factory=LinkCursor)
        return cursor

    def exact_cursor(self, raw: Raw) -> RawCursor:
        """Open one with type casters of its own."""
        cursor: RawCursor = exact_cursor(raw)
        return cursor

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run a text; psycopg2 leaves a text without parameters alone."""
        with _own_cursor(raw) as cursor:
            cursor.execute(sql)
            if raw.async_:
                finish(raw)
            return cursor.fetchall() if cursor.description is not None else []

    def ask_setting(self, raw: Raw, name: str) -> Any:
        """Ask for it as a text."""
        rows = self.run(raw, asking_text(name))
        return rows[0][0] if rows else None

    def lexical_mode(self, raw: Raw) -> LexicalMode:
        """libpq keeps what the server has reported of both settings."""
        return postgresql_mode(
            raw.get_parameter_status("standard_conforming_strings"),
            raw.get_parameter_status("client_encoding"),
            ext.encodings.get(raw.encoding, ""),
        )

    def forget_lexical_mode(self, raw: Raw) -> None:
        """The server reports each change."""

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """Ask pg_proc: provolatile of every overload, procedures count as volatile."""
        ((volatile,),) = ask(raw, VOLATILITY, (name, schema, schema))
        return None if volatile is None else bool(volatile)

    def is_plain(self, raw: Raw, text: str, tables: Sequence[Table]) -> bool:
        """Follow the catalog from every name in the text."""
        return is_plain(partial(ask, raw), text, tables)

    def rights_on_replica(self, raw: Raw) -> tuple[str, ...]:
        """None: a standby refuses every write."""
        return ()

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """By SQLSTATE, by the state of the connection, by libpq's text at connect."""
        if not isinstance(exc, psycopg2.Error):
            return Fault.STATEMENT
        code = exc.pgcode
        if code == READ_ONLY and raw is not None and not _is_standby(raw):
            return Fault.STATEMENT  # set in the session: the same on every node
        found = None if code is None else fault_of_sqlstate(code)
        if found is not None:
            return found
        if raw is not None:
            return Fault.LINK_LOST if raw.closed else Fault.STATEMENT
        if not isinstance(exc, psycopg2.OperationalError):
            return Fault.STATEMENT
        return fault_at_connect(str(exc))


def _own_cursor(raw: Raw) -> Any:
    """Return a cursor for a question of ours: its answer is not converted by what the
    program has registered on the connection, and no tool notes it."""
    cursor = unwrapped(raw).cursor(cursor_factory=LinkCursor)
    cursor.string_types = _ANSWERED
    return cursor


def ask(raw: Raw, sql: str, params: Any) -> list[tuple[Any, ...]]:
    """Run `sql` with `params` on `raw`; return its rows, by none of its casters."""
    with _own_cursor(raw) as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _whose(exc: Any) -> Any:
    """Return the cursor of an error: the user's, not the link's."""
    raised_by = psycopg2.Error.__dict__["cursor"].__get__(exc)
    whose = getattr(raised_by, "virtual_cursor", None)  # unset: routedb's own question
    virtual = None if whose is None else whose()
    return raised_by if virtual is None else virtual


def _is_standby(raw: Raw) -> bool:
    """Tell whether the server reports to be a standby; before version 14 it does
    not."""
    return bool(raw.get_parameter_status("in_hot_standby") != "off")


def _end_ended(raw: Raw) -> None:
    """Have psycopg2 know that a transaction which it has begun is over on the server,
    whose warning about that is not for the program."""
    if not raw.autocommit:
        before = len(raw.notices)
        raw.rollback()
        del raw.notices[before:]


def _plain(encoding: str | None) -> str:
    """Return the name of an encoding as psycopg2 spells it."""
    return "".join(filter(str.isalnum, encoding or "")).upper()


ADAPTER = Psycopg2Adapter()
