"""Views in which a server tells of itself: sessions, locks, statistics, replication.

The other nodes of its group hold the same data and answer otherwise. Who asks means the
server that writes go to, as without replicas, unless a role is named.
"""

from __future__ import annotations

from collections.abc import Callable

from routedb.sql.statement import Table

_POSTGRESQL = frozenset(
    (
        *("pg_locks", "pg_prepared_xacts", "pg_settings", "pg_file_settings"),
        *("pg_replication_slots", "pg_replication_origin_status", "pg_buffercache"),
        *("pg_hba_file_rules", "pg_ident_file_mappings", "pg_aios"),
        *("pg_shmem_allocations", "pg_backend_memory_contexts"),
    )
)
_MYSQL_SCHEMAS = frozenset({"performance_schema", "sys"})
# Of information_schema, whose other tables describe the data.
_MYSQL = frozenset(
    (
        *("processlist", "global_status", "session_status", "metadata_lock_info"),
        *("global_variables", "session_variables", "system_variables"),
        *("user_statistics", "client_statistics"),
        *("table_statistics", "index_statistics"),
    )
)


def _in_postgresql(table: Table) -> bool:
    # pg_stats and pg_statistic are about the data, and are replicated.
    name = table.name
    return name.startswith(("pg_stat_", "pg_statio_")) or name in _POSTGRESQL


def _in_mysql(table: Table) -> bool:
    schema, name = (table.schema or "").lower(), table.name.lower()
    if schema == "information_schema":
        return name.startswith("innodb_") or name in _MYSQL
    return schema in _MYSQL_SCHEMAS


IS_SERVER_VIEW: dict[str, Callable[[Table], bool]] = {
    "postgresql": _in_postgresql,
    "mysql": _in_mysql,
    "sqlite": lambda _: False,
}
