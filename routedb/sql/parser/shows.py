"""SHOW, and GET DIAGNOSTICS: what a server or a session tells of itself."""

from __future__ import annotations

from routedb.sql.parser.builder import StatementBuilder
from routedb.sql.parser.dml import read_condition
from routedb.sql.parser.name_lists import take_values
from routedb.sql.scanner.keywords import word_set
from routedb.sql.scanner.lexer import (
    OPTIONS,
    USER_VARIABLE,
    Tokens,
    UnreadableStatement,
)
from routedb.sql.session_objects import ObjectKind
from routedb.sql.statement import Kind, SessionEffect

_SHOWN_OF_SESSION = word_set("WARNINGS ERRORS COUNT PROFILE PROFILES")
_SHOWN_OF_NODE = word_set(
    """
    MASTER SLAVE REPLICA REPLICAS BINARY BINLOG PROCESSLIST ENGINE STATUS RELAYLOG ALL
    VARIABLES SLAVES OPEN INNODB MUTEX USER_STATISTICS CLIENT_STATISTICS
    TABLE_STATISTICS INDEX_STATISTICS QUERY_RESPONSE_TIME
    """
)
# Settings of PostgreSQL that say which server it is, and in what state.
_SHOWN_OF_SERVER = word_set(
    """
    ALL TRANSACTION_READ_ONLY IN_HOT_STANDBY HOT_STANDBY PORT LISTEN_ADDRESSES
    CLUSTER_NAME DATA_DIRECTORY CONFIG_FILE HBA_FILE IDENT_FILE EXTERNAL_PID_FILE
    HOT_STANDBY_FEEDBACK RESTORE_COMMAND PROMOTE_TRIGGER_FILE SYNCHRONIZED_STANDBY_SLOTS
    SYNCHRONOUS_STANDBY_NAMES SYNC_REPLICATION_SLOTS
    """
)
_PREFIXES_OF_SERVER = (
    *("PRIMARY_", "RECOVERY_", "ARCHIVE_", "WAL_", "MAX_STANDBY_", "UNIX_SOCKET_"),
    *("LOG_DIRECTORY", "LOG_FILE", "SSL_", "KRB_SERVER_"),
)
_SHOWN_OF_TABLE = word_set("COLUMNS FIELDS INDEX INDEXES KEYS")


def show(tokens: Tokens, builder: StatementBuilder) -> None:
    """SHOW: a setting on PostgreSQL; on MySQL also what a node or the session has."""
    upper = tokens.upper
    if builder.dialect != "mysql":
        take_values(tokens, 0)
        setting = (tokens.names[1] or "").upper()  # it may be quoted
        builder.asks_server = setting in _SHOWN_OF_SERVER or setting.startswith(
            _PREFIXES_OF_SERVER
        )
        return
    tokens.take(0, tokens.end, OPTIONS)
    read_condition(tokens, builder, 1)
    if upper[1] in ("FULL", "GLOBAL", "SESSION", "LOCAL"):
        upper = upper[1:]
    if upper[1] in _SHOWN_OF_SESSION:
        builder.mark(Kind.READ, f"shows {upper[1].lower()} of the session")
        builder.touch(SessionEffect.VARIABLE)
        if not upper[1].startswith("PROFILE"):
            builder.need(ObjectKind.RESULT)
    elif upper[1] in ("EXPLAIN", "ANALYZE"):  # MariaDB: of another session
        builder.asks_server = True
        builder.need(ObjectKind.BACKEND)
    elif upper[1] in _SHOWN_OF_NODE or upper[1].startswith("WSREP_"):
        builder.asks_server = True
    elif upper[1] == "CREATE" and upper[2] in ("TABLE", "VIEW"):
        shown(tokens, builder, 3)
    elif not _SHOWN_OF_TABLE.isdisjoint(upper[1:4]):
        place = next((i for i, w in enumerate(tokens.upper) if w in ("FROM", "IN")), 0)
        shown(tokens, builder, place + 1)


def help_(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's HELP 'topic': reads what every server has of its manual."""
    builder.mark(Kind.READ, "")
    take_values(tokens, 0)


def shown(tokens: Tokens, builder: StatementBuilder, at: int) -> None:
    """Note the table that `tokens` name at `at`, as `t`, `s.t` or `t FROM s`."""
    table, at = tokens.read_name(at)
    if table is not None and tokens.upper[at] in ("FROM", "IN"):
        schema, _ = tokens.read_name(at + 1)
        if schema is not None:
            table = table._replace(schema=schema.name)
    if table is not None:
        builder.tables[table] = None


def diagnostics(tokens: Tokens, builder: StatementBuilder) -> None:
    """MySQL's GET [CURRENT | STACKED] DIAGNOSTICS @a = ROW_COUNT, …

    What it asks about is of the statement before, as with SHOW WARNINGS.
    """
    upper = tokens.upper
    at = 1 + (upper[1] in ("CURRENT", "STACKED"))
    if upper[at] != "DIAGNOSTICS":
        raise UnreadableStatement("GET is not followed by DIAGNOSTICS")
    builder.mark(Kind.READ, "asks for the diagnostics of the session")
    builder.touch(SessionEffect.VARIABLE)
    builder.need(ObjectKind.RESULT)
    for place in range(at, tokens.end):
        if upper[place] == USER_VARIABLE:
            is_set = upper[place + 1] == "="
            note = builder.hold if is_set else builder.need
            note(ObjectKind.VARIABLE, tokens.raw[place].lower())
    take_values(tokens, 0)
