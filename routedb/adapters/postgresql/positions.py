"""The queries to a PostgreSQL server for role, position and identity, and answers."""

from __future__ import annotations

from typing import Any

from routedb.topology.snapshot import Answer, Role

# On a replica: what it has replayed, and 0 lag when all it has received is replayed;
# the age of the last replayed commit alone would grow while no session writes. A
# replica that has lost its writer still reports 0: `receive` does not advance either.
#
# A replica learns of a promotion in three steps: what it receives is of the new
# timeline (shown only to superusers and members of pg_read_all_stats), then what it has
# written to disk, then its restart points. It follows a timeline only from a point that
# is in that timeline's history, so the highest of the three is what it replays.
#
# What no other server tells, replicas included, is the microsecond when its postmaster
# was started. (Its address is NULL over a socket, its directory for superusers only.)
_SERVER = """concat_ws(' ',
           extract(epoch FROM pg_catalog.pg_postmaster_start_time()),
           pg_catalog.current_setting('port'))"""
WHICH_SERVER = f"SELECT {_SERVER}"
PROBE = f"""
SELECT r.rec,
       current_setting('server_version'),
       CASE WHEN r.rec THEN pg_last_wal_replay_lsn()
            ELSE pg_current_wal_insert_lsn() END::text,
       CASE WHEN r.rec
            THEN greatest(
                (SELECT timeline_id FROM pg_control_checkpoint()),
                (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                (SELECT received_tli FROM pg_stat_wal_receiver))
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
                 )::bit(32)::int END,
       CASE WHEN NOT r.rec
              OR pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
       END::float,
       (SELECT system_identifier FROM pg_control_system())::text,
       {_SERVER},
       pg_catalog.current_database()::text
FROM (SELECT pg_is_in_recovery() AS rec) AS r
"""


def answer_of(row: tuple[Any, ...]) -> Answer:
    """Return the answer in a row of PROBE."""
    recovering, version, position, timeline, lag_s, system, server, namespace = row
    return Answer(
        Role.REPLICA if recovering else Role.WRITER,
        version.partition(" ")[0],
        position,
        None if timeline is None else str(timeline),
        lag_s,
        system=system,
        server=server,
        namespace=namespace,
    )
