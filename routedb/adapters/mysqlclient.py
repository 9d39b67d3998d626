"""MySQL and MariaDB through mysqlclient (MySQLdb)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import MySQLdb
import MySQLdb.converters
import MySQLdb.cursors

from routedb.adapters import sockets
from routedb.adapters.base import Commits, Raw, RawCursor, TxMode
from routedb.adapters.opening import Opening
from routedb.adapters.translate import Translation
from routedb.config.model import NodeConfig
from routedb.errors import Fault
from routedb.topology.snapshot import Answer, Role

_PREVENTED = 1290  # an option prevents the statement: the text tells which

# Error numbers, MySQL manual "Server Error Message Reference" and "Client Error …".
_NUMBERS = {
    2006: Fault.LINK_LOST,  # server has gone away
    2013: Fault.LINK_LOST,  # lost connection during query
    2026: Fault.LINK_LOST,  # TLS error
    2055: Fault.LINK_LOST,  # lost connection, with the system's error
    4031: Fault.LINK_LOST,  # disconnected after wait_timeout (MySQL 8)
    1053: Fault.LINK_LOST,  # server shutdown in progress
    1927: Fault.LINK_LOST,  # connection was killed (MariaDB)
    1080: Fault.LINK_LOST,  # forcing close of thread
    2002: Fault.REFUSED,  # cannot connect, socket
    2003: Fault.REFUSED,  # cannot connect, TCP
    2005: Fault.REFUSED,  # unknown host
    _PREVENTED: Fault.NODE_READ_ONLY,  # running with --read-only
    1836: Fault.NODE_READ_ONLY,  # running in read-only mode
    1146: Fault.MISSING,  # no such table
    1054: Fault.MISSING,  # unknown column
    1305: Fault.MISSING,  # no such function
    1049: Fault.MISSING,  # unknown database
    1044: Fault.MISSING,  # access denied: to a database,
    1142: Fault.MISSING,  # … a table,
    1143: Fault.MISSING,  # … a column,
    1370: Fault.MISSING,  # … a function
    1153: Fault.TOO_LARGE,  # beyond max_allowed_packet
    1040: Fault.OVERLOAD,  # too many connections
    1203: Fault.OVERLOAD,  # … of this user
    1226: Fault.OVERLOAD,  # resource limit of this user
    1205: Fault.TIMEOUT,  # lock wait timeout
    3024: Fault.TIMEOUT,  # max_execution_time exceeded (MySQL)
    1969: Fault.TIMEOUT,  # max_statement_time exceeded (MariaDB)
    1317: Fault.TIMEOUT,  # query execution was interrupted
    1213: Fault.CONFLICT,  # deadlock: the server has rolled the transaction back
    1020: Fault.CONFLICT,  # record has changed since last read (MariaDB)
}
# 2013 while connecting: the server closed before its greeting, as one does that is
# starting or has been stopped by SIGSTOP.
_AT_CONNECT = {
    2013: Fault.REFUSED,
    2006: Fault.REFUSED,
    1053: Fault.NODE_STARTING,
    1044: Fault.STATEMENT,  # no such database, to this user: it is not let in
    1049: Fault.STATEMENT,
}

_LOST = 2013
_OUT_OF_SYNC = 2014  # rows of the last result are still to be read
_NO_SUCH_THREAD = 1094
_IN_TRANSACTION = 1568  # transaction characteristics can't be changed now

_VOLATILITY = """
SELECT MAX(sql_data_access NOT IN ('NO SQL', 'READS SQL DATA')
           OR routine_type = 'PROCEDURE')
