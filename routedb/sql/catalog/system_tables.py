"""Tables and views of a server's own: its catalogs, and what tells of the server.

Catalogs are in every database, so they do not say which one a statement is for. Some of
their views tell of one server: sessions, locks, statistics, replication. The other
nodes of its group hold the same data and answer otherwise. Who asks means the server
that writes go to, as without replicas, unless a role is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from routedb.sql.statement import Table

_CATALOG_SCHEMAS = {
    "postgresql": frozenset(
        {"pg_catalog", "information_schema", "pg_toast", "pg_temp"}
    ),
    "mysql": frozenset({"information_schema", "performance_schema", "mysql", "sys"}),
    "sqlite": frozenset({"temp"}),
}
_CATALOG_PREFIX = {"postgresql": "pg_", "mysql": "\0", "sqlite": "sqlite_"}


def is_catalog(table: Table, dialect: str) -> bool:
    """Tell whether `table`, named in a text of `dialect`, is in every database.

    True for the tables of the server's own catalogs and for what PostgreSQL and SQLite
    keep in the schema of temporary tables.
    """
    if table.schema is not None:
        return table.schema.lower() in _CATALOG_SCHEMAS[dialect]
    return table.name.startswith(_CATALOG_PREFIX[dialect])


def is_settings_view(table: Table, dialect: str) -> bool:
    """Tell whether `table`, named in a text of `dialect`, is PostgreSQL's pg_settings:
    an UPDATE there sets what SET sets."""
    is_there = dialect == "postgresql" and table.name == "pg_settings"
    return is_there and table.schema in (None, "pg_catalog")


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


_IS_SERVER_VIEW: dict[str, Callable[[Table], bool]] = {
    "postgresql": _in_postgresql,
    "mysql": _in_mysql,
}


def has_server_view(tables: Iterable[Table], dialect: str) -> bool:
    """Tell whether a text of `dialect` with `tables` asks a server about itself."""
    is_server_view = _IS_SERVER_VIEW.get(dialect)
    return is_server_view is not None and any(map(is_server_view, tables))
