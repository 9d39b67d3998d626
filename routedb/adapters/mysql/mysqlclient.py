"""MySQL and MariaDB through mysqlclient (MySQLdb)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import MySQLdb
import MySQLdb.connections
import MySQLdb.converters
import MySQLdb.cursors

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
from routedb.adapters.mysql.catalog import VOLATILITY
from routedb.adapters.mysql.exact import ExactCursor
from routedb.adapters.mysql.faults import (
    IN_TRANSACTION,
    NO_SUCH_THREAD,
    OUT_OF_SYNC,
    fault_of_number,
)
from routedb.adapters.mysql.hidden_writes import is_plain
from routedb.adapters.mysql.opening import open_connection
from routedb.adapters.mysql.placements import MySQLPlacements
from routedb.adapters.mysql.positions import (
    WHICH_SERVER,
    answer_of,
    is_replica,
    probe_of,
    replica_status_of,
    seconds_behind,
)
from routedb.adapters.mysql.rights import rights_on_replica
from routedb.adapters.mysql.settings import (
    LEXICAL_SETTINGS,
    NULL,
    STANDARD_SQL,
    asking_text,
    setting_text,
)
from routedb.adapters.mysql.transactions import begin_texts, set_mode_text
from routedb.adapters.mysql.two_phase import MySQLBranches, MySQLDecisions
from routedb.adapters.mysql.versions import is_mariadb
from routedb.adapters.tracing import Opening, unwrapped
from routedb.adapters.translate import Translation
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.sql.lexical_mode import LexicalMode, mysql_mode
from routedb.sql.statement import Table
from routedb.topology.snapshot import Answer

FILES = {"read_default_file", "read_default_group"}  # options that are in a file


class MysqlclientAdapter:
    """mysqlclient 2.2 and later, with MySQL 5.7+ or MariaDB 10.5+."""

    engine = "mysql"
    dialect = "mysql"
    fetches_buffered = True
    is_concurrent = False  # threadsafety 1: one statement at a time on a connection
    is_remote = True
    commits_by_raw = False
    joins_begin = False
    tells_server = True
    commits: Commits | None = None
    references = 0
    setting_text = staticmethod(setting_text)
    rollback_undoes_settings = False
    rollback_undoes_objects = False
    script_is_transaction = False
    begins_before_some_writes = False
    hides_uncommitted = False  # tables without transactions have it at once
    failing_text: str | None = None
    isolation_setting: str | None = None
    session_settings: str | None = None

    def __init__(self) -> None:
        self._translation = Translation(MySQLdb)
        self.adopt = self._translation.adopt
        self.error_class = self._translation.error_class
        self._xa = MySQLBranches(self.run)
        self.branches: Branches = self._xa
        self.decisions: Decisions = MySQLDecisions(self.run)
        self.placements: PlacementTable = MySQLPlacements(self.run)
        self.opening = Opening(MySQLdb)

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a link in autocommit mode, in utf8mb4 unless the options say else."""
        return self._connect(self.opening, node, timeout_s)

    def connect_apart(self, node: NodeConfig, timeout_s: float) -> Raw:
        """The same by mysqlclient's class itself: the driver has no hooks."""
        return self._connect(MySQLdb.connections.Connection, node, timeout_s)

    def _connect(
        self, connect: Callable[..., Raw], node: NodeConfig, timeout_s: float
    ) -> Raw:
        raw = open_connection(connect, node, timeout_s, self.close)
        if node.is_standard_sql:
            self.run(raw, STANDARD_SQL)
        raw.own_converter = dict(raw.converter)
        return raw

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """Set it on the socket: mysqlclient has no option for it."""
        if raw.open:
            sockets.keep_alive(raw.descriptor, silent_s)

    def close(self, raw: Raw) -> None:
        """Close; ignore errors of a link that is broken already."""
        try:
            raw.close()
        except MySQLdb.Error:
            return

    def end(self, raw: Raw) -> None:
        """Close, and wait for the server to do so."""
        if raw.open:
            with sockets.seen_off(raw.descriptor):
                self.close(raw)

    def abandon(self, raw: Raw) -> None:
        """Silence the socket that the parent process goes on using."""
        if raw.open:
            sockets.silence(raw.descriptor)

    def interrupt(self, raw: Raw) -> None:
        """Shut down the socket that a call waits on."""
        if raw.open:
            sockets.shut_down(raw.descriptor, raw.socket)

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """KILL QUERY, over a link of its own; a user may always end its own
        sessions."""
        options = {**node.options, "read_timeout": max(1, math.ceil(timeout_s))}
        other = self.connect_apart(replace(node, options=options), timeout_s)
        try:
            self.run(other, f"KILL QUERY {raw.number}")
        except MySQLdb.OperationalError as exc:
            if exc.args[0] != NO_SUCH_THREAD:  # gone meanwhile
                raise
        finally:
            self.close(other)

    def backend_id(self, raw: Raw) -> int:
        """Return the connection id."""
        return int(raw.number)

    def watch(self, raw: Raw) -> None:
        """mysqlclient may have closed the socket, whose number is used again."""

    def is_alive(self, raw: Raw) -> bool:
        """Check the socket. Input on an idle link is its end, or a session ticket of
        TLS: only then a round trip is needed."""
        if not raw.open:
            return False
        # mysqlclient closes a broken socket, keeps its number, and says it is open.
        if sockets.identity(raw.descriptor) != raw.socket:
            return False
        if not sockets.has_input(raw.descriptor):
            return True
        try:
            raw.ping()
        except MySQLdb.Error as exc:
            return bool(exc.args) and exc.args[0] == OUT_OF_SYNC
        return True

    def is_idle(self, raw: Raw) -> bool:
        """Ask the server: mysqlclient does not show the status flags of its answers.

        MySQL has no variable for it, but refuses to change the next transaction's
        characteristics inside one.
        """
        if is_mariadb(raw.get_server_info()):
            return self.run(raw, "SELECT @@in_transaction") == [(0,)]
        try:
            ((level,),) = self.run(raw, "SELECT @@transaction_isolation")
            words = level.replace("-", " ")
            self.run(raw, f"SET TRANSACTION ISOLATION LEVEL {words}")
        except MySQLdb.OperationalError as exc:
            if exc.args[0] == IN_TRANSACTION:
                return False
            raise
        return True

    def is_busy(self, raw: Raw) -> bool:
        """One thread at a time uses a link: see `is_concurrent`."""
        return False

    def is_failed(self, raw: Raw) -> bool:
        """A failed statement leaves a MySQL transaction usable."""
        return False

    def probe(self, raw: Raw) -> Answer:
        """Ask for role and position, and on a replica for its lag when allowed."""
        server = raw.get_server_info()
        row = self.run(raw, probe_of(server))[0]
        return answer_of(row, self._lag_s(raw) if is_replica(row) else 0.0)

    def server(self, raw: Raw) -> str | None:
        """Ask in one query."""
        return str(self.run(raw, WHICH_SERVER)[0][0])

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Set the session's variables; DEFAULT is the server's own default.

        Only those that differ from what was set here before: the user's own SET
        SESSION TRANSACTION must outlive a change of autocommit. What was set here is
        not known while it is being set, nor after that was cut short: then all is.
        """
        before, raw.mode = raw.mode, None
        text = set_mode_text(before, mode, raw.get_server_info())
        if text is not None:
            self.run(raw, text)
        raw.autocommit(mode.autocommit)
        raw.mode = mode

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """START TRANSACTION; an isolation level is set before it (manual)."""
        was_read_only = raw.mode is None or raw.mode.read_only
        for text in begin_texts(mode, was_read_only):
            self.run(raw, text)

    def commit(self, raw: Raw) -> None:
        """Commit, however it was begun."""
        if raw.branch is None:
            raw.commit()
        else:
            self._xa.commit(raw)

    def rollback(self, raw: Raw) -> None:
        """Roll back, however it was begun."""
        if raw.branch is None:
            raw.rollback()
        else:
            self._xa.roll_back(raw)

    def part(self, raw: Raw) -> None:
        """None begins with its first statement."""

    def reset(self, raw: Raw, node: NodeConfig) -> bool:
        """COM_CHANGE_USER, to the same user, and what the driver sends after that of
        connecting. COM_RESET_CONNECTION, which mysqlclient does not have, would leave
        the role (SET ROLE) and the database (USE).

        What a file of options says of the user and the database is not known here.
        """
        options = node.options
        user = options.get("user")
        if user is None or FILES & options.keys():
            return False
        password = options.get("password", options.get("passwd", ""))
        if is_mariadb(raw.get_server_info()):
            self.run(raw, "SET ROLE NONE")  # else a user without a default keeps it
        raw.change_user(user, password, options.get("database", options.get("db", "")))
        if "init_command" in options:
            self.run(raw, options["init_command"])
        charset = options.get("charset", "utf8mb4")
        raw.set_character_set(charset, options.get("collation", ""))
        if "sql_mode" in options:
            raw.set_sql_mode(options["sql_mode"])
        raw.autocommit(True)
        raw.mode = AUTOCOMMIT
        if node.is_standard_sql:
            self.run(raw, STANDARD_SQL)
        raw.lexical_mode = None
        known = options.get("conv", MySQLdb.converters.conversions)
        raw.encoders = {key: to for key, to in known.items() if type(key) is not int}
        raw.converter = dict(raw.own_converter)  # others may share the one it has
        raw.cursorclass = options.get("cursorclass", raw.default_cursor)
        raw.messages = []
        return True

    def resets_all(self, raw: Raw) -> bool:
        """Ask for what the server runs at connect: it does not at a change of user."""
        return self.run(raw, "SELECT @@GLOBAL.init_connect") in ([("",)], [(None,)])

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor of the connection's cursorclass."""
        cursor: RawCursor = raw.cursor()
        return cursor

    def exact_cursor(self, raw: Raw) -> RawCursor:
        """Open one with a converter of its own."""
        cursor: RawCursor = raw.cursor(ExactCursor)
        return cursor

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run a text; mysqlclient leaves a text without parameters alone."""
        with _own_cursor(raw) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description is not None else []

    def ask_setting(self, raw: Raw, name: str) -> Any:
        """Ask for a variable of the session; None for what is none that can be read."""
        try:
            rows = self.run(raw, asking_text(name))
        except MySQLdb.Error as exc:
            if self.fault(exc, raw) is not Fault.STATEMENT:
                raise
            return None
        value = rows[0][0] if rows else None
        return NULL if value is None else value

    def lexical_mode(self, raw: Raw) -> LexicalMode:
        """Ask for the settings; mysqlclient says by what it encodes."""
        if raw.lexical_mode is None:
            ((sql_mode, charset),) = self.run(raw, LEXICAL_SETTINGS)
            raw.lexical_mode = mysql_mode(sql_mode, charset, raw.encoding)
        mode: LexicalMode = raw.lexical_mode
        return mode

    def forget_lexical_mode(self, raw: Raw) -> None:
        """Ask again, when it is wanted."""
        raw.lexical_mode = None

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """Ask information_schema.routines, by what the routine declares.

        CONTAINS SQL is the default and says nothing, so it counts as writing.
        """
        with _own_cursor(raw) as cursor:
            cursor.execute(VOLATILITY, (name, schema))
            (volatile,) = cursor.fetchone()
        return None if volatile is None else bool(volatile)

    def is_plain(self, raw: Raw, text: str, tables: Sequence[Table]) -> bool:
        """Follow the catalog from every name in the text."""

        def ask(sql: str, params: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
            with _own_cursor(raw) as cursor:
                cursor.execute(sql, params)
                rows: Iterable[tuple[Any, ...]] = cursor.fetchall()
                return rows

        return is_plain(ask, text, tables)

    def rights_on_replica(self, raw: Raw) -> tuple[str, ...]:
        """Ask for the user's grants, and those of its roles."""
        grants = [str(grant) for (grant,) in self.run(raw, "SHOW GRANTS")]
        return rights_on_replica(grants, is_mariadb(raw.get_server_info()))

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """By error number."""
        if not isinstance(exc, MySQLdb.Error) or not exc.args:
            return Fault.STATEMENT
        number = exc.args[0]
        if isinstance(exc, MySQLdb.InterfaceError) and number == 0:
            return Fault.LINK_LOST  # the raw connection was closed before
        message = exc.args[1] if len(exc.args) > 1 else ""
        return fault_of_number(number, message, is_connecting=raw is None)

    def _lag_s(self, raw: Raw) -> float | None:
        """Return the seconds behind; None when this user may not know them."""
        asked = replica_status_of(raw.get_server_info())
        with _own_cursor(raw, MySQLdb.cursors.DictCursor) as cursor:
            try:
                cursor.execute(asked)
            except (MySQLdb.OperationalError, MySQLdb.ProgrammingError) as exc:
                if self.fault(exc, raw) is Fault.LINK_LOST:
                    raise
                return None
            row = cursor.fetchone()
        return None if row is None else seconds_behind(row)


@contextmanager
def _own_cursor(raw: Raw, kind: type[Any] = MySQLdb.cursors.Cursor) -> Iterator[Any]:
    """Open a cursor for a question of ours, which no tool notes, for a block. What
    comes out of that is not covered by what closing meets then."""
    cursor = unwrapped(raw).cursor(kind)
    try:
        yield cursor
    except BaseException:
        with suppress(MySQLdb.Error):
            cursor.close()
        raise
    cursor.close()


ADAPTER = MysqlclientAdapter()
