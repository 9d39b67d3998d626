"""MySQL's variables in a query: the user's, the session's, the server's."""

from __future__ import annotations

from routedb.sql.parser.reader import QueryReader
from routedb.sql.scanner.keywords import word_set
from routedb.sql.session_objects import ObjectKind
from routedb.sql.statement import Kind, SessionEffect


def user_variable(reader: QueryReader) -> None:
    """A user variable of MySQL: used, or set by `@v := …`."""
    name = reader.raw[reader.at].lower()
    reader.at += 1
    reader.builder.mark(Kind.READ, "uses a variable of the session")
    reader.builder.touch(SessionEffect.VARIABLE)
    is_set = reader.upper[reader.at : reader.at + 2] == [":", "="]
    (reader.builder.hold if is_set else reader.builder.need)(ObjectKind.VARIABLE, name)


_SESSION_SYSTEM_VARIABLES = word_set(
    """
    last_insert_id identity insert_id warning_count error_count rand_seed1 rand_seed2
    timestamp pseudo_thread_id last_gtid in_transaction
    """
)


# Variables of a server that say which one it is, and in what state.
_OF_SERVER = word_set(
    """
    read_only super_read_only innodb_read_only transaction_read_only tx_read_only
    server_id server_uuid server_uid hostname port socket pid_file datadir basedir
    tmpdir plugin_dir bind_address pseudo_thread_id extra_port admin_port admin_address
    general_log general_log_file slow_query_log_file log_error log_slow_query_file
    secure_file_priv event_scheduler offline_mode
    """
)
_PREFIXES_OF_SERVER = (
    *("gtid_", "wsrep_", "rpl_semi_sync_", "slave_", "replica_", "relay_log"),
    *("report_", "log_bin", "mysqlx_", "replicate_", "sync_", "group_replication_"),
    *("innodb_data_", "innodb_log_group_", "innodb_undo_dir", "performance_schema"),
)
_NEEDED = {
    **dict.fromkeys(("last_insert_id", "identity"), ObjectKind.VALUE),
    **dict.fromkeys(("warning_count", "error_count"), ObjectKind.RESULT),
}


def system_variable(reader: QueryReader) -> None:
    """A variable of MySQL's server, or of the session: @@x."""
    scope, _, name = reader.raw[reader.at].lower().rpartition(".")
    reader.at += 1
    is_of_server = name in _OF_SERVER or name.startswith(_PREFIXES_OF_SERVER)
    if scope == "global" or is_of_server:
        reader.builder.asks_server = True
    if name in _SESSION_SYSTEM_VARIABLES:
        reader.builder.mark(Kind.READ, f"asks for @@{name} of the session")
        reader.builder.touch(SessionEffect.VARIABLE)
        if name in _NEEDED:
            reader.builder.need(_NEEDED[name])
