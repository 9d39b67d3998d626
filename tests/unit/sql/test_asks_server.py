"""What asks a server about itself: the writer answers that, unless a role is named."""

from __future__ import annotations

import pytest

from routedb.sql import classify

POSTGRESQL = """
SELECT pg_is_in_recovery()
SELECT not pg_is_in_recovery() AS is_writer
SELECT pg_catalog.pg_is_in_recovery()
SELECT pg_backend_pid()
SELECT pg_backend_pid(), current_user
SELECT inet_server_addr(), inet_server_port()
SELECT pg_last_wal_replay_lsn()
SELECT pg_postmaster_start_time()
SELECT pg_is_in_recovery() FROM pg_database LIMIT 1
SELECT CASE WHEN pg_is_in_recovery() THEN 1 ELSE 2 END
WITH q AS (SELECT pg_backend_pid() AS pid) SELECT * FROM q
SHOW transaction_read_only
SHOW in_hot_standby
SHOW port
SHOW ALL
SHOW "transaction_read_only"
SHOW "in_hot_standby"
SHOW archive_command
SHOW recovery_min_apply_delay
SHOW primary_slot_name
SHOW wal_keep_size
SHOW hot_standby_feedback
SHOW max_standby_streaming_delay
SHOW log_directory
SHOW ssl_cert_file
SELECT pg_stat_get_db_xact_commit(1)
SELECT pg_stat_get_backend_activity(1)
SELECT * FROM pg_stat_get_wal()
SELECT pg_last_committed_xact()
SELECT (pg_stat_get_archiver()).archived_count
VALUES (pg_is_in_recovery())
SELECT * FROM ROWS FROM (pg_is_in_recovery(), pg_backend_pid()) AS z
SELECT 1 LIMIT (SELECT pg_backend_pid())
SHOW Transaction_Read_Only
SELECT current_setting('transaction_read_only')
SELECT pg_catalog.current_setting('in_hot_standby', true)
SELECT current_setting('port')::int, current_setting('primary_conninfo')
WITH s AS (SELECT current_setting('transaction_read_only') AS x) SELECT x FROM s
"""
MYSQL = """
SELECT @@read_only
SELECT @@global.read_only
SELECT @@super_read_only
SELECT @@server_id, @@hostname
SELECT @@GLOBAL.server_uuid
SELECT @@gtid_slave_pos
SELECT @@global.sort_buffer_size
SELECT CONNECTION_ID()
SELECT connection_id() AS id
SHOW MASTER STATUS
SHOW SLAVE STATUS
SHOW REPLICA STATUS
SHOW BINARY LOGS
SHOW BINARY LOG STATUS
SHOW BINLOG EVENTS
SHOW PROCESSLIST
SHOW FULL PROCESSLIST
SHOW GLOBAL STATUS LIKE 'x'
SHOW VARIABLES LIKE 'read_only'
SHOW GLOBAL VARIABLES
SHOW SLAVE HOSTS
SELECT @@transaction_read_only, @@tx_read_only
SELECT @@session.`tx_read_only`
SELECT @@report_port
SELECT @@log_bin_basename
SELECT @@`relay_log`
SELECT @@wsrep_on
SELECT @@rpl_semi_sync_master_enabled
SELECT @@slave_parallel_mode
SHOW LOCAL VARIABLES
SHOW LOCAL STATUS LIKE 'x'
SHOW INNODB STATUS
SHOW USER_STATISTICS
SHOW CLIENT_STATISTICS
SHOW INDEX_STATISTICS
SHOW QUERY_RESPONSE_TIME
SHOW WSREP_STATUS
SHOW wsrep_membership
SHOW RELAYLOG 'c' EVENTS
SELECT @@general_log_file, @@log_error
SELECT @@secure_file_priv
SELECT @@event_scheduler
SELECT @@sync_binlog
SELECT @@replicate_do_db
SELECT @@extra_port
SELECT @@group_replication_group_name
"""
NOT = """
postgresql SELECT 1
postgresql SELECT version()
postgresql SHOW search_path
postgresql SELECT pg_is_in_recovery() FROM t
postgresql SELECT a FROM t WHERE tenant = current_setting('app.tenant')
postgresql SELECT pg_backend_pid() FROM pg_database, t
mysql SELECT 1
mysql SELECT @@sql_mode
mysql SELECT @@session.time_zone
mysql SELECT @@version
mysql SELECT @@read_only FROM t
mysql SHOW TABLES
mysql SHOW CREATE TABLE t
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("sql", lines(POSTGRESQL))
def test_of_postgresql(sql):
    statement = classify(sql, "postgresql")
    assert (statement.read_only, statement.asks_server) == (True, True)


@pytest.mark.parametrize("sql", lines(MYSQL))
def test_of_mysql(sql):
    statement = classify(sql, "mysql")
    assert (statement.read_only, statement.asks_server) == (True, True)


@pytest.mark.parametrize(
    "call",
    ["pg_walfile_name('0/1')", "pg_walfile_name_offset('0/1')"]
    + ["pg_replication_origin_oid('a')", "pg_current_wal_lsn()"],
)
def test_what_a_replica_refuses_is_no_plain_read(call):
    statement = classify(f"SELECT {call} FROM t", "postgresql")
    assert (statement.read_only, statement.reason.split("(")[0]) == (
        False,
        f"calls {call.partition('(')[0]}",
    )


@pytest.mark.parametrize("line", lines(NOT))
def test_what_every_node_answers_alike_or_asks_for_data_does_not(line):
    dialect, _, sql = line.partition(" ")
    statement = classify(sql, dialect)
    assert (statement.read_only, statement.asks_server) == (True, False)
