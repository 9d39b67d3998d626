"""Queries to MySQL and MariaDB for role, position and lag, and their answers."""

from __future__ import annotations

import math
from typing import Any

from routedb.adapters.mysql.versions import is_mariadb
from routedb.topology.snapshot import Answer, Role

# What no other server tells: two on one host have other ports or other directories.
_SERVER = "CONCAT_WS(' ', @@server_id, @@hostname, @@port, @@datadir)"
WHICH_SERVER = f"SELECT {_SERVER}"
_MARIADB = (
    "SELECT @@global.read_only, @@version, "
    "IF(@@global.read_only, @@gtid_slave_pos, @@gtid_current_pos), "
    "@@gtid_domain_id, "
    # What it has replayed is in its binary log under log_slave_updates.
    "CONCAT_WS(',', @@gtid_binlog_state, @@gtid_slave_pos), @@server_id, "
    f"{_SERVER}, DATABASE()"
)
_MYSQL = (
    "SELECT @@global.read_only, @@version, @@global.gtid_executed, "
    "@@server_uuid, @@global.gtid_executed, @@server_uuid, "
    f"{_SERVER}, DATABASE()"
)


def probe_of(server: str) -> str:
    """Return the query to a server of this version for its role and its position."""
    return _MARIADB if is_mariadb(server) else _MYSQL


def replica_status_of(server: str) -> str:
    """Return the query to a replica of this version for its lag."""
    return "SHOW SLAVE STATUS" if is_mariadb(server) else "SHOW REPLICA STATUS"


def is_replica(row: tuple[Any, ...]) -> bool:
    """Tell from a row of the probe whether its server is a replica."""
    return bool(row[0])


def answer_of(row: tuple[Any, ...], lag_s: float | None) -> Answer:
    """Return the answer in a row of the probe; `lag_s` is a replica's lag in
    seconds."""
    read_only, version, position, history, extent, origin, server, namespace = row
    return Answer(
        Role.REPLICA if read_only else Role.WRITER,
        version,
        position.replace("\n", "") or None,
        str(history),
        lag_s,
        extent=extent.replace("\n", "").strip(",") or None,
        origin=str(origin),
        server=str(server),
        namespace=namespace or "",
    )


def seconds_behind(row: dict[str, Any]) -> float:
    """Return the lag in a row of SHOW REPLICA STATUS, with its old or new column names.

    It is infinite when the replica's threads do not run. A replica that cannot reach
    its writer reports no seconds: its lag is what it has received and not replayed, as
    on PostgreSQL, or reads would end with their writer.
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