FROM information_schema.routines
WHERE routine_name = %s AND routine_schema = COALESCE(%s, DATABASE())
"""


class MysqlclientAdapter:
    """mysqlclient 2.2 and later, with MySQL 5.7+ or MariaDB 10.5+."""

    engine = "mysql"
    dialect = "mysql"
    paramstyle = "format"
    fetches_buffered = True
    is_concurrent = False  # threadsafety 1: one statement at a time on a connection
    is_remote = True
    commits: Commits | None = None
    references = 0

    def __init__(self) -> None:
        self._translation = Translation(MySQLdb)
        self.adopt = self._translation.adopt
        self.own = self._translation.own

    def connect(self, node: NodeConfig, timeout_s: float) -> Raw:
        """Open a link in autocommit mode, in utf8mb4 unless the options say else."""
        options = dict(node.options)
        options.setdefault("connect_timeout", max(1, math.ceil(timeout_s)))
        if "read_default_file" not in options:
            options.setdefault("charset", "utf8mb4")
        options["autocommit"] = True
        raw = self._open(options)
        # mysqlclient refuses every call on a connection that another thread uses, also
        # these, and just then `interrupt` and `cancel` need them.
        raw.descriptor = raw.fileno()
        raw.number = raw.thread_id()
        raw.socket = sockets.identity(raw.descriptor)
        raw.mode = TxMode(autocommit=True)  # what set_mode has set
        return raw

    def connect_apart(self, node: NodeConfig, timeout_s: float) -> Raw:
        """The same: this driver has no hooks."""
        return self.connect(node, timeout_s)

    def _open(self, options: dict[str, Any]) -> Raw:
        """mysqlclient bounds the handshake, and not the statements that it sends then
        (SET NAMES, SET autocommit), nor can anybody reach their socket: a thread that
        waits there could not be freed."""
        opening = Opening(lambda: MySQLdb.connect(**options), self.close)
        bound_s = 2 * int(options["connect_timeout"])
        try:
            return opening.wait(bound_s)
        except TimeoutError:
            raise MySQLdb.OperationalError(
                _LOST, f"Lost connection while connecting: no answer for {bound_s} s"
            ) from None

    def keep_alive(self, raw: Raw, node: NodeConfig, silent_s: float) -> None:
        """mysqlclient has no option for it."""
        if raw.open:
            sockets.keep_alive(raw.descriptor, silent_s)

    def close(self, raw: Raw) -> None:
        """Close; a link that is broken already is as good as closed."""
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
        """Shut the socket down under a call that waits on it."""
        if raw.open:
            sockets.shut_down(raw.descriptor, raw.socket)

    def cancel(self, raw: Raw, node: NodeConfig, timeout_s: float) -> None:
        """KILL QUERY, over a link of its own; one's own sessions one may always end."""
        options = {**node.options, "read_timeout": max(1, math.ceil(timeout_s))}
        other = self.connect(replace(node, options=options), timeout_s)
        try:
            self.run(other, f"KILL QUERY {raw.number}")
        except MySQLdb.OperationalError as exc:
            if exc.args[0] != _NO_SUCH_THREAD:  # gone meanwhile
                raise
        finally:
            self.close(other)

    def is_alive(self, raw: Raw) -> bool:
        """Look at the socket. Input on an idle link is the end of it, or a ticket of
        TLS: only then a round trip tells."""
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
            return bool(exc.args) and exc.args[0] == _OUT_OF_SYNC
        return True

    def is_idle(self, raw: Raw) -> bool:
        """Ask the server: mysqlclient does not show the status flags of its answers.

        MySQL has no variable for it, but refuses to change the next transaction's
        characteristics inside one.
        """
        if self._is_mariadb(raw):
            return self.run(raw, "SELECT @@in_transaction") == [(0,)]
        try:
            ((level,),) = self.run(raw, "SELECT @@transaction_isolation")
            words = level.replace("-", " ")
            self.run(raw, f"SET TRANSACTION ISOLATION LEVEL {words}")
        except MySQLdb.OperationalError as exc:
            if exc.args[0] == _IN_TRANSACTION:
                return False
            raise
        return True

    def is_failed(self, raw: Raw) -> bool:
        """A failed statement leaves a MySQL transaction usable."""
        return False

    def probe(self, raw: Raw) -> Answer:
        """Ask for role and position, and on a replica for its lag when allowed."""
        if self._is_mariadb(raw):
            asked = (
                "SELECT @@global.read_only, @@version, "
                "IF(@@global.read_only, @@gtid_slave_pos, @@gtid_current_pos), "
                "@@gtid_domain_id, "
                # What it has replayed is in its binary log under log_slave_updates.
                "CONCAT_WS(',', @@gtid_binlog_state, @@gtid_slave_pos), @@server_id"
            )
        else:
            asked = (
                "SELECT @@global.read_only, @@version, @@global.gtid_executed, "
                "@@server_uuid, @@global.gtid_executed, @@server_uuid"
            )
        row = self.run(raw, asked)[0]
        read_only, version, position, history, extent, origin = row
        return Answer(
            Role.REPLICA if read_only else Role.WRITER,
            version,
            position.replace("\n", "") or None,
            str(history),
            self._lag_s(raw) if read_only else 0.0,
            extent=extent.replace("\n", "").strip(",") or None,
            origin=str(origin),
        )

    def set_mode(self, raw: Raw, mode: TxMode) -> None:
        """Set the session's variables; DEFAULT is what the server starts with.

        Only those that differ from what was set here before: the user's own SET
        SESSION TRANSACTION must outlive a change of autocommit.
        """
        new = not self._is_mariadb(raw) or self._version(raw) >= (11, 1)
        prefix = "transaction" if new else "tx"
        changes = []
        if mode.isolation != raw.mode.isolation:
            level = "DEFAULT"
            if mode.isolation is not None:
                level = f"'{mode.isolation.replace(' ', '-')}'"
            changes.append(f"SESSION {prefix}_isolation = {level}")
        if mode.read_only != raw.mode.read_only:
            changes.append(f"SESSION {prefix}_read_only = {int(mode.read_only)}")
        if changes:
            self.run(raw, f"SET {', '.join(changes)}")
        raw.autocommit(mode.autocommit)
        raw.mode = mode

    def begin(self, raw: Raw, mode: TxMode) -> None:
        """START TRANSACTION; an isolation level is said before it (manual)."""
        if mode.isolation is not None:
            self.run(raw, f"SET TRANSACTION ISOLATION LEVEL {mode.isolation}")
        # READ WRITE only to undo what was set here: a server that is read-only refuses
        # it (MariaDB), and a session may have been told otherwise by its user.
        access = " READ WRITE" if raw.mode.read_only else ""
        self.run(raw, f"START TRANSACTION{' READ ONLY' if mode.read_only else access}")

    def commit(self, raw: Raw) -> None:
        """Commit, however it was begun."""
        raw.commit()

    def rollback(self, raw: Raw) -> None:
        """Roll back, however it was begun."""
        raw.rollback()

    def reset(self, raw: Raw, node: NodeConfig, is_changed: bool) -> bool:
        """COM_CHANGE_USER, to the same user: mysqlclient has no COM_RESET_CONNECTION.

        What a file of options says of the user is not known here.
        """
        options = node.options
        if is_changed:
            user = options.get("user")
            if user is None or "init_command" in options:
                return False
            password = options.get("password", options.get("passwd", ""))
            database = options.get("database", options.get("db", ""))
            raw.change_user(user, password, database)
            charset = options.get("charset", "utf8mb4")
            raw.set_character_set(charset, options.get("collation", ""))
            if "sql_mode" in options:
                raw.set_sql_mode(options["sql_mode"])
            raw.autocommit(True)
            raw.mode = TxMode(autocommit=True)
        known = options.get("conv", MySQLdb.converters.conversions)
        raw.encoders = {key: to for key, to in known.items() if type(key) is not int}
        raw.cursorclass = options.get("cursorclass", raw.default_cursor)
        raw.messages = []
        return True

    def cursor(self, raw: Raw) -> RawCursor:
        """Open a cursor of the connection's cursorclass."""
        return raw.cursor()

    def run(self, raw: Raw, sql: str) -> list[tuple[Any, ...]]:
        """Run a text; mysqlclient leaves a text without parameters alone."""
        with raw.cursor(MySQLdb.cursors.Cursor) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description is not None else []

    def volatility(self, raw: Raw, name: str, schema: str | None) -> bool | None:
        """Ask information_schema.routines, by what the routine declares of itself.

        CONTAINS SQL is the default and says nothing, so it counts as writing.
        """
        with raw.cursor(MySQLdb.cursors.Cursor) as cursor:
            cursor.execute(_VOLATILITY, (name, schema))
            (volatile,) = cursor.fetchone()
        return None if volatile is None else bool(volatile)

    def fault(self, exc: BaseException, raw: Raw | None) -> Fault:
        """By error number."""
        if not isinstance(exc, MySQLdb.Error) or not exc.args:
            return Fault.STATEMENT
        number = exc.args[0]
        if raw is None and number in _AT_CONNECT:
            return _AT_CONNECT[number]
        if isinstance(exc, MySQLdb.InterfaceError) and number == 0:
            return Fault.LINK_LOST  # the raw connection was closed before
        if number == _PREVENTED and "read-only" not in str(exc.args[1]):
            return Fault.STATEMENT  # another option, --secure-file-priv say
        return _NUMBERS.get(number, Fault.STATEMENT)

    def _lag_s(self, raw: Raw) -> float | None:
        """Return the seconds behind; None when this user may not know them."""
        asked = "SHOW SLAVE STATUS" if self._is_mariadb(raw) else "SHOW REPLICA STATUS"
        with raw.cursor(MySQLdb.cursors.DictCursor) as cursor:
            try:
                cursor.execute(asked)
            except (MySQLdb.OperationalError, MySQLdb.ProgrammingError) as exc:
                if self.fault(exc, raw) is Fault.LINK_LOST:
                    raise
                return None
            row = cursor.fetchone()
        return None if row is None else _seconds_behind(row)

    @staticmethod
    def _is_mariadb(raw: Raw) -> bool:
        return "mariadb" in raw.get_server_info().lower()

    @staticmethod
    def _version(raw: Raw) -> tuple[int, int]:
        numbers = raw.get_server_info().removeprefix("5.5.5-").split(".")
        return int(numbers[0]), int(numbers[1])


def _seconds_behind(row: dict[str, Any]) -> float:
    """Read SHOW REPLICA STATUS, in its old words and its new ones.

    A replica whose threads do not run is behind for ever. One that cannot reach its
    writer is told no seconds: it is behind by what it has received and not replayed,
    as a replica of PostgreSQL is, or reads would end with their writer.
    """
    told = {
        key.replace("Master", "Source").replace("Slave", "Replica"): value
        for key, value in row.items()
    }
    if told["Seconds_Behind_Source"] is not None:
        return float(told["Seconds_Behind_Source"])
    is_running = told["Replica_SQL_Running"] == "Yes"
    if not is_running or told["Replica_IO_Running"] == "No":
        return math.inf
    received = told["Source_Log_File"], told["Read_Source_Log_Pos"]
    replayed = told["Relay_Source_Log_File"], told["Exec_Source_Log_Pos"]
    return 0.0 if received == replayed else math.inf


ADAPTER = MysqlclientAdapter()
